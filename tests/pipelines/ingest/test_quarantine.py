"""Putting the quarantine through again: what comes back, and that the ledger still adds up."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from pipelines.ingest.quarantine import list_quarantine, replay
from pipelines.run import Request, open_run
from pipelines.settings import PROCEDURES_FOLDER, Settings
from pipelines.warehouse.open import open_warehouse
from schemas.load import load_procedures

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LEAD = "8ab071db-3aeb-542a-9132-acadf89bff70"
START = 1_760_000_000_000


def line(number: int, **changes: object) -> str:
    record = {
        "id": f"00000000-0000-4000-8000-{number:012}",
        "team": LEAD,
        "procedure": LEAD,
        "status": "OPEN",
        "state": "NEW",
        "createdAt": START,
        "updatedAt": START,
        "data": {"full_name": f"Person {number}", "source": "Event"},
    }
    return json.dumps(record | changes)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "landing").mkdir()
    shutil.copytree(PROCEDURES_FOLDER, tmp_path / "procedures")
    settings = Settings(
        data=tmp_path / "data", landing=tmp_path / "landing", procedures=tmp_path / "procedures"
    )
    lines = [
        line(1),
        line(2, state="PARKED"),
        "not JSON",
        line(3, state="PARKED", updatedAt=START + 1),
        line(3, state="PARKED", updatedAt=START + 1),
        line(4, state="LOST", status="GONE"),
        '{"id": "\xff"}',
    ]
    (settings.landing / "leads.ndjson").write_bytes("\n".join(lines).encode("latin-1"))
    with open_run(settings, Request(), purpose="a test") as run:
        run.ingest()
        assert run.builder
    return settings


def ledger(con: duckdb.DuckDBPyConnection) -> list[tuple[int, ...]]:
    query = "select lines, accepted, duplicates, quarantined, blank from raw.ingest_files"
    return con.execute(query).fetchall()


def test_the_quarantine_is_listed_without_the_text_of_lines(settings: Settings) -> None:
    with open_warehouse(settings, purpose="a test") as con:
        rows = list_quarantine(con)
    assert [(row.rule, row.procedure, row.lines, row.examples) for row in rows] == [
        (
            "core:state_key:isin",
            "lead",
            3,
            ["leads.ndjson:2", "leads.ndjson:4", "leads.ndjson:5"],
        ),
        ("core:status:isin", "lead", 1, ["leads.ndjson:6"]),
        ("file:json:parse", None, 1, ["leads.ndjson:3"]),
        ("file:line:utf8", None, 1, ["leads.ndjson:7"]),
    ]
    assert rows[0].sentence == "`state` is a state of the procedure."


def test_lines_come_back_when_the_definition_has_the_state(settings: Settings) -> None:
    file = settings.procedures / "lead.yaml"
    text = file.read_text()
    state = "  - {id: 4cf891a3-595a-54fa-961f-2806f9cd5b65, shortId: PARKED, kind: queue}\n"
    text = text.replace("startState: NEW\n", f"{state}startState: NEW\n")
    file.write_text(text.replace("NEW: [CONTACTED,", "NEW: [PARKED, CONTACTED,"))
    mended = load_procedures(settings.procedures)
    with open_warehouse(settings, purpose="a test") as con:
        assert ledger(con) == [(7, 1, 0, 6, 0)]
        report = replay(con, mended, started_at=NOW)
        assert (report.lines, report.counts.accepted, report.counts.duplicates) == (5, 2, 1)
        assert ledger(con) == [(7, 3, 1, 3, 0)]
        found = con.execute(
            "select right(process_id::varchar, 1), ingest_seq % 10000000000, batch_seq "
            "from raw.process_versions order by all"
        ).fetchall()
        assert found == [("1", 1, 1), ("2", 2, 2), ("3", 4, 2)]
        assert [row.rule for row in list_quarantine(con)] == [
            "core:status:isin",
            "file:json:parse",
            "file:line:utf8",
        ]
    with open_run(replace(settings, keep=1), Request(), purpose="a test") as run:
        refreshed = run.builder.refresh_history("state_visits")
    assert (refreshed.rows, refreshed.table) == (3, "state_visits")


def test_without_a_change_everything_stays(settings: Settings) -> None:
    procedures = load_procedures(settings.procedures)
    with open_warehouse(settings, purpose="a test") as con:
        before = con.execute("from raw.quarantine order by line").fetchall()
        report = replay(con, procedures, started_at=NOW)
        assert (report.lines, report.counts.accepted) == (5, 0)
        assert con.execute("from raw.quarantine order by line").fetchall() == before
        assert ledger(con) == [(7, 1, 0, 6, 0)]
