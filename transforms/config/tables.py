"""The definitions of procedures as small tables that the SQL joins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import duckdb
import polars as pl

from schemas.definitions.calendar import Calendar
from schemas.definitions.procedure import Procedure
from schemas.records.rule import Rule
from transforms.config.allowed_paths import skipping_paths
from transforms.config.calendars import CALENDAR_TABLES, calendar_frames
from transforms.config.funnels import FUNNEL_SCHEMAS, funnel_rows
from transforms.config.indicators import INDICATOR_SCHEMAS, indicator_rows
from transforms.config.slas import SLA_SCHEMAS, sla_rows
from transforms.transaction import transaction

_TEXT = pl.String
_SCHEMAS: dict[str, dict[str, pl.DataType | type[pl.DataType]]] = {
    "procedures": {
        "procedure_id": _TEXT,
        "procedure": _TEXT,
        "procedure_name": _TEXT,
        "has_stategraph": pl.Boolean,
        "has_tracked": pl.Boolean,
        "start_state": _TEXT,
    },
    "observation_given": {"procedure": _TEXT, "observed_since": pl.Date},
    "states": {
        "procedure_id": _TEXT,
        "procedure": _TEXT,
        "state_id": _TEXT,
        "state": _TEXT,
        "state_name": _TEXT,
        "state_kind": _TEXT,
        "state_rank": pl.Int32,
        "is_removed": pl.Boolean,
        "has_known_moves": pl.Boolean,
        "probability": pl.Float64,
    },
    "transitions": {"procedure": _TEXT, "from_state": _TEXT, "to_state": _TEXT},
    "allowed_paths": {
        "procedure": _TEXT,
        "from_state": _TEXT,
        "to_state": _TEXT,
        "skipped_states": pl.List(_TEXT),
    },
    **FUNNEL_SCHEMAS,
    **SLA_SCHEMAS,
    **INDICATOR_SCHEMAS,
    "rules": {"rule": _TEXT, "severity": _TEXT, "sentence": _TEXT, "procedure": _TEXT},
    "rule_levels": {"procedure": _TEXT, "rule": _TEXT, "level": _TEXT},
}
CONFIG_TABLES = (*_SCHEMAS, *CALENDAR_TABLES)


def config_frames(
    procedures: Sequence[Procedure],
    rules: Iterable[tuple[Rule, str | None]],
    *,
    calendars: Mapping[str, Calendar],
) -> dict[str, pl.DataFrame]:
    """The rows of each `config` table.

    `rules` are pairs of a rule and the procedure it belongs to, if any. `calendars` are those that
    procedures can choose from.
    """
    rows: dict[str, list[tuple[object, ...]]] = {
        "procedures": [
            (
                p.id,
                p.short_id,
                p.name,
                p.stategraph is not None,
                any(attribute.track for attribute in p.attributes),
                p.start_state,
            )
            for p in procedures
        ],
        "observation_given": [
            (p.short_id, p.observed_since) for p in procedures if p.observed_since is not None
        ],
        "states": [
            (
                p.id,
                p.short_id,
                s.id,
                s.short_id,
                s.name,
                s.kind,
                s.rank,
                s.removed,
                # A stategraph that leaves out retired states says nothing about the moves they had.
                not s.removed or s.short_id in _in_stategraph(p),
                s.probability,
            )
            for p in procedures
            for s in p.states
        ],
        "transitions": [
            (p.short_id, before, after)
            for p in procedures
            for before, followers in (p.stategraph or {}).items()
            for after in followers
        ],
        "allowed_paths": [
            (p.short_id, before, after, list(between))
            for p in procedures
            for before, after, between in skipping_paths(p)
        ],
        **funnel_rows(procedures),
        **sla_rows(procedures),
        **indicator_rows(procedures),
        "rules": [(r.id, r.severity, r.sentence, procedure) for r, procedure in rules],
        "rule_levels": [(p.short_id, id_, p.rules[id_]) for p in procedures for id_ in p.rules],
    }
    return {
        name: pl.DataFrame(rows[name], schema=schema, orient="row")
        for name, schema in _SCHEMAS.items()
    } | calendar_frames(procedures, calendars)


def _in_stategraph(procedure: Procedure) -> frozenset[str]:
    """The states that the stategraph names."""
    graph = procedure.stategraph or {}
    moves = [(before, after) for before, followers in graph.items() for after in followers]
    return frozenset(state for move in moves for state in move)


def write_config(con: duckdb.DuckDBPyConnection, frames: dict[str, pl.DataFrame]) -> None:
    """Replace all `config` tables in one transaction."""
    with transaction(con):
        for name, frame in frames.items():
            con.register("incoming", frame)
            columns = ", ".join(
                f"{c}::uuid as {c}" if c in ("procedure_id", "state_id") else c
                for c in frame.columns
            )
            con.execute(f"create or replace table config.{name} as select {columns} from incoming")
            con.unregister("incoming")
