"""A GPT as textbooks have it, to hold train.py against: learned positions, LayerNorm, GELU, AdamW, warm-up and cosine.

Started as the target's train.py is: see targets/experiments/gpt-training/program.md. What was
tried for its rate: docs/gpt-training-choices.md.
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

DEPTH, WIDTH, HEADS = 4, 128, 4
BATCH_TOKENS = 1_024
RATE = 0.002
WEIGHT_DECAY = 0.1
WARM_UP = 0.05
LAST_RATE = 0.05
DONE = 0.98


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.before_attention, self.before_mlp = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        b, t, _ = x.shape
        q, k, v = self.qkv(self.before_attention(x)).view(b, t, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(seen.transpose(1, 2).reshape(b, t, WIDTH))
        return x + self.mlp(self.before_mlp(x))


class GPT(nn.Module):
    def __init__(self, vocabulary: int, context: int) -> None:
        super().__init__()
        self.embedding, self.places = nn.Embedding(vocabulary, WIDTH), nn.Embedding(context, WIDTH)
        self.blocks = nn.Sequential(*(Block() for _ in range(DEPTH)))
        self.last = nn.LayerNorm(WIDTH)
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                last = name.endswith(("out.weight", "mlp.2.weight"))
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * DEPTH) if last else 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.embedding(ids) + self.places.weight[: ids.size(1)]
        return functional.linear(self.last(self.blocks(x)), self.embedding.weight)


def train(given: argparse.Namespace) -> None:
    clock = time.process_time if given.unit == "cpu" else time.monotonic
    stopped: list[bool] = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    torch.manual_seed(given.seed)
    chance = np.random.default_rng(given.seed)
    model = GPT(given.vocabulary, given.context)
    batch = BATCH_TOKENS // given.context
    decayed = [p for p in model.parameters() if p.ndim == 2]
    others = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]
    learning = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.95), fused=True)

    def step(ids: Tensor, rate: float) -> float:
        loss = functional.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in learning.param_groups:
            group["lr"] = RATE * rate
        learning.step()
        learning.zero_grad(set_to_none=True)
        return loss.item() / math.log(2)

    step(torch.randint(given.vocabulary, (batch, given.context + 1)), 0.0)  # what PyTorch does once, it does here
    learning.state.clear()
    print("ready", flush=True)
    sys.stdin.readline()
    began = clock()
    data = torch.from_numpy(np.fromfile(given.data, dtype="<u2").astype(np.int64))
    along = torch.arange(given.context + 1)
    steps, says = 0, 0.0
    while not stopped and (share := (clock() - began) / (DONE * given.seconds)) < 1:
        cosine = LAST_RATE + (1 - LAST_RATE) * (1 + math.cos(math.pi * share)) / 2
        starts = torch.from_numpy(chance.integers(len(data) - given.context, size=batch))
        loss = step(data[starts[:, None] + along], min(share / WARM_UP, cosine))
        steps += 1
        if share >= says:
            print(f"step {steps} tokens {steps * batch * given.context} loss {loss:.4f}", flush=True)
            says = share + 0.025
    part = Path(f"{given.save}.part")
    torch.save(model.state_dict(), part)
    part.replace(given.save)
    print(f"{steps} steps", file=sys.stderr)


@torch.inference_mode()
def answer(given: argparse.Namespace) -> None:
    model = GPT(given.vocabulary, given.context)
    loaded = False
    for line in sys.stdin:
        if len(line.split()) != 3:
            model(torch.zeros((1, 8), dtype=torch.long))
            print("ready", flush=True)
            continue
        if not loaded:
            model.load_state_dict(torch.load(given.model))
            loaded = True
        windows, tokens, ids = line.split()
        asked = np.frombuffer(base64.b64decode(ids), dtype="<u2").astype(np.int64).reshape(int(windows), int(tokens))
        logits = model(torch.from_numpy(asked)).to(torch.float16).numpy()
        sys.stdout.buffer.write(base64.b64encode(logits.tobytes()) + b"\n")
        sys.stdout.buffer.flush()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["train", "answer"])
    for name in ("--data", "--model", "--save", "--device"):
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
