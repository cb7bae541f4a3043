"""Object-centric event logs: what stands in the tables of the SQLite file of a small history.

That other tools read them alike is in `test_export_read_back.py`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipelines.export.ocel_file import attribute_names, table_names
from pipelines.export.ocel_objects import process_type
from pipelines.settings import Settings
from tests.support.command_line import leadtime
from tests.support.exported_history import (
    ANN,
    BOB,
    DELETED,
    NEVER,
    POD,
    RECORD,
    RESTORED,
    TIES,
    VISIT,
)

NO_TIME = "1970-01-01T00:00:00.000+00:00"


def at(hour: int) -> str:
    return f"2026-01-01T{hour:02}:00:00.250+00:00"


@pytest.fixture(scope="module")
def ocel(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[sqlite3.Connection]:
    """The log of orders alone."""
    path = tmp_path_factory.mktemp("log") / "order.sqlite"
    result = leadtime("export", "--ocel", path, "--procedure", "order", "--data", settings.data)
    assert result.out.splitlines() == [
        f"{path}: 16 events, 8 objects, 4 attribute changes and 40 relations.",
        "Included: 2 deleted processes, with outcome `deleted`.",
        "Left out: the parents of 1 process, which are not among the processes exported.",
        "Left out: 3 columns with personal data (order_processes.assigned_to_name_key, "
        "order_processes.created_by_name_key, order_processes.mail_key); --personal includes "
        "them.",
    ]
    with closing(sqlite3.connect(path)) as con:
        yield con


def rows(con: sqlite3.Connection, query: str) -> list[tuple[Any, ...]]:
    return con.execute(query).fetchall()


def test_the_file_is_sound(ocel: sqlite3.Connection) -> None:
    assert rows(ocel, "pragma integrity_check") == [("ok",)]
    assert rows(ocel, "pragma foreign_key_check") == []


def test_types_have_tables(ocel: sqlite3.Connection) -> None:
    assert rows(ocel, "select * from event_map_type") == [
        ("order: New & <open>", "orderNewopen"),
        ("order: PAID", "orderPAID"),
        ("order: Sent (BACK)", "orderSentBACK"),
        ("order: Sent (SENT)", "orderSentSENT"),
        ("order completed", "ordercompleted"),
        ("order reopened", "orderreopened"),
        ("order assigned", "orderassigned"),
        ("order unassigned", "orderunassigned"),
    ]
    assert rows(ocel, "select * from object_map_type") == [
        (name, name) for name in ("order", "user", "pod", "entity", "record")
    ]


def test_states_entered_are_events_with_their_visit(ocel: sqlite3.Connection) -> None:
    assert rows(ocel, "select * from event_orderSentSENT") == [
        (f"{TIES}:visit:3", at(1), 3, "SENT", "done", "forward", 1, "observed"),
        (f"{TIES}:visit:5", at(3), 5, "SENT", "done", "backward", 1, "observed"),
        (f"{RESTORED}:visit:2", at(2), 2, "SENT", "done", "forward", 1, "observed"),
    ]
    assert rows(ocel, "select * from event_orderNewopen") == [
        (f"{TIES}:visit:1", at(0), 1, "OPEN", "queue", "start", None, "created"),
        (f"{DELETED}:visit:1", at(0), 1, "OPEN", "queue", "start", None, "created"),
    ]


def test_completions_reopenings_and_assignments_are_events(ocel: sqlite3.Connection) -> None:
    assert rows(ocel, "select * from event_ordercompleted") == [
        (f"{TIES}:status:2", at(1), 2),
        (f"{TIES}:status:4", at(3), 4),
    ]
    assert rows(ocel, "select * from event_orderreopened") == [(f"{TIES}:status:3", at(2), 3)]
    assert rows(ocel, "select * from event_orderassigned") == [
        (f"{TIES}:assignment:2", at(1), 2, "PAID"),
        (f"{TIES}:assignment:3", at(2), 3, "BACK"),
        (f"{RESTORED}:assignment:1", at(0), 1, "PAID"),
        (f"{RESTORED}:assignment:2", at(2), 2, "SENT"),
    ]
    assert rows(ocel, "select * from event_orderunassigned") == [
        (f"{TIES}:assignment:4", at(3), 4, "SENT")
    ]


def test_events_are_about_process_assignee_and_record(ocel: sqlite3.Connection) -> None:
    query = "select ocel_object_id, ocel_qualifier from event_object where ocel_event_id = "
    record = (f"record:{RECORD}", "record")
    assert rows(ocel, f"{query} '{TIES}:visit:2'") == [
        (TIES, "process"),
        record,
        (f"user:{ANN}", "assignee"),
    ]
    assert rows(ocel, f"{query} '{TIES}:assignment:3'") == [
        (TIES, "process"),
        record,
        (f"user:{BOB}", "assignee"),
    ]
    assert rows(ocel, f"{query} '{TIES}:status:2'") == [(TIES, "process"), record]
    assert rows(ocel, f"{query} '{DELETED}:visit:1'") == [(DELETED, "process")]


def test_objects_are_related(ocel: sqlite3.Connection) -> None:
    # The parent of the third order is no order.
    assert rows(ocel, "select * from object_object") == [
        (TIES, f"user:{ANN}", "created by"),
        (TIES, f"pod:{POD}", "pod"),
        (TIES, f"record:{RECORD}", "record"),
        (DELETED, TIES, "parent"),
    ]


def test_values_stand_at_the_start_and_changes_after(ocel: sqlite3.Connection) -> None:
    columns = "ocel_id, ocel_time, ocel_changed_field, outcome, size, place_lat, place_lng"
    assert rows(ocel, f"select {columns} from object_order") == [
        (TIES, at(0), None, "completed", 1, 1.0, 2.0),
        (DELETED, at(0), None, "deleted", None, None, None),
        (NEVER, at(0), None, "deleted", None, None, None),
        (RESTORED, at(0), None, "open", None, None, None),
        (TIES, at(1), "place_lat", None, None, 1.0, None),
        (TIES, at(1), "place_lng", None, None, None, 3.0),
        (TIES, at(1), "size", None, 2, None, None),
        (TIES, at(3), "size", None, None, None, None),
    ]
    (note,) = rows(ocel, "select note from object_order where note is not null")
    assert note == ("a & b < c > d \" ' e\n\tf\r \u0001\ufffe \u00fc \U0001f600 ]]>",)


def test_names_are_written_unless_personal(ocel: sqlite3.Connection) -> None:
    assert rows(ocel, "select * from object_pod") == [(f"pod:{POD}", NO_TIME, None, "North")]
    assert rows(ocel, "select * from object_user order by ocel_id") == [
        (f"user:{user}", NO_TIME, None) for user in sorted((ANN, BOB))
    ]
    assert rows(ocel, "select * from object_record") == [(f"record:{RECORD}", NO_TIME, None)]
    assert "mail" not in [name for _, name, *_ in rows(ocel, "pragma table_info(object_order)")]


def test_with_personal_data_and_every_procedure(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "all.sqlite"
    result = leadtime("export", "--ocel", path, "--personal", "--data", settings.data)
    assert result.out.splitlines() == [
        f"{path}: 17 events, 9 objects, 5 attribute changes and 42 relations.",
        "Included: 2 deleted processes, with outcome `deleted`.",
    ]
    with closing(sqlite3.connect(path)) as con:
        query = "select name from object_user where ocel_id = "
        assert rows(con, f"{query} 'user:{ANN}'") == [("Ann & co",)]
        assert rows(con, "select name from object_record") == [("Harbour Dental",)]
        query = "select ocel_time, mail from object_order where mail is not null"
        assert rows(con, query) == [(at(0), "a@b.de"), (at(1), "c@d.de")]
        query = "select ocel_source_id, ocel_target_id from object_object where ocel_qualifier = "
        assert rows(con, f"{query} 'parent'") == [(DELETED, TIES), (NEVER, VISIT)]


def test_the_same_history_gives_the_same_file(settings: Settings, tmp_path: Path) -> None:
    paths = [tmp_path / "once.sqlite", tmp_path / "again.sqlite"]
    for path in paths:
        assert leadtime("export", "--ocel", path, "--data", settings.data).code == 0
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_names_of_tables_are_safe_and_apart() -> None:
    types = ["a: New", "A: new!", "a new", "map_type", "object", "Ä", "!"]
    assert table_names(types) == [
        "aNew",
        "Anew_2",
        "anew_3",
        "maptype",
        "object_2",
        "Type",
        "Type_2",
    ]
    assert attribute_names(["size", "ocel_time"]) == ["size", "ocel_time_2"]
    assert [process_type(name) for name in ("lead", "Record")] == ["lead", "Record process"]
