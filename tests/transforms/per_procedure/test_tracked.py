"""Changes of tracked attributes, row by row, and that the key convention is nothing.

That they equal the reference for any history is tested with the other tables.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from schemas.definitions.procedure import Procedures
from schemas.load import load_procedures
from tests.reference.changes import attribute_changes
from tests.reference.versions import Version
from tests.support.jobs import HOUR, START, A, B, jobs, version
from tests.support.strategies import PROCEDURES, TIME_ZONE, as_ofs, version_lists
from tests.support.warehouse import MemoryWarehouse, differences

AS_OF = START + 1000 * HOUR
SIZE, COLOURS, DUE, SECRET, OTHER = (f"20000000-0000-4000-8000-00000000000{n}" for n in range(5))
TRACKED: dict[str, Any] = {
    "timezone": "Europe/Berlin",
    "attributes": [
        {"id": SIZE, "shortId": "size", "type": "integerEnum", "options": [1, 2], "track": True},
        {
            "id": COLOURS,
            "shortId": "colours",
            "type": "multiStringEnum",
            "options": ["red", "blue"],
            "track": True,
        },
        {"id": DUE, "shortId": "due", "type": "datetime", "track": True},
        {"id": SECRET, "shortId": "it's", "type": "email", "track": True},
        {"id": OTHER, "shortId": "other", "type": "integer"},
    ],
}


@pytest.fixture
def warehouse() -> MemoryWarehouse:
    return MemoryWarehouse(jobs(**TRACKED))


def changes(warehouse: MemoryWarehouse, *columns: str) -> list[tuple[Any, ...]]:
    order = "order by process_id, attribute, change_no"
    rows = warehouse.rows(f"select {', '.join(columns)} from attribute_changes {order}")
    return [tuple(row.values()) for row in rows]


def test_a_change_says_what_was_and_is_since_when_and_in_whose_hands(
    warehouse: MemoryWarehouse,
) -> None:
    warehouse.add(
        [
            version(A, 1, data={"size": 1}, created_at=START),
            version(A, 3, data={"size": 1}, state="WORK"),
            version(A, 5, data={"size": 2}, state="WORK", assigned_to=B),
            version(A, 6.5, data={"size": 1}, state="DONE"),
        ]
    )
    warehouse.build(AS_OF)
    assert warehouse.rows("from attribute_changes order by change_no") == [
        {
            "process_id": A,
            "team_id": A,
            "procedure": "job",
            "attribute": "size",
            "type": "integerEnum",
            "change_no": 1,
            "old_value": "1",
            "new_value": "2",
            "changed_at": START + 5 * HOUR,
            "previous_seconds": 5 * 3600.0,
            "state": "WORK",
            "assigned_to": B,
            "is_deleted": False,
        },
        {
            "process_id": A,
            "team_id": A,
            "procedure": "job",
            "attribute": "size",
            "type": "integerEnum",
            "change_no": 2,
            "old_value": "2",
            "new_value": "1",
            "changed_at": START + round(6.5 * HOUR),
            "previous_seconds": 1.5 * 3600,
            "state": "DONE",
            "assigned_to": None,
            "is_deleted": False,
        },
    ]


def test_a_definition_in_other_words_is_not_a_change(warehouse: MemoryWarehouse) -> None:
    same: list[dict[str, Any]] = [
        {"size": 1, "due": "2024-07-01 10:00"},
        {SIZE: 1, DUE: "2024-07-01T08:00:00Z"},
        {"size": "1", "due": 1719820800000},
        {SIZE: 1.0, "size": 2, DUE: "2024-07-01 10:00:00"},
    ]
    warehouse.add([version(A, hour, data=data) for hour, data in enumerate(same)])
    warehouse.build(AS_OF)
    assert changes(warehouse, "attribute") == []


def test_missing_bad_and_undeclared_options_are_null(warehouse: MemoryWarehouse) -> None:
    said: list[Any] = [None, "", "many", 3, 1, 9, 2, None]
    warehouse.add([version(A, hour, data={"size": size}) for hour, size in enumerate(said)])
    warehouse.add([version(B, 0), version(B, 1, data={"it's": "a@b.de", "colours": ["red"]})])
    warehouse.add([version(B, 2, data={"it's": "not one", "colours": ["red", "green"]})])
    warehouse.build(AS_OF)
    columns = "process_id", "attribute", "old_value", "new_value", "previous_seconds"
    assert changes(warehouse, *columns) == [
        (A, "size", None, "1", 4 * 3600.0),
        (A, "size", "1", None, 3600.0),
        (A, "size", None, "2", 3600.0),
        (A, "size", "2", None, 3600.0),
        (B, "colours", None, "[red]", 3600.0),
        (B, "colours", "[red]", None, 3600.0),
        (B, "it's", None, "a@b.de", 3600.0),
        (B, "it's", "a@b.de", None, 3600.0),
    ]


def test_values_of_the_first_version_are_not_changes(warehouse: MemoryWarehouse) -> None:
    warehouse.add([version(A, data={"size": 1, "it's": "a@b.de"})])
    warehouse.build(AS_OF)
    assert changes(warehouse, "attribute") == []


def test_only_tracked_attributes_are_followed(warehouse: MemoryWarehouse) -> None:
    warehouse.add([version(A, data={"other": 1}), version(A, 1, data={"other": 2})])
    warehouse.build(AS_OF)
    assert changes(warehouse, "attribute") == []


def test_changes_while_deleted_count_and_two_in_one_millisecond_both_do(
    warehouse: MemoryWarehouse,
) -> None:
    warehouse.add(
        [
            version(A, 0, data={"size": 1}),
            version(A, 1, data={"size": 2}, is_deleted=True),
            version(A, 2, data={"size": 1}, ingest_seq=(2, 1)),
            version(A, 2, data={"size": 2}, ingest_seq=(2, 2)),
        ]
    )
    warehouse.build(AS_OF)
    assert changes(warehouse, "new_value", "changed_at", "previous_seconds") == [
        ("2", START + HOUR, 3600.0),
        ("1", START + 2 * HOUR, 3600.0),
        ("2", START + 2 * HOUR, 0.0),
    ]


def test_a_late_version_takes_its_place(warehouse: MemoryWarehouse) -> None:
    warehouse.add([version(A, 0, data={"size": 1}), version(A, 4, data={"size": 1})])
    warehouse.add([version(B, 0, data={"size": 1}), version(B, 4, data={"size": 2})])
    warehouse.build(AS_OF)
    assert changes(warehouse, "process_id", "new_value") == [(B, "2")]
    warehouse.add([version(A, 1, data={"size": 2})])
    builder = warehouse.build(AS_OF)
    refreshed = builder.refresh_history("attribute_spells")
    assert (refreshed.mode, refreshed.processes, refreshed.rows) == ("incremental", 1, 11)
    assert changes(warehouse, "process_id", "new_value", "previous_seconds") == [
        (A, "2", 3600.0),
        (A, "1", 3 * 3600.0),
        (B, "2", 4 * 3600.0),
    ]


def test_spells_of_a_value_leave_no_gaps(warehouse: MemoryWarehouse) -> None:
    warehouse.add(
        [
            version(A, 1, data={"size": 1}, created_at=START),
            version(A, 3, data={"size": 1}, state="WORK"),
            version(A, 4, data={"size": 1}, is_deleted=True),
            version(A, 5, data={}),
            version(A, 5, data={"size": 2}, ingest_seq=(2, 1)),
            version(A, 6, data={"size": 9}, status="COMPLETED"),
        ]
    )
    warehouse.build(AS_OF)
    query = (
        "select spell_no, value, started_at, ended_at, is_current, seconds from attribute_spells "
        "where attribute = 'size' order by spell_no"
    )
    found = [tuple(row.values()) for row in warehouse.rows(query)]
    five, six = START + 5 * HOUR, START + 6 * HOUR
    assert found == [
        (1, "1", START, five, False, 5 * 3600.0),
        (2, None, five, five, False, 0.0),
        (3, "2", five, six, False, 3600.0),
        # 9 is not an option.
        (4, None, six, None, True, 994 * 3600.0),
    ]
    of_others = "select distinct value, started_at from attribute_spells where attribute <> 'size'"
    assert warehouse.rows(of_others) == [{"value": None, "started_at": START}]


def test_what_is_newly_tracked_is_followed_from_the_first_version_on() -> None:
    untracked = [a | {"track": False} for a in TRACKED["attributes"]]
    changed: dict[str, Any] = TRACKED | {"attributes": untracked}
    warehouse = MemoryWarehouse(jobs(**changed))
    warehouse.add([version(A, 0, data={"size": 1}), version(A, 4, data={"size": 2})])
    warehouse.build(AS_OF)
    assert changes(warehouse, "attribute") == []
    warehouse.build(AS_OF, procedures=jobs(**TRACKED))
    assert changes(warehouse, "attribute", "new_value") == [("size", "2")]


def test_the_last_change_is_what_the_wide_table_shows(warehouse: MemoryWarehouse) -> None:
    warehouse.add(
        [
            version(A, 0),
            version(A, 1, data={"colours": ["blue", "red"], "due": "2024-07-01 10:00"}),
        ]
    )
    warehouse.build(AS_OF)
    (wide,) = warehouse.rows(
        "select colours::varchar as colours, due::varchar as due from job_processes"
    )
    assert dict(changes(warehouse, "attribute", "new_value")) == wide


@pytest.fixture(scope="module")
def procedures() -> Procedures:
    return load_procedures(Path(__file__).parents[3] / "schemas" / "procedures")


@pytest.mark.nightly
@given(versions=version_lists(max_processes=6), as_of=as_ofs())
@settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
def test_keys_may_be_ids_or_short_ids_and_change_from_file_to_file(
    procedures: Procedures, versions: list[Version], as_of: int
) -> None:
    warehouse = MemoryWarehouse(procedures)
    warehouse.add(keyed_by_id(v, procedures) if v["ingest_seq"][0] else v for v in versions)
    warehouse.build(as_of, time_zone=TIME_ZONE)
    found = warehouse.rows("from attribute_changes")
    expected = attribute_changes(versions, PROCEDURES, as_of=as_of)
    assert differences(found, expected) == []


def keyed_by_id(version: Version, procedures: Procedures) -> Version:
    attributes = procedures.by_short_id[version["procedure"]].attributes
    ids = {attribute.short_id: attribute.id for attribute in attributes}
    return version | {"data": {ids[key]: value for key, value in version["data"].items()}}
