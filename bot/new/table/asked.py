"""What the command line says of a table, and what a table is once it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.new.table.content import Column
from bot.pages.wording.text import plain
from harness.complaints import nearest, show
from harness.errors import ConfigError, Place


@dataclass(frozen=True)
class Asked:
    """Columns by name. outcomes: our word -> the column; score: "health", "risk" or "" for what the outcome says.

    holdout: the share of accounts, in whole percent, that only confirm reads.
    """

    id: str = ""
    score: str = ""
    outcomes: Mapping[str, str] = field(default_factory=dict)
    features: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    holdout: int = 30

    @property
    def named(self) -> Mapping[str, str]:
        """Option -> the column that it names, for every option."""
        listed = {f"--outcome {ours}={column}": column for ours, column in self.outcomes.items()}
        for option, columns in (("feature", self.features), ("ignore", self.ignore), ("segment", self.segments)):
            listed |= {f"--{option} {column}": column for column in columns}
        return listed | ({f"--id {self.id}": self.id} if self.id else {})


@dataclass(frozen=True, eq=False)
class Table:
    """label: what messages call it; suffix: of the files that its rows go to; first: the number of its first row.

    private: messages quote no cell.
    """

    label: str
    columns: tuple[Column, ...]
    rows: int
    suffix: str
    first: int
    private: bool = False

    def error(self, what: str, column: str = "", row: int | None = None, *, why: str = "", step: str) -> ConfigError:
        """A complaint. row: counted from 0 here, told as an editor or a query counts."""
        where = ", ".join([*([column] if column else []), *([] if row is None else [f"row {row + self.first}"])])
        return ConfigError(Place(self.label, key=where), what, why=why, next_step=step)

    def cell(self, text: str) -> str:
        """A cell as messages may show it: on one line, and without what a terminal would obey."""
        return "something that --private does not show" if self.private else plain(text)

    def __getitem__(self, name: str) -> Column:
        """The column of this name. Raises ConfigError."""
        for column in self.columns:
            if column.name == name:
                return column
        names = [column.name for column in self.columns]
        raise self.error(
            f"has no column {show(name)}{nearest(name, names)}", step=f"its columns are {', '.join(names)}"[:600]
        )
