"""The procedures as small tables, which the SQL joins instead of being written per procedure.

What a procedure is, is in `schemas/definitions.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

import duckdb
import polars as pl

from schemas.definitions import Procedure
from schemas.rules import Rule
from schemas.working_calendars import Calendar
from transforms.allowed_paths import skipping_paths
from transforms.calendars import calendar_frames
from transforms.funnel_config import FUNNEL_SCHEMAS, funnel_rows
from transforms.sla_config import SLA_SCHEMAS, sla_rows

_TEXT = pl.String
_SCHEMAS: dict[str, dict[str, pl.DataType | type[pl.DataType]]] = {
    "procedures": {
        "procedure_id": _TEXT,
        "procedure": _TEXT,
        "procedure_name": _TEXT,
        "has_stategraph": pl.Boolean,
        "has_tracked": pl.Boolean,
    },
    "states": {
        "procedure_id": _TEXT,
        "procedure": _TEXT,
        "state_id": _TEXT,
        "state": _TEXT,
        "state_name": _TEXT,
        "state_kind": _TEXT,
        "state_rank": pl.Int32,
        "is_removed": pl.Boolean,
        "is_judged": pl.Boolean,
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
    "rules": {"rule": _TEXT, "severity": _TEXT, "sentence": _TEXT, "procedure": _TEXT},
}
CONFIG_TABLES = (*_SCHEMAS, "calendars", "procedure_calendars", "working_slots")


def config_frames(
    procedures: Sequence[Procedure],
    rules: Iterable[tuple[Rule, str | None]],
    *,
    calendars: Mapping[str, Calendar],
) -> dict[str, pl.DataFrame]:
    """The rows of each `config` table; `rules` come with the procedure they belong to, if any.

    `calendars` are those that procedures can choose from.
    """
    rows: dict[str, list[tuple[object, ...]]] = {
        "procedures": [
            (
                p.id,
                p.short_id,
                p.name,
                p.stategraph is not None,
                any(attribute.track for attribute in p.attributes),
            )
            for p in procedures
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
                # A stategraph without the removed states says nothing of moves that were.
                not s.removed or s.short_id in _in_stategraph(p),
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
        "rules": [(r.id, r.severity, r.sentence, procedure) for r, procedure in rules],
    }
    return {
        name: pl.DataFrame(rows[name], schema=schema, orient="row")
        for name, schema in _SCHEMAS.items()
    } | calendar_frames(procedures, calendars)


def _in_stategraph(procedure: Procedure) -> frozenset[str]:
    """The states that some move of the stategraph leaves or enters."""
    graph = procedure.stategraph or {}
    moves = [(before, after) for before, followers in graph.items() for after in followers]
    return frozenset(state for move in moves for state in move)


def write_config(con: duckdb.DuckDBPyConnection, frames: dict[str, pl.DataFrame]) -> None:
    """Replace the `config` tables, all at once."""
    con.execute("begin")
    try:
        for name, frame in frames.items():
            con.register("incoming", frame)
            columns = ", ".join(
                f"{c}::uuid as {c}" if c in ("procedure_id", "state_id") else c
                for c in frame.columns
            )
            con.execute(f"create or replace table config.{name} as select {columns} from incoming")
            con.unregister("incoming")
        con.execute("commit")
    except BaseException:
        with suppress(duckdb.TransactionException):  # a full disk has undone it already
            con.execute("rollback")
        raise
