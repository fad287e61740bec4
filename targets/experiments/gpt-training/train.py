"""Trains a small GPT within a budget of seconds, saves it, and answers with it. The file that an experiment changes.

    python train.py train  --data train.bin --vocabulary V --context T --seconds S --unit cpu --seed N --save model.bin
    python train.py answer --model model.bin --vocabulary V --context T

`train` says "ready" on its standard output, waits for a line, then finds token ids in the data (16 bits each), and has
saved when its seconds are up, or soon after SIGTERM: they count from that line. While it trains it says "step S tokens
T loss L" now and then, L in bits per token. `answer` says "ready" when it is told to start, then finds the model, reads
one line for each batch, "windows tokens base64 of ids", and answers one line, base64 of float16 logits: windows,
tokens, V.
"""

import argparse
import base64
import math
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention

# The model. `# tune: choices` may be changed by a proposer without a mind.
DEPTH = 4  # tune: 2, 3, 4, 6
WIDTH = 128  # tune: 64, 128, 192, 256
HEAD = 64
MLP = 4
WINDOW = 256  # tokens that every other block looks back on
SCALE = 0.15  # of attention, in which queries and keys have length 1 by root of HEAD
SOFTCAP = 15.0
VALUE_EMBEDDINGS = True
SMEAR = True  # the embedding of the token before is mixed in

# How it learns.
BATCH = 4  # tune: 2, 4, 8
MATRIX_RATE = 0.02  # tune: 0.0005 to 0.1, by its logarithm
EMBEDDING_RATE = 0.02  # tune: 0.0005 to 0.2, by its logarithm
HEAD_RATE = 0.004  # tune: 0.0001 to 0.05, by its logarithm
SCALAR_RATE = 0.02
MOMENTUM = 0.9  # tune: 0.8, 0.9, 0.95
WEIGHT_DECAY = 0.0
ORTHOGONALISING = 4
WARM_DOWN = 0.6  # tune: 0.3 to 0.9
LAST_RATE = 0.05

ON_GPU = {"DEPTH": 2, "WIDTH": 6, "HEAD": 2, "WINDOW": 2, "BATCH": 16}  # what each is multiplied by there
DONE = 0.98  # of the budget; the rest is for saving
SAVES = 20.0  # seconds from one checkpoint to the next
SAYS = 0.025  # of the budget, from one line on its loss to the next


def normed(x: Tensor) -> Tensor:
    return functional.rms_norm(x, (x.size(-1),))


class Matrix(nn.Linear):
    """Kept in 32 bits, multiplied in those of its input."""

    def __init__(self, inputs: int, outputs: int, zero: bool = False) -> None:
        super().__init__(inputs, outputs, bias=False)
        if zero:
            nn.init.zeros_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.weight.to(x.dtype))


class Rotary(nn.Module):
    """Half of each head turns with the place of its token, the slowest parts of it not at all."""

    def __init__(self, context: int) -> None:
        super().__init__()
        turns = 1.0 / 1024 ** torch.linspace(0, 1, HEAD // 4)
        angles = torch.outer(torch.arange(context).float(), torch.cat([turns, torch.zeros(HEAD // 4)]))
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:  # (batch, heads, tokens, HEAD)
        one, other = x.chunk(2, dim=-1)
        cos, sin = (table[: x.size(-2)].to(x.dtype) for table in (self.cos, self.sin))
        return torch.cat([one * cos + other * sin, other * cos - one * sin], dim=-1)


def mask_of(window: int, context: int, card: bool) -> Tensor | BlockMask | None:
    """What `attend` needs to look back on so many tokens: on a card a shape for its kernels, else what is added."""
    if card:
        near = lambda _b, _h, q, k: (q >= k) & (q - k < window)  # noqa: E731
        return create_block_mask(near, None, None, context, context, device="cuda") if window < context else None
    at = torch.arange(context)
    back = at[:, None] - at[None, :]
    return torch.where((back >= 0) & (back < window), 0.0, -1e4)


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | BlockMask | None) -> Tensor:
    if mask is None:
        return functional.scaled_dot_product_attention(q, k, v, is_causal=True, scale=SCALE)
    if isinstance(mask, BlockMask):
        return flex_attention(q, k, v, block_mask=mask, scale=SCALE)
    t = q.size(-2)  # on a processor this is the fastest way for windows as short as ours
    return torch.softmax((q * SCALE) @ k.mT + mask[:t, :t].to(q), dim=-1) @ v


class Block(nn.Module):
    def __init__(self, valued: bool) -> None:
        super().__init__()
        self.qkv = Matrix(WIDTH, 3 * WIDTH)
        self.out = Matrix(WIDTH, WIDTH, zero=True)
        self.up = Matrix(WIDTH, MLP * WIDTH)
        self.down = Matrix(MLP * WIDTH, WIDTH, zero=True)
        self.mix = nn.Parameter(torch.tensor([1.0, 0.5 if valued else 0.0]))
        self.skip = nn.Parameter(torch.tensor([1.0, 0.0]))

    def forward(
        self, x: Tensor, first: Tensor, value: Tensor | None, rotary: Rotary, mask: Tensor | BlockMask | None
    ) -> Tensor:
        b, t, _ = x.shape
        mix, skip = self.mix.to(x.dtype), self.skip.to(x.dtype)
        x = skip[0] * x + skip[1] * first
        q, k, v = self.qkv(normed(x)).view(b, t, 3, -1, HEAD).permute(2, 0, 3, 1, 4)
        if value is not None:
            v = mix[0] * v + mix[1] * value.view(b, t, -1, HEAD).transpose(1, 2)
        seen = attend(rotary(normed(q)), rotary(normed(k)), v, mask)
        x = x + self.out(seen.transpose(1, 2).reshape(b, t, WIDTH))
        return x + self.down(functional.relu(self.up(normed(x))).square())


class GPT(nn.Module):
    """card: whether it trains on one; narrow: the numbers that it computes in."""

    def __init__(self, vocabulary: int, context: int, card: bool = False, narrow: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.narrow = narrow
        self.embedding = nn.Embedding(vocabulary, WIDTH)
        self.smear = nn.Parameter(torch.zeros(WIDTH))
        self.valued = [VALUE_EMBEDDINGS and index in (0, DEPTH - 1) for index in range(DEPTH)]
        self.values = nn.ModuleList(nn.Embedding(vocabulary, WIDTH) for one in self.valued if one)
        self.blocks = nn.ModuleList(Block(one) for one in self.valued)
        self.head = Matrix(WIDTH, vocabulary, zero=True)
        self.usual = nn.Parameter(torch.zeros(vocabulary))
        self.rotary = Rotary(context)
        self.near, self.far = (mask_of(window, context, card) for window in (WINDOW, context))

    def forward(self, ids: Tensor) -> Tensor:
        """Logits, (batch, tokens, vocabulary)."""
        x = self.embedding(ids)
        if SMEAR:
            x = x + self.smear * functional.pad(x, (0, 0, 1, -1))
        x = first = normed(x).to(self.narrow)
        values = iter([table(ids).to(self.narrow) for table in self.values])
        for index, (block, valued) in enumerate(zip(self.blocks, self.valued, strict=True)):
            x = block(x, first, next(values) if valued else None, self.rotary, self.far if index % 2 else self.near)
        logits = self.head(normed(x)) + self.usual.to(x.dtype)
        return SOFTCAP * torch.tanh(logits / SOFTCAP) if SOFTCAP else logits

    @torch.no_grad()
    def count(self, tokens: np.ndarray) -> None:
        """It begins with how usual each token is, which nobody need learn by steps."""
        often = np.bincount(tokens, minlength=len(self.usual)) + 0.5
        self.usual.copy_(torch.from_numpy(np.log(often / often.mean())))


def orthogonal(update: Tensor) -> Tensor:
    """The nearest matrices whose singular values are about 1, by a fifth-order Newton-Schulz iteration."""
    tall = update.size(-2) > update.size(-1)
    x = update.mT if tall else update
    for _ in range(ORTHOGONALISING):
        square = x @ x.mT
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Momentum whose step is made orthogonal: for the matrices between embedding and head, all of one shape at once."""

    def __init__(self, matrices: list[nn.Parameter], rate: float, narrow: torch.dtype, card: bool) -> None:
        shapes = sorted({tuple(p.shape) for p in matrices})
        super().__init__([{"params": [p for p in matrices if tuple(p.shape) == one]} for one in shapes], {"lr": rate})
        self.narrow, self.made = narrow, torch.compile(orthogonal, dynamic=False) if card else orthogonal

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            params = group["params"]
            grads = torch.stack([p.grad for p in params])
            kept = self.state[params[0]].setdefault("momentum", torch.zeros_like(grads))
            kept.lerp_(grads, 1 - MOMENTUM)
            update = grads.lerp_(kept, MOMENTUM)
            if update.size(1) == 3 * update.size(2):  # queries, keys, values
                update = update.view(-1, update.size(2), update.size(2))
            update = update / (update.norm(dim=(-2, -1), keepdim=True) + 1e-7)
            size = group["lr"] * max(1, update.size(1) / update.size(2)) ** 0.5
            step = self.made(update.to(self.narrow)).to(grads.dtype).view_as(grads)
            torch._foreach_mul_(params, 1 - group["lr"] * WEIGHT_DECAY)
            torch._foreach_add_(params, list(step), alpha=-size)


def optimisers(model: GPT, card: bool) -> list[torch.optim.Optimizer]:
    matrices = [p for p in model.blocks.parameters() if p.ndim == 2]
    scalars = [*(p for p in model.blocks.parameters() if p.ndim < 2), model.smear]
    groups = [
        {"params": [model.embedding.weight, *model.values.parameters()], "lr": EMBEDDING_RATE},
        {"params": [model.head.weight, model.usual], "lr": HEAD_RATE},
        {"params": scalars, "lr": SCALAR_RATE},
    ]
    adam = torch.optim.AdamW(groups, betas=(0.8, 0.95), eps=1e-10, weight_decay=0.0, fused=True)
    return [adam, Muon(matrices, MATRIX_RATE, model.narrow, card)]


class Training:
    """A model with what it learns by. Compiles on a card, and makes its first step with nothing, before it is asked."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.card = given.device == "cuda"
        self.device, self.context, self.vocabulary = given.device, given.context, given.vocabulary
        torch.manual_seed(given.seed)
        self.model = GPT(given.vocabulary, given.context, self.card, narrowest(self.card)).to(given.device)
        self.learning = optimisers(self.model, self.card)
        self.rates = [(group, group["lr"]) for one in self.learning for group in one.param_groups]
        self.loss = torch.compile(self._loss, dynamic=False) if self.card else self._loss
        begun = {name: value.clone() for name, value in self.model.state_dict().items()}
        for _ in range(3 if self.card else 1):
            self.step(torch.randint(given.vocabulary, (BATCH, given.context + 1), device=given.device), 1.0).item()
        self.model.load_state_dict(begun)
        for one in self.learning:
            one.state.clear()

    def _loss(self, ids: Tensor) -> Tensor:
        before, after = ids[:, :-1].contiguous(), ids[:, 1:].contiguous()
        return functional.cross_entropy(self.model(before).flatten(0, 1).float(), after.flatten())

    def step(self, ids: Tensor, rate: float) -> Tensor:
        loss = self.loss(ids)
        loss.backward()
        for group, first in self.rates:
            group["lr"] = first * rate
        for one in self.learning:
            one.step()
            one.zero_grad(set_to_none=True)
        return loss.detach()

    def flops(self) -> float:
        """For a token, forward and backward: each matrix once, and what attention looks at."""
        matrices = sum(p.numel() for p in self.model.blocks.parameters()) + self.model.head.weight.numel()
        half = self.context / 2
        looks = sum(half if index % 2 else min(WINDOW, half) for index in range(DEPTH))
        return 6 * matrices + 12 * WIDTH * looks

    def save(self, to: str) -> None:
        state = self.model.state_dict()
        if self.card:  # half the bytes, and no more was computed with
            state = {
                name: value.to(torch.bfloat16 if value.dtype == torch.float32 else value.dtype)
                for name, value in state.items()
            }
        part = Path(f"{to}.part")
        torch.save({"card": self.card, "state": state}, part)
        part.replace(to)


def narrowest(card: bool) -> torch.dtype:
    """16 bits where the machine multiplies them faster."""
    able = torch.cpu.get_capabilities()
    return torch.bfloat16 if card or able.get("avx512_bf16") or able.get("amx_bf16") else torch.float32


def batches(data: Tensor, context: int, seed: int) -> Iterator[Tensor]:
    """All windows in an order drawn by chance, then all again, cut elsewhere."""
    chance = np.random.default_rng(seed)
    along = torch.arange(context + 1, device=data.device)
    starts = np.array([], dtype=np.int64)
    while True:
        while len(starts) < BATCH:
            cut = np.arange(chance.integers(context), len(data) - context, context)
            starts = np.concatenate([starts, chance.permutation(cut)])
        chosen, starts = torch.from_numpy(starts[:BATCH]), starts[BATCH:]
        yield data[chosen.to(data.device)[:, None] + along].long()


def train(given: argparse.Namespace) -> None:
    clock: Callable[[], float] = time.process_time if given.unit == "cpu" else time.monotonic
    stopped: list[bool] = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    training = Training(given)
    print("ready", flush=True)
    sys.stdin.readline()
    began = clock()
    tokens = np.fromfile(given.data, dtype="<u2")
    training.model.count(tokens)
    data = torch.from_numpy(tokens.astype(np.int32)).to(given.device)
    print(f"flops {training.flops():.0f}", flush=True)
    steps, since, total = 0, 0, torch.zeros((), device=given.device)
    says, saves, ahead = 0.0, SAVES, deque[torch.cuda.Event]()
    for ids in batches(data, given.context, given.seed):
        spent = clock() - began
        share = spent / (DONE * given.seconds)
        if stopped or share >= 1:
            break
        rate = min(1.0, LAST_RATE + (1 - LAST_RATE) * (1 - share) / WARM_DOWN)
        total += training.step(ids, rate)
        steps, since = steps + 1, since + 1
        if training.card:  # the clock here runs ahead of the card by two steps, no more
            ahead.append(torch.cuda.Event())
            ahead[-1].record()
            if len(ahead) > 2:
                ahead.popleft().synchronize()
        if share >= says:
            loss = total.item() / since / math.log(2)
            print(f"step {steps} tokens {steps * ids[:, 1:].numel()} loss {loss:.4f}", flush=True)
            says, since, total = share + SAYS, 0, torch.zeros_like(total)
        if spent >= saves:
            training.save(given.save)
            saves = spent + SAVES
    training.save(given.save)
    if training.card:
        print(f"at most {torch.cuda.max_memory_allocated() / 1e6:.0f} MB on the card", file=sys.stderr)
    print(f"{steps} steps, {steps * BATCH * given.context:,} tokens", file=sys.stderr)


@torch.inference_mode()
def answer(given: argparse.Namespace) -> None:
    model = None
    for line in sys.stdin:
        if len(line.split()) != 3:
            GPT(given.vocabulary, given.context).to(given.device)(
                torch.zeros((1, 8), dtype=torch.long, device=given.device)
            )
            print("ready", flush=True)
            continue
        if model is None:
            model = GPT(given.vocabulary, given.context)
            model.load_state_dict(torch.load(given.model, map_location="cpu")["state"])
            model.to(given.device)
        windows, tokens, ids = line.split()
        asked = np.frombuffer(base64.b64decode(ids), dtype="<u2").astype(np.int64).reshape(int(windows), int(tokens))
        logits = model(torch.from_numpy(asked).to(given.device)).to(torch.float16).cpu().numpy()
        sys.stdout.buffer.write(base64.b64encode(logits.tobytes()) + b"\n")
        sys.stdout.buffer.flush()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["train", "answer"])
    for name in ("--data", "--model", "--save"):
        parser.add_argument(name)
    parser.add_argument("--unit", choices=["cpu", "wall"], default="cpu")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--seconds", type=float, default=10)
    for name, value in (("--vocabulary", 0), ("--context", 256), ("--seed", 0), ("--threads", 1)):
        parser.add_argument(name, type=int, default=value)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.device == "cuda":
        globals().update({name: globals()[name] * times for name, times in ON_GPU.items()})
    train(given) if given.what == "train" else answer(given)


if __name__ == "__main__":
    main()
