"""The measures of a customer score as docs/metrics.md words them: account by account, in fractions, nothing shared."""

from __future__ import annotations

import io
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import pyarrow
import pyarrow.csv
import pyarrow.parquet

from harness.scorers.saas.columns import OUTCOMES, Columns
from harness.scorers.saas.spec import Spec, spec_of

MONEY = {"revenue_start", "revenue_end", "lifetime_value"}
PER_TIER = (
    "nrr", "grr", "expansion", "contraction", "quick_ratio", "logo_retention", "winback", "activation", "arpa",
    "tier_share",
)  # fmt: skip
SEGMENTED = ("auc_roc_retain", "auc_roc_churn", "revenue_capture_at_20")


@dataclass(frozen=True)
class Account:
    """hundredths: of each feature. outcomes: labels, and money in cents. plan: its segment."""

    hundredths: tuple[int, ...]
    outcomes: Mapping[str, int]
    plan: str = ""

    def __getitem__(self, outcome: str) -> int:
        return self.outcomes[outcome]


@dataclass(frozen=True)
class Sheet:
    """A spec in plain words. tiers: name -> lowest score, as it is written."""

    weights: Sequence[int]
    tiers: Mapping[str, float] = field(default_factory=lambda: {"A": 60, "B": 35, "C": 0})
    health: bool = True

    @property
    def features(self) -> list[str]:
        return [f"f{index}" for index in range(len(self.weights))]

    def spec(self) -> Spec:
        weights = dict(zip(self.features, self.weights, strict=True))
        tiers = dict(sorted(self.tiers.items(), key=lambda tier: -tier[1]))
        return spec_of({"weights": weights, "tiers": tiers}, self.features)

    def score(self, account: Account) -> Fraction:
        lowest = sum(100 * weight for weight in self.weights if weight < 0)
        highest = sum(100 * weight for weight in self.weights if weight > 0)
        points = sum(w * h for w, h in zip(self.weights, account.hundredths, strict=True))
        return Fraction(100 * (points - lowest), highest - lowest) if highest != lowest else Fraction(0)

    def better(self, account: Account) -> Fraction:
        return self.score(account) if self.health else -self.score(account)

    def tier(self, account: Account) -> str:
        reached = [(at, name) for name, at in self.tiers.items() if Fraction(str(at)) <= self.score(account)]
        return max(reached)[1]


def slow_metrics(accounts: Sequence[Account], sheet: Sheet) -> dict[str, float]:
    """Every metric that these accounts have."""
    found = {name: one for name, one in _of_the_whole(accounts, sheet).items() if one is not None}
    there = set(accounts[0].outcomes)
    for tier in sheet.tiers:
        inside = [account for account in accounts if sheet.tier(account) == tier]
        for name in PER_TIER:
            ratio = (len(inside), len(accounts)) if name == "tier_share" else _tier_ratio(name, inside, there)
            if ratio is not None and ratio[1]:
                found[f"{name}.{tier}"] = Fraction(*ratio)
    metrics = {name: float(one) for name, one in found.items()}
    groups = [[a for a in accounts if a.plan == plan] for plan in {account.plan for account in accounts}]
    for name in SEGMENTED:
        values = [float(one) for group in groups if (one := _of_the_whole(group, sheet).get(name)) is not None]
        if len(values) > 1:
            metrics |= {f"{name}.plan.worst": min(values), f"{name}.plan.gap": max(values) - min(values)}
    return metrics


def _of_the_whole(accounts: Sequence[Account], sheet: Sheet) -> dict[str, Fraction | None]:
    there = set(accounts[0].outcomes)
    found: dict[str, Fraction | None] = {}
    for name, label, sign in (("auc_roc_retain", "retained", 1), ("auc_roc_churn", "churned", -1)):
        if label in there:
            ones = [sign * sheet.better(account) for account in accounts if account[label]]
            zeros = [sign * sheet.better(account) for account in accounts if not account[label]]
            found[name] = slow_auc(ones, zeros)
    if "revenue_start" in there:
        paying = [account for account in accounts if account["revenue_start"] > 0]
        all_ = sum(account["revenue_start"] for account in accounts)
        best = [(sheet.better(account), account["revenue_start"]) for account in paying]
        found["revenue_capture_at_20"] = first(best, rounded_up(len(paying), 5)) / all_ if all_ else None
        shares = [sum(a["revenue_start"] for a in accounts if sheet.tier(a) == tier) for tier in sheet.tiers]
        squares = [Fraction(100 * share, all_) ** 2 for share in shares] if all_ else []
        found["revenue_hhi"] = sum(squares, Fraction(0)) if all_ else None
    if "lifetime_value" in there:
        k = rounded_up(len(accounts), 4)
        best = [(sheet.better(account), account["lifetime_value"]) for account in accounts]
        worst = first([(-better, value) for better, value in best], k)
        found["tier_separation"] = first(best, k) / worst if worst else None
    return found


def _tier_ratio(name: str, inside: Sequence[Account], there: set[str]) -> tuple[int, int] | None:
    """What the line is drawn between; None where the columns for it are not there."""
    moved = {"revenue_start", "revenue_end"} <= there
    if name == "winback" and {"churned", "returned"} <= there:
        left = [account for account in inside if account["churned"]]
        return sum(account["returned"] for account in left), len(left)
    if name == "activation" and "activated" in there:
        return sum(account["activated"] for account in inside), len(inside)
    if name == "arpa" and "revenue_start" in there:
        return sum(a["revenue_start"] for a in inside), 100 * sum(a["revenue_start"] > 0 for a in inside)
    if name == "logo_retention" and not moved and there & {"retained", "churned"}:
        return sum(a["retained"] if "retained" in there else 1 - a["churned"] for a in inside), len(inside)
    return _movement(name, [(a["revenue_start"], a["revenue_end"]) for a in inside]) if moved else None


def _movement(name: str, moves: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
    """moves: revenue at the start and at the end."""
    begun = [(start, end) for start, end in moves if start > 0]
    start_revenue = sum(start for start, _end in begun)
    expansion = sum(end - start for start, end in begun if end > start)
    contraction = sum(start - end for start, end in begun if 0 < end < start)
    new = sum(end for start, end in moves if start == 0)
    lost = sum(start for start, end in begun if end == 0)
    return {
        "nrr": (sum(end for _start, end in begun), start_revenue),
        "grr": (sum(min(start, end) for start, end in begun), start_revenue),
        "expansion": (expansion, start_revenue),
        "contraction": (contraction, start_revenue),
        "quick_ratio": (new + expansion, lost + contraction),
        "logo_retention": (len([1 for _start, end in begun if end > 0]), len(begun)),
    }.get(name)


def slow_auc(ones: Sequence[Fraction], zeros: Sequence[Fraction]) -> Fraction | None:
    if not ones or not zeros:
        return None
    return Fraction(sum(2 * (one > zero) + (one == zero) for one in ones for zero in zeros), 2 * len(ones) * len(zeros))


def first(ranked: Sequence[tuple[Fraction, int]], k: int) -> Fraction:
    """What the k that rank highest hold; who ties at the cut has each the same chance of the places that are left."""
    held = Fraction(0)
    for rank, value in ranked:
        above = sum(other > rank for other, _value in ranked)
        tied = sum(other == rank for other, _value in ranked)
        held += value * min(max(Fraction(k - above, tied), Fraction(0)), Fraction(1))
    return held


def rounded_up(count: int, parts: int) -> int:
    return len(range(0, count, parts))


def table_of(accounts: Iterable[Account]) -> pyarrow.Table:
    rows = [
        {"id": str(number)}
        | {f"f{index}": value / 100 for index, value in enumerate(account.hundredths)}
        | {name: value / 100 if name in MONEY else value for name, value in account.outcomes.items()}
        | {"plan": account.plan}
        for number, account in enumerate(accounts)
    ]
    return pyarrow.Table.from_pylist(rows)


def write(path: Path, accounts: Sequence[Account], *, group: int = 1000) -> None:
    """As CSV or Parquet, by the name. group: rows of a row group."""
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(table_of(accounts), path, row_group_size=group)
        return
    text = io.BytesIO()
    pyarrow.csv.write_csv(table_of(accounts), text)
    path.write_bytes(text.getvalue())


def columns_of(accounts: Sequence[Account], sheet: Sheet, search: str = "a.csv", holdout: str = "a.csv") -> Columns:
    return Columns(
        {"search": search, "holdout": holdout}, "id", "health" if sheet.health else "risk", tuple(sheet.features),
        {name: name for name in OUTCOMES if name in accounts[0].outcomes}, ("plan",),
    )  # fmt: skip


def some_accounts(size: int, *, seed: int = 1, features: int = 2, fine: bool = True) -> list[Account]:
    """Invented accounts whose outcomes depend on their features. fine: few of them tie."""
    chance = random.Random(seed)
    found = []
    for _ in range(size):
        hundredths = tuple(chance.randrange(0, 101, 1 if fine else 25) for _ in range(features))
        stays = int(chance.random() < 0.3 + 0.4 * hundredths[0] / 100)
        start = round(chance.lognormvariate(8 + hundredths[0] / 100, 0.8)) * (chance.random() < 0.9)
        end = round(start * chance.uniform(0.5, 1.7)) if start else chance.randrange(5000)
        found.append(
            Account(
                hundredths,
                {
                    "retained": stays, "churned": 1 - stays, "revenue_start": start, "revenue_end": end * stays,
                    "returned": (1 - stays) * chance.randrange(2), "activated": chance.randrange(2),
                    "lifetime_value": round(chance.lognormvariate(10 + hundredths[-1] / 100, 0.8)),
                },
                chance.choice(["basic", "pro"]),
            )
        )  # fmt: skip
    return found
