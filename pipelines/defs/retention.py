"""Erasing by age, from beginning to end: what is too old goes, and a search proves it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import duckdb

from pipelines.defs.proof import Amounts, Proof, begin_erasure, is_unfinished, publish_erasure
from pipelines.ingest.erasing.again import erased_subjects
from pipelines.ingest.erasing.by_age import Aged, Limits, count_aged, erase_aged, remember_age
from pipelines.ingest.erasing.changes import erased_values
from pipelines.ingest.erasing.documents import KnownKeys
from pipelines.ingest.erasing.landing import (
    Listing,
    list_lines,
    require_rewritable,
    rewrite_files,
)
from pipelines.ingest.erasing.lines import AgedLines
from pipelines.ingest.erasing.memory import Erased, key_of, write_erasures
from pipelines.ingest.ledger import next_batch
from pipelines.run import Request, Run
from pipelines.settings import Settings, now
from pipelines.terminal.text import counted
from pipelines.warehouse.file_errors import require_writable
from pipelines.warehouse.lease import OnWait
from pipelines.warehouse.open import (
    connect_held,
    hold_warehouse,
    read_warehouse,
    require_warehouse,
)
from pipelines.warehouse.rewrite import rewrite_warehouse
from pipelines.warehouse.search import Needles
from schemas.definitions.age import Age
from schemas.definitions.procedure import Procedures
from schemas.load import load_procedures
from transforms.transaction import transaction

# Shorter values stand in many places by chance.
_LEAST_BYTES = 12


@dataclass(frozen=True)
class RetentionRequest:
    """How old versions and texts of rejected lines may become; None keeps them.

    Landing files that hold older versions are not read (`leave`), listed, or rewritten.
    """

    versions: Age | None = None
    quarantine_text: Age | None = None
    landing: Literal["leave", "list", "rewrite"] = "leave"


@dataclass(frozen=True)
class Due:
    """What is older than allowed, and the landing lines that hold it."""

    limits: Limits
    aged: Aged
    listing: Listing


@dataclass(frozen=True)
class Retention:
    """What was erased because of its age; without a proof nothing was due."""

    due: Due
    proof: Proof | None = None


def plan_retention(
    settings: Settings, request: RetentionRequest, *, on_wait: OnWait = lambda _: None
) -> Due:
    """What `retain` would erase; nothing is changed.

    Raises what `open_warehouse` and `load_procedures` raise.
    """
    procedures = load_procedures(settings.procedures, settings.sources)
    with read_warehouse(settings, on_wait=on_wait) as con:
        return _due(con, settings, procedures, request)


def retain(
    settings: Settings,
    request: RetentionRequest,
    *,
    purpose: str = "leadtime retain",
    on_stage: Callable[[str], None] = lambda _: None,
    on_wait: OnWait = lambda _: None,
    procedures: Procedures | None = None,
) -> Retention:
    """Erase the personal values of versions, and the texts of rejected lines, that are too old.

    A generation is then published, earlier ones are removed, and up to 1,000 of the values are
    searched for. `procedures` are loaded from the folder in the settings unless given.
    Raises `OperationError` when a landing file cannot be rewritten, a blocking check
    fails, or the search finds a value, and what `open_warehouse` and `load_procedures` raise.
    """
    procedures = procedures or load_procedures(settings.procedures, settings.sources)
    require_warehouse(settings)
    require_writable(settings)
    with hold_warehouse(settings, purpose=purpose, on_wait=on_wait):
        with connect_held(settings) as con:
            erased_subjects(con, settings, procedures)
            due = _due(con, settings, procedures, request)
            is_rewriting = request.landing == "rewrite" and due.listing.n_lines > 0
            if not (due.aged or is_rewriting or is_unfinished(con)):
                return Retention(due)
            # A definition that lacks a procedure or a state stops it before anything is erased.
            _ = Run(con, settings, procedures, Request()).builder
            if is_rewriting:
                require_rewritable(due.listing)
            on_stage("erasing what is too old")
            erasure_no, own = _write(con, settings, procedures, due, is_rewriting=is_rewriting)
            if is_rewriting and due.limits.versions is not None:
                lines = AgedLines(due.limits.versions, KnownKeys.of(procedures))
                rewrite_files(con, settings, due.listing, lines)
            on_stage("writing the warehouse to a new file")
            rewrite_warehouse(con, settings)
        proof = publish_erasure(settings, procedures, own, erasure_no, on_stage=on_stage)
    return Retention(due, proof)


def request_of(settings: Settings) -> RetentionRequest | None:
    """The ages that the settings allow; None where they set none."""
    if settings.retain_versions is None and settings.retain_quarantine_text is None:
        return None
    return RetentionRequest(settings.retain_versions, settings.retain_quarantine_text)


def describe(due: Due) -> str:
    """The amounts of what is too old, for a message; they are no personal data."""
    aged = due.aged
    parts = [
        (
            aged.versions,
            f"{counted(aged.versions, 'version')} of {counted(aged.processes, 'process')}",
        ),
        (aged.records, counted(aged.records, "record")),
        (aged.texts, f"the text of {counted(aged.texts, 'rejected line')}"),
    ]
    return ", ".join(text for n, text in parts if n) or "nothing"


def _due(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    procedures: Procedures,
    request: RetentionRequest,
) -> Due:
    instant = now()
    limits = Limits(_limit(request.versions, instant), _limit(request.quarantine_text, instant))
    known = KnownKeys.of(procedures)
    listing = Listing()
    if limits.versions is not None and request.landing != "leave":
        lines = AgedLines(limits.versions, known)
        listing = list_lines(con, settings, lines, procedures.file_sources)
    return Due(limits, count_aged(con, known, limits), listing)


def _limit(age: Age | None, instant: datetime) -> datetime | None:
    return age.before(instant).astimezone(UTC).replace(tzinfo=None) if age else None


def _write(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    procedures: Procedures,
    due: Due,
    *,
    is_rewriting: bool,
) -> tuple[int, Needles]:
    """Change the raw tables and remember the age, in one transaction.

    Gives the number of the erasure, and values to search for.
    """
    erased = Erased(key_of(settings))
    with transaction(con):
        done = erase_aged(
            con, KnownKeys.of(procedures), erased, due.limits, batch_seq=next_batch(con)
        )
        erasure_no = begin_erasure(
            con,
            "retention",
            None,
            Amounts(
                processes=done.processes,
                versions=done.versions,
                violations=done.violations,
                dimension_rows=done.records,
                quarantined_lines=done.texts,
                landing_lines=due.listing.n_lines if is_rewriting else 0,
            ),
            erased_at=now().replace(tzinfo=None),
        )
        remember_age(con, erasure_no, due.limits)
    write_erasures(con, settings)
    long_enough = (text for text in done.sample if len(text.encode()) >= _LEAST_BYTES)
    return erasure_no, erased_values(con, long_enough)
