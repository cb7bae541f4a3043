"""Random histories that arrive in many ways give the tables of one run over everything."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random

import duckdb
import pytest

from pipelines import run as run_module
from pipelines.ingest.quarantine import replay
from pipelines.publish.contracts import require_contracts
from pipelines.run import Request, open_run
from pipelines.settings import Settings
from schemas.compiled.wide_table import built_tables
from tests.support import changing_job as job
from tests.support.builds import build
from tests.support.changing_job import Definition, write_definitions
from tests.support.definition_runs import warehouse
from tests.support.random_history import DEFINITIONS, HOURS, history_lines
from tests.support.scale import Scale, at_each_scale

START = datetime.fromtimestamp(job.START / 1000, UTC)
END = START + timedelta(days=90)
# Numbers and times of runs, and what a file was called, say how the data came.
_OF_THE_RUN = ["batch_seq", "ingested_at", "quarantined_at"]
_OF_QUALITY = ["first_seen_at", "last_seen_at"]
_RAW = ("process_versions", "quarantine", "violations", "ingest_files")


class Clock:
    """The clock of the machine, which a test may set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = END
        monkeypatch.setattr(run_module, "now", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def split(random: Random, lines: list[str]) -> list[list[str]]:
    """One to four parts, in order."""
    places = sorted(random.randint(0, len(lines)) for _ in range(random.randint(0, 3)))
    return [lines[a:b] for a, b in pairwise([0, *places, len(lines)])]


def in_steps(folder: Path, clock: Clock, random: Random, parts: list[list[str]]) -> Settings:
    """The parts in as many runs, each with another clock, definition and instant."""
    settings = warehouse(folder)
    for number, lines in enumerate(parts, start=1):
        (settings.landing / f"{number}.ndjson").write_text("\n".join(lines))
        if random.random() < 0.2:
            name = random.choice([file.name for file in settings.landing.iterdir()])
            shutil.copy(settings.landing / name, settings.landing / f"{name}.again.ndjson")
        clock.now = START + timedelta(hours=random.choice(HOURS) + random.choice((0, 0.5, 2000)))
        as_of = START + timedelta(hours=random.choice(HOURS))
        request = Request(as_of=random.choice((None, None, min(as_of, clock.now))))
        write_definitions(settings.procedures, random.choice(DEFINITIONS), job.OTHER)
        with open_run(settings, request, purpose="a test") as run:
            run.ingest()
            for name in run.builder.names("history"):
                run.builder.refresh_history(name)
    return settings


def tables_at_the_end(
    settings: Settings, clock: Clock, definition: Definition, request: Request
) -> dict[str, list[str]]:
    """The rows of every table after one more run; lines that came before their time are in now.

    They keep to the catalogue, too.
    """
    clock.now = END
    write_definitions(settings.procedures, definition, job.OTHER)
    with open_run(settings, request, purpose="a test") as run:
        run.ingest()
        replay(run.con, run.procedures, started_at=END)
        build(run)
        builder = run.builder
        built = {*builder.names("core"), *builder.names("mart")}
        require_contracts(
            run.con, "temp", [t for t in built_tables(run.procedures) if t.name in built]
        )
        names = [
            *(f"raw.{name}" for name in _RAW),
            *(f"history_{name}" for name in builder.names("history")),
            *built,
        ]
        return {name: rows(run.con, name) for name in names}


def rows(con: duckdb.DuckDBPyConnection, name: str) -> list[str]:
    left_out = [*_OF_THE_RUN, *(_OF_QUALITY if name == "data_quality" else [])]
    query = f"select columns(lambda c: not list_contains({left_out}, c)) from {name}"
    return sorted(map(repr, con.execute(query).fetchall()))


@at_each_scale
def test_any_history_of_runs_gives_the_tables_of_one_run(
    tmp_path: Path, clock: Clock, scale: Scale, record_property: Callable[[str, object], None]
) -> None:
    n_runs = n_lines = 0
    for seed in range(scale.histories):
        random = Random(seed)
        parts = split(random, history_lines(random))
        definition = random.choice(DEFINITIONS)
        as_of = random.choice((None, START + timedelta(hours=random.choice(HOURS))))
        request = Request(as_of=as_of)
        settings = in_steps(tmp_path / "steps", clock, random, parts)
        found = tables_at_the_end(settings, clock, definition, request)
        at_once = warehouse(tmp_path / "at once", *parts)
        expected = tables_at_the_end(at_once, clock, definition, request)
        wrong = {
            name: (found[name], rows) for name, rows in expected.items() if found[name] != rows
        }
        assert wrong == {}, f"seed {seed}"
        n_runs += len(parts) + 2
        n_lines += sum(map(len, parts))
        for folder in tmp_path.iterdir():
            shutil.rmtree(folder)
    record_property("histories", scale.histories)
    record_property("runs", n_runs)
    record_property("lines", n_lines)
