"""A small published database of simulated leads and tickets, with calls and tasks.

What it must hold belongs to the tests.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pipelines.launch import run_job
from pipelines.run import Request
from pipelines.settings import Settings
from pipelines.simulator import simulate

END = datetime(2026, 3, 1, tzinfo=UTC)


def publish_simulated(data: Path, *, versions: int = 2_500, seed: int = 11) -> Settings:
    """Simulate, run the whole job as at `END`, publish."""
    settings = Settings(data=data, landing=data / "landing")
    simulate(settings.landing, versions=versions, seed=seed, end=END, activities=True)
    run_job(settings, Request(as_of=END))
    return settings
