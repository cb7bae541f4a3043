"""The landing sensor: one run for new files that have come to rest, and none twice."""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg
import pytest

from pipelines.defs.jobs import landing_sensor
from pipelines.settings import Settings


class Ticking:
    """The sensor over a landing folder, with its cursor kept from tick to tick."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._sensor = landing_sensor(Settings(data=folder.parent, landing=folder))
        self._cursor: str | None = None

    def tick(self) -> list[str | None] | str:
        """The keys of the runs asked for, or why there is none."""
        with dg.DagsterInstance.ephemeral() as instance:
            context = dg.build_sensor_context(instance=instance, cursor=self._cursor)
            told = self._sensor.evaluate_tick(context)
        self._cursor = told.cursor
        if told.run_requests:
            return [request.run_key for request in told.run_requests]
        return told.skip_message or ""

    def write(self, name: str, text: str, *, at: float = 1_700_000_000) -> None:
        self.folder.mkdir(exist_ok=True)
        (self.folder / name).write_text(text)
        os.utime(self.folder / name, (at, at))


@pytest.fixture
def landing(tmp_path: Path) -> Ticking:
    return Ticking(tmp_path / "landing")


def test_new_files_start_one_run_once_they_rest(landing: Ticking) -> None:
    landing.write("a.ndjson", "{}")
    assert "waiting" in landing.tick()
    (first,) = landing.tick()
    assert first
    assert landing.tick() == "No new files."

    landing.write("b.ndjson", "{} ")
    assert "waiting" in landing.tick()
    landing.write("b.ndjson", "{}   ")
    assert "waiting" in landing.tick()
    (second,) = landing.tick()
    assert second != first
    assert landing.tick() == "No new files."


def test_the_same_content_asks_for_the_same_run(landing: Ticking) -> None:
    """Dagster starts no second run for a key it has seen."""
    landing.write("a.ndjson", "{}")
    landing.tick()
    first = landing.tick()
    landing.write("renamed.ndjson", "{}")
    landing.tick()
    assert landing.tick() == first
    landing.write("a.ndjson", "{}", at=1_700_000_060)
    landing.tick()
    assert landing.tick() == first


def test_without_a_folder_or_files_there_is_no_run(landing: Ticking) -> None:
    assert "no such landing folder" in landing.tick()
    landing.folder.mkdir()
    assert landing.tick() == "No new files."
    landing.write("notes.txt", "hello")
    assert landing.tick() == "No new files."
