"""The comparison with the last generation, on a warehouse that is rebuilt from too few files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.defs.check import Verdict
from pipelines.defs.nothing_lost import NOTHING_LOST
from pipelines.run import Request, open_run
from pipelines.settings import Settings
from tests.support.landing_zone import START, lead

DAY_MS = 86_400_000


def compare(settings: Settings, request: Request) -> Verdict:
    """Take in what is there and compare it with the last generation."""
    with open_run(settings, request, purpose="a test") as run:
        run.ingest()
        for name in run.builder.names("history"):
            run.builder.refresh_history(name)
        run.builder.build_all()
        return NOTHING_LOST.evaluate(run.con, None)


@pytest.mark.nightly
def test_a_rebuild_from_part_of_the_files_is_a_loss_until_they_are_back(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", landing=tmp_path / "landing")
    settings.landing.mkdir()
    for number in range(1, 5):
        line = lead(number, updatedAt=START + number * DAY_MS)
        (settings.landing / f"{number}.ndjson").write_bytes(line)
    with open_run(settings, Request(), purpose="a test") as run:
        run.ingest()
        for layer in ("core", "mart"):
            for name in run.builder.names("history"):
                run.builder.refresh_history(name)
            for name in run.builder.names(layer):
                run.builder.build(layer, name)
        assert run.publish().number == 1

    settings.warehouse.unlink()
    archived = [
        path.rename(tmp_path / path.name) for path in sorted(settings.landing.iterdir())[2:]
    ]
    lost = compare(settings, Request())
    assert not lost.passed
    assert lost.sentence == (
        "Missing since generation 1: 2 of 4 files, 2 of 4 processes, 2 lines. It had changes from "
        "2025-10-09 to 2025-10-13, now they are from 2025-10-09 to 2025-10-11."
    )
    before = datetime.fromtimestamp(START / 1000, UTC)
    for request in (
        Request(allow_loss=True),
        Request(out=tmp_path / "part.duckdb"),
        Request(as_of=before),
    ):
        assert compare(settings, request).passed

    archived[0].rename(settings.landing / "renamed.ndjson")
    assert compare(settings, Request()).n_wrong == 2
    archived[1].rename(settings.landing / archived[1].name)
    assert compare(settings, Request()).sentence == "Nothing is missing since generation 1."


@pytest.mark.parametrize("text", [b"", b"no database"])
def test_a_generation_that_cannot_be_read_is_not_compared(tmp_path: Path, text: bytes) -> None:
    settings = Settings(data=tmp_path / "data", landing=tmp_path / "landing")
    settings.landing.mkdir()
    (settings.landing / "a.ndjson").write_bytes(lead(1))
    settings.generations.mkdir(parents=True)
    (settings.generations / "analytics-000001.duckdb").write_bytes(text)
    assert compare(settings, Request()).sentence == (
        "There is no earlier generation to compare with."
    )
