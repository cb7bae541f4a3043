"""Whole runs over the files of the changing job, one definition after the other.

What changes and what must come out is for the tests to say.
"""

import shutil
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from pipelines.ingest.files import IngestReport
from pipelines.run import Request, open_run
from pipelines.settings import Settings
from tests.support.builds import assert_same_tables, build
from tests.support.changing_job import Definition, write_definitions
from transforms.builder.refresh import Refreshed

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)


class Built(NamedTuple):
    path: Path
    redone: dict[str, tuple[str, int]]
    report: IngestReport


def run(settings: Settings, *definitions: Definition, full: bool = False) -> Built:
    """One whole run with these definitions; `redone` leaves out what was current."""
    write_definitions(settings.procedures, *definitions)
    with open_run(settings, Request(as_of=AS_OF, full=full), purpose="a test") as opened:
        report = opened.ingest()
        build(opened)
        names = opened.builder.names("history")
        refreshed: list[Refreshed] = [opened.builder.refresh_history(name) for name in names]
        path = opened.publish().path
    redone = {r.table: (r.mode, r.processes) for r in refreshed if r.mode != "current"}
    return Built(path, redone, report)


def warehouse(folder: Path, *files: Iterable[str]) -> Settings:
    settings = Settings(
        data=folder / "data", landing=folder / "landing", procedures=folder / "procedures"
    )
    settings.landing.mkdir(parents=True)
    for lines in files:
        land(settings, lines)
    return settings


def land(settings: Settings, lines: Iterable[str]) -> None:
    number = 1 + len(list(settings.landing.iterdir()))
    (settings.landing / f"{number}.ndjson").write_text("\n".join(lines))


def copied(settings: Settings, folder: Path) -> Settings:
    """The warehouse and its files, for a test of its own; the published database stays."""
    (folder / "data").mkdir(parents=True)
    shutil.copy(settings.warehouse, folder / "data")
    shutil.copytree(settings.landing, folder / "landing")
    return replace(
        settings,
        data=folder / "data",
        landing=folder / "landing",
        procedures=folder / "procedures",
    )


def assert_same(left: Path, right: Path) -> None:
    """The published tables are the same, those about the lines of files too."""
    assert_same_tables(left, right)
    queries = (
        "select lines, accepted, duplicates, quarantined, blank from ingest_files order by file_seq",
        "select rules, procedure, file_name, line from quarantine order by all",
    )
    for query in queries:
        assert rows(left, query) == rows(right, query)


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(path, read_only=True) as con:
        return con.execute(query).fetchall()
