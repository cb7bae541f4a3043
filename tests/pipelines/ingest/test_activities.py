"""Files of tasks and calls: how they are taken in."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.ingest.landing import find_files
from pipelines.ingest.ledger import Counts
from tests.support.landing_zone import START, Zone, lead

LEAD = "10000000-0000-4000-8000-000000000001"
USER = "00000000-0000-4000-8000-00000000000a"


@pytest.fixture
def zone(tmp_path: Path) -> Iterator[Zone]:
    zone = Zone(tmp_path)
    yield zone
    zone.con.close()


def line(**members: Any) -> bytes:
    return json.dumps(members).encode() + b"\n"


def task(number: int, **changes: Any) -> bytes:
    good = {
        "id": f"20000000-0000-4000-8000-{number:012}",
        "status": "OPEN",
        "process": LEAD,
        "assignedTo": USER,
        "createdAt": START,
        "updatedAt": START,
    }
    return line(**good | changes)


def call(number: int, **changes: Any) -> bytes:
    good = {
        "id": f"30000000-0000-4000-8000-{number:012}",
        "type": "OUTBOUND",
        "callStatus": "COMPLETED",
        "forProcess": LEAD,
        "to": "+20 100 200 300",
        "callStart": START,
        "createdAt": START,
        "updatedAt": START + 60_000,
    }
    return line(**good | changes)


def test_the_name_of_a_file_says_that_it_holds_activities(tmp_path: Path) -> None:
    names = {
        "tasks.ndjson": "tasks",
        "deep/er/calls.jsonl.gz": "calls",
        "tasks.json": "tasks",
        "calls-2026-03.json.zst": "calls",
        "tasks_done.ndjson": "tasks",
        "calls.2.ndjson": "calls",
        "tasks.parquet": "processes",
        "taskforce.ndjson": "processes",
        "my-tasks.ndjson": "processes",
        "tasks/leads.ndjson": "processes",
    }
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(b"")
    files, _ = find_files(tmp_path)
    assert {file.name: file.content for file in files} == names


def test_lines_arrays_and_pages_are_stored_as_they_came(zone: Zone) -> None:
    text = task(1, title="Call Ann", updatedAt=str(START + 1)).strip()
    zone.put("tasks.ndjson", text + b"\r\n", task(2, updatedAt="2025-10-09T10:53:20.002+02:00"))
    zone.put("tasks-2.json", b"[" + task(3, process=None, updatedAt=f"{START}.0") + b"]")
    zone.put("calls.json", b'{"_data": [%s], "_meta": {"hasMore": false}}' % call(1).strip())
    report = zone.ingest()
    assert (report.counts, report.dimension_rows) == (Counts(lines=4, accepted=4), 4)
    stored = zone.rows(
        "select dimension, right(id::varchar, 1), name, right(process_id::varchar, 1), "
        "epoch_ms(updated_at) - 1760000000000 from raw.dimension_rows order by all"
    )
    assert stored == [
        ("calls", "1", None, "1", 60_000),
        ("tasks", "1", None, "1", 1),
        ("tasks", "2", None, "1", 2),
        ("tasks", "3", None, None, 0),
    ]
    query = "select data::varchar from raw.dimension_rows where right(id::varchar, 1) = '1'"
    assert (text.decode(),) in zone.rows(query)


BAD_TASKS = {
    b"no JSON": ["file:json:parse"],
    b"[1]": ["file:json:object"],
    task(1, id="x"): ["task:task_id:type"],
    task(1, id=None): ["task:task_id:required"],
    task(1, status="DONE"): ["task:status:isin"],
    task(1, status=""): ["task:status:required"],
    task(1, status=7): ["task:status:isin"],
    task(1, process="lead-1"): ["task:process_id:type"],
    task(1, assignedTo="ann@a.example"): ["task:assigned_to:type"],
    task(1, updatedAt=0): ["task:updated_at:required"],
    task(1, updatedAt=99_999_999_999_999): ["task:updated_at:type"],
    task(1, updatedAt=1_799_999_999_999): ["task:updated_at:range"],
    task(1, completedAt=-5): ["task:completed_at:type"],
    task(1, dueBy="tomorrow"): ["task:due_at:type"],
    task(1, dueBy=900_000_000_000): ["task:due_at:range"],
    task(1, isDeleted="perhaps"): ["task:is_deleted:type"],
    task(1, order="first"): ["task:position:type"],
}
BAD_CALLS = {
    call(1, callStatus="NEW"): ["call:status:isin"],
    call(1, type="SIDEWAYS"): ["call:direction:isin"],
    call(1, callStatus=["RINGING"]): ["call:status:isin"],
    call(1, callDuration=-1): ["call:call_seconds:type"],
    call(1, callDuration=95_000): ["call:call_seconds:type"],
    call(1, connectionDuration="long"): ["call:connection_seconds:type"],
    call(1, connectionStart=START + 9, connectionEnd=START + 8): ["call:connection_end_at:order"],
    call(1, callEnd=START - 1): ["call:call_end_at:order"],
    call(1, forProcess=7, user=[1]): ["call:process_id:type", "call:user_id:type"],
}


@pytest.mark.parametrize(("name", "bad"), [("tasks", BAD_TASKS), ("calls", BAD_CALLS)])
def test_bad_lines_are_quarantined_with_every_rule_they_break(
    zone: Zone, name: str, bad: dict[bytes, list[str]]
) -> None:
    good = {"tasks": task(9), "calls": call(9)}[name]
    zone.put(f"{name}.ndjson", *(text.strip() + b"\n" for text in bad), b" \n", good)
    zone.ingest()
    found = zone.rows("select rules, process_id, procedure from raw.quarantine order by line")
    assert found == [(rules, None, None) for rules in bad.values()]
    n_bad = len(bad)
    assert zone.ledger("content") == [(f"{name}.ndjson", name, n_bad + 2, 1, 0, n_bad, 1)]


def test_what_is_missing_or_not_yet_breaks_no_rule(zone: Zone) -> None:
    zone.put(
        "tasks.ndjson",
        line(id=USER, status="completed", updatedAt=START, completedAt=0, dueBy="0", process=""),
        task(2, dueBy=START + 10**12, startsAt="2026-01-05 09:00", order="2.5", more={"x": 1}),
    )
    zone.put(
        "calls.ndjson",
        line(id=USER, callStatus="LOGGED", updatedAt=START, callStart=0, connectionEnd=None),
        call(2, callDuration="95.5", connectionDuration=0, type=None, providerPayload={"a": []}),
    )
    assert zone.ingest().counts == Counts(lines=4, accepted=4)


def test_a_version_that_is_stored_already_is_a_duplicate_wherever_it_comes(zone: Zone) -> None:
    zone.put("tasks.ndjson", task(1), task(1, updatedAt=START + 5), task(1), task(2))
    zone.ingest()
    # Late, after a newer version; and at the same instant with another content.
    zone.put("tasks-2.ndjson", task(1), task(2, status="CANCELLED"), call(1), task(1, title="x"))
    report = zone.ingest()
    assert report.counts == Counts(lines=4, accepted=2, duplicates=1, quarantined=1)
    assert zone.ledger() == [("tasks.ndjson", 4, 3, 1, 0, 0), ("tasks-2.ndjson", 4, 2, 1, 1, 0)]


def test_a_broken_file_is_one_quarantined_line(zone: Zone) -> None:
    whole = gzip.compress(call(1) * 1000, mtime=0)
    zone.put("calls.ndjson.gz", whole[: len(whole) // 2])
    report = zone.ingest()
    assert len(report.unreadable) == 1
    assert zone.ledger() == [("calls.ndjson.gz", 1, 0, 0, 1, 0)]


def test_versions_of_processes_from_before_such_names_had_a_meaning_stay(zone: Zone) -> None:
    path = zone.put("export.ndjson", lead(1))
    zone.ingest()
    path.rename(path.with_name("tasks-export.ndjson"))
    report = zone.ingest()
    assert (report.files, report.seen_before) == (0, 1)
