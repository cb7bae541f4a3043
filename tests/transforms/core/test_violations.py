"""The rules that show only when versions are compared with each other, parents and dimensions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from pipelines.settings import PROCEDURES_FOLDER
from schemas.definitions.procedure import Procedures
from schemas.load import load_procedures
from tests.reference.flags import flags
from tests.reference.versions import Version
from tests.support.jobs import HOUR, JOB, START, A, B, C, D, jobs, version
from tests.support.strategies import as_ofs, version_lists
from tests.support.warehouse import MemoryWarehouse

AS_OF = START + 1000 * HOUR
OTHER = "00000000-0000-4000-8000-0000000000ff"


def ledger(warehouse: MemoryWarehouse) -> None:
    warehouse.add_file("a")
    warehouse.con.execute(
        "insert into raw.ingest_files by name from (select 0 as file_seq, * exclude (file_seq) from raw.ingest_files)"
    )


def broken(
    *versions: Version, procedures: Procedures | None = None, dimensions: str = ""
) -> dict[tuple[str, float], list[str]]:
    """The rules of `core:` that break, by process and hours after the start."""
    warehouse = MemoryWarehouse(procedures or jobs())
    ledger(warehouse)
    warehouse.add(versions)
    if dimensions:
        warehouse.con.execute(
            "insert into raw.dimension_rows (dimension, id, name, data, ingest_seq, batch_seq) "
            f"values {dimensions}"
        )
    warehouse.build(AS_OF)
    found: dict[tuple[str, float], list[str]] = {}
    query = (
        "select process_id, rule, updated_at from violations where rule like 'core:%' order by all"
    )
    for row in warehouse.rows(query):
        key = row["process_id"], (row["updated_at"] - START) / HOUR
        found.setdefault(key, []).append(row["rule"].removeprefix("core:"))
    return found


def test_fields_that_do_not_change() -> None:
    first = {
        "created_by": A,
        "record": A,
        "entity": A,
        "first_assigned_to": A,
        "first_assigned_at": START,
    }
    changed = {"created_at": START + 1, "created_by": B, "team_id": B, "record": B}
    changed |= {"first_assigned_to": None, "first_assigned_at": START + 1}
    columns = ("created_at", "created_by", "first_assigned_at", "first_assigned_to", "record_id")
    assert broken(
        version(A),
        version(A, 1, **first),
        version(A, 2, **first),
        version(A, 3, **changed),
        version(A, 4, **first | {"created_at": START + 1, "team_id": B, "record": None}),
    ) == {
        (A, 3): [*(f"{column}:constant" for column in columns), "team_id:constant"],
        (A, 4): ["created_by:constant", "first_assigned_at:constant", "record_id:constant"],
    }


def test_the_first_assignee_is_the_one_that_was_seen() -> None:
    def assigned(process: str, hours: float, to: str, at: float, first: str) -> Version:
        times = {"first_assigned_to": first, "first_assigned_at": START + round(at * HOUR)}
        return version(process, hours, assigned_to=to, **times)

    found = broken(
        *(version(process) for process in (A, B, C)),
        assigned(A, 2, B, 1, B),
        assigned(A, 3, C, 1, B),
        assigned(B, 2, B, 3, C),
        version(C, 1),
        assigned(C, 2, B, 0.5, B),
        # What came before the first version is not known.
        version(D, 5, assigned_to=B, first_assigned_to=C, first_assigned_at=START),
    )
    assert found == {
        (B, 2): ["first_assigned_at:observed", "first_assigned_to:observed"],
        (C, 2): ["first_assigned_at:observed"],
    }


def test_first_assignees_are_missing_only_where_a_procedure_has_them() -> None:
    lacking = [version(A), version(A, 1, assigned_to=B), version(A, 2, assigned_to=C)]
    assert broken(*lacking) == {}
    with_one = version(B, assigned_to=B, first_assigned_to=B, first_assigned_at=START)
    assert broken(*lacking, with_one) == {(A, 1): ["first_assigned_at:missing"]}


def test_a_plan_is_not_set_into_the_past() -> None:
    late = START + 4 * HOUR
    assert broken(
        version(A),
        version(A, 5, next_action_at=late),
        version(A, 6, next_action_at=late),
        version(A, 7, next_action_at=START + 8 * HOUR),
        version(A, 9, next_action_at=START + 8 * HOUR),
        version(B, 5, next_action_at=late),
    ) == {(A, 5): ["next_action_at:past"]}


def test_a_process_is_created_in_the_start_state() -> None:
    found = broken(version(A, state="WORK"), version(B, 1, state="WORK"), version(C))
    assert found == {(A, 0): ["state_key:start"]}


def test_children_fit_their_parents() -> None:
    child: dict[str, Any] = {"parent_process": A, "parent_procedure": JOB["id"]}
    assert broken(
        version(A, team_id=A),
        version(B, **child),
        version(C, 1, **child | {"parent_procedure": OTHER, "team_id": B}),
        version(D, created_at=START - 1, **child),
    ) == {
        (C, 1): ["parent_procedure:same", "team_id:parent"],
        (D, 0): ["created_at:parent"],
    }


def test_ids_are_compared_with_the_dimensions_there_are() -> None:
    named = version(A, assigned_to=A, belongs_to=A, record=A, entity=A)
    unnamed = version(B, assigned_to=B, belongs_to=B, record=B, entity=A)
    deleted = version(C, assigned_to=B, belongs_to=B, record=B, entity=A, is_deleted=True)
    rows = [f"('{name}', '{A}', 'x', '{{}}', 1, 1)" for name in ("users", "pods", "records")]
    everything = ["assigned_to:known", "pod_id:known", "record_id:known"]
    assert broken(named, unnamed, deleted) == {}
    assert broken(named, unnamed, deleted, dimensions=rows[1]) == {(B, 0): ["pod_id:known"]}
    assert broken(named, unnamed, deleted, dimensions=", ".join(rows)) == {(B, 0): everything}


def test_a_primary_key_is_repeated_within_a_team_only() -> None:
    keyed = jobs(primaryKey="colour")
    red: dict[str, Any] = {"data": {"colour": "red"}}
    blue: dict[str, Any] = {"data": {"colour": "blue"}}
    found = broken(
        version(A, **red),
        version(B, team_id=B, **red),
        version(C, team_id=B, **red),
        version(D, **blue),
        procedures=keyed,
    )
    assert found == {(B, 0): ["primary_key:unique"], (C, 0): ["primary_key:unique"]}


def test_a_procedure_can_silence_a_rule() -> None:
    silent = jobs(rules={"core:state_key:start": "off"})
    versions = [version(A, state="WORK"), version(A, 1, team_id=B)]
    assert broken(*versions, procedures=silent) == {(A, 1): ["team_id:constant"]}


@pytest.fixture(scope="module")
def procedures() -> Procedures:
    """With all rules on: the reference knows none that a definition switches off."""
    loaded = load_procedures(PROCEDURES_FOLDER)
    bare = tuple(procedure.model_copy(update={"rules": {}}) for procedure in loaded)
    return replace(loaded, procedures=bare)


@given(versions=version_lists(max_processes=10, max_versions=6), as_of=as_ofs())
@settings(
    max_examples=2,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
def test_flags_equal_the_reference(
    procedures: Procedures, versions: list[Version], as_of: int
) -> None:
    warehouse = MemoryWarehouse(procedures)
    ledger(warehouse)
    cut = len(versions) // 2
    for part in (versions[:cut], versions[cut:]):
        warehouse.add(part)
        warehouse.build(as_of)
    known = {p.short_id: {"id": p.id, "startState": p.start_state} for p in procedures}
    expected = flags(versions, known, as_of)
    ends = ("constant", "observed", "past", "start", "same", "parent")
    found = warehouse.rows("select process_id, rule, updated_at, line from violations")
    found = [
        row
        for row in found
        if row["rule"].startswith("core:")
        and (row["rule"].endswith(ends) or row["rule"] == "core:first_assigned_at:missing")
    ]
    assert sorted(map(str, found)) == sorted(map(str, expected))
