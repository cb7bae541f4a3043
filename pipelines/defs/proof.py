"""The end of every erasure: a new generation of what is left, and a search for what was erased.

It stands here because a generation is published only when every blocking check has passed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import duckdb

from pipelines.defs.checks import CHECKS
from pipelines.ingest.erasing.memory import write_erasures
from pipelines.ingest.ledger import number
from pipelines.publish.generation import Generation, drop_other_generations
from pipelines.run import Request, Run
from pipelines.settings import Settings
from pipelines.warehouse.open import connect_held
from pipelines.warehouse.search import Matches, Needles
from pipelines.warehouse.search_folder import search_folder, still_there
from schemas.definitions.procedure import Procedures
from schemas.errors import OperationError

_TABLE = "erasures"


@dataclass(frozen=True)
class Amounts:
    """What an erasure changes, as it stands in the table of erasures."""

    processes: int = 0
    versions: int = 0
    violations: int = 0
    dimension_rows: int = 0
    quarantined_lines: int = 0
    landing_lines: int = 0


@dataclass(frozen=True)
class Proof:
    """The search of everything that remains, and the generation that shows it."""

    n_values: int
    matches: Matches
    generation: Generation
    removed_generations: int


def begin_erasure(
    con: duckdb.DuckDBPyConnection,
    kind: str,
    subject_hash: str | None,
    amounts: Amounts,
    *,
    erased_at: datetime,
) -> int:
    """Add the row of an erasure that has not been searched for yet; its number."""
    erasure_no = 1 + number(con, "select max(erasure_no) from raw.erasures")
    con.execute(
        "insert into raw.erasures values ($no, $at, $kind, $hash, $processes, $versions, "
        "$violations, $rows, $texts, $lines, null, null, null, null)",
        {
            "no": erasure_no,
            "at": erased_at,
            "kind": kind,
            "hash": subject_hash,
            "processes": amounts.processes,
            "versions": amounts.versions,
            "violations": amounts.violations,
            "rows": amounts.dimension_rows,
            "texts": amounts.quarantined_lines,
            "lines": amounts.landing_lines,
        },
    )
    return erasure_no


def is_unfinished(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether an erasure was interrupted before its search; the next one completes it."""
    return number(con, "select count(*) from raw.erasures where matches is null") > 0


def publish_erasure(
    settings: Settings,
    procedures: Procedures,
    own: Needles,
    erasure_no: int,
    *,
    on_stage: Callable[[str], None] = lambda _: None,
) -> Proof:
    """Build and publish what is left, remove older generations, and search for the values `own`.

    The caller holds the lease. Raises `OperationError` when a blocking check fails or a value is
    found.
    """
    on_stage("building all tables")
    with connect_held(settings) as con:
        run = Run(con, settings, procedures, Request(full=True, publish=True))
        _build(run)
        _require_checks(con, settings)
        on_stage("searching")
        matches = search_folder(settings, own, warehouse=con)
        _complete(con, erasure_no, own, matches)
        write_erasures(con, settings)
        generation = run.publish()
        removed = drop_other_generations(settings, generation.number)
    found = search_folder(settings, own)
    if found.total:
        with connect_held(settings) as con:
            _complete(con, erasure_no, own, found)
        raise still_there(settings, found)
    return Proof(len(own.texts), found, generation, removed)


def _build(run: Run) -> None:
    """Build every table but the one of erasures, which waits for the result of the search."""
    builder = run.builder
    for name in builder.names("history"):
        builder.refresh_history(name)
    for layer in ("core", "mart"):
        for name in builder.names(layer):
            if name != _TABLE:
                builder.build(layer, name)


def _require_checks(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    for check in CHECKS:
        if check.is_blocking and not (verdict := check.evaluate(con, None)).passed:
            found = f"the check {check.name} failed: {verdict.sentence}"
            action = (
                "The values are gone from the warehouse, but nothing was published, and earlier "
                f"generations still hold them. {check.description} Then erase again."
            )
            raise OperationError(str(settings.warehouse), found, action)


def _complete(
    con: duckdb.DuckDBPyConnection, erasure_no: int, own: Needles, matches: Matches
) -> None:
    """Enter the result of the search; erasures that were interrupted are completed with it."""
    con.execute(
        "update raw.erasures set searched_values = $values, searched_columns = $columns, "
        "searched_files = $files, matches = $matches where matches is null or erasure_no = $no",
        {
            "values": len(own.texts),
            "columns": matches.columns,
            "files": matches.files,
            "matches": matches.total,
            "no": erasure_no,
        },
    )
