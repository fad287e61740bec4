"""What each column of a table is for, and why: by what was asked, by its name, by its content, in this order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.new.table import names
from bot.new.table.asked import Asked, Table
from bot.new.table.content import Column, Oddity
from harness.complaints import Faults
from harness.errors import ConfigError
from harness.scorers.saas.accounts import MOST_SEGMENTS
from harness.scorers.saas.columns import LABELS

MOST_SEGMENT_COLUMNS = 8


@dataclass(frozen=True)
class Role:
    """kind: id, feature, outcome, segment or "left out". ours: our word for an outcome; why: in words for the user."""

    column: str
    kind: str
    why: str
    ours: str = ""


def detect(table: Table, asked: Asked) -> tuple[Role, ...]:
    """A role for every column, in the table's order. Raises ConfigErrors for what has none, or could have two."""
    _refuse_unknown(table, asked)
    identity = _identity(table, asked)
    outcomes = _outcomes(table, asked, identity.column)
    with Faults() as faults:
        roles: list[Role] = []
        for column in table.columns:
            with faults.part():
                if column.name == identity.column:
                    roles.append(identity)
                elif column.name in outcomes:
                    roles.append(outcomes[column.name])
                else:
                    roles.append(_role(table, column, asked, roles))
    return tuple(roles)


def _refuse_unknown(table: Table, asked: Asked) -> None:
    """Options that name no column, or give one column two roles."""
    seen: dict[str, str] = {}
    for option, name in asked.named.items():
        if table[name].name in seen:
            raise table.error(
                f"is named by {seen[name]} and by {option}", name, step="a column is one thing only: drop one option"
            )
        seen[name] = option


def _identity(table: Table, asked: Asked) -> Role:
    if asked.id:
        return Role(asked.id, "id", "asked for")
    free = [column for column in table.columns if column.name not in asked.named.values() and column.kind != "empty"]
    named = [column for column in free if names.is_id(column.name)]
    unique = [column for column in named if column.unique]
    if len(unique) == 1 or (len(named) == 1 and not unique):
        return Role((unique or named)[0].name, "id", "named like one")
    if named:
        which = " and ".join(column.name for column in unique or named)
        raise table.error(
            f"{which} could each be the account's id", step=f"say which: --id {(unique or named)[0].name}"
        )
    unnamed = [column for column in free if column.kind == "text" and table.rows and column.unique]
    if len(unnamed) == 1:
        return Role(unnamed[0].name, "id", "text, another one in every row")
    if unnamed:
        which = " and ".join(column.name for column in unnamed)
        raise table.error(f"{which} could each be the account's id", step=f"say which: --id {unnamed[0].name}")
    raise table.error(
        "has no column that names the account",
        why="rows are split by it, and an account may not stand on both sides",
        step="name it: --id COLUMN",
    )


def _outcomes(table: Table, asked: Asked, identity: str) -> dict[str, Role]:
    """Column -> its role as an outcome. Raises ConfigErrors."""
    found = {column: Role(column, "outcome", "asked for", ours) for ours, column in asked.outcomes.items()}
    taken = {identity, *asked.named.values()}
    likely: dict[str, list[str]] = {}
    for column in table.columns:
        ours = names.outcome(column.name) if column.name not in taken and column.kind in {"number", "text"} else ""
        if ours and ours not in asked.outcomes:
            likely.setdefault(ours, []).append(column.name)
    with Faults() as faults:
        for ours, several in likely.items():
            if len(several) > 1:
                faults.found.append(
                    table.error(
                        f"{' and '.join(several)} could each be {ours}",
                        step=f"say which: --outcome {ours}={several[0]} --ignore {several[1]}",
                    )
                )
            found[several[0]] = Role(several[0], "outcome", f"named like {ours}", ours)
    if not {role.ours for role in found.values()} & {"retained", "churned"}:
        raise _no_label(table, {*taken, *found})
    return found


def _no_label(table: Table, taken: set[str]) -> ConfigError:
    binary = [column.name for column in table.columns if column.binary and column.name not in taken]
    hint = f"columns of 0 and 1: {', '.join(binary[:5])}" if binary else "no other column is of 0 and 1"
    return table.error(
        "has no outcome: no column says who stayed or who left", why=hint,
        step="name it: --outcome retained=COLUMN (1 stayed) or --outcome churned=COLUMN (1 left)",
    )  # fmt: skip


def _role(table: Table, column: Column, asked: Asked, before: Sequence[Role]) -> Role:
    """Of a column that is neither the id nor an outcome."""
    name = column.name
    options = (("left out", asked.ignore), ("feature", asked.features), ("segment", asked.segments))
    for kind, listed in options:
        if name in listed:
            return Role(name, kind, "asked for")
    if column.kind == "empty":
        raise table.error("has no value in any row", name, step=f"--ignore {name}, or mend what fills it")
    if column.oddity:
        raise _odd(table, name, column.oddity)
    if names.is_other_id(name) or names.is_id(name):
        return Role(name, "left out", "named like an id of something else")
    if (ours := names.outcome(name)) and ours in asked.outcomes:
        return Role(name, "left out", f"named like {ours}, which is {asked.outcomes[ours]}")
    if column.kind == "number":
        return _number(table, column)
    return _words(table, column, sum(role.kind == "segment" for role in before))


def _number(table: Table, column: Column) -> Role:
    name = column.name
    if word := names.known_later(name):
        raise table.error(
            f'is named after what happens later ("{word}")', name,
            why="a feature must be known on the day of the score; what is known later gives the answer away",
            step=f"--ignore {name}, or --feature {name} if it was known then",
        )  # fmt: skip
    if names.is_moment(name) and _looks_like_time(column):
        raise table.error(
            "is a day or a time written as a number", name,
            why="its scale is the calendar, and the next table's days lie outside it",
            step=f"turn it into days before the score, or --ignore {name}",
        )  # fmt: skip
    return Role(name, "feature", "0 or 1" if column.binary else "numbers")


def _looks_like_time(column: Column) -> bool:
    values = column.numbers
    ranges = ((19000101, 21001231), (5e8, 4.2e9), (5e11, 4.2e12), (5e17, 4.2e18))
    return any(bool(((values >= low) & (values <= high)).all()) for low, high in ranges)


def _words(table: Table, column: Column, segments: int) -> Role:
    name = column.name
    if column.kind == "date":
        return Role(name, "left out", "a date; days before the score would be a feature")
    if column.kind != "text":
        return Role(name, "left out", "neither numbers nor text")
    if names.known_later(name):
        return Role(name, "left out", "named after what happens later")
    values = column.distinct()
    if values == 1:
        raise table.error(
            f"is {table.cell(column.texts[0])} in every row", name,
            why="what is the same everywhere tells no accounts apart",
            step=f"--ignore {name}",
        )  # fmt: skip
    if values > MOST_SEGMENTS:
        return Role(name, "left out", f"text of {values:,} values: a segment has at most {MOST_SEGMENTS}")
    if segments == MOST_SEGMENT_COLUMNS:
        return Role(name, "left out", f"there are {MOST_SEGMENT_COLUMNS} segments already; --segment takes it")
    return Role(name, "segment", f"text of {values} values")


def _odd(table: Table, name: str, odd: Oddity) -> ConfigError:
    shown = table.cell(f'"{odd.shown}"')
    if odd.kind == "dressed":
        return table.error(
            f"is text: {shown} is written for people", name, odd.row,
            why=f"{odd.count:,} cells hold signs, units or thousands separators",
            step="write plain numbers: 1200, 0.12",
        )  # fmt: skip
    if odd.kind == "stored":
        return table.error(
            f"holds numbers stored as text, such as {shown}", name, odd.row,
            step=f"cast it to a number, or --segment {name}, or --ignore {name}",
        )  # fmt: skip
    return table.error(
        f"holds numbers in most rows and text in {odd.count:,}, here {shown}", name, odd.row,
        step=f"write numbers throughout, or --ignore {name}",
    )  # fmt: skip


def need_number(table: Table, roles: Sequence[Role]) -> Iterator[ConfigError]:
    """Features and outcomes that are no numbers."""
    for role in roles:
        column = table[role.column]
        if role.kind not in {"feature", "outcome"} or column.kind == "number":
            continue
        if column.kind == "empty":
            yield table.error("has no value in any row", role.column, step=f"--ignore {role.column}")
        elif column.oddity:
            yield _odd(table, role.column, column.oddity)
        elif column.kind == "date":
            step = "turn it into a number of days before the score"
            yield table.error("is a date, and a score adds numbers", role.column, step=step)
        else:
            quoted = f'"{next((text for text in column.texts if text), "")}"'
            wanted = "0 and 1: 1 for yes, 0 for no" if role.ours in LABELS else "numbers"
            yield table.error(f"holds text such as {table.cell(quoted)}", role.column, step=f"write {wanted}")
