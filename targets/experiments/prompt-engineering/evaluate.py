"""Accuracy of one prompt: the model that target.yaml names sorts each message, and a human has said what is right."""

from __future__ import annotations

import json
from pathlib import Path

from harness import evaluator, model

INTENTS = ("account", "billing", "cancel", "delivery", "product", "returns")


def main() -> None:
    run = evaluator.settings()
    prompt = run.file.read_text(encoding="utf-8", errors="replace")
    cases = [json.loads(line) for line in Path("data", f"{run.split}.jsonl").read_text(encoding="utf-8").splitlines()]
    questions = [model.Question(case["message"], system=prompt) for case in cases]
    replies = model.ask(questions, {"intent": {"type": "string", "enum": list(INTENTS)}})
    hits = [
        float(reply.value is not None and reply.value["intent"] == case["intent"])
        for case, reply in zip(cases, replies, strict=True)
    ]
    evaluator.report(
        {"accuracy": mean(hits), "words": float(len(prompt.split()))},
        parts={f"right_{intent}": mean(of(intent, cases, hits)) for intent in INTENTS},
        rows={"accuracy": [hits]},
    )


def of(intent: str, cases: list[dict[str, str]], hits: list[float]) -> list[float]:
    return [hit for case, hit in zip(cases, hits, strict=True) if case["intent"] == intent]


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


if __name__ == "__main__":
    main()
