"""Invented nights for tests of pages, written by the code that writes real ones, with numbers that agree."""

from __future__ import annotations

import functools
import math
import random
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness import error_budget, events, folds, intervals
from harness.decide import Keep, Measure, Measured, Pair, Share, State, decide, step
from harness.error_budget import ErrorBudget
from harness.events import Segment, SegmentWriter
from harness.rule import Metric, Rule, Tolerance

NIGHT = "2026-11-21"
BASE = b"weights:\n  recency: 5\n  basket: 5\n  gap: 5\n"
HOSTILE = (
    "``` </details> <script>alert(1)</script> [x](javascript:1) @octocat closes #1 | a | b "
    "\u202egnp.exe \x1b[31m ::set-output name=x::y\n## heading ![i](http://x) `code` ```` fence"
)
CEILING = "auc 0.999 reaches 0.99, the ceiling that target.yaml declares; auc +0.208"
TOO_LARGE = "a gain more than 10 times as large as any before"
REMOVED = {"change": "cache: 3 -> 9", "gain": 0.0004, "low": -0.0011, "why": "unproven"}


def night(
    folder: Path, name: str = "churn-risk", *, verdict: str = "confirmed", holdout: bool = True, why: str = "",
    text: str = "recency 5 -> 19", goal: str = "maximize", owner: str | None = None, rows: int = 3, tries: int = 40,
    look: int | None = 7, held: float = 0.0162, suspects: int = 0, keeps: bool = True,
    removed: dict[str, Any] | None = None, private: bool = False, date: str = NIGHT,
) -> list[Segment]:  # fmt: skip
    """The segments of a night without noise. held: the held-out gain; suspects: how many tries were too good."""
    rule = Rule(
        "primary",
        (Metric("auc", goal), Metric("capture", "maximize", guard=Tolerance(0.05, True)), Metric("hhi", "minimize")),
    )
    header = _header(name, rule, tries, owner=owner, sample=holdout) | {"night": date}
    if private:
        header |= {"private": True}
    writer = SegmentWriter(folder / name, f"{date}.1-run", events.GENESIS, {"verb": "run", **header})
    sign, value_now, chance = (1 if goal == "maximize" else -1), 0.7912, random.Random(3)
    start = {"auc": value_now, "capture": 0.71, "hhi": 3953.0}
    writer.append([{
        "event": "baseline", "blob": "b" * 40, "canon": "base", "complexity": 3, "metrics": start, "parts": {},
        "content": writer.content(BASE, None), "repeat": "identical", "elapsed": 0.5, "seconds": 0.1,
    }])  # fmt: skip
    content = BASE
    for number in range(1, tries + 1):
        suspect = number <= suspects
        keep, crash = keeps and number % 9 == 0, number % 13 == 0
        gain = 0.208 if suspect else chance.uniform(0.001, 0.004) if keep else -chance.uniform(0, 0.02)
        metrics = {"auc": value_now + sign * gain, "capture": 0.70, "hhi": 3990.0}
        changed = BASE.replace(b"recency: 5", b"recency: %d" % number)
        status, reason = ("keep", "better") if keep else ("crash", "timeout") if crash else ("discard", "worse")
        writer.append([{
            "event": "experiment", "id": number, "blob": f"{number:040x}", "canon": str(number), "parent": "b" * 40,
            "complexity": 3, "content": writer.content(changed, content), "description": text, "status": status,
            "reason": "suspect" if suspect else reason, "why": CEILING if suspect and text != HOSTILE else text,
            "metrics": {} if crash and not keep else metrics, "parts": {}, "gain": gain,
            "cost_usd": 0.0, "seconds": 0.1, "elapsed": 0.5 + number / 10,
        }])  # fmt: skip
        if keep:
            content, value_now = changed, metrics["auc"]
    writer.seal("experiments")
    first = events.read(folder / name / f"{date}.1-run.jsonl")
    if not verdict:
        return [first]
    if not keeps:
        return [first, _confirm(folder, name, header, first, {"verdict": verdict, "why": why, "seconds": 0.2})]
    head = {"auc": value_now, "capture": 0.70, "hhi": 3990.0}
    adds = (value_now - 0.7912) * sign / rows
    confirm: dict[str, Any] = {
        "head": "h" * 40, "base": "b" * 40, "claimed": head,
        "search": {"base": start, "head": head}, "claimed_gain": adds * rows,
        "repeat": "identical", "verdict": verdict, "why": why, "seconds": 1.5,
    }  # fmt: skip
    if removed:
        says = f"{rows + 1} parts left out one by one, 2 rounds: 1 removed as unproven in the stack"
        confirm["ablation"] = {
            "how": "leave-one-out", "rounds": 2, "measured": rows + 1, "says": says,
            "removed": [{**removed, "experiments": [27]}],
        }  # fmt: skip
    if holdout:
        confirm["holdout"] = {
            "metric": "auc", "base": {**start, "auc": 0.7885}, "head": {**head, "auc": 0.7885 + sign * held},
            "gain": held, "low": held - 0.0071, "high": held + 0.0071, "rows": 11785, "confidence": 0.95,
        }  # fmt: skip
        if look:
            confirm["holdout"] |= {
                "id": "e" * 64, "look": look, "looks": 20, "lower": held - 0.0102, "detectable": 0.0132
            }  # fmt: skip
    if verdict == "confirmed":
        confirm["rows"] = [
            {"number": n, "change": text if text != "recency 5 -> 19" else f"feature_{n}: 5 -> {n + 6}", "adds": adds,
             "experiments": [9, 18], "blob": f"{n:040x}", "content": {"text": "x"}, "metrics": head, "lines": [1, 1]}
            for n in range(1, rows + 1)
        ]  # fmt: skip
    return [first, _confirm(folder, name, header, first, confirm)]


SECONDS = Rule(
    "primary",
    (
        Metric("seconds", "minimize", min_effect=0.015, compare="ratio"),
        Metric("memory_mb", "minimize", guard=Tolerance(0.05, True), compare="ratio"),
        Metric("answers", "maximize"),
    ),
)
TRUTH = {6: 0.06, 17: 0.04, 31: 0.03}  # try -> log ratio by which it is really faster


def noisy_night(
    folder: Path, name: str = "parser", *, verdict: str = "confirmed", why: str = "", text: str = "unroll the loop",
    tries: int = 40, real: float = 1.0, underpowered: bool = False, suspects: int = 0,
    removed: dict[str, Any] | None = None, as_a_set: bool = False, rule: Rule = SECONDS, private: bool = False,
    made: type[Noisy] | None = None,
) -> list[Segment]:  # fmt: skip
    """The segments of a night whose metrics vary by 2 % from run to run.

    The loop's own decisions, over invented pairs. real: how much of what the loop found confirm finds again.
    """
    night_ = (made or Noisy)(folder, name, rule, tries, text, private=private)
    night_.calibrate()
    if underpowered:
        least, found = rule.headline_min_effect, night_.detectable
        why_not = (
            f"min_effect is {least:.3g}, and the smallest gain that 80 pairs tell from noise is {found:.3g}: allow "
        )
        why_not += "more pairs, plan fewer experiments, make a measurement longer, or raise min_effect"
        night_.writer.seal("underpowered", why=why_not)
    else:
        for number in range(1, tries + 1):
            night_.attempt(number, suspect=number <= suspects)
        night_.writer.seal("experiments")
    first = events.read(folder / name / f"{NIGHT}.1-run.jsonl")
    if underpowered:
        lost = {"verdict": verdict, "why": "nothing was kept, so there is nothing to confirm", "seconds": 0.1}
        return [first, _confirm(folder, name, night_.header, first, lost)]
    if not verdict:
        return [first]
    confirm = {**night_.confirmed(real), "verdict": verdict, "why": why}
    effects = {number: effect for number, effect in night_.truth.items() if number in night_.kept}
    confirm["ablation"] = {
        "how": "measured as a set" if as_a_set else "leave-one-out", "rounds": 1 + bool(removed),
        "measured": 0 if as_a_set else len(effects) + bool(removed),
        "removed": [{**removed, "experiments": [17]}] if removed else [],
        "says": "confirm: at most 50 s of 60 s, the change measured as a set: no ablation fits" if as_a_set else
        f"{len(effects) + bool(removed)} parts left out one by one, {1 + bool(removed)} rounds: "
        + ("1 removed as unproven in the stack" if removed else "every part pays"),
    }  # fmt: skip
    if verdict == "confirmed":
        found, head = confirm["confirmed"], confirm["search"]["head"]
        groups = [(effect, effect - 0.009, [number]) for number, effect in effects.items()]
        if as_a_set:
            groups = [(found["gain"], found["lower"], list(effects))]
        confirm["rows"] = [
            {"number": at, "change": night_.row(at, numbers), "adds": adds, "low": low, "experiments": numbers,
             "blob": f"{at:040x}", "content": {"text": "x"}, "metrics": head if at == len(groups) else {},
             "lines": [at, 1]}
            for at, (adds, low, numbers) in enumerate(groups, start=1)
        ]  # fmt: skip
    return [first, _confirm(folder, name, night_.header, first, confirm)]


class Noisy:
    truth: Mapping[int, float] = TRUTH
    more: Mapping[str, Any] = {}  # of the header

    def __init__(self, folder: Path, name: str, rule: Rule, tries: int, text: str, *, private: bool) -> None:
        self.rule, self.text, self.random = rule, text, random.Random(5)
        self.budget = ErrorBudget(0.05, tries, 80)
        self.header = _header(name, rule, tries, noise={"alpha": 0.05, "max_pairs": 80, "calibration": 20})
        self.header |= {**({"private": True} if private else {}), **self.more}
        self.writer = SegmentWriter(
            folder / name, f"{NIGHT}.1-run", events.GENESIS, {"verb": "run", **self.header}
        )  # fmt: skip
        self.effect, self.elapsed, self.kept = 0.0, 0.0, list[int]()
        self.claimed: dict[str, float] = {}
        self.claimed_gain = 0.0

    def parts(self, _number: int) -> dict[str, float]:
        """What the evaluator tells of a run of the base (0), or of a try."""
        return {}

    def described(self, number: int) -> str:
        return f"{self.text} {number}"

    def row(self, number: int, _experiments: Sequence[int]) -> str:
        return f"{self.text} {number}"

    def measured(self, effect: float) -> dict[str, float]:
        seconds = 1.234 * math.exp(self.random.gauss(-effect, 0.02))
        return {
            "seconds": seconds, "memory_mb": 211.0 * math.exp(self.random.gauss(0.1 * effect, 0.004)),
            "answers": 100.0 + self.random.gauss(0, 0.5),
        }  # fmt: skip

    def pairs(self, number: int, count: int, effect: float) -> list[dict[str, Any]]:
        found = []
        for n in range(1, count + 1):
            self.elapsed += 2.5
            order = self.random.choice(["ic", "ci"])
            found.append({
                "event": "pair", "id": number, "n": n, "seed": 1000 * number + n, "order": order,
                "incumbent": self.measured(self.effect), "candidate": self.measured(self.effect + effect), "void": "",
                "crash": "", "why": "", "seconds": 2.5, "elapsed": self.elapsed,
            })  # fmt: skip
        return found

    def gains(self, pairs: list[dict[str, Any]]) -> list[float]:
        primary = self.rule.primary
        return [primary.gain(p["incumbent"][primary.name], p["candidate"][primary.name]) for p in pairs]

    def calibrate(self) -> None:
        pairs = self.pairs(0, 20, 0.0)
        gains = self.gains(pairs)
        self.detectable = detectable(tuple(gains), self.budget.share())
        self.base = self.claimed = means([pair["incumbent"] for pair in pairs])
        self.writer.append([*pairs, {
            "event": "baseline", "blob": "b" * 40, "canon": "base", "complexity": 3, "metrics": self.base,
            "parts": self.parts(0), "content": self.writer.content(BASE, None), "repeat": "varies", "pairs": 20,
            "spread": statistics.stdev(gains), "detectable": self.detectable,
            "elapsed": self.elapsed, "seconds": 2.5,
        }])  # fmt: skip

    def attempt(self, number: int, *, suspect: bool) -> None:
        effect = 0.9 if suspect else self.truth.get(number, self.random.choice([0.0, 0.0, -0.01, -0.03]))
        content = self.writer.content(BASE.replace(b"recency: 5", b"recency: %d" % number), BASE)
        identity = {
            "id": number, "blob": f"{number:040x}", "canon": str(number), "parent": "b" * 40, "complexity": 3,
            "content": content, "description": self.described(number), "cost_usd": 0.0,
        }  # fmt: skip
        state, pairs, decision = State(self.base), list[dict[str, Any]](), None
        while decision is None or isinstance(decision, Measure):
            one = {**self.pairs(number, 1, effect)[0], "n": len(pairs) + 1}
            pairs.append(one)
            state = step(state, Pair(Measured(one["incumbent"], 3), Measured(one["candidate"], 3)), self.rule)
            decision = decide(state, self.rule, self.budget.share())
        reason, why = ("suspect", TOO_LARGE) if suspect else (decision.reason, decision.why)
        keep, gain = isinstance(decision, Keep) and not suspect, statistics.fmean(self.gains(pairs))
        evidence = next(iter(state.evidence.values()))
        metrics = means([pair["candidate"] for pair in pairs])
        self.writer.append([{"event": "try", **identity}, *pairs, {
            "event": "experiment", **identity, "status": "keep" if keep else "discard",
            "reason": reason, "why": why, "metrics": metrics, "parts": self.parts(number) if keep else {}, "gain": gain,
            "seconds": 2.5 * len(pairs), "elapsed": self.elapsed,
            "pairs": len(pairs), "incumbent": means([pair["incumbent"] for pair in pairs]), "log_e": evidence.log_e,
            "peak": evidence.peak, "threshold": self.budget.share().threshold,
        }])  # fmt: skip
        if keep:
            self.kept.append(number)
            self.effect, self.claimed, self.claimed_gain = self.effect + effect, metrics, self.claimed_gain + gain

    def confirmed(self, real: float) -> dict[str, Any]:
        """The confirm event, less its verdict and rows."""
        whole, self.effect = real * self.effect, 0.0
        pairs = self.pairs(0, 40, whole)
        sides = {"base": [p["incumbent"] for p in pairs], "head": [p["candidate"] for p in pairs]}
        gains, guard = self.gains(pairs), self.rule.metrics[1]
        found = asdict(intervals.paired(gains))
        loss = intervals.paired([guard.gain(p["candidate"][guard.name], p["incumbent"][guard.name]) for p in pairs])
        return {
            "base": "b" * 40, "head": "h" * 40, "incumbent": "h" * 40, "claimed": self.claimed,
            "claimed_gain": self.claimed_gain, "seconds": 100.0, "repeat": "varies",
            "search": {side: means(measured) for side, measured in sides.items()},
            "confirmed": {
                "metric": self.rule.primary.name, **found, "min_effect": self.rule.headline_min_effect,
                "sign_flip_p": intervals.sign_flip_p(gains, self.rule.headline_min_effect),
            },
            "pairs": [
                {"seed": p["seed"], "order": "bh", "base": p["incumbent"], "head": p["candidate"]} for p in pairs
            ],
            "guards": [{
                "metric": guard.name, "loss": loss.gain, "upper": 2 * loss.gain - loss.lower,
                "allowed": guard.allowed(guard.guard or Tolerance(), self.base[guard.name]),
            }],
        }  # fmt: skip


@functools.cache  # takes a second, and all these nights are calibrated alike
def detectable(gains: tuple[float, ...], share: Share) -> float:
    return error_budget.detectable(gains, share)


def means(found: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.fmean(entry[name] for entry in found) for name in found[0]}


def _header(
    name: str, rule: Rule, planned: int, *, owner: str | None = None, sample: bool = False,
    noise: dict[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    return {
        "target": name, "night": NIGHT, "base": "4d2e" * 10, "file": "spec.yaml", "lock": "9f31" * 16,
        "harness": "c07d" * 16, "signal": "analytics-event", "sample": sample, "unit": "leaf", "owner": owner,
        "proposer": "perturb", "seed": 1, "usd": 0.0, "planned": planned, "noise": noise, **folds.rule_fields(rule),
    }  # fmt: skip


def _confirm(folder: Path, name: str, header: dict[str, Any], first: Segment, event: dict[str, Any]) -> Segment:
    called = f"{header['night']}.2-confirm"
    writer = SegmentWriter(folder / name, called, first.chain, {"verb": "confirm", **header})
    writer.append([{"event": "confirm", **event}])
    writer.seal(event["verdict"], why=event["why"])
    return events.read(folder / name / f"{called}.jsonl")
