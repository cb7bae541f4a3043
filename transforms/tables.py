"""The tables of the warehouse as SQL, and what each reads.

One file is one table; the tables of a procedure's attributes are generated (`wide.py`). How and
when they are refreshed is `builder.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from schemas.definitions import Procedures
from schemas.values_then import values_needed_then
from transforms.calendars import process_calendars_sql
from transforms.derived_tables import (
    base_table,
    comparisons_sql,
    derived_table,
    has_computed,
    processes_sql,
)
from transforms.dimensions import record_failures_sql, records_sql, records_table
from transforms.funnels import funnel_groups_sql, funnel_occurrences_sql
from transforms.outcomes import outcome_groups_sql
from transforms.sla_starts import sla_starts_sql
from transforms.tracked import attribute_changes_sql
from transforms.values_then import values_sql, values_table
from transforms.wide import attributes_sql, attributes_table, wide_sql, wide_table

Layer = Literal["history", "derived", "core", "mart"]

_FOLDER = Path(__file__).parent
_FOLDERS: dict[Layer, str] = {
    "history": "history",
    "derived": "steps",
    "core": "core",
    "mart": "marts",
}
# Steps that several tables read: kept, so that they are taken once.
_STORED_STEPS = frozenset(
    {
        "dated_stays",
        "funnel_occurrences",
        "funnel_paths",
        "funnel_sums",
        "outcome_curve_days",
        "outcome_estimates",
        "outcome_groups",
        "sla_cycles",
    }
)
_RELATION = re.compile(r"\b(?:from|join)\s+([a-z_][a-z0-9_]*)", re.IGNORECASE)

MACROS = (_FOLDER / "macros.sql").read_text()
PUBLISHED_MACROS = (_FOLDER / "published.sql").read_text()


@dataclass(frozen=True)
class Table:
    """One table: its one `select`, and the relations it reads by plain name.

    `history` tables hold what does not depend on the instant of the build; they are refreshed
    process by process. `core` tables are the same as at that instant. `mart` tables are sums.
    `derived` tables are steps on the way to others, and not published.
    """

    name: str
    layer: Layer
    sql: str
    reads: tuple[str, ...]

    @property
    def is_stored_step(self) -> bool:
        """Whether it is a step that is kept as a table, and not only a view."""
        return self.layer == "derived" and self.name in _STORED_STEPS


def load_versions() -> Table:
    """The versions of the processes at hand, in order: what every history table starts from."""
    return _table("versions", "history", (_FOLDER / "versions.sql").read_text())


# Writing the SQL takes longer than a small build; one process rarely sees many definitions.
@lru_cache(maxsize=4)
def load_tables(procedures: Procedures) -> Mapping[tuple[Layer, str], Table]:
    """Every table by layer and name, each after the tables it reads."""
    tables = dict(_files())
    changes = tables["history", "attribute_changes"]
    sql = attribute_changes_sql(list(procedures), changes.sql)
    tables[changes.layer, changes.name] = _table(changes.name, changes.layer, sql)
    starts = tables["derived", "sla_starts"]
    sql = sla_starts_sql(procedures, starts.sql)
    tables[starts.layer, starts.name] = _table(starts.name, starts.layer, sql)
    for name, with_values in (
        ("funnel_occurrences", funnel_occurrences_sql),
        ("funnel_groups", funnel_groups_sql),
    ):
        sql = with_values(procedures, tables["derived", name].sql)
        tables["derived", name] = _table(name, "derived", sql)
    chosen = tables["history", "process_calendars"]
    sql = process_calendars_sql(list(procedures), chosen.sql)
    tables[chosen.layer, chosen.name] = _table(chosen.name, chosen.layer, sql)
    for procedure in procedures:
        attributes = attributes_table(procedure)
        for table in (
            _table(attributes, "history", attributes_sql(procedure)),
            _table(base_table(procedure), "derived", wide_sql(procedure)),
            _table(wide_table(procedure), "core", processes_sql(procedure)),
        ):
            tables[table.layer, table.name] = table
        if values_needed_then(procedure):
            values = _table(values_table(procedure), "history", values_sql(procedure))
            tables[values.layer, values.name] = values
        if procedure.record_attributes:
            records = _table(records_table(procedure), "derived", records_sql(procedure))
            tables["derived", records.name] = records
    failures = _table("record_failures", "derived", record_failures_sql(list(procedures)))
    tables["derived", failures.name] = failures
    # Computed attributes of one procedure may read children of any other.
    bases = tuple(base_table(procedure) for procedure in procedures)
    for procedure in filter(has_computed, procedures):
        name = derived_table(procedure)
        tables["derived", name] = Table(name, "derived", "", ("build", *bases))
    groups = _table("outcome_groups", "derived", outcome_groups_sql(procedures))
    tables["derived", groups.name] = groups
    comparisons = _table("derived_comparisons", "derived", comparisons_sql(procedures))
    tables["derived", comparisons.name] = comparisons
    return MappingProxyType(_ordered(tables))


@cache
def _files() -> Mapping[tuple[Layer, str], Table]:
    found = [
        _table(path.stem, layer, path.read_text())
        for layer, folder in _FOLDERS.items()
        for path in sorted((_FOLDER / folder).glob("*.sql"))
    ]
    return {(table.layer, table.name): table for table in found}


def _table(name: str, layer: Layer, sql: str) -> Table:
    code = re.sub(r"--.*", "", sql)
    return Table(name, layer, sql, tuple(dict.fromkeys(_RELATION.findall(code))))


def _ordered(tables: Mapping[tuple[Layer, str], Table]) -> dict[tuple[Layer, str], Table]:
    done: dict[tuple[Layer, str], Table] = {}

    def visit(key: tuple[Layer, str]) -> None:
        if key in done:
            return
        for name in tables[key].reads:
            # A table may read its own layer, and through plain names a mart also reads core.
            for layer in _READABLE[key[0]]:
                upstream = layer, name.removeprefix("history_")
                if upstream in tables and upstream != key:
                    visit(upstream)
        done[key] = tables[key]

    for layer in _READABLE:
        for key in tables:
            if key[0] == layer:
                visit(key)
    return done


_READABLE: dict[Layer, tuple[Layer, ...]] = {
    "history": ("history",),
    "derived": ("history", "derived", "core"),
    "core": ("history", "derived", "core"),
    "mart": ("derived", "core", "mart"),
}
