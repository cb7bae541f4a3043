"""The sections of the report on one procedure, in their order."""

import duckdb

from pipelines.report.contacts import calls
from pipelines.report.flow import backlog, data_quality, variants
from pipelines.report.model import Reader, Report
from pipelines.report.open_work import due, oldest
from pipelines.report.process_flow import (
    ages,
    completion_times,
    cumulative_flow,
    drivers,
    forecast,
)
from pipelines.report.results import durations, funnels, outcomes, overview, slas


def procedures_of(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The shortIds of the procedures in a published database."""
    rows = con.execute("select distinct procedure from states order by procedure").fetchall()
    return [name for (name,) in rows]


def read_report(con: duckdb.DuckDBPyConnection, procedure: str) -> Report:
    """The report on a procedure (shortId) of a published database."""
    read = Reader(con, procedure)
    ((as_of, time_zone),) = read("select as_of, time_zone from build")
    sections = [
        overview(read),
        *funnels(read),
        drivers(read),
        durations(read),
        forecast(read),
        outcomes(read),
        slas(read),
        calls(read),
        due(read),
        cumulative_flow(read),
        completion_times(read),
        ages(read),
        backlog(read),
        variants(read),
        oldest(read),
        data_quality(read),
    ]
    kept = tuple(section for section in sections if section.rows or section.picture)
    return Report(procedure, as_of, time_zone, kept)
