"""Runs on a machine whose clock is set back: nothing is lost, and the report says so."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines import run as run_module
from pipelines.run import Request, open_run
from tests.support.changing_job import DEFINITION, NEW, START, WORK, line, write_definitions
from tests.support.definition_runs import land, warehouse

MIDNIGHT = datetime.fromtimestamp(START / 1000, UTC)


def test_a_clock_set_back_is_reported_and_loses_no_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = warehouse(tmp_path, [line(1, 0, NEW, {})])
    write_definitions(settings.procedures, DEFINITION)

    def run_at(hours: float) -> tuple[list[str], list[tuple[object, ...]]]:
        monkeypatch.setattr(run_module, "now", lambda: MIDNIGHT + timedelta(hours=hours))
        with open_run(settings, Request(), purpose="a test") as run:
            notes = run.ingest().notes
            run.builder.refresh_history("processes")
            return notes, run.con.execute("select state from history.processes").fetchall()

    assert run_at(12) == ([], [("NEW",)])
    land(settings, [line(1, 11.5, WORK, {})])
    (note,), states = run_at(11)
    assert "The clock is behind the last build" in note
    assert states == [("NEW",)]
    assert run_at(13) == ([], [("WORK",)])
