"""The semantic model of one published table: its entities, dimensions and measures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import duckdb

from pipelines.export.semantic_names import Names, expression, plain_text
from schemas.catalogue.model import COUNT, SECONDS
from schemas.catalogue.tables import TABLES
from schemas.sql_text import literal

Part = dict[str, Any]
SOURCE = "leadtime"

# The tables whose rows may be counted and added up under any filter, each with the instant or day
# that its figures are of. Those of averages, percentiles and shares are left out: they do not add
# up. Facts of one process stand in the table of its procedure.
FACTS = {
    "processes": "created_at",
    "state_visits": "entered_at",
    "status_spells": "started_at",
    "assignments": "started_at",
    "attribute_changes": "changed_at",
    "follow_ups": "set_at",
    "tasks": "created_at",
    "calls": "call_start_at",
    "sla_clocks": "started_at",
    "flow_daily": "day",
    "backlog_daily": "day",
    "backlog_daily_by_assignee": "day",
    "backlog_daily_by_pod": "day",
}
ENTITIES = {
    "processes": "process",
    "users": "user",
    "pods": "pod",
    "teams": "team",
    "entities": "entity",
    "records": "record",
}
# What refers to a row of those tables.
_REFERRING = {
    "process_id": "process",
    "assigned_to": "user",
    "user_id": "user",
    "pod_id": "pod",
    "team_id": "team",
    "entity_id": "entity",
    "record_id": "record",
}
# Numbers of what is open at an instant: added up over all but days.
_LEVELS = {"open_processes": "max", "open_at_end": "max", "open_at_start": "min"}
_NUMBERS = ("BIGINT", "INTEGER", "DOUBLE", "DECIMAL")
_TIMES = ("TIMESTAMP", "DATE")
_CATEGORIES = ("VARCHAR", "BOOLEAN", "UUID", *_NUMBERS)
_STATISTICS = {"average": "Mean", "median": "Median", "sum": "Sum"}


class SemanticModel:
    """The semantic model of one table, from the rows of `metric_catalog` about its columns."""

    def __init__(
        self,
        table: str,
        columns: Sequence[Part],
        zone: str,
        names: Names,
        of_wide: dict[str, str],
    ) -> None:
        self._table, self._columns, self._zone = table, columns, zone
        self._names, self._of_wide = names, of_wide
        self._time = FACTS.get(table, "created_at" if table in of_wide else "")
        self.measures = list(self._measures())

    def written(self) -> Part:
        entities = list(self._entities())
        model: Part = {
            "name": self._table,
            "description": self._columns[0]["about"],
            "model": f"ref('{SOURCE}_{self._table}')",
        }
        if self.measures:
            model["defaults"] = {"agg_time_dimension": self._dimension(self._time, "time")}
        if not any(entity["type"] == "primary" for entity in entities):
            model["primary_entity"] = self._names.of_rows(self._table)
        model["entities"] = entities
        model["dimensions"] = list(self._dimensions())
        if self.measures:
            model["measures"] = self.measures
        return model

    def _entities(self) -> Iterator[Part]:
        own = self._of_wide.get(self._table) or ENTITIES.get(self._table)
        has_process = any(column["name"] == "process_id" for column in self._columns)
        if own and self._table in (*self._of_wide, "processes"):
            yield {"name": own, "type": "primary", "expr": "process_id"}
        elif own:
            yield {"name": own, "type": "primary", "expr": _key(self._table)}
        elif has_process:
            for name in ("process", *self._of_wide.values()):
                yield {"name": name, "type": "foreign", "expr": "process_id"}
        found = {own, "process"}
        for column in self._columns:
            name = _REFERRING.get(column["name"])
            if name and name not in found:
                found.add(name)
                yield {"name": name, "type": "foreign", "expr": column["name"]}

    def _dimensions(self) -> Iterator[Part]:
        measured = {measure["expr"] for measure in self.measures}
        for column in self._columns:
            name, kind = column["name"], column["type"]
            if name in _REFERRING or name == _key(self._table) or expression(name) in measured:
                continue
            if kind in _TIMES:
                is_local = kind == "TIMESTAMP" and self._zone != "UTC"
                zone = literal(self._zone)
                expr = expression(name)
                yield {
                    "name": self._dimension(name, "time"),
                    "type": "time",
                    "type_params": {"time_granularity": "day"},
                    "expr": f"timezone({zone}, timezone('UTC', {expr}))" if is_local else expr,
                    "description": column["description"],
                }
            elif kind.partition("(")[0] in _CATEGORIES and column["unit"] == "":
                yield {
                    "name": self._dimension(name, "categorical"),
                    "type": "categorical",
                    "expr": expression(name),
                    "description": column["description"],
                }

    def _measures(self) -> Iterator[Part]:
        if not self._time:
            return
        if "day" not in self._time.split("_"):
            yield self._measure("", "count", "1", f"Rows of {self._table}: {self._grain}.")
        for column in self._columns:
            name, kind, unit = column["name"], column["type"].partition("(")[0], column["unit"]
            is_value = unit == "" and self._table in self._of_wide and name not in _KNOWN
            if kind not in _NUMBERS or not (unit in (SECONDS, COUNT) or is_value):
                continue
            kinds = {SECONDS: ("average", "median"), COUNT: ("sum",)}.get(unit, ("sum", "average"))
            for aggregation in kinds:
                text = f"{_STATISTICS[aggregation]} of `{name}`. {column['description']}"
                measure = self._measure(name, aggregation, expression(name), text)
                if name in _LEVELS:
                    measure["non_additive_dimension"] = {
                        "name": self._dimension(self._time, "time"),
                        "window_choice": _LEVELS[name],
                    }
                yield measure

    def _measure(self, column: str, aggregation: str, expr: str, text: str) -> Part:
        name = self._names.of_measure(self._table, column, aggregation)
        agg = "sum" if expr == "1" else aggregation
        return {"name": name, "agg": agg, "expr": expr, "description": text}

    def _dimension(self, column: str, kind: str) -> str:
        return self._names.of_dimension(self._table, column, kind)

    @property
    def _grain(self) -> str:
        return str(self._columns[0]["grain"])


_KNOWN = frozenset(
    name
    for table in ("processes", "process_lifecycle", "process_contacts")
    for name in TABLES[table].column_names
)


def _key(table: str) -> str:
    """The column that alone tells the rows of a table apart; empty where several do."""
    key = TABLES[table].key if table in TABLES else ("process_id",)
    return key[0] if len(key) == 1 else ""


def described_columns(con: duckdb.DuckDBPyConnection, table: str) -> list[Part]:
    rows = con.execute(
        """
        select m.column_name, m.data_type, m.description, m.unit, m.null_rule, m.open_rule,
            m.grain, c.description
        from metric_catalog as m
        inner join catalog as c on c.table_name = m.table_name
        inner join duckdb_columns() as d
            on d.table_name = m.table_name
            and d.column_name = m.column_name
            and d.database_name = current_database()
        where m.table_name = $table
        order by d.column_index
        """,
        {"table": table},
    ).fetchall()
    return [
        {
            "name": name,
            "type": kind,
            "unit": unit,
            "description": plain_text(
                " ".join(
                    part
                    for part in (
                        description,
                        f"Unit: {unit}." if unit else "",
                        f"Null: {nulls}." if nulls else "",
                        f"Open or reopened: {opened}." if opened else "",
                    )
                    if part
                )
            ),
            "grain": grain,
            "about": plain_text(f"{about} Grain: {grain}."),
        }
        for name, kind, description, unit, nulls, opened, grain, about in rows
        if name != "link"
    ]
