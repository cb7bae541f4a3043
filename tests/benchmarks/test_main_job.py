"""What the main job costs by stage: in full, with 1 % of processes touched, with nothing new.

Ratios are to the full run, and its own to DuckDB's reading of the same files into a table.

Run with `uv run pytest -m benchmark`; LEADTIME_BENCHMARK_VERSIONS sets the size. Nothing is
asserted about time: a slow machine is no defect.
"""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from pipelines.simulator import simulate
from schemas.records.record import FIELDS

VERSIONS = int(os.environ.get("LEADTIME_BENCHMARK_VERSIONS", "1000000"))
HOUR_MS = 3_600_000
pytestmark = pytest.mark.benchmark


STAGES = ("imports", "start", "ingest", "core", "marts", "publish")
# `publish` includes what Dagster does afterwards, `start` what it does before the first stage.
RUN = """
import dataclasses, json, os, resource, sys
def used():
    times = os.times()
    return times.user + times.system
from pathlib import Path
from pipelines.launch import run_job
from pipelines.run import Request
from pipelines.settings import from_environment
begins = {"imports": 0.0, "start": used()}
folder, publish = Path(sys.argv[1]), sys.argv[2] == "publish"
result = run_job(
    dataclasses.replace(from_environment(), data=folder / "data", landing=folder / "landing"),
    Request(publish=publish),
    on_stage=lambda stage: begins.setdefault(stage, used()),
)
assert result.generation, result.failed_checks
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([begins, used(), peak / 1e6, result.generation.number]))
"""


@dataclass(frozen=True)
class Measured:
    """CPU seconds by stage, of all threads: other work on the machine counts less than in time."""

    stages: dict[str, float]
    peak_gb: float
    generation: int

    @property
    def work(self) -> float:
        """CPU seconds without the start of the interpreter and imports."""
        return sum(self.stages.values()) - self.stages["imports"]


def test_main_job(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    landing = tmp_path / "landing"
    simulate(landing, versions=VERSIONS, seed=1, end=datetime(2026, 9, 1, tzinfo=UTC))
    size = sum(file.stat().st_size for file in landing.iterdir())
    floor = read_json_seconds(landing, tmp_path / "floor.duckdb")
    full = leadtime_run(tmp_path)
    touched = touch_one_percent(landing)
    runs = {
        "full": full,
        "1 % touched": leadtime_run(tmp_path),
        "published again": leadtime_run(tmp_path, publish=True),
        "nothing new": leadtime_run(tmp_path),
    }
    lines = [
        f"{VERSIONS:,} versions, {size / 1e9:.2f} GB of files, {os.cpu_count()} cores; "
        f"{touched:,} processes touched; CPU seconds, and their share of the full run",
        f"floor, DuckDB's typed read_json into a table: {floor:.2f} s; full run: "
        f"{full.work / floor:.2f} x",
        f"{'':10}" + "".join(f"{name:>22}" for name in runs),
        *(line(stage, {name: run.stages[stage] for name, run in runs.items()}) for stage in STAGES),
        line("work", {name: run.work for name, run in runs.items()}),
        f"{'peak':10}" + "".join(f"{run.peak_gb:19.2f} GB" for run in runs.values()),
        f"{'generation':10}" + "".join(f"{run.generation:22}" for run in runs.values()),
    ]
    with capsys.disabled():
        sys.stdout.write("\n" + "\n".join(lines) + "\n")


def line(stage: str, seconds: dict[str, float]) -> str:
    full = seconds["full"] or 1.0
    return f"{stage:10}" + "".join(f"{s:12.2f} {s / full:9.1%}" for s in seconds.values())


def read_json_seconds(landing: Path, database: Path) -> float:
    kinds = {"time": "BIGINT", "boolean": "BOOLEAN", "object": "JSON"}
    columns = {field.name: kinds.get(field.kind, "VARCHAR") for field in FIELDS}
    started = cpu_seconds()
    with duckdb.connect(database, config={"preserve_insertion_order": False}) as con:
        # Broken lines are part of the files; the floor passes over them.
        con.execute(
            f"create table versions as select * from read_json('{landing}/*.ndjson', "
            f"format = 'newline_delimited', columns = {columns}, ignore_errors = true)"
        )
        con.execute("checkpoint")
    return cpu_seconds() - started


def cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system


def leadtime_run(folder: Path, *, publish: bool = False) -> Measured:
    """A run in a process of its own, as `leadtime run` makes it."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(folder), "publish" if publish else ""],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    begins, end, peak, generation = json.loads(done.stdout.splitlines()[-1])
    ends = [*list(begins.values())[1:], end]
    taken = dict(
        zip(begins, (b - a for a, b in zip(begins.values(), ends, strict=True)), strict=True)
    )
    return Measured({stage: taken.get(stage, 0.0) for stage in STAGES}, peak, generation)


def touch_one_percent(landing: Path) -> int:
    """Land a file with one more version of a hundredth of the processes; their number."""
    touched: dict[str, str] = {}
    for file in sorted(landing.iterdir()):
        for line in file.read_text(errors="replace").splitlines():
            match = re.match(r'\{"id":"([0-9a-f-]{36})"', line)
            if match and int(match[1][-6:], 16) % 100 == 0:
                touched[match[1]] = line
    lines: list[str] = []
    for line in touched.values():
        try:
            record = json.loads(line)
            record["updatedAt"] += HOUR_MS
            lines.append(json.dumps(record))
        except (ValueError, TypeError, KeyError):
            continue
    (landing / "later.ndjson").write_text("\n".join(lines) + "\n")
    return len(lines)
