"""How well a model keeps to the house's rules with one system prompt: rules decide, no model judges."""

from __future__ import annotations

import rubric

from harness import evaluator, model
from harness.candidate import load


def main() -> None:
    run = evaluator.settings()
    prompt = run.file.read_text(encoding="utf-8", errors="replace")
    cases = load(f"data/{run.split}.yaml")
    replies = model.ask([model.Question(case["user"], system=prompt) for case in cases])
    texts = [reply.value["text"] if reply.value else None for reply in replies]
    kept = [[rubric.held(text, check) for check in case["checks"]] for case, text in zip(cases, texts, strict=True)]
    shares = [mean(case) for case in kept]
    evaluator.report(
        {"rubric": mean(shares), "perfect": mean([all(case) for case in kept]), "words": float(len(prompt.split()))},
        parts={f"kept_{kind}": mean(of(kind, cases, kept)) for kind in rubric.KINDS},
        rows={"rubric": [shares]},
    )


def of(kind: str, cases: list[dict], kept: list[list[bool]]) -> list[bool]:
    """What became of every check of a kind."""
    pairs = [pair for case, found in zip(cases, kept, strict=True) for pair in zip(case["checks"], found, strict=True)]
    return [held for check, held in pairs if kind in check]


def mean(values: list) -> float:
    return sum(values) / len(values)


if __name__ == "__main__":
    main()
