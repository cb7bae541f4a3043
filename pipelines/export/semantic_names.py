"""Names and texts as MetricFlow takes them: lower case, no two underscores in a row, none of its
own words, and one kind for each name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from schemas.sql_text import quoted

# The granularities of time, and words of its filters: none of them may be a name.
_RESERVED = frozenset(
    (
        *("nanosecond", "microsecond", "millisecond", "second", "minute", "hour"),
        *("day", "week", "month", "quarter", "year", "dow", "doy", "metric_time"),
    )
)
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")


class Names:
    """Gives names that are used for one kind of thing only."""

    def __init__(self, entities: Iterable[str]) -> None:
        self._kinds: dict[str, str] = dict.fromkeys(entities, "entity")

    def of_entity(self, text: str) -> str:
        """The name of a new entity."""
        return self._new(valid_name(text), "entity")

    def of_rows(self, table: str) -> str:
        """The name of the entity that one row of a table is: `sla_clock` of `sla_clocks`."""
        return self._new(valid_name(table.removesuffix("s")), "entity")

    def of_measure(self, table: str, column: str, aggregation: str) -> str:
        return self._new(valid_name(f"{table}_{column}_{aggregation}"), "measure")

    def of_dimension(self, table: str, column: str, kind: str) -> str:
        """The name of a column; that of its table before it where the name is of another kind."""
        name = valid_name(column)
        if self._kinds.setdefault(name, kind) == kind:
            return name
        name = valid_name(f"{table}_{column}")
        return name if self._kinds.setdefault(name, kind) == kind else self._new(name, kind)

    def _new(self, name: str, kind: str) -> str:
        number, chosen = 1, name
        while chosen in self._kinds:
            number += 1
            chosen = f"{name}_{number}"
        self._kinds[chosen] = kind
        return chosen


def valid_name(text: str) -> str:
    """The text as a name: `on_day` for `day`, `c_2nd` for `2nd`."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    if name in _RESERVED:
        return f"on_{name}"
    return name if re.match(r"[a-z].", name) else f"c_{name}"


def expression(column: str) -> str:
    """The column in SQL, quoted only where it has to be."""
    return column if _PLAIN.fullmatch(column) else quoted(column)


def plain_text(text: str) -> str:
    """A description without what dbt would take for a template."""
    for opening in ("{{", "{%", "{#"):
        text = text.replace(opening, f"{opening[0]} {opening[1]}")
    return text
