"""The files of a scoring target, from its plan and the templates."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.new.table.plan import Plan
from bot.new.table.starting import WEIGHT
from bot.pages.wording.text import cell_code
from harness.scorers.saas import auc, measures
from harness.scorers.saas.columns import LABELS

TOLERANCE = "5%"
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_YAML_WORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
_SCALARS = {
    "auc_roc_retain": "chance that an account that stayed is rated better than one that left; ties half, 0.5 is luck",
    "auc_roc_churn": "chance that an account that left is rated worse than one that stayed; ties half, 0.5 is luck",
    "revenue_capture_at_20": "share of revenue at the start that the fifth rated best holds, among accounts that pay",
    "tier_separation": "mean lifetime value of the quarter rated best over that of the quarter rated worst",
}


def files(plan: Plan, name: str, source: str, *, private: bool) -> dict[str, bytes]:
    """Path, relative to the target's folder -> content. source: what the rows were read from, in words."""
    templates = resources.files("bot.new") / "templates" / "scoring"
    words = _words(plan, name, source, private=private)
    wanted = [
        "target.yaml",
        "evaluate.py",
        "program.md",
        "README.md",
        *(["prepare.py", "gitignore"] if private else []),
    ]
    found = {
        {"gitignore": ".gitignore"}.get(file, file): _filled((templates / file).read_text(encoding="utf-8"), words)
        for file in wanted
    }
    found |= {"columns.yaml": _columns(plan, private=private), "spec.yaml": _spec(plan, private=private)}
    written = {path: content.encode() for path, content in found.items()}
    if not private:
        written |= {
            _table(plan, "search"): _rows(plan, ~plan.holdout),
            _table(plan, "holdout"): _rows(plan, plan.holdout),
        }
    return written


def _filled(template: str, words: Mapping[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: words[found[1]], template).rstrip("\n") + "\n"


def _table(plan: Plan, split: str, *, private: bool = False) -> str:
    return f"{'prepared' if private else 'data'}/{split}{plan.table.suffix}"


def commands(name: str, *, private: bool) -> list[str]:
    """What a user types next, from the repository's root."""
    return [
        *([f"autoresearch setup {name}"] if private else []),
        f"autoresearch check {name}",
        f'git add targets .github && git commit -m "Add {name}"',
        f"autoresearch night {name}",
    ]


def _words(plan: Plan, name: str, source: str, *, private: bool) -> dict[str, str]:
    """Placeholder -> what stands in its place."""
    table, stays = plan.table, plan.primary == "auc_roc_retain"
    holdout = _table(plan, "holdout", private=private)
    hidden = f"{{private: true, hidden: [{holdout}]}}" if private else f"{{hidden: [{holdout}]}}"
    return {
        "name": name,
        "primary": plan.primary,
        "aim": "an account that stays should be rated better than one that leaves.",
        "guards": "".join(f"- `{name}` may fall by at most {TOLERANCE}.\n" for name in plan.guards),
        "setup": "\n  setup: [python, prepare.py]     # splits the rows, which are not in the repository"
        if private
        else "",
        "locked": "[evaluate.py, columns.yaml, prepare.py]" if private else '[evaluate.py, columns.yaml, "data/**"]',
        "data": f"{hidden} # absent while the night searches",
        "score": plan.score,
        "says": "stays" if plan.score == "health" else "leaves",
        "rows": f"{table.rows:,}",
        "count": str(len(plan.features)),
        "source": source,
        "files": ", `prepare.py`, `data.lock`" if private else ", `data/`",
        "suffix": table.suffix,
        "percent": str(plan.percent),
        "columns": "\n".join(
            f"| {cell_code(role.column)} | {role.kind}{f': {role.ours}' if role.ours else ''} | {role.why} |"
            for role in plan.roles
        ),
        "split": _split(plan, stays=stays),
        "where": _PRIVATE.format(suffix=table.suffix) if private else "",
        "run": "\n".join(f"    {command}" for command in commands(name, private=private)),
        "metrics": "\n".join(_metrics(plan)),
        "defined": "\n".join(_defined(plan)),
        "absent": _absent(plan),
    }


_PRIVATE = """

No row is in the repository. `autoresearch setup` splits the table, which is at the path in AUTORESEARCH_PRIVATE_DATA
or in `.autoresearch-private`, a file that git ignores; `data.lock` holds the hashes of both sides. Another machine
needs the same table, and for a Parquet table the same version of pyarrow, to make the same bytes."""


def _split(plan: Plan, *, stays: bool) -> str:
    values, said = plan.table[plan.label].numbers, "stayed" if stays else "left"
    parts = [
        f"{int(side.sum()):,} {what}, of which {int(values[side].sum()):,} {said}"
        for side, what in ((~plan.holdout, "to search on"), (plan.holdout, "held out"))
    ]
    return f"{'; '.join(parts)}. Only confirm reads the held-out rows."


def _absent(plan: Plan) -> str:
    lines = [f"- `{name}`: {why}." for name, why in measures.absent(plan.outcomes).items()]
    lines += [f"- `{plan.primary}.{name}.worst` as a guard: {why}." for name, why in plan.unguarded.items()]
    return "\n".join(["Not computed:" if lines else "", "", *lines]) if lines else ""


def _declared(plan: Plan) -> Iterator[tuple[str, bool]]:
    """The metrics of target.yaml, the primary first, and whether each is a guard."""
    yield plan.primary, False
    for name in plan.guards:
        yield name, True
    lifetime = plan.outcomes.get("lifetime_value")
    if lifetime and plan.table[lifetime].numbers.min() > 0:  # else the worst quarter may hold nothing, and no ratio
        yield "tier_separation", False


def _metrics(plan: Plan) -> Iterator[str]:
    for name, guard in _declared(plan):
        yield f"  - {{name: {name}, goal: maximize{f', guard: {{tolerance: {TOLERANCE}}}' if guard else ''}}}"


def _defined(plan: Plan) -> Iterator[str]:
    """The rows of the README's table."""
    for name, guard in _declared(plan):
        said = f" (guard, {TOLERANCE})" if guard else " (primary)" if name == plan.primary else ""
        measure, _, rest = name.partition(".")
        segment = rest.removesuffix(".worst")
        where = f"the same in the group of `{segment}` that is served worst" if segment else _SCALARS[measure]
        yield f"| `{name}`{said} | {where} |"


def _columns(plan: Plan, *, private: bool) -> str:
    lines = [
        "# What each column of the tables is. Locked: it is part of what computes the score.",
        f"search: {_table(plan, 'search', private=private)}",
        f"holdout: {_table(plan, 'holdout', private=private)} # only confirm reads it",
        f"id: {spell(plan.id)}",
        f"score: {plan.score} # a higher score says that an account {'stays' if plan.score == 'health' else 'leaves'}",
        "features:",
        *(f"  - {spell(name)}" for name in plan.features),
        "outcomes: # our word: your column",
        *(f"  {ours}: {spell(name)}" for ours, name in plan.outcomes.items()),
    ]
    if segments := plan.named("segment"):
        lines.append(f"segments: [{', '.join(map(spell, segments))}]")
    return "\n".join(lines) + "\n"


def _spec(plan: Plan, *, private: bool) -> str:
    """Equal weights, with what the rows to search on say of each feature."""
    width = max(len(spell(name)) for name in plan.features) + len(f": {WEIGHT}")
    ranges = {name: (low, high) for name, low, high in plan.scaling}
    lines = [
        "# Points per feature. Each feature runs from 0 to 1; the score says where the sum of weight x feature lies",
        "# between the lowest and the highest that the weights allow, from 0 to 100. Only ratios of weights count.",
        "# A 0 ignores a feature, a minus turns it round. README.md says what is what.",
        "weights:",
        *(
            f"  {f'{spell(name)}: {WEIGHT}':{width}}  # {_direction(plan, name, private=private)}"
            for name in plan.features
        ),
    ]
    if ranges:
        lines += [
            "scaling: # this range becomes 0 to 1, cut off at both ends: the 1st to the 99th percentile to search on",
            *(f"  {spell(name)}: [{_number(low)}, {_number(high)}]" for name, (low, high) in ranges.items()),
        ]
    lines += [
        "tiers: # the lowest score of each; near the quartiles of the score with equal weights",
        *(f"  {tier}: {_number(at)}" for tier, at in plan.tiers),
    ]
    return "\n".join(lines) + "\n"


def _direction(plan: Plan, name: str, *, private: bool) -> str:
    """Range and direction. private: the usual range in two digits, since its ends are single accounts'."""
    values, label = plan.table[name].numbers[~plan.holdout], plan.table[plan.label].numbers[~plan.holdout]
    area = auc(label.astype(np.int64), values)
    among = ("stay", "leave") if plan.primary == "auc_roc_retain" else ("leave", "stay")
    seen = f"higher among who {among[0] if area > 0.5 else among[1]}"
    told = "says little" if abs(area - 0.5) < 0.02 else seen
    low, high = np.percentile(values, (1, 99) if private else (0, 100))
    shown = [_number(float(f"{value:.2g}") if private else value) for value in (low, high)]
    return f"{'mostly ' if private else ''}{shown[0]} to {shown[1]}; {told} (AUC {area:.2f})"


def spell(name: str) -> str:
    """A name as YAML reads it back."""
    plain = _PLAIN.fullmatch(name) and name.lower() not in _YAML_WORDS
    return name if plain else json.dumps(name, ensure_ascii=False)


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else f"{value:.6g}"


def _rows(plan: Plan, side: NDArray[np.bool_]) -> bytes:
    """The kept columns of some rows, in the table's order, as a file."""
    import pyarrow
    from pyarrow import csv, parquet

    part = pyarrow.table({name: _values(plan, name) for name in plan.kept}).filter(pyarrow.array(side))
    into = io.BytesIO()
    if plan.table.suffix == ".csv":
        csv.write_csv(part, into, csv.WriteOptions(quoting_style="needed"))
    else:
        parquet.write_table(part, into)
    return into.getvalue()


def _values(plan: Plan, name: str) -> Any:
    """A column as it is written: labels and whole numbers as such, ids and segments as text."""
    import pyarrow

    column = plan.table[name]
    role = next(role for role in plan.roles if role.column == name)
    if role.kind in {"id", "segment"}:
        return pyarrow.array(column.texts, pyarrow.string())
    whole = role.ours in LABELS or (
        (column.numbers == np.rint(column.numbers)).all() and np.abs(column.numbers).max() < 2**53
    )
    return pyarrow.array(column.numbers.astype(np.int64) if whole else column.numbers)
