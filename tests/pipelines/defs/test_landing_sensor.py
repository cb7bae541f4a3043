"""The landing sensor: it requests a run until the ledger has every file, and then none."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from pipelines.defs import landing_sensor as sensor_module
from pipelines.defs.jobs import REFRESH
from pipelines.defs.landing_sensor import landing_sensor
from pipelines.settings import Settings

START = datetime(2026, 3, 1, tzinfo=UTC)


class Ticking:
    """The sensor over a landing folder, with its cursor and a clock of its own."""

    def __init__(self, folder: Path, instance: dg.DagsterInstance) -> None:
        self.folder = folder
        self.settings = Settings(data=folder.parent, landing=folder)
        self.now = START
        self.instance = instance
        self._sensor = landing_sensor(self.settings)
        self._cursor: str | None = None

    def tick(self, *, minutes: int = 1) -> list[str | None] | str:
        """The keys of the runs requested some minutes later, or the reason why there is none."""
        self.now += timedelta(minutes=minutes)
        context = dg.build_sensor_context(instance=self.instance, cursor=self._cursor)
        evaluated = self._sensor.evaluate_tick(context)
        self._cursor = evaluated.cursor or self._cursor
        if evaluated.run_requests:
            return [request.run_key for request in evaluated.run_requests]
        return evaluated.skip_message or ""

    def write(self, name: str, text: str, *, at: float = 1_700_000_000) -> None:
        self.folder.mkdir(exist_ok=True)
        (self.folder / name).write_text(text)
        os.utime(self.folder / name, (at, at))

    def take_in(self, *texts: str) -> None:
        """Write a ledger that has files with these bytes."""
        self.settings.warehouse.touch()
        entries = [
            {
                "file_seq": number,
                "sha256": hashlib.sha256(text.encode()).hexdigest(),
                "content": "processes",
                "file_name": "earlier.ndjson",
                "bytes": len(text),
                "status": "ingested",
                "is_stored": True,
            }
            for number, text in enumerate(texts, 1)
        ]
        self.settings.manifest.write_text("".join(json.dumps(entry) + "\n" for entry in entries))


@pytest.fixture
def landing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ticking:
    ticking = Ticking(tmp_path / "landing", dg.DagsterInstance.ephemeral())
    monkeypatch.setattr(sensor_module, "now", lambda: ticking.now)
    return ticking


def test_new_files_start_one_run_once_they_rest(landing: Ticking) -> None:
    landing.write("a.ndjson", "{}")
    assert "waiting" in landing.tick()
    (first,) = landing.tick()
    assert first
    landing.take_in("{}")
    assert landing.tick() == "No new files."

    landing.write("b.ndjson", "{} ")
    assert "waiting" in landing.tick()
    landing.write("b.ndjson", "{}   ")
    assert "waiting" in landing.tick()
    (second,) = landing.tick()
    assert second != first
    landing.take_in("{}", "{}   ")
    assert landing.tick() == "No new files."


def test_a_file_whose_run_failed_is_requested_again_at_growing_intervals(landing: Ticking) -> None:
    landing.write("a.ndjson", "{}")
    landing.tick()
    keys = [*landing.tick()]
    requested_after: list[int] = []
    waited = 0
    while len(requested_after) < 4:
        waited += 1
        told = landing.tick()
        if isinstance(told, list):
            requested_after.append(waited)
            keys += told
            waited = 0
        else:
            assert "1 file is not in the ledger although a run was requested" in told
    assert requested_after == [5, 10, 20, 40]
    assert len(set(keys)) == 5, "Dagster starts no second run for a key it has seen"
    for _ in range(20):
        landing.tick(minutes=24 * 60)
    assert "next request follows in 1440 min." in landing.tick(minutes=0)
    landing.take_in("{}")
    assert landing.tick() == "No new files."


def test_a_new_file_does_not_wait_for_one_that_fails(landing: Ticking) -> None:
    landing.write("a.ndjson", "{}")
    landing.tick()
    landing.tick()
    landing.write("b.ndjson", "{} ")
    assert "waiting" in landing.tick()
    assert len(landing.tick()) == 1
    assert "2 files are not in the ledger" in landing.tick()


def test_the_same_bytes_start_no_second_run(landing: Ticking) -> None:
    landing.write("a.ndjson", "{}")
    landing.tick()
    landing.tick()
    landing.take_in("{}")
    landing.write("renamed.ndjson", "{}")
    landing.tick()
    assert landing.tick() == "No new files."
    landing.write("a.ndjson", "{}", at=1_700_000_060)
    landing.tick()
    assert landing.tick() == "No new files."


def test_a_file_that_is_new_after_the_warehouse_was_moved_away(landing: Ticking) -> None:
    landing.write("a.ndjson", "{}")
    landing.take_in("{}")
    landing.tick()
    assert landing.tick() == "No new files."
    landing.settings.warehouse.unlink()
    assert len(landing.tick()) == 1


def test_no_request_while_a_run_is_at_work(landing: Ticking) -> None:
    @dg.job(name=REFRESH)
    def refresh() -> None:
        return None

    started = dg.DagsterRunStatus.STARTED
    run = landing.instance.create_run_for_job(refresh, status=started)
    landing.write("a.ndjson", "{}")
    landing.tick()
    assert landing.tick() == "1 new; a run is at work."
    landing.instance.report_run_failed(run)
    assert len(landing.tick()) == 1


def test_without_a_folder_or_files_there_is_no_run(landing: Ticking) -> None:
    assert "no such landing folder" in landing.tick()
    landing.folder.mkdir()
    assert landing.tick() == "No new files."
    landing.write("notes.txt", "hello")
    assert landing.tick() == "No new files."
