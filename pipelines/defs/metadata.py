"""Metadata of assets: their columns; after a run, counts and a preview.

Values of single processes must not be in it: Dagster stores it in its own database.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import dagster as dg
import duckdb

from pipelines.defs.column_lineage import Column
from pipelines.defs.resources import Built
from pipelines.ingest.files import IngestReport
from pipelines.publish.generation import Generation
from schemas.catalogue.model import OutputTable
from schemas.catalogue.raw import RAW_COLUMNS

_PREVIEW_ROWS = 10
_SOURCES_NAMED = 6

Metadata = Mapping[str, dg.MetadataValue | int | float | str]


def describe_columns(
    table: OutputTable, sources: Mapping[str, list[Column]], prefix: Sequence[str] = ()
) -> Metadata:
    """The columns of a table, their sources as far as `sources` has them, and its grain.

    Keys of assets begin with `prefix`.

    Dagster's own UI has no view of column lineage: so descriptions say it too.
    """
    columns = [
        dg.TableColumn(
            column.name,
            type=column.type,
            description=f"{column.comment}{_origin(sources.get(column.name, []))}",
        )
        for column in table.columns
    ]
    lineage = {
        name: [dg.TableColumnDep([*prefix, *asset.split("/")], column) for asset, column in found]
        for name, found in sources.items()
        if found
    }
    return {
        "dagster/column_schema": dg.MetadataValue.table_schema(dg.TableSchema(columns)),
        "dagster/column_lineage": dg.MetadataValue.column_lineage(dg.TableColumnLineage(lineage)),
        "grain": table.grain,
    }


def _origin(sources: list[Column]) -> str:
    names = [f"`{asset.split('/')[1]}.{column}`" for asset, column in sources]
    more = f" and {len(names) - _SOURCES_NAMED} more" if len(names) > _SOURCES_NAMED else ""
    return f" From: {', '.join(names[:_SOURCES_NAMED])}{more}." if names else ""


def describe_raw_columns(columns: Mapping[str, str]) -> Metadata:
    """The columns of a raw table: name, type and meaning."""
    schema = dg.TableSchema(
        [
            dg.TableColumn(name, type=kind, description=RAW_COLUMNS[name])
            for name, kind in columns.items()
        ]
    )
    return {"dagster/column_schema": dg.MetadataValue.table_schema(schema)}


def describe_ingest(report: IngestReport, con: duckdb.DuckDBPyConnection) -> dict[str, Metadata]:
    """The counts of an ingest, by raw table."""
    counts = report.counts
    new = {
        "process_versions": {
            "new_lines": counts.lines,
            "new_versions": counts.accepted - report.dimension_rows,
            "exact_duplicates": counts.duplicates,
            "blank_lines": counts.blank,
            "revalidated_versions": sum(report.revalidated.values()),
        },
        "quarantine": {
            "new_quarantined": counts.quarantined,
            "rejected_share": counts.quarantined / max(1, counts.not_blank),
        },
        "violations": {},
        "dimension_rows": {"new_rows": report.dimension_rows},
        "erasures": {},
        "ingest_files": {
            "new_files": report.files,
            "files_seen_before": report.seen_before,
            "files_still_written": len(report.still_written),
            "unreadable_files": len(report.unreadable) + len(report.unopened),
            **({"notes": ". ".join(report.notes)} if report.notes else {}),
        },
    }
    return {
        table: {"dagster/row_count": _count(con, table), **values} for table, values in new.items()
    }


def describe_table(table: OutputTable, built: Built, con: duckdb.DuckDBPyConnection) -> Metadata:
    """Rows, time, what was refreshed, and the first rows where they are not about one process."""
    about: dict[str, dg.MetadataValue | int | float | str] = {
        "dagster/row_count": built.rows,
        "seconds": round(built.seconds, 3),
    }
    if built.refreshed:
        about["refresh"] = built.refreshed.mode
        about["processes_touched"] = built.refreshed.processes
    if _has_preview(table):
        about["preview"] = dg.MetadataValue.md(_preview(table.name, con))
    return about


def _has_preview(table: OutputTable) -> bool:
    """Whether its rows are sums over many processes, without personal data."""
    is_about_one = "process_id" in table.column_names
    has_personal = any(column.personal != "no" for column in table.columns)
    return table.layer == "mart" and not is_about_one and not has_personal


def describe_generation(generation: Generation, *, as_of: datetime, seconds: float) -> Metadata:
    """Number, path, size and instant of a generation."""
    return {
        "generation": generation.number,
        "path": dg.MetadataValue.path(generation.path),
        "as_of": f"{as_of.isoformat(timespec='milliseconds')}Z",
        "tables": len(generation.rows),
        "rows": sum(generation.rows.values()),
        "bytes": generation.path.stat().st_size,
        "seconds": round(seconds, 3),
    }


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    return con.execute(f"select count(*) from raw.{table}").fetchall()[0][0]


def _preview(name: str, con: duckdb.DuckDBPyConnection) -> str:
    result = con.execute(f'from "{name}" limit {_PREVIEW_ROWS}')
    columns = [column[0] for column in result.description or []]
    rows = [[_cell(value) for value in row] for row in result.fetchall()]
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.3f}"
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    if isinstance(value, date):
        return value.isoformat()
    return str(value).replace("|", "\\|").replace("\n", " ")
