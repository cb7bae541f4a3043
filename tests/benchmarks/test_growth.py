"""How the costs of the main job grow with the versions, and with the runs that took them in.

Run with `uv run pytest -n 0 -m benchmark tests/benchmarks/test_growth.py`.
LEADTIME_BENCHMARK_SIZES names the numbers of versions (100000,1000000),
LEADTIME_BENCHMARK_INCREMENTS the numbers of runs (1,10,100) for each of which
LEADTIME_BENCHMARK_VERSIONS (20,000) arrive in that many parts. Nothing is asserted about time.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.settings import Settings
from pipelines.simulator import simulate
from tests.support.measured_runs import STAGES, Measured, leadtime_run, read_json_seconds

SIZES = os.environ.get("LEADTIME_BENCHMARK_SIZES", "100000,1000000")
INCREMENTS = os.environ.get("LEADTIME_BENCHMARK_INCREMENTS", "1,10,100")
VERSIONS = int(os.environ.get("LEADTIME_BENCHMARK_VERSIONS", "20000"))
END = datetime(2026, 9, 1, tzinfo=UTC)
pytestmark = pytest.mark.benchmark


@dataclass(frozen=True)
class Grown:
    """A data folder after its runs, and what they cost."""

    versions: int
    runs: list[Measured]
    floor: float
    warehouse_gb: float
    published_gb: float

    def __str__(self) -> str:
        seconds = [sum(run.stages[stage] for run in self.runs) for stage in STAGES]
        work = sum(run.work for run in self.runs)
        return (
            f"{self.versions:12,}{len(self.runs):6}"
            + "".join(f"{taken:9.1f}" for taken in seconds)
            + f"{work:9.1f}{self.runs[-1].work:9.1f}{self.floor:9.2f}{work / self.floor:9.1f}"
            + f"{max(run.peak_gb for run in self.runs):9.2f}"
            + f"{self.warehouse_gb:11.3f}{self.published_gb:11.3f}"
        )


def test_growth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    heads = (*STAGES, "work", "last run", "floor", "x floor", "peak GB")
    title = f"{'versions':>12}{'runs':>6}" + "".join(f"{head:>9}" for head in heads)
    with capsys.disabled():
        sys.stdout.write(
            f"\nCPU seconds, {os.cpu_count()} cores; work is all stages without imports; the floor "
            "is DuckDB's typed read_json into a table\n"
            f"{title}{'warehouse':>11}{'published':>11}\n"
        )
        for grown in measured(tmp_path):
            sys.stdout.write(f"{grown}\n")
            sys.stdout.flush()


def measured(folder: Path) -> Iterator[Grown]:
    for number, versions in enumerate(map(int, SIZES.split(","))):
        yield grown(folder / f"size{number}", versions, 1)
    for number, increments in enumerate(map(int, INCREMENTS.split(","))):
        yield grown(folder / f"increments{number}", VERSIONS, increments)


def grown(folder: Path, versions: int, increments: int) -> Grown:
    """Take the versions in by that many runs, an equal part of the lines of the files in each."""
    source = folder / ("source" if increments > 1 else "landing")
    simulate(source, versions=versions, seed=1, end=END)
    floor = read_json_seconds(source, folder / "floor.duckdb")
    runs = [leadtime_run(folder) for _ in landed(source, folder / "landing", increments)]
    settings = Settings(data=folder / "data")
    return Grown(
        versions, runs, floor, size_of(settings.warehouse), size_of(settings.published.resolve())
    )


def landed(source: Path, landing: Path, increments: int) -> Iterator[None]:
    """Yield after each part has landed."""
    if increments == 1:
        yield
        return
    landing.mkdir()
    lines = [
        line
        for file in sorted(source.glob("*.ndjson"))
        for line in file.read_bytes().splitlines(keepends=True)
    ]
    for part in range(increments):
        first, end = (len(lines) * n // increments for n in (part, part + 1))
        (landing / f"{part:03}.ndjson").write_bytes(b"".join(lines[first:end]))
        yield


def size_of(path: Path) -> float:
    return path.stat().st_size / 1e9
