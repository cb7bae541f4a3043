"""What other tools take for the same data, as a ratio to what we take in the same run.

Run with `uv sync --group comparison`, then
`uv run pytest -n 0 -m benchmark tests/benchmarks/test_side_by_side.py`;
LEADTIME_BENCHMARK_VERSIONS sets the size. CPU seconds of all threads, the least of three where
nothing is written. That results agree is asserted, nothing about time.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.run import Request, Run, open_run
from pipelines.settings import Settings
from pipelines.simulator import simulate
from tests.support.builds import build
from tests.support.measured_runs import cpu_seconds
from transforms.builder.tables import Layer, load_tables

VERSIONS = int(os.environ.get("LEADTIME_BENCHMARK_VERSIONS", "100000"))
END = datetime(2026, 3, 1, tzinfo=UTC)
REPEATS = 3
pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.filterwarnings("default"),  # those of the other tools are not ours
]


@dataclass(frozen=True)
class Compared:
    """CPU seconds of ours and of another tool for the same thing."""

    what: str
    ours: float
    tool: str
    theirs: float

    def __str__(self) -> str:
        name = f"{self.tool} {version(self.tool)}"
        ratio = self.theirs / self.ours
        return f"{self.what:24}{self.ours:9.3f}{self.theirs:9.3f} = {ratio:7.1f} x   {name}"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A run that has built everything, over good lines only, as others stop at a broken one."""
    folder = tmp_path_factory.mktemp("compared")
    settings = Settings(data=folder / "data", landing=folder / "landing")
    simulate(folder / "simulated", versions=VERSIONS, seed=11, end=END)
    settings.landing.mkdir()
    for file in (folder / "simulated").glob("*.ndjson"):
        good = [line for line in file.read_bytes().splitlines(keepends=True) if is_good(line)]
        (settings.landing / file.name).write_bytes(b"".join(good))
    with open_run(settings, Request(as_of=END), purpose="a benchmark") as run:
        yield run


@pytest.fixture(scope="module")
def ingested(run: Run) -> float:
    """The seconds that taking the files in took."""
    return taken(run.ingest, repeats=1)[0]


@pytest.fixture(scope="module")
def built(run: Run, ingested: float) -> Run:
    build(run)
    return run


def is_good(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def taken(work: Callable[[], Any], *, repeats: int = REPEATS) -> tuple[float, Any]:
    """The least CPU seconds of some repeats, and the latest result."""
    seconds: list[float] = []
    result: Any = None
    for _ in range(repeats):
        started = cpu_seconds()
        result = work()
        seconds.append(cpu_seconds() - started)
    return min(seconds), result


def table_of(run: Run, layer: Layer, name: str) -> Callable[[], Any]:
    """Makes a table anew by its own statement, from what it reads."""
    sql = load_tables(run.procedures)[layer, name].sql
    return lambda: run.con.execute(f"create or replace temp table compared as {sql}").fetchall()


def show(capsys: pytest.CaptureFixture[str], *compared: Compared) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\n{VERSIONS:,} versions, {os.cpu_count()} cores, DuckDB ")
        sys.stdout.write(f"{duckdb.__version__}; CPU seconds: ours, theirs, and their ratio\n")
        sys.stdout.writelines(f"{one}\n" for one in compared)


def test_dlt_loads_the_same_files(
    run: Run, ingested: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Theirs infers a schema and loads; ours also validates, finds duplicates, keeps what is bad."""
    dlt = pytest.importorskip("dlt", reason="the group `comparison` is not installed")
    sources = importlib.import_module("dlt.sources.filesystem")
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    pipeline = dlt.pipeline(
        "compared",
        pipelines_dir=str(tmp_path / "dlt"),
        destination=dlt.destinations.duckdb(str(tmp_path / "dlt.duckdb")),
        dataset_name="raw",
    )
    files = sources.filesystem(bucket_url=run.settings.landing.as_uri(), file_glob="*.ndjson")
    lines = (files | sources.read_jsonl()).with_name("versions")
    lines.max_table_nesting = 0
    theirs, _ = taken(lambda: pipeline.run(lines), repeats=1)
    with duckdb.connect(str(tmp_path / "dlt.duckdb"), read_only=True) as con:
        ((loaded,),) = con.execute("select count(*) from raw.versions").fetchall()
    query = "select sum(lines - blank) from raw.ingest_files"
    assert run.con.execute(query).fetchall() == [(loaded,)]
    show(capsys, Compared("taking files in", ingested, "dlt", theirs))


def test_pm4py_has_the_same_graph_and_variants(
    built: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """Theirs gets a sorted frame in memory; ours reads stored visits and sorts in the statement."""
    with redirect_stdout(StringIO()):  # it welcomes whoever imports it
        pm4py = pytest.importorskip("pm4py", reason="the group `comparison` is not installed")
    log = built.con.sql(
        'select process_id::varchar as "case:concept:name", state as "concept:name", '
        "entered_at as \"time:timestamp\" from state_visits where procedure = 'lead' "
        "order by process_id, visit_no"
    ).df()
    log = pm4py.format_dataframe(log)
    graph, (found, *_) = taken(lambda: pm4py.discover_dfg(log))
    variants, by_path = taken(lambda: pm4py.get_variants(log))
    durations, _ = taken(lambda: pm4py.get_all_case_durations(log))
    ours_graph, _ = taken(table_of(built, "mart", "state_transitions"))
    query = "select from_state, to_state, n from compared where procedure = 'lead'"
    rows = built.con.execute(query).fetchall()
    # In ours nothing follows a deletion.
    assert {(a, b) for a, b, _ in rows} <= {*found}
    assert 0.95 < sum(n for *_, n in rows) / sum(found.values()) <= 1
    ours_variants, _ = taken(table_of(built, "mart", "variants"))
    ((counted,),) = built.con.execute(
        "select count(*) from compared where procedure = 'lead'"
    ).fetchall()
    assert 0.8 < counted / len(by_path) <= 1  # ours has no path with a restore in it
    ours_durations, _ = taken(table_of(built, "mart", "duration_stats"))
    show(
        capsys,
        Compared("directly-follows graph", ours_graph, "pm4py", graph),
        Compared("variants", ours_variants, "pm4py", variants),
        Compared("durations", ours_durations, "pm4py", durations),
    )


def test_pandas_has_the_same_stays(built: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Theirs has stays with entry, exit and number; ours also moves, directions and assignees."""
    pytest.importorskip("pandas", reason="the group `comparison` is not installed")
    versions = built.con.sql(
        "select process_id::varchar as process_id, updated_at, ingest_seq, state_id::varchar as state "
        "from raw.process_versions"
    ).df()

    def stays() -> Any:
        in_order = versions.sort_values(["process_id", "updated_at", "ingest_seq"])
        processes = in_order.groupby("process_id", sort=False)
        entered = in_order[in_order["state"].ne(processes["state"].shift())].copy()
        stays_of = entered.groupby("process_id", sort=False)
        entered["left_at"] = stays_of["updated_at"].shift(-1)
        entered["visit_no"] = stays_of.cumcount() + 1
        entered["seconds"] = (entered["left_at"] - entered["updated_at"]).dt.total_seconds()
        return entered

    theirs, found = taken(stays)
    ours, _ = taken(table_of(built, "history", "state_visits"))
    ((counted,),) = built.con.execute("select count(*) from compared").fetchall()
    assert abs(counted - len(found)) < 0.1 * counted  # deletions cut ours
    show(capsys, Compared("stays in a state", ours, "pandas", theirs))
