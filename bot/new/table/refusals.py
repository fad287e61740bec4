"""What a table says that cannot be meant: each complaint names column, row, the likely reason and the way out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from bot.new.table.asked import Asked, Table
from bot.new.table.content import Column, Floats
from bot.new.table.contradictions import contradictions, first
from bot.new.table.detection import Role, need_number
from harness.complaints import Faults, show
from harness.errors import ConfigError
from harness.scorers.saas import auc
from harness.scorers.saas.columns import LABELS, MONEY

FEWEST = 100  # accounts
MOST_FEATURES = 500
GIVES_AWAY = 0.98  # an AUC that no single honest feature has
_SAFE = 1e15  # whole numbers beyond it are no longer told apart where 15 digits are kept
_NAME = re.compile(r"[^\W\d][\w .-]{0,63}")
_SEGMENT = re.compile(r"[A-Za-z0-9_@-][A-Za-z0-9_.@-]{0,35}")  # part of revenue_capture_at_20.NAME.worst


def refuse_size(table: Table) -> None:
    """Raises ConfigError for a table with too few accounts to learn from."""
    if table.rows == 0:
        raise table.error("has no rows", step="export it again, with the accounts in it")
    if table.rows == 1:
        raise table.error(
            "has one row", why="one account cannot be ranked", step="give it one row per account, not a summary of them"
        )
    if table.rows < FEWEST:
        raise table.error(
            f"has {table.rows} accounts; {FEWEST} are the fewest",
            why="with less, a night finds weights that fit these accounts by luck",
            step="take a longer period, or more of the accounts",
        )


def refuse_values(table: Table, roles: Sequence[Role], asked: Asked) -> None:
    """Raises ConfigErrors with everything that is wrong in a table of these roles."""
    with Faults() as faults:
        faults.found += [*_misnamed(table, roles), *need_number(table, roles), *_id(table, roles)]
    with Faults() as faults:
        faults.found += [*_no_feature(table, roles), *_not_there(table, roles)]
    outcomes = {role.ours: table[role.column].numbers for role in roles if role.kind == "outcome"}
    columns = {role.ours: role.column for role in roles if role.kind == "outcome"}
    with Faults() as faults:
        faults.found += [*_outcomes(table, outcomes, columns), *_constants(table, roles)]
    with Faults() as faults:
        faults.found += contradictions(table, outcomes, columns)
    with Faults() as faults:
        faults.found += _leaks(table, roles, asked)


def _misnamed(table: Table, roles: Sequence[Role]) -> Iterator[ConfigError]:
    for role in roles:
        name = role.column
        if role.kind in {"feature", "outcome", "id"} and (not _NAME.fullmatch(name) or name != name.strip()):
            yield table.error(
                "is a name that the files of a target cannot hold", show(name),
                why="a name is a letter, then up to 63 letters, digits, blanks and _ . -",
                step=f"rename the column, or leave it out: --ignore {show(name)}",
            )  # fmt: skip
        if role.kind == "segment" and not _SEGMENT.fullmatch(name):
            yield table.error(
                "is a segment, and metrics cannot bear its name", show(name),
                why="such a name is up to 36 letters without accents, digits and _ . @ -",
                step=f"rename the column, or leave it out: --ignore {show(name)}",
            )  # fmt: skip
        if role.kind == "segment" and table[name].distinct() > 40:
            yield table.error(
                f"takes {table[name].distinct():,} values; a segment has at most 40", name,
                why="a group of a few accounts says nothing about how it is served",
                step="group its values, or leave it out of --segment",
            )  # fmt: skip


def _id(table: Table, roles: Sequence[Role]) -> Iterator[ConfigError]:
    (name,) = (role.column for role in roles if role.kind == "id")
    column, texts = table[name], table[name].texts
    if "" in texts:
        yield table.error("is missing", name, texts.index(""), step="give every account its id, or drop the row")
        return
    if shown := _cut_off(column, texts):
        yield table.error(
            f"holds ids that lost their last digits, such as {table.cell(shown)}", name,
            why="a number keeps 15 digits in a spreadsheet or a float column; different accounts become one",
            step="store the ids as text or as whole numbers",
        )  # fmt: skip
        return
    (account, count), *_ = Counter(texts).most_common(1)
    if count > 1:
        first = texts.index(account)
        second = texts.index(account, first + 1)
        yield table.error(
            f"is {table.cell(show(account))} a second time; the first is row {first + table.first}", name, second,
            why="the table has a row per month or per user, or was joined to one that has",
            step="make it one row per account, as of the day of the score",
        )  # fmt: skip


def _cut_off(column: Column, texts: Sequence[str]) -> str:
    """An id that was rounded on its way here, or ""."""
    if column.kind != "number" or np.abs(column.numbers).max() < _SAFE:
        return ""
    if str(column.array.type) in {"double", "float", "halffloat"}:
        return texts[int(np.abs(column.numbers).argmax())]
    return next((text for text in texts if "e" in text.lower()), "")


def _no_feature(table: Table, roles: Sequence[Role]) -> Iterator[ConfigError]:
    features = sum(role.kind == "feature" for role in roles)
    if not features:
        left = [f"{role.column} ({role.why})" for role in roles if role.kind == "left out"]
        yield table.error(
            "has no feature: no column of numbers is left to score by",
            why=f"left out: {', '.join(left)}"[:600] if left else "every column is the id, an outcome or a segment",
            step="add what was known of the accounts on the day of the score, as numbers",
        )
    if features > MOST_FEATURES:
        yield table.error(f"has {features:,} features; {MOST_FEATURES} are the most", step="--ignore the rest")


def _not_there(table: Table, roles: Sequence[Role]) -> Iterator[ConfigError]:
    """Missing values and infinities; nothing is filled in."""
    for role in roles:
        if role.kind not in {"feature", "outcome"}:
            continue
        values = table[role.column].numbers
        missing, infinite = np.isnan(values), np.isinf(values)
        if missing.all():
            yield table.error("has no value in any row", role.column, step="mend what fills it, or --ignore it")
        elif missing.any():
            step = (
                "write 0 for accounts that it does not concern" if role.kind == "outcome"
                else f"write what it means, often 0, or --ignore {role.column}"
            )  # fmt: skip
            what = f"is missing, as in {int(missing.sum()):,} of {table.rows:,} rows"
            yield table.error(what, role.column, first(missing), why="nothing is guessed or filled in", step=step)
        elif infinite.any():
            why = "a ratio was divided by 0"
            step = "write what it means: a number at the end of its scale"
            yield table.error("is infinite", role.column, first(infinite), why=why, step=step)


def _outcomes(table: Table, outcomes: dict[str, Floats], columns: dict[str, str]) -> Iterator[ConfigError]:
    for ours, values in outcomes.items():
        name, wrong = columns[ours], ~np.isin(values, (0, 1))
        if ours in LABELS and wrong.any():
            yield table.error(
                f"is {table.cell(f'{values[first(wrong)]:g}')}; {ours} is 0 or 1", name, first(wrong),
                step=f"write 1 for yes and 0 for no, or --ignore {name} if it is something else",
            )  # fmt: skip
        elif ours in {"retained", "churned"} and values.min() == values.max():
            yield table.error(
                f"is {values[0]:g} in every row", name, why="a score is measured by who stayed against who left",
                step="take a period in which some accounts left and others stayed",
            )  # fmt: skip
        if ours in MONEY and (values < 0).any():
            lowest = table.cell(f"{values.min():g}")
            yield table.error(
                f"is {lowest} at the lowest; revenue is never below 0", name, first(values < 0),
                why="credits or refunds were taken off", step="use revenue before credits; 0 for who pays nothing",
            )  # fmt: skip


def _constants(table: Table, roles: Sequence[Role]) -> Iterator[ConfigError]:
    for role in roles:
        values = table[role.column].numbers
        told = role.kind == "feature" or role.ours in MONEY
        if told and values.min() == values.max():
            yield table.error(
                f"is {table.cell(f'{values[0]:g}')} in every row", role.column,
                why="what is the same everywhere tells no accounts apart", step=f"--ignore {role.column}",
            )  # fmt: skip


def _leaks(table: Table, roles: Sequence[Role], asked: Asked) -> Iterator[ConfigError]:
    """Features that hold the answer, in full or nearly."""
    outcomes = {role.ours: role.column for role in roles if role.kind == "outcome"}
    label = outcomes.get("retained", outcomes.get("churned", ""))
    for role in roles:
        if role.kind != "feature":
            continue
        values = table[role.column].numbers
        copied = next((name for ours, name in outcomes.items() if _copies(values, table[name].numbers, ours)), "")
        if copied and not (copied == outcomes.get("revenue_start") and role.column in asked.features):
            yield table.error(
                f"says the same as the outcome {copied} in every row", role.column,
                why="a score that sees the outcome foretells nothing", step=f"--ignore {role.column}",
            )  # fmt: skip
            continue
        area = auc(table[label].numbers.astype(np.int64), values)
        if role.column not in asked.features and not 1 - GIVES_AWAY < area < GIVES_AWAY:
            yield table.error(
                f"tells {label} almost alone: its AUC is {area:.3f}", role.column,
                why="such a column was mostly filled in afterwards, so it would not be there when you score",
                step=f"--ignore {role.column}, or --feature {role.column} if it was known then",
            )  # fmt: skip


def _copies(values: Floats, outcome: Floats, ours: str) -> bool:
    return np.array_equal(values, outcome) or (ours in LABELS and np.array_equal(values, 1 - outcome))
