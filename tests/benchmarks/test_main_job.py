"""What the main job costs by stage: in full, with 1 % of processes touched, with nothing new.

Ratios are to the full run, and its own to DuckDB's reading of the same files into a table.

Run with `uv run pytest -m benchmark`; LEADTIME_BENCHMARK_VERSIONS sets the size. Nothing is
asserted about time: a slow machine is no defect.
"""

import json
import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.simulator import simulate
from tests.support.measured_runs import STAGES, leadtime_run, read_json_seconds

VERSIONS = int(os.environ.get("LEADTIME_BENCHMARK_VERSIONS", "1000000"))
HOUR_MS = 3_600_000
pytestmark = pytest.mark.benchmark


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
