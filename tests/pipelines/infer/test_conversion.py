"""The statement that is proposed for a file of another shape: it runs, and a run takes what it
writes.

How keys are told apart is tested by what the statement makes of them.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from schemas.errors import OperationError, SourceError
from tests.support.command_line import leadtime
from tests.support.infer_files import OTHER, PROCEDURE, loaded, proposed, record, write

FIRST = datetime(2025, 1, 1, 8, tzinfo=UTC)
STAGES = ("New", "Contacted", "Closed Won", "Closed Lost")


def lead(number: int) -> dict[str, Any]:
    """A line of a CRM export: the whole lead as it stands now."""
    created = FIRST + timedelta(hours=number)
    stage = STAGES[number % 4]
    closed = (created + timedelta(days=1)).date().isoformat() if "Closed" in stage else None
    return {
        "lead_id": f"L-{number:04}",
        "stage": stage,
        "created": created.isoformat(),
        "modified": (created + timedelta(days=2)).isoformat(),
        "closed_date": closed,
        "owner": f"owner{number % 3}@example.org",
        "email": f"person{number}@example.org",
        "postcode": f"{number:05}",
        "amount": number + 0.5,
        "consent": number % 2 == 0,
    }


LEADS = [lead(number) for number in range(40)]


def export(folder: Path, kind: str, lines: Sequence[dict[str, Any]]) -> Path:
    path = folder / f"leads.{kind}"
    if kind.startswith(("csv", "tsv")):
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(lines[0]), delimiter="," if kind == "csv" else "\t")
            writer.writeheader()
            writer.writerows(lines)
    elif kind == "jsonl":
        write(path, lines)
    elif kind == "jsonl.gz":
        path.write_bytes(gzip.compress("\n".join(map(json.dumps, lines)).encode()))
    elif kind == "parquet":
        pl.DataFrame(lines).write_parquet(path)
    else:
        path.write_text(json.dumps(lines), encoding="utf-8")
    return path


def advice(path: Path) -> str:
    with pytest.raises((OperationError, SourceError)) as raised:
        proposed(path)
    return str(raised.value)


def statement(text: str) -> str:
    return text[text.index("-- Guessed from names") : text.index("\nThen:")]


def converted(path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the statement writes for a file, as its author would run it."""
    sql = statement(advice(path))
    monkeypatch.chdir(path.parent)
    Path("exports").mkdir(exist_ok=True)
    con = duckdb.connect(config={"threads": 1})
    try:
        con.execute(sql)
    finally:
        con.close()
    (written,) = [p for p in Path("exports").iterdir() if p.name != "users.ndjson"]
    return [json.loads(line) for line in written.read_text(encoding="utf-8").splitlines()]


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


@pytest.mark.parametrize(
    "kind", ["csv", *(pytest.param(kind, marks=pytest.mark.nightly) for kind in ("json", "jsonl"))]
)
def test_an_export_is_converted_proposed_and_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path = export(tmp_path, kind, LEADS)
    code, out, err = leadtime("check", "--infer", path)
    assert (code, out) == (1, "")
    assert "lead_id, stage, created, modified, closed_date, owner, email" in err
    assert "createdAt, updatedAt    epoch milliseconds" in err
    assert not any(value in err for value in ("L-0001", "Contacted", "person1", "owner1", "2025"))
    records = converted(path, monkeypatch)
    assert len(records) == 40
    code, text, err = leadtime("check", "--infer", "exports/leads.ndjson")
    assert (code, err) == (0, "")
    Path("definitions").mkdir()
    Path("definitions/leads.yaml").write_text(text, encoding="utf-8")
    where = ("--landing", "exports", "--procedures", "definitions", "--data", "data")
    code, out, err = leadtime("run", *where)
    assert (code, err) == (0, "")
    # 40 leads and the names of three owners
    assert "43 = 43 accepted + 0 duplicates + 0 quarantined + 0 blank" in out
    assert "40 processes" in out


@pytest.mark.parametrize("kind", ["jsonl", "jsonl.gz", "json", "csv", "tsv", "parquet"])
def test_every_key_finds_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    records = converted(export(tmp_path, kind, LEADS), monkeypatch)
    by_number = sorted(records, key=lambda r: r["createdAt"])
    won, lost = by_number[2], by_number[3]
    assert [r["status"] for r in by_number[:4]] == ["OPEN", "OPEN", "COMPLETED", "CANCELLED"]
    assert [r["state"] for r in by_number[:4]] == list(STAGES)
    assert won["createdAt"] == milliseconds(FIRST + timedelta(hours=2))
    assert won["updatedAt"] == won["createdAt"] + 2 * 86_400_000
    assert won["completedAt"] == milliseconds(datetime(2025, 1, 2, tzinfo=UTC))
    assert (won["cancelledAt"], lost["completedAt"]) == (None, None)
    assert lost["cancelledAt"] == won["completedAt"]
    assert won["data"] == {
        "lead_id": "L-0002",
        "email": "person2@example.org",
        "postcode": "00002",
        "amount": 2.5,
        "consent": True,
    }
    names = [
        json.loads(line) for line in Path("exports/users.ndjson").read_text("utf-8").splitlines()
    ]
    assert {won["assignedTo"]: "owner2@example.org"}.items() <= {
        user["id"]: user["name"] for user in names
    }.items()


def test_a_list_within_an_object_is_named_and_unnested(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "export.json"
    path.write_text(json.dumps({"total": 40, "leads": LEADS}), encoding="utf-8")
    assert "Their keys, in the list under `leads` (10): lead_id, stage" in advice(path)
    records = converted(path, monkeypatch)
    assert len(records) == 40
    assert loaded(proposed(Path("exports/export.ndjson")), tmp_path).attributes


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2025-02-13 09:30:00", datetime(2025, 2, 13, 9, 30, tzinfo=UTC)),
        ("2025-02-13T09:30:00+02:00", datetime(2025, 2, 13, 7, 30, tzinfo=UTC)),
        ("13.02.2025 09:30", datetime(2025, 2, 13, 9, 30, tzinfo=UTC)),
        ("13/02/2025", datetime(2025, 2, 13, tzinfo=UTC)),
        ("02/13/2025", datetime(2025, 2, 13, tzinfo=UTC)),
        (1739439000, datetime(2025, 2, 13, 9, 30, tzinfo=UTC)),
        (1739439000000, datetime(2025, 2, 13, 9, 30, tzinfo=UTC)),
    ],
)
def test_times_are_read_however_they_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: object, moment: datetime
) -> None:
    lines = [{"id": n, "status": "open", "Created Date": written} for n in range(3)]
    (first, *_) = converted(export(tmp_path, "csv", lines), monkeypatch)
    assert first["createdAt"] == first["updatedAt"] == milliseconds(moment)
    assert first["status"] == "OPEN"


def test_what_is_a_uuid_stays_it_and_what_has_our_name_is_taken_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [
        {
            "id": record(n)["id"],
            "procedure": PROCEDURE,
            "team": "north",
            "status": "completed",
            "phase": "Paid",
            "opened_on": "2025-01-01",
            "parentProcess": OTHER,
            "deleted": True,
            "data": {"score": n},
        }
        for n in range(3)
    ]
    (first, *_) = converted(export(tmp_path, "jsonl", lines), monkeypatch)
    assert first["id"] == lines[0]["id"]
    assert (first["procedure"], first["parentProcess"]) == (PROCEDURE, OTHER)
    assert (first["status"], first["state"], first["isDeleted"]) == ("COMPLETED", "Paid", True)
    assert first["data"] == {"score": 0}


def test_a_history_is_known_by_its_number_and_keeps_its_versions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [("T1", "Open", "01/02/2025"), ("T1", "Resolved", "25/02/2025")]
    lines = [
        {"Phone Number": n, "Ticket Number": t, "Status": s, "Opened": "01/02/2025", "Changed": c}
        for n, (t, s, c) in enumerate(rows)
    ]
    first, last = converted(export(tmp_path, "csv", lines), monkeypatch)
    assert first["id"] == last["id"]
    assert [first["status"], last["status"]] == ["OPEN", "COMPLETED"]
    assert last["data"] == {"Ticket Number": "T1", "Phone Number": 1}


def test_placeholders_stand_for_what_was_not_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "things.ndjson", [{"colour": "red"}, {"colour": "blue"}])
    text = advice(path)
    for line in (
        "-- FILL IN: the key that tells one process from another",
        "error('fill in: id')::varchar as \"id\"",
        "-- FILL IN: where in its course a process stands",
        "-- FILL IN: when a process began, in epoch milliseconds",
        "-- no key says what is closed: all are open",
    ):
        assert line in text
    with pytest.raises(duckdb.Error, match="fill in"):
        converted(path, monkeypatch)


def test_gaps_are_filled_so_that_no_line_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [lead(n) for n in range(40)]
    lines[0] |= {"modified": "", "stage": " "}
    lines[1] |= {"created": None, "stage": None}
    path = export(tmp_path, "jsonl", lines)
    first, second, *_ = converted(path, monkeypatch)
    assert first["updatedAt"] == first["createdAt"]
    assert second["createdAt"] == second["updatedAt"]
    assert (first["state"], second["state"]) == ("UNKNOWN", "UNKNOWN")


def test_names_and_paths_with_quotes_do_not_break_the_statement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "Ada's exports"
    folder.mkdir()
    lines = [{'lead\'s "id"': n, "stage": "x", "created": "2025-01-01"} for n in range(3)]
    records = converted(export(folder, "json", lines), monkeypatch)
    assert [r["data"] for r in records] == [{'lead\'s "id"': n} for n in range(3)]


def test_the_statement_never_writes_over_its_source_nor_into_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    text = advice(export(folder, "jsonl", LEADS))
    assert ") to 'converted/leads.ndjson'" in text
    assert "to 'converted/users.ndjson'" in text


def test_records_whose_values_are_wrong_are_not_converted(tmp_path: Path) -> None:
    late = write(tmp_path / "late.ndjson", [record(1, updatedAt=2_000_000_000_000)])
    assert "none of its 1 lines is a usable record" in advice(late)


def test_input_that_is_not_a_table_of_objects_has_no_statement(tmp_path: Path) -> None:
    for name, line, found in (
        ("a.csv", "", "no landing file"),
        ("b.xlsx", "x", "no landing file"),
        ("c.json", "[1, 2]", "usable record"),
        ("d.ndjson", '"text"', "usable record"),
    ):
        text = advice(write(tmp_path / name, [line]))
        assert found in text
        assert "copy (" not in text


def test_a_run_over_another_shape_points_to_the_conversion(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    export(landing, "jsonl", LEADS)
    _, out, _ = leadtime("run", "--landing", landing, "--data", tmp_path / "data")
    assert "check --infer FILE` shows how to convert them" in out


# Histories


def history(key: str, rows: int = 24) -> list[dict[str, Any]]:
    """Changes of eight processes, three each, with an id for every change."""
    return [
        {
            "id": f"H-{number:04}",
            key: f"P-{number % 8:04}",
            "account_id": f"A-{number % 5}",
            "stage": STAGES[number // 8],
            "changed_at": (FIRST + timedelta(hours=number)).isoformat(),
        }
        for number in range(rows)
    ]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("lead_history.jsonl", "lead_id"),
        ("OpportunityHistory.jsonl", "OpportunityId"),
        ("opportunities.jsonl", "opportunity_id"),
        ("export.jsonl", "ticket_id"),
        ("changelog.jsonl", "issueKey"),
    ],
)
def test_the_process_of_a_history_is_not_the_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, key: str
) -> None:
    path = write(tmp_path / name, history(key))
    records = converted(path, monkeypatch)
    assert len(records) == 24
    assert len({record["id"] for record in records}) == 8
    assert {record["data"][key] for record in records} == {f"P-{n:04}" for n in range(8)}


@pytest.mark.parametrize("key", ["account_id", "order_id"])
def test_an_id_of_something_else_is_not_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    lines = [
        {"id": f"T-{n}", key: f"O-{n % 4}", "stage": STAGES[n % 3], "created": line["created"]}
        for n, line in enumerate(LEADS)
    ]
    records = converted(write(tmp_path / "tickets.jsonl", lines), monkeypatch)
    assert len({record["id"] for record in records}) == len(LEADS)
