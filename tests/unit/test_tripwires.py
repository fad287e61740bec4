"""What is too good to be true, and beside each wire what is good and true."""

from __future__ import annotations

import pytest

from harness.rule import Metric, Rule
from harness.tripwires import FAMILY, OUT_OF_FAMILY, past_ceiling, suspect_change, suspect_values

SCORE = Metric("score", "maximize", floor=0.5, ceiling=0.99)
SECONDS = Metric("seconds", "minimize", floor=0.01, ceiling=0.001)
COUNT = 2 * FAMILY


def wire(
    metric: Metric, base: float, found: float, gain: float = 0.0, *, largest: float = 1.0, measured: int = 0
) -> str:
    return suspect_values(
        Rule("primary", (metric,)), {metric.name: base}, {metric.name: found}, gain, largest=largest, measured=measured
    )


@pytest.mark.parametrize(
    ("metric", "base", "found", "says"),
    [
        (SCORE, 0.7, 0.98, ""),
        (SCORE, 0.7, 0.99, "ceiling"),
        (SCORE, 0.7, 1.5, "ceiling"),
        (SCORE, 0.7, 0.51, ""),
        (SCORE, 0.7, 0.5, "does nothing"),
        (SCORE, 0.7, 0.2, "does nothing"),
        (SECONDS, 2.0, 0.5, ""),
        (SECONDS, 2.0, 0.01, "does nothing"),
        (SECONDS, 2.0, 0.005, "does nothing"),
        (SECONDS, 2.0, 0.001, "ceiling"),
        (Metric("free", "maximize"), 0.7, 1e9, ""),
    ],
)
def test_values_at_a_limit(metric: Metric, base: float, found: float, says: str) -> None:
    assert bool(wire(metric, base, found)) == bool(says)
    assert says in wire(metric, base, found)


@pytest.mark.parametrize(("value", "past"), [(0.98, False), (0.99, True), (1.0, True)])
def test_a_ceiling_is_no_honest_value(value: float, past: bool) -> None:
    assert past_ceiling(SCORE, value) is past
    assert not past_ceiling(Metric("score", "maximize"), value)


def test_every_metric_is_looked_at() -> None:
    rule = Rule("primary", (SCORE, SECONDS))
    base, found = {"score": 0.7, "seconds": 2.0}, {"score": 0.8, "seconds": 0.0}
    assert "seconds" in suspect_values(rule, base, found, 0.1, largest=0.1, measured=0)


def test_a_gain_out_of_family() -> None:
    free = Metric("free", "maximize")
    assert wire(free, 1, 2, OUT_OF_FAMILY * 1.01, measured=FAMILY)
    assert not wire(free, 1, 2, OUT_OF_FAMILY, measured=FAMILY)
    assert not wire(free, 1, 2, OUT_OF_FAMILY * 1.01, measured=FAMILY - 1)  # too few to know what is usual
    assert not wire(free, 1, 2, 5.0, largest=0.0, measured=FAMILY)  # nothing has moved yet


@pytest.mark.parametrize(
    ("name", "before", "after", "says"),
    [
        ("a.py", "x = 1\n", "x = 1  # faster\n", "comments"),
        ("a.py", "x = 1\n", "x = 1\n\n", "comments"),
        ("a.py", "x = 1\n", "x = 2  # faster\n", ""),
        ("a.py", 's = "# 1"\n', 's = "# 2"\n', ""),
        ("a.py", "if a:\n    b()\nc()\n", "if a:\n    b()\n    c()\n", ""),
        ("a.c", "int x; /* a */\n", "int x; /* b\n c */\n", "comments"),
        ("a.c", "int x = 1; // a\n", "int x = 2; // a\n", ""),
        ("a.py", "seed = 1\n", "seed = 2\n", "seeds"),
        ("a.py", "rng = Random(1)\nx = 1\n", "rng = Random(2)\nx = 2\n", ""),
        ("a.py", "t = perf_counter()\n", "t = monotonic()\n", "timers"),
        ("a.py", "t = perf_counter()\nx = 1\n", "t = monotonic()\nx = 3\n", ""),
        ("a.js", "let t = performance.now()\n", "let t = Date.now()\n", "timers"),
        ("a.yaml", "seed: 1\nrate: 2\n", "seed: 7\nrate: 2\n", "seeds"),
        ("a.yaml", "seed: 1\nrate: 2\n", "seed: 7\nrate: 3\n", ""),
        ("a.yaml", "rate: 2\n", "rate: 2  # a word\n", "comments"),
        ("a.json", '{"random_state": 1, "rate": 2}', '{"random_state": 4, "rate": 2}', "seeds"),
        ("a.txt", "any words\n", "other words\n", ""),
    ],
)
def test_what_alone_a_change_touches(name: str, before: str, after: str, says: str) -> None:
    found = suspect_change(before.encode(), after.encode(), name)
    assert bool(found) == bool(says), found
    assert says in found


def test_what_is_not_text_is_not_judged_by_its_words() -> None:
    assert not suspect_change(b"\xff\xfe", b"\xff\xfd", "a.py")


@pytest.mark.parametrize(
    "key",
    ["seed", "SEED", "seeds", "random_seed", "random-seed", "randomSeed", "rngseed", "seed_2", "seed1", "seed_value",
     "random_state", "randomState", "rng", "rng_state", "default_rng", "nonce"],
)  # fmt: skip
def test_a_changed_seed_by_any_name(key: str) -> None:
    for name, text in (("a.yaml", f"model:\n  {key}: 1\n"), ("a.json", f'{{"model": {{"{key}": 1}}}}')):
        assert "only seeds" in suspect_change(text.encode(), text.replace(": 1", ": 7").encode(), name)
    if "-" not in key:
        assert "only seeds" in suspect_change(f"{key} = 1\n".encode(), f"{key} = 7\n".encode(), "a.py")


@pytest.mark.parametrize(
    "line",
    ["random.seed(1)", "np.random.default_rng(1)", "torch.manual_seed(1)", "seed_everything(1)", "reseed (1)",
     "model = fit(data, seed=1)", "run --random-seed 1", "rng = Random(1)", "  seeds: list[int] = [1]"],
)  # fmt: skip
def test_a_changed_line_that_sets_a_seed(line: str) -> None:
    assert "only seeds" in suspect_change(f"{line}\n".encode(), f"{line.replace('1', '7')}\n".encode(), "a.py")


@pytest.mark.parametrize(
    "key", ["seeds_planted", "seed_funding", "seeded_accounts", "seedlings", "proceeds", "rng_of_values", "nonces_seen"]
)
def test_a_name_that_only_contains_the_word_is_no_seed(key: str) -> None:
    """A weight of a feature that happens to be called so."""
    text = f"weights:\n  {key}: 5\n  other: 5\n"
    assert not suspect_change(text.encode(), text.replace(f"{key}: 5", f"{key}: 9").encode(), "spec.yaml")
    assert not suspect_change(f"{key} = 5\n".encode(), f"{key} = 9\n".encode(), "a.py")


def test_a_seed_beside_a_feature_is_both() -> None:
    before = b"seed: 1\nweights: {seeds_planted: 5}\n"
    assert not suspect_change(before, b"seed: 2\nweights: {seeds_planted: 6}\n", "a.yaml")
    assert "only seeds" in suspect_change(before, b"seed: 2\nweights: {seeds_planted: 5}\n", "a.yaml")
