"""What a run costs by stage, beside what DuckDB takes to read the same files into a table.

CPU seconds of all threads: other work on the machine counts less than in time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb

from schemas.records.record import FIELDS

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
    """CPU seconds by stage, the most memory it held, and the generation it published."""

    stages: dict[str, float]
    peak_gb: float
    generation: int

    @property
    def work(self) -> float:
        """CPU seconds without the start of the interpreter and imports."""
        return sum(self.stages.values()) - self.stages["imports"]


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
