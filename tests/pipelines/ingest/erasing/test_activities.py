"""Tasks and calls about an erased subject: whose they are, and what is left of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.ingest.erasing.activities import is_as_old, strip_activity, subjects_of
from pipelines.ingest.erasing.changes import find_changes
from pipelines.ingest.erasing.documents import KnownKeys
from pipelines.ingest.erasing.lines import AgedLines, Lines
from pipelines.ingest.erasing.memory import Erased, sha256
from pipelines.ingest.erasing.subject import Subject
from pipelines.ingest.erasing.write import write_changes
from pipelines.warehouse.search import Needles
from tests.support.landing_zone import PROCEDURES, START, Zone

ANN, BEA = (f"10000000-0000-4000-8000-00000000000{n}" for n in (1, 2))
FLAT = "20000000-0000-4000-8000-000000000001"
KNOWN = KnownKeys.of(PROCEDURES)


@pytest.fixture
def zone(tmp_path: Path) -> Iterator[Zone]:
    zone = Zone(tmp_path)
    yield zone
    zone.con.close()


def call(number: int, **changes: Any) -> dict[str, Any]:
    good = {
        "id": f"30000000-0000-4000-8000-{number:012}",
        "callStatus": "BUSY",
        "forProcess": ANN,
        "to": "+49 30 5550100",
        "updatedAt": START,
    }
    return good | changes


def line(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode() + b"\n"


def left(number: int, **changes: Any) -> dict[str, Any]:
    return {key: value for key, value in call(number, **changes).items() if key != "to"}


def test_ids_words_and_times_stay_and_all_else_goes() -> None:
    kept = {
        "id": ANN,
        "status": "COMPLETED",
        "process": None,
        "order": 2,
        "dueBy": "2026-01-05T10:00:00Z",
        "updatedAt": START,
        "isDeleted": False,
    }
    gone = {"title": "Call Ann", "description": "her flat", "data": {"phone": "+49"}, "pet": "Rex"}
    stripped = strip_activity(json.dumps(kept | gone), "tasks")
    assert stripped is not None
    assert json.loads(stripped.text) == kept
    assert {*stripped.removed} == {"Call Ann", "her flat", "+49", "Rex"}
    assert strip_activity(stripped.text, "tasks") == type(stripped)(stripped.text)
    # A name where an id, a word or a time belongs.
    odd = {"status": "Ann", "assignedTo": "ann@a.example", "dueBy": "Ann's birthday", "order": []}
    stripped = strip_activity(json.dumps(odd), "tasks")
    assert stripped is not None
    assert stripped.text == "{}"
    assert strip_activity("[1]", "tasks") is None


def test_a_line_says_what_it_is_about() -> None:
    text = json.dumps(
        {"forProcess": ANN.upper(), "forRecord": FLAT, "forUser": BEA, "process": "x"}
    )
    assert [*subjects_of(text)] == [("process", ANN), ("record", FLAT)]
    assert [*subjects_of("nothing")] == []


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (START, True),
        (str(START), True),
        (f"{START + 1}.0", False),
        ("2025-10-09T08:53:20Z", True),
        ("2025-10-09T08:53:20", True),
        ("2025-10-09T10:53:21+02:00", False),
        ("soon", False),
        (None, False),
    ],
)
def test_the_time_of_a_line_is_read_as_it_may_be_written(time: object, *, expected: bool) -> None:
    assert is_as_old(json.dumps({"updatedAt": time}), START) == expected


def documents(zone: Zone) -> list[dict[str, Any]]:
    query = "select data::varchar from raw.dimension_rows order by ingest_seq"
    return [json.loads(text) for (text,) in zone.rows(query)]


def test_an_erasure_takes_the_activities_about_the_subject(zone: Zone) -> None:
    about = [
        call(1),
        call(2, forProcess=BEA),
        call(3, forProcess=None, forRecord=FLAT),
        call(4, forProcess=None),
        call(5, callStatus="NEW"),
    ]
    zone.put("calls.ndjson", *map(line, about))
    zone.put(
        "tasks.ndjson",
        line({"id": FLAT, "status": "OPEN", "process": ANN, "title": "Ann"} | {"updatedAt": START}),
    )
    zone.ingest()
    subject = Subject("process", processes=(ANN,), records=(FLAT,))
    changes = find_changes(zone.con, KNOWN, subject)
    assert {"Ann", "+49 30 5550100"} <= {*changes.removed}
    write_changes(zone.con, changes, Erased(key="k"), batch_seq=7)
    assert documents(zone) == [
        left(1),
        call(2, forProcess=BEA),
        left(3, forProcess=None, forRecord=FLAT),
        call(4, forProcess=None),
        {"id": FLAT, "status": "OPEN", "process": ANN, "updatedAt": START},
    ]
    # The text of a rejected line that mentions the subject is gone.
    assert zone.rows("select raw_text from raw.quarantine") == [(None,)]
    batches = zone.rows("select batch_seq from raw.dimension_rows order by ingest_seq")
    assert [batch for (batch,) in batches] == [7, 1, 7, 1, 7]


def test_what_arrives_later_comes_without_personal_values(zone: Zone) -> None:
    zone.put("calls.ndjson", line(call(1)), line(call(2, forProcess=BEA)), line(call(3, id=ANN)))
    erased = Erased(key="k", ids={("process", sha256(ANN)): None})
    zone.con.execute("insert into raw.erased values (1, 'process', null, 'x', null)")
    zone.ingest(erased=erased)
    assert documents(zone) == [left(1), call(2, forProcess=BEA), left(3, id=ANN)]


def test_what_is_too_old_goes_whatever_it_is_about(zone: Zone) -> None:
    old, young = call(1, forProcess=None), call(2, updatedAt=START + 1)
    zone.put("calls.ndjson", line(old), line(young))
    until = datetime(2025, 10, 9, 8, 53, 20)
    zone.ingest()
    subject = Subject("retention", until=until)
    write_changes(
        zone.con, find_changes(zone.con, KNOWN, subject, by_value=False), Erased(), batch_seq=2
    )
    expected = [left(1, forProcess=None), young]
    assert documents(zone) == expected
    assert find_changes(zone.con, KNOWN, subject, by_value=False).is_empty
    lines = AgedLines(until, KNOWN)
    assert [lines.hold(line(each), "calls") for each in (old, young, *expected)] == [
        True,
        False,
        False,
        False,
    ]


def test_lines_of_landing_files_are_the_subjects_by_what_they_are_about() -> None:
    own = Needles.of(["+49 30 5550100"])
    lines = Lines(Subject("process", processes=(ANN,), records=(FLAT,)), own, KNOWN)
    for document, expected in (
        (call(1), True),
        (left(1), False),  # nothing to erase
        (call(1, forProcess=BEA), False),
        (call(1, forProcess=BEA, forUser=ANN), False),
        (call(1, forProcess=None, forRecord=FLAT), True),
        (call(1, forProcess=None), True),  # by its value
        (call(1, forProcess=None, to="+49 1"), False),
    ):
        assert lines.hold(line(document), "calls") == expected, document
    assert json.loads(lines.erased(line(call(1)), "calls")) == left(1)
