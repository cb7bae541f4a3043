"""How long the main job takes, as a ratio to DuckDB's own time for reading the same files.

Run with `uv run pytest -m benchmark`; LEADTIME_BENCHMARK_VERSIONS sets the size. Nothing is
asserted about time: a slow machine is no defect.
"""

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from pipelines.simulator import simulate
from schemas.core_record import FIELDS

VERSIONS = int(os.environ.get("LEADTIME_BENCHMARK_VERSIONS", "1000000"))
HOUR_MS = 3_600_000
pytestmark = pytest.mark.benchmark


@dataclass(frozen=True)
class Measured:
    seconds: float
    peak_gb: float
    output: str


def test_main_job(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    landing = tmp_path / "landing"
    simulate(landing, versions=VERSIONS, seed=1, end=datetime(2026, 9, 1, tzinfo=UTC))
    size = sum(file.stat().st_size for file in landing.iterdir())
    floor = read_json_seconds(landing, tmp_path / "floor.duckdb")
    first = leadtime_run(tmp_path)
    touched = touch_one_percent(landing)
    second = leadtime_run(tmp_path)
    nothing = leadtime_run(tmp_path)
    report = f"""
{VERSIONS:,} versions, {size / 1e9:.2f} GB of files, {os.cpu_count()} cores
(a) floor, DuckDB's typed read_json into a table: {floor:.2f} s
(b) run on an empty warehouse: {first.seconds:.2f} s = {first.seconds / floor:.2f} x (a)
(c) run with {touched:,} processes touched: {second.seconds:.2f} s = \
{second.seconds / first.seconds:.1%} of (b)
    run with nothing new: {nothing.seconds:.2f} s
peak memory of (b): {first.peak_gb:.2f} GB, of (c): {second.peak_gb:.2f} GB
what (b) printed:
{first.output}
what (c) printed:
{second.output}"""
    with capsys.disabled():
        sys.stdout.write(report)


def read_json_seconds(landing: Path, database: Path) -> float:
    kinds = {"time": "BIGINT", "boolean": "BOOLEAN", "object": "JSON"}
    columns = {field.name: kinds.get(field.kind, "VARCHAR") for field in FIELDS}
    started = time.perf_counter()
    with duckdb.connect(database, config={"preserve_insertion_order": False}) as con:
        # Broken lines are part of the files; the floor passes over them.
        con.execute(
            f"create table versions as select * from read_json('{landing}/*.ndjson', "
            f"format = 'newline_delimited', columns = {columns}, ignore_errors = true)"
        )
        con.execute("checkpoint")
    return time.perf_counter() - started


def leadtime_run(folder: Path) -> Measured:
    """`leadtime run` in a process of its own: seconds from start to end, peak memory, output."""
    measured = (
        "import resource, subprocess, sys, json, time; started = time.perf_counter();"
        "done = subprocess.run(sys.argv[1:], capture_output=True, text=True);"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss;"
        "print(json.dumps([done.returncode, time.perf_counter() - started, used / 1e6,"
        " done.stdout + done.stderr]))"
    )
    command = [str(Path(sys.executable).with_name("leadtime")), "run", "--landing"]
    done = subprocess.run(
        [sys.executable, "-c", measured, *command, str(folder / "landing")],
        env=os.environ | {"LEADTIME_DATA": str(folder / "data")},
        capture_output=True,
        text=True,
        check=True,
    )
    code, seconds, peak, output = json.loads(done.stdout)
    assert code == 0, output
    return Measured(seconds, peak, output)


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
