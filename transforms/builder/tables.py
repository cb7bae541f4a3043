"""The tables of the warehouse: the SQL of each, what kind it is, and what it reads.

One file is one table. A line `-- kind: ...` at the end of the header says how the table is kept,
where that is not what is usual in its folder. The tables of a procedure's attributes are generated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from graphlib import TopologicalSorter
from pathlib import Path
from types import MappingProxyType
from typing import Literal, cast, get_args

from schemas.compiled.values_at import values_needed_then
from schemas.compiled.wide_table import wide_table_name
from schemas.definitions.procedure import Procedures
from transforms.per_procedure.calendars import process_calendars_sql
from transforms.per_procedure.derived_tables import (
    base_table,
    comparisons_sql,
    derived_table,
    has_computed,
    processes_sql,
)
from transforms.per_procedure.dimensions import record_failures_sql, records_sql, records_table
from transforms.per_procedure.funnels import funnel_groups_sql, funnel_occurrences_sql
from transforms.per_procedure.outcomes import outcome_groups_sql
from transforms.per_procedure.sla_starts import sla_starts_sql
from transforms.per_procedure.tracked import attribute_spells_sql
from transforms.per_procedure.values_at import values_sql, values_table
from transforms.per_procedure.wide import (
    attributes_sql,
    attributes_table,
    primary_keys_sql,
    process_names_sql,
    wide_sql,
)

Layer = Literal["history", "step", "core", "mart"]
Kind = Literal["table", "view", "temporary table", "computed table"]
Key = tuple[Layer, str]

_FOLDER = Path(__file__).parents[1]
_FOLDERS: dict[Layer, tuple[str, Kind]] = {
    "history": ("history", "table"),
    "step": ("steps", "view"),
    "core": ("core", "table"),
    "mart": ("marts", "table"),
}
# A table may read its own layer; a plain name that a mart reads may be that of a core table.
_READABLE: dict[Layer, tuple[Layer, ...]] = {
    "history": ("history",),
    "step": ("step", "core"),
    "core": ("step", "core"),
    "mart": ("step", "core", "mart"),
}
_HISTORY = "history_"
RAW_RELATIONS: Mapping[str, str] = {
    "raw_files": "ingest_files",
    "raw_quarantine": "quarantine",
    "raw_violations": "violations",
    "raw_dimension_rows": "dimension_rows",
    "raw_erasures": "erasures",
}
"""The raw tables that other tables than history read, by their names in SQL."""

_KIND = re.compile(r"^-- kind: (.*)$", re.MULTILINE)
_RELATION = re.compile(r"\b(?:from|join)\s+([a-z_][a-z0-9_]*)", re.IGNORECASE)


@dataclass(frozen=True)
class Table:
    """One table: its one `select`, how it is kept, and the relations it reads by plain name.

    `history` tables do not depend on the instant of the build; they are refreshed process by
    process. `core` tables are the same as at that instant, and `mart` tables are sums. `step`
    tables lead to others and are not published.

    A `table` is stored, a `view` is not. A history table or view that reads history gets it for
    the processes at hand. A `temporary table` is made for one refresh. A `computed
    table` has no SQL: Python fills it. `shows` names the history table that a core table shows as
    at the instant; it is empty for others.
    """

    name: str
    layer: Layer
    kind: Kind
    sql: str
    reads: tuple[str, ...]
    shows: str = ""

    @property
    def key(self) -> Key:
        """Layer and name, which no two tables share."""
        return self.layer, self.name


def load_versions() -> Table:
    """The versions of the processes in question, in order: what every history table starts from."""
    return _files()["history", "versions"]


# Writing the SQL takes longer than a small build; one process rarely sees many definitions.
@lru_cache(maxsize=4)
def load_tables(procedures: Procedures) -> Mapping[Key, Table]:
    """Every stored, viewed or computed table by layer and name, each after the tables it reads."""
    tables = {key: t for key, t in _files().items() if t.kind != "temporary table"}
    for key, complete in _COMPLETED.items():
        written = tables[key]
        tables[key] = _table(*key, complete(procedures, written.sql), kind=written.kind)
    tables |= {table.key: table for table in _generated(procedures)}
    order = TopologicalSorter({key: upstreams(tables, table) for key, table in tables.items()})
    return MappingProxyType({key: tables[key] for key in order.static_order()})


def upstreams(tables: Mapping[Key, Table], table: Table) -> list[Key]:
    """The tables that a table reads, without itself; relations that are not tables are left out."""
    found: dict[Key, None] = {}
    for name in table.reads:
        plain = name.removeprefix(_HISTORY)
        layers = ("history",) if plain != name else _READABLE[table.layer]
        found |= {(layer, plain): None for layer in layers if (layer, plain) in tables}
    found.pop(table.key, None)
    return list(found)


# Files that Python completes with what the definitions say.
_COMPLETED: dict[Key, Callable[[Procedures, str], str]] = {
    ("history", "attribute_spells"): attribute_spells_sql,
    ("history", "process_calendars"): lambda p, sql: process_calendars_sql(list(p), sql),
    ("history", "sla_starts"): sla_starts_sql,
    ("history", "funnel_occurrences"): funnel_occurrences_sql,
    ("step", "funnel_groups"): funnel_groups_sql,
}


def _generated(procedures: Procedures) -> Iterator[Table]:
    """The tables that have no file, as they depend on the attributes of a procedure."""
    bases = tuple(base_table(procedure) for procedure in procedures)
    for procedure in procedures:
        attributes = attributes_table(procedure)
        yield _table("history", attributes, attributes_sql(procedure))
        yield _table("step", base_table(procedure), wide_sql(procedure), kind="view")
        yield _table(
            "core",
            wide_table_name(procedure.short_id),
            processes_sql(procedure),
            kind="view",
            shows=attributes,
        )
        if values_needed_then(procedure):
            yield _table("history", values_table(procedure), values_sql(procedure))
        if procedure.record_attributes:
            yield _table("step", records_table(procedure), records_sql(procedure), kind="view")
        if has_computed(procedure):
            # The attributes of one procedure may read children of any other.
            reads = ("build", *bases)
            yield Table(derived_table(procedure), "step", "computed table", "", reads)
    yield _table("step", "primary_keys", primary_keys_sql(procedures), kind="view")
    yield _table("step", "process_names", process_names_sql(procedures), kind="view")
    yield _table("step", "record_failures", record_failures_sql(procedures), kind="view")
    yield _table("step", "outcome_groups", outcome_groups_sql(procedures))
    yield _table("step", "derived_comparisons", comparisons_sql(procedures), kind="view")


@cache
def _files() -> Mapping[Key, Table]:
    tables: dict[Key, Table] = {}
    for layer, (folder, usual) in _FOLDERS.items():
        for path in sorted((_FOLDER / folder).glob("*.sql")):
            sql = path.read_text()
            found = _KIND.search(sql)
            kind = found[1] if found else usual
            if kind not in get_args(Kind):
                allowed = ", ".join(get_args(Kind))
                raise ValueError(f"{path.name}: found kind {kind!r}; allowed: {allowed}")
            shows = path.stem if layer == "core" and ("history", path.stem) in tables else ""
            table = _table(layer, path.stem, sql, kind=cast("Kind", kind), shows=shows)
            tables[table.key] = table
    return tables


def _table(layer: Layer, name: str, sql: str, *, kind: Kind = "table", shows: str = "") -> Table:
    code = re.sub(r"--.*", "", sql)
    return Table(name, layer, kind, sql, tuple(dict.fromkeys(_RELATION.findall(code))), shows)
