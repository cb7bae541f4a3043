"""What is rebuilt, and over which processes; wide tables and the flags of history, row by row."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from schemas.definitions.procedure import Procedure, Procedures
from tests.reference.versions import Row
from tests.support.jobs import HOUR, START, A, B, C, version
from tests.support.warehouse import MemoryWarehouse
from transforms.builder.builder import Builder, unknown_states

JOB: dict[str, Any] = {
    "id": "10000000-0000-4000-8000-000000000000",
    "shortId": "job",
    "primaryKey": "code",
    "attributes": [
        {
            "id": "20000000-0000-4000-8000-000000000000",
            "shortId": "code",
            "type": "stringId",
            "personal": True,
        },
        {
            "id": "20000000-0000-4000-8000-000000000001",
            "shortId": "size",
            "type": "stringEnum",
            "options": ["S", "L"],
        },
        {"id": "20000000-0000-4000-8000-000000000002", "shortId": "status", "type": "integer"},
        {
            "id": "20000000-0000-4000-8000-000000000003",
            "shortId": "colours",
            "type": "multiStringEnum",
            "options": ["red", "blue"],
        },
        {"id": "20000000-0000-4000-8000-000000000004", "shortId": "due", "type": "datetime"},
    ],
    "states": [
        {"id": "30000000-0000-4000-8000-000000000000", "shortId": "NEW", "kind": "queue"},
        {"id": "30000000-0000-4000-8000-000000000001", "shortId": "WORK", "kind": "work"},
        {"id": "30000000-0000-4000-8000-000000000002", "shortId": "DONE", "kind": "done"},
    ],
    "startState": "NEW",
    "completedState": "DONE",
    "stategraph": {"NEW": ["WORK"], "WORK": ["DONE"], "DONE": []},
    "funnels": [{"name": "all", "steps": ["NEW", "WORK", "DONE"]}],
    "timezone": "Europe/Berlin",
}


def defined(**changes: object) -> Procedures:
    procedure = Procedure.model_validate(JOB | changes)
    return Procedures((procedure,), {procedure.short_id: "job.yaml"})


def modes(warehouse: MemoryWarehouse, procedures: Procedures | None = None) -> dict[str, str]:
    """How each history table is refreshed in a next build, long after everything."""
    builder: Builder = warehouse.build(START + 1000 * HOUR, procedures=procedures, whole=True)
    return {name: builder.refresh_history(name).mode for name in builder.names("history")}


@pytest.fixture
def warehouse() -> MemoryWarehouse:
    made = MemoryWarehouse(defined())
    made.add([version(A, 0), version(A, 2, state="WORK"), version(B, 0)])
    return made


def test_first_build_is_full_and_the_next_does_nothing(warehouse: MemoryWarehouse) -> None:
    assert set(modes(warehouse).values()) == {"full"}
    assert set(modes(warehouse).values()) == {"current"}


def test_only_touched_processes_are_refreshed(warehouse: MemoryWarehouse) -> None:
    modes(warehouse)
    # Rows of an untouched process stay as they are, even if somebody has been at them.
    warehouse.con.execute(
        "update memory.history.processes set status = 'X' where process_id = $b", {"b": B}
    )
    warehouse.add([version(A, 1, state="DONE")])
    assert set(modes(warehouse).values()) == {"incremental"}
    assert warehouse.rows("select status from processes order by process_id") == [
        {"status": "OPEN"},
        {"status": "X"},
    ]
    assert warehouse.rows(
        "select state, entered_at, direction, is_allowed from state_visits "
        f"where process_id = '{A}' order by visit_no"
    ) == [
        {"state": "NEW", "entered_at": START, "direction": "start", "is_allowed": None},
        {"state": "DONE", "entered_at": START + HOUR, "direction": "forward", "is_allowed": False},
        {
            "state": "WORK",
            "entered_at": START + 2 * HOUR,
            "direction": "backward",
            "is_allowed": False,
        },
    ]


def test_a_changed_stategraph_or_funnel_redoes_what_reads_it(
    warehouse: MemoryWarehouse,
) -> None:
    modes(warehouse)
    funnels = defined(funnels=[{"name": "short", "steps": ["NEW", "DONE"]}])
    redone = {name for name, mode in modes(warehouse, funnels).items() if mode != "current"}
    assert redone == {"funnel_occurrences", "funnel_paths"}
    assert {row["funnel"] for row in warehouse.rows("from funnel_steps")} == {"short"}
    graph = defined(stategraph={"NEW": ["WORK", "DONE"], "WORK": ["DONE"], "DONE": ["WORK"]})
    changed = modes(warehouse, graph)
    assert changed["state_visits"] == "incremental"
    assert changed["process_lifecycle"] == "incremental"
    assert changed["status_spells"] == "current"
    assert warehouse.rows("select n_not_allowed from process_lifecycle") == 2 * [
        {"n_not_allowed": 0}
    ]


def test_a_changed_procedure_leaves_the_processes_of_others_alone() -> None:
    other = Procedure.model_validate(JOB | {"id": A.replace("0000-4", "1111-4"), "shortId": "task"})
    (job,) = defined()
    warehouse = MemoryWarehouse(Procedures((job, other), {}))
    warehouse.add([version(A, 0), version(A, 2, state="DONE")])
    warehouse.add([{**version(B, 0), "procedure": "task"}])
    modes(warehouse)
    warehouse.con.execute("update memory.history.state_visits set state_name = 'X'")
    (renamed,) = defined(states=[*JOB["states"][:2], JOB["states"][2] | {"name": "Finished"}])
    builder = warehouse.build(START + 1000 * HOUR, procedures=Procedures((renamed, other), {}))
    assert builder.refresh_history("state_visits").processes == 1
    assert warehouse.rows("select procedure, state_name from state_visits order by all") == [
        {"procedure": "job", "state_name": "Finished"},
        {"procedure": "job", "state_name": "NEW"},
        {"procedure": "task", "state_name": "X"},
    ]


def test_a_failed_refresh_leaves_the_table_and_its_mark(warehouse: MemoryWarehouse) -> None:
    modes(warehouse)
    warehouse.add([version(A, 3, state="DONE")])
    before = warehouse.rows("from memory.history.state_visits")
    marks = warehouse.rows("from memory.history.watermarks order by table_name")
    warehouse.con.execute("alter table memory.history.state_visits add column extra int default 1")
    warehouse.con.execute("alter table memory.history.state_visits rename visit_no to number")
    with pytest.raises(Exception, match="visit_no"):
        warehouse.build(START + 1000 * HOUR, whole=True)
    warehouse.con.execute("alter table memory.history.state_visits rename number to visit_no")
    warehouse.con.execute("alter table memory.history.state_visits drop column extra")
    assert warehouse.rows("from memory.history.state_visits") == before
    after = warehouse.rows("from memory.history.watermarks order by table_name")
    assert [m for m in after if m["table_name"] == "state_visits"] == [
        m for m in marks if m["table_name"] == "state_visits"
    ]
    assert modes(warehouse)["state_visits"] == "incremental"
    assert len(warehouse.rows("from state_visits")) == len(before) + 1


def test_states_that_no_definition_has_are_found(warehouse: MemoryWarehouse) -> None:
    modes(warehouse)
    states = warehouse.con.sql("from config.states").pl()
    assert unknown_states(warehouse.con, states) == []
    without = states.filter(pl.col("state") != "WORK")
    assert unknown_states(warehouse.con, without) == [(JOB["id"], JOB["states"][1]["id"], 1)]


def test_wide_table_has_typed_values_of_the_latest_version(warehouse: MemoryWarehouse) -> None:
    ids = {attribute["shortId"]: attribute["id"] for attribute in JOB["attributes"]}
    warehouse.add(
        [
            version(
                A,
                5,
                data={
                    ids["code"]: "A-1",
                    "size": "M",
                    ids["status"]: "146",
                    "colours": ["red", "blue"],
                    "due": "2024-07-01 10:00",
                },
            ),
            version(B, 5, data={"code": "", "size": "L", "status": 2.5, "colours": ["green"]}),
        ]
    )
    warehouse.build(START + 1000 * HOUR, whole=True)
    assert warehouse.rows(
        "select code, size, attr_status, colours, due::varchar as due, n_visits "
        "from job_processes order by process_id"
    ) == [
        {
            "code": "A-1",
            "size": None,
            "attr_status": 146,
            "colours": ["red", "blue"],
            "due": "2024-07-01 08:00:00",
            "n_visits": 3,
        },
        {
            "code": None,
            "size": "L",
            "attr_status": None,
            "colours": None,
            "due": None,
            "n_visits": 1,
        },
    ]


def test_flags_of_history_name_process_rule_and_place(warehouse: MemoryWarehouse) -> None:
    warehouse.add_file("jobs.ndjson")
    warehouse.add(
        [
            version(A, 6, state="DONE", data={"code": "K"}),
            version(A, 7, state="NEW", data={"code": "K"}),
            version(B, 8, data={"code": "K"}, parent_process=C),
            version(C, 1, data={"code": "K"}, is_deleted=True),
        ]
    )
    # Not in any file's ledger twice: the deleted process neither counts as live nor as unknown.
    warehouse.build(START + 1000 * HOUR, whole=True)
    found: list[Row] = warehouse.rows(
        "select process_id, rule, severity, column_name, value, file_name, line "
        "from violations order by rule, process_id, line"
    )
    assert found == [
        row("core:primary_key:unique", A, "code", "***", 701),
        row("core:primary_key:unique", B, "code", "***", 1_000_801),
        row("graph:transition:allowed", A, "state", "DONE > NEW", 701),
    ]


def row(rule: str, process_id: str, column: str, value: str, line: int) -> Row:
    return {
        "process_id": process_id,
        "rule": rule,
        "severity": "flag",
        "column_name": column,
        "value": value,
        "file_name": "jobs.ndjson",
        "line": line,
    }


def test_unknown_parents_are_flagged(warehouse: MemoryWarehouse) -> None:
    warehouse.add_file("jobs.ndjson")
    warehouse.add([version(A, 6, state="WORK", parent_process=C, data={})])
    warehouse.build(START + 1000 * HOUR, whole=True)
    assert warehouse.rows("select process_id, rule, value from violations") == [
        {"process_id": A, "rule": "core:parent_process_id:known", "value": C}
    ]
