"""What a report on one procedure says, read from the published database.

No metric is defined in these modules: rows are read from published tables.
"""

import duckdb

from pipelines.report.flow import backlog, oldest, rejected, variants
from pipelines.report.model import Asking, Report
from pipelines.report.results import durations, funnels, outcomes, overview, slas


def procedures_of(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The shortIds of the procedures in a published database."""
    rows = con.execute("select distinct procedure from states order by procedure").fetchall()
    return [name for (name,) in rows]


def read_report(con: duckdb.DuckDBPyConnection, procedure: str) -> Report:
    """The report on a procedure (shortId) of a published database."""
    ask = Asking(con, procedure)
    ((as_of, time_zone),) = ask("select as_of, time_zone from build")
    sections = [
        overview(ask),
        *funnels(ask),
        durations(ask),
        outcomes(ask),
        slas(ask),
        backlog(ask),
        variants(ask),
        oldest(ask),
        rejected(ask),
    ]
    kept = tuple(section for section in sections if section.rows)
    return Report(procedure, as_of, time_zone, kept)
