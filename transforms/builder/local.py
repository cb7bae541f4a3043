"""Which tables after history follow from each process by itself, and how they are computed so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

import duckdb

from transforms.builder.kernel import Plan, columns_of, make_plan
from transforms.builder.tables import RAW_RELATIONS, Key, Table, upstreams
from transforms.config.tables import CONFIG_TABLES

PROCESS_LOCAL: Final[frozenset[Key]] = frozenset(
    {
        ("step", "closings"),
        ("step", "dated_stays"),
        ("step", "funnel_groups"),
        ("step", "funnel_moments"),
        ("step", "funnel_paths"),
        ("step", "outcome_groups"),
        ("step", "process_calendars"),
        ("step", "process_names"),
        ("core", "assignments"),
        ("core", "attribute_changes"),
        ("core", "attribute_spells"),
        ("core", "calls"),
        ("core", "follow_ups"),
        ("core", "open_stays"),
        ("core", "procedure_changes"),
        ("core", "process_contacts"),
        ("core", "process_durations"),
        ("core", "process_lifecycle"),
        ("core", "process_outcomes"),
        ("core", "processes"),
        ("core", "sla_clocks"),
        ("core", "sla_segments"),
        ("core", "state_visits"),
        ("core", "status_spells"),
        ("core", "tasks"),
        ("mart", "funnel_progress"),
        ("mart", "funnel_values_at_entry"),
    }
)
"""The tables whose rows of some processes are the same whichever other processes there are.

That is, given what they read that is not in this list: whole tables such as `observed_since`, and
the rows of the same processes in tables that look across processes, such as `hierarchy`. The wide
tables (`<shortId>_processes`) and their bases are local too.
"""
_WIDE = ("_base", "_processes")


def is_local(table: Table) -> bool:
    """Whether a table is declared to follow from each process by itself, or is a wide one."""
    is_wide = table.layer in ("step", "core") and table.name.endswith(_WIDE)
    return table.key in PROCESS_LOCAL or is_wide


def local_and_given(
    tables: Mapping[Key, Table], wanted: Iterable[Key]
) -> tuple[list[Table], list[Key]]:
    """The local tables that lead to those wanted, in order, and the other tables that they read."""
    local: set[Key] = set()
    given: dict[Key, None] = {}
    waiting = list(wanted)
    while waiting:
        key = waiting.pop()
        if is_local(tables[key]):
            new = {*upstreams(tables, tables[key]), key} - local
            waiting += new - {key}
            local.add(key)
        else:
            given[key] = None
    return [table for key, table in tables.items() if key in local], list(given)


def plan_local(
    con: duckdb.DuckDBPyConnection, tables: Mapping[Key, Table], wanted: Iterable[Key]
) -> tuple[Plan, dict[str, str]]:
    """The plan for some local tables and the queries for its inputs.

    What they read that is not local must be bound to its plain name, history to `history_<name>`.
    What has a `process_id` is divided by it; the rest is the same for all processes.
    """
    wanted = set(wanted)
    local, given = local_and_given(tables, wanted)
    known = {*CONFIG_TABLES, *RAW_RELATIONS, "build"}
    known |= {f"history_{name}" if layer == "history" else name for layer, name in given}
    inputs: dict[str, str] = {}
    shared: dict[str, str] = {}
    for name in dict.fromkeys(name for table in local for name in table.reads):
        if name in known:
            query = f'from "{name}"'
            is_divided = "process_id" in columns_of(con, query)
            (inputs if is_divided else shared)[name] = query
    # What is wanted is stored, what only leads to it is not.
    chosen = [replace(t, kind="table" if t.key in wanted else "view") for t in local]
    return make_plan(con, "tables", chosen, shared, inputs), inputs
