"""A small published database of simulated leads and tickets, with calls and tasks.

What it must hold belongs to the tests.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.launch import run_job
from pipelines.run import Request
from pipelines.settings import Settings
from pipelines.simulator import simulate
from tests.support.made_once import made_once

END = datetime(2026, 3, 1, tzinfo=UTC)


def published_simulated(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The settings of a data folder after one run of the whole job as at `END`, to read or copy."""
    data = (
        made_once("simulated", tmp_path_factory, lambda folder: _publish(folder / "data")) / "data"
    )
    return Settings(data=data, landing=data / "landing")


def _publish(data: Path) -> None:
    settings = Settings(data=data, landing=data / "landing")
    simulate(settings.landing, versions=2_500, seed=11, end=END, activities=True)
    assert run_job(settings, Request(as_of=END)).generation
