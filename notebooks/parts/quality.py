"""The queries of the notebook `data_quality`: files, rules, rejected lines, drift, freshness."""

import duckdb
import polars as pl

from notebooks.parts.published import ask

SEVERITIES = {"line rejected": "reject", "value set to null": "null", "only flagged": "flag"}
PARTS = ["accepted", "duplicates", "quarantined", "blank"]


def freshness(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The instants (UTC) of the build, the latest file and the latest version, by label."""
    query = """
        select
            (select max(as_of) from build) as "as of",
            (select max(ingested_at) from ingest_files) as "latest file ingested",
            (select max(updated_at) from processes) as "latest version"
    """
    (row,) = ask(con, query).rows(named=True)
    return {name: f"{at:%Y-%m-%d %H:%M}" if at else "-" for name, at in row.items()}


def files(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The files in ingest order: lines = accepted + duplicates + quarantined + blank."""
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
    """The broken rules of a severity by procedure, most frequent first."""
    return ask(
        con,
        """
        select rule, coalesce(procedure, '(unknown)') as procedure, n_versions, n_processes,
            sentence, strftime(last_seen_at, '%Y-%m-%d %H:%M') as last_seen_at
        from data_quality where severity = $severity
        order by sum(n_versions) over (partition by rule) desc, rule, n_versions desc
        """,
        severity=severity,
    )


def rejected_lines(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The lines in quarantine: file, line number and rules, latest first."""
    return ask(
        con,
        """
        select q.file_name, q.line, array_to_string(q.rules, ', ') as rules,
            coalesce(q.procedure, '(unknown)') as procedure,
            strftime(q.quarantined_at, '%Y-%m-%d %H:%M') as quarantined_at
        from quarantine as q
        order by q.quarantined_at desc, q.file_name desc, q.line limit 500
        """,
    )


def n_rejected(con: duckdb.DuckDBPyConnection) -> int:
    """The number of lines in quarantine."""
    return ask(con, "select count(*) from quarantine").item()


def drift(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Computed attributes compared with supplied values, most different first."""
    return ask(
        con,
        """
        select procedure || '.' || attribute as attribute, processes, n_computed, n_failed,
            n_supplied, n_compared, n_different, share_different
        from derived_drift order by n_different desc, n_failed desc, attribute
        """,
    )
