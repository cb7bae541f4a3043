"""What was taken in, what was rejected or mended, and how fresh it is, for `data_quality.py`.

Rows of published tables. The text of rejected lines is not published, and so is never here.
"""

import duckdb
import polars as pl

from notebooks.parts.published import ask

SEVERITIES = {"lines rejected": "reject", "values set to null": "null", "only flagged": "flag"}
PARTS = ["accepted", "duplicates", "quarantined", "blank"]


def freshness(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The instants (UTC) that say how fresh the database is, by what they are."""
    query = """
        select
            (select max(as_of) from build) as "as of",
            (select max(ingested_at) from ingest_files) as "latest file taken in",
            (select max(updated_at) from processes) as "latest version of a process"
    """
    (row,) = ask(con, query).rows(named=True)
    return {name: f"{at:%Y-%m-%d %H:%M}" if at else "-" for name, at in row.items()}


def files(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The files in the order they were taken in: lines = accepted + duplicates + ... + blank."""
    return ask(
        con,
        """
        select file_seq || ': ' || file_name as file, file_seq, file_name, content, status, lines,
            accepted, duplicates, quarantined, blank, share_quarantined,
            strftime(ingested_at, '%Y-%m-%d') as ingested
        from ingest_files order by file_seq
        """,
    )


def rules(con: duckdb.DuckDBPyConnection, severity: str) -> pl.DataFrame:
    """The rules of a severity that were broken, by procedure; the rule broken most often first."""
    return ask(
        con,
        """
        select rule, coalesce(procedure, '(not known)') as procedure, n_versions, n_processes,
            sentence, strftime(last_seen_at, '%Y-%m-%d %H:%M') as last_seen_at
        from data_quality where severity = $severity
        order by sum(n_versions) over (partition by rule) desc, rule, n_versions desc
        """,
        severity=severity,
    )


def rejected_lines(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Where the lines in quarantine stand: file, line and rules, the latest file first."""
    return ask(
        con,
        """
        select q.file_name, q.line, array_to_string(q.rules, ', ') as rules,
            coalesce(q.procedure, '(not known)') as procedure,
            strftime(q.quarantined_at, '%Y-%m-%d %H:%M') as quarantined_at
        from quarantine as q
        order by q.quarantined_at desc, q.file_name desc, q.line limit 500
        """,
    )


def n_rejected(con: duckdb.DuckDBPyConnection) -> int:
    """How many lines are in quarantine now."""
    return ask(con, "select count(*) from quarantine").item()


def drift(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Computed attributes next to what the platform supplied, those that differ most first."""
    return ask(
        con,
        """
        select procedure || '.' || attribute as attribute, processes, n_computed, n_failed,
            n_supplied, n_compared, n_different, share_different
        from derived_drift order by n_different desc, n_failed desc, attribute
        """,
    )
