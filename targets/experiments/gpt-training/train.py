"""Trains a small GPT within a budget of seconds, saves it, and answers with it. The file that an experiment changes.

    python train.py train  --data train.bin --vocabulary V --context T --seconds S --unit cpu --seed N --save model.bin
    python train.py answer --model model.bin --vocabulary V --context T

`train` says "ready" on its standard output, waits for a line, then finds token ids in the data (16 bits each), and has
saved when its seconds are up, or soon after SIGTERM: they count from that line. `answer` reads one line for each batch,
"windows tokens base64 of ids", and answers one line, base64 of float16 logits: windows, tokens, V.
"""

import argparse
import base64
import math
import signal
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

# The model. `# tune: choices` may be changed by a proposer without a mind.
DEPTH = 4  # tune: 2, 3, 4, 6
WIDTH = 128  # tune: 96, 128, 192, 256
HEAD = 32  # tune: 16, 32, 64
MLP = 4  # tune: 2, 3, 4
WINDOW = 128  # tune: 32, 64, 128, 256
SOFTCAP = 15.0  # tune: 8.0, 15.0, 30.0
VALUE_EMBEDDINGS = True  # tune: True, False

# How it learns.
BATCH = 4  # tune: 2, 4, 8, 16
MATRIX_RATE = 0.02  # tune: 0.005 to 0.08, by its logarithm
EMBEDDING_RATE = 0.02  # tune: 0.002 to 0.1, by its logarithm
HEAD_RATE = 0.004  # tune: 0.0005 to 0.03, by its logarithm
MOMENTUM = 0.9  # tune: 0.8, 0.85, 0.9, 0.95
WEIGHT_DECAY = 0.0  # tune: 0.0, 0.01, 0.1
ORTHOGONALISING = 4  # tune: 3, 4, 5
WARM_DOWN = 0.6  # tune: 0.3 to 0.9
LAST_RATE = 0.05  # tune: 0.0, 0.05, 0.1
DONE = 0.95  # of the budget; the rest is for saving


def normed(x: Tensor) -> Tensor:
    return functional.rms_norm(x, (x.size(-1),))


class Rotary(nn.Module):
    def __init__(self, context: int) -> None:
        super().__init__()
        turns = 1.0 / 1024 ** torch.linspace(0, 1, HEAD // 4)
        angles = torch.outer(torch.arange(context).float(), torch.cat([turns, torch.zeros(HEAD // 4)]))
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:  # (batch, heads, tokens, HEAD)
        one, other = x.chunk(2, dim=-1)
        cos, sin = self.cos[: x.size(-2)], self.sin[: x.size(-2)]
        return torch.cat([one * cos + other * sin, other * cos - one * sin], dim=-1)


class Block(nn.Module):
    def __init__(self, short: bool, valued: bool) -> None:
        super().__init__()
        self.short = short
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.out = nn.Linear(WIDTH, WIDTH, bias=False)
        self.up = nn.Linear(WIDTH, MLP * WIDTH, bias=False)
        self.down = nn.Linear(MLP * WIDTH, WIDTH, bias=False)
        self.mix = nn.Parameter(torch.tensor([1.0, 0.5 if valued else 0.0]))
        self.skip = nn.Parameter(torch.tensor([1.0, 0.0]))
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.down.weight)

    def forward(
        self, x: Tensor, first: Tensor, value: Tensor | None, rotary: Rotary, masks: tuple[Tensor, Tensor]
    ) -> Tensor:
        x = self.skip[0] * x + self.skip[1] * first
        b, t, _ = x.shape
        q, k, v = self.qkv(normed(x)).view(b, t, 3, -1, HEAD).permute(2, 0, 3, 1, 4)
        if value is not None:
            v = self.mix[0] * v + self.mix[1] * value.view(b, t, -1, HEAD).transpose(1, 2)
        q, k = rotary(normed(q)), rotary(normed(k))
        seen = functional.scaled_dot_product_attention(q, k, v, attn_mask=masks[not self.short], scale=0.15)
        x = x + self.out(seen.transpose(1, 2).reshape(b, t, WIDTH))
        return x + self.down(functional.relu(self.up(normed(x))).square())


class GPT(nn.Module):
    def __init__(self, vocabulary: int, context: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, WIDTH)
        valued = [VALUE_EMBEDDINGS and index in (0, DEPTH - 1) for index in range(DEPTH)]
        self.values = nn.ModuleList(nn.Embedding(vocabulary, WIDTH) for one in valued if one)
        self.blocks = nn.ModuleList(Block(index % 2 == 0, one) for index, one in enumerate(valued))
        self.head = nn.Linear(WIDTH, vocabulary, bias=False)
        nn.init.zeros_(self.head.weight)
        self.rotary = Rotary(context)
        at = torch.arange(context)
        before = at[:, None] - at[None, :]
        self.register_buffer("far", before >= 0, persistent=False)
        self.register_buffer("near", (before >= 0) & (before < WINDOW), persistent=False)
        self.valued = valued

    def forward(self, ids: Tensor) -> Tensor:
        t = ids.size(1)
        masks = (self.near[:t, :t], self.far[:t, :t])
        x = first = normed(self.embedding(ids))
        values = iter([table(ids) for table in self.values])
        for block, valued in zip(self.blocks, self.valued, strict=True):
            x = block(x, first, next(values) if valued else None, self.rotary, masks)
        return SOFTCAP * torch.tanh(self.head(normed(x)) / SOFTCAP)


def orthogonal(update: Tensor) -> Tensor:
    """The nearest matrix whose singular values are about 1, by a fifth-order Newton-Schulz iteration."""
    x = update / (update.norm() + 1e-7)
    tall = x.size(0) > x.size(1)
    x = x.T if tall else x
    for _ in range(ORTHOGONALISING):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return x.T if tall else x


class Muon(torch.optim.Optimizer):
    """Momentum whose step is made orthogonal: for the matrices between embedding and head."""

    def __init__(self, matrices: list[nn.Parameter], rate: float) -> None:
        super().__init__(matrices, {"lr": rate})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                kept = self.state[p].setdefault("momentum", torch.zeros_like(p))
                kept.lerp_(p.grad, 1 - MOMENTUM)
                update = p.grad.lerp(kept, MOMENTUM)
                parts = update.chunk(3) if update.size(0) == 3 * update.size(1) else (update,)
                step = torch.cat([orthogonal(part) for part in parts])
                p.mul_(1 - group["lr"] * WEIGHT_DECAY)
                p.add_(step, alpha=-group["lr"] * max(1, p.size(0) / p.size(1)) ** 0.5)


def optimisers(model: GPT) -> list[torch.optim.Optimizer]:
    matrices = [p for p in model.blocks.parameters() if p.ndim == 2]
    scalars = [p for p in model.blocks.parameters() if p.ndim < 2]
    tables = [model.embedding.weight, *(table.weight for table in model.values)]
    groups = [
        {"params": tables, "lr": EMBEDDING_RATE},
        {"params": [model.head.weight], "lr": HEAD_RATE},
        {"params": scalars, "lr": EMBEDDING_RATE},
    ]
    return [torch.optim.AdamW(groups, betas=(0.8, 0.95), eps=1e-10, weight_decay=0.0), Muon(matrices, MATRIX_RATE)]


def train(given: argparse.Namespace) -> None:
    clock = time.process_time if given.unit == "cpu" else time.monotonic
    stopped: list[bool] = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    print("ready", flush=True)
    sys.stdin.readline()
    began = clock()
    torch.manual_seed(given.seed)
    chance = np.random.default_rng(given.seed)
    data = torch.from_numpy(np.fromfile(given.data, dtype="<u2").astype(np.int64))
    model = GPT(given.vocabulary, given.context)
    learning = optimisers(model)
    for one in learning:
        for group in one.param_groups:
            group["first"] = group["lr"]
    steps, starts = 0, np.array([], dtype=np.int64)
    while not stopped:
        share = (clock() - began) / (DONE * given.seconds)
        if share >= 1:
            break
        if len(starts) < BATCH:
            offset = chance.integers(given.context)
            starts = chance.permutation(np.arange(offset, len(data) - given.context - 1, given.context))
        chosen, starts = starts[:BATCH], starts[BATCH:]
        ids = torch.stack([data[at : at + given.context + 1] for at in chosen])
        loss = functional.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
        loss.backward()
        rate = 1.0 if share < 1 - WARM_DOWN else LAST_RATE + (1 - LAST_RATE) * (1 - share) / WARM_DOWN
        for one in learning:
            for group in one.param_groups:
                group["lr"] = group["first"] * rate
            one.step()
            one.zero_grad(set_to_none=True)
        steps += 1
        if steps % 50 == 1:
            print(f"step {steps} loss {loss.item() / math.log(2):.3f} bits at {share:.0%}", file=sys.stderr)
    part = Path(f"{given.save}.part")
    torch.save(model.state_dict(), part)
    part.replace(given.save)
    print(f"{steps} steps, {steps * BATCH * given.context:,} tokens", file=sys.stderr)


@torch.inference_mode()
def answer(given: argparse.Namespace) -> None:
    model = GPT(given.vocabulary, given.context)
    model.load_state_dict(torch.load(given.model))
    for line in sys.stdin:
        windows, tokens, ids = line.split()
        asked = np.frombuffer(base64.b64decode(ids), dtype="<u2").astype(np.int64).reshape(int(windows), int(tokens))
        logits = model(torch.from_numpy(asked)).to(torch.float16).numpy()
        sys.stdout.write(base64.b64encode(logits.tobytes()).decode() + "\n")
        sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["train", "answer"])
    for name in ("--data", "--model", "--save"):
        parser.add_argument(name)
    parser.add_argument("--unit", choices=["cpu", "wall"], default="cpu")
    parser.add_argument("--seconds", type=float, default=10)
    for name, value in (("--vocabulary", 0), ("--context", 256), ("--seed", 0), ("--threads", 1)):
        parser.add_argument(name, type=int, default=value)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    train(given) if given.what == "train" else answer(given)


if __name__ == "__main__":
    main()
