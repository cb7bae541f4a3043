"""The erasure of a subject: raw tables, landing files, a new file, a generation, the proof.

All of it under one lease.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import duckdb

from pipelines.defs.proof import Amounts, Proof, begin_erasure, is_unfinished, publish_erasure
from pipelines.ingest.erasing.again import erased_subjects
from pipelines.ingest.erasing.changes import Changes, find_changes, own_values
from pipelines.ingest.erasing.documents import KnownKeys
from pipelines.ingest.erasing.landing import (
    Listing,
    list_lines,
    require_rewritable,
    rewrite_files,
)
from pipelines.ingest.erasing.lines import Lines
from pipelines.ingest.erasing.memory import (
    Erased,
    key_of,
    keyed_hash,
    load_erased,
    remember,
    sha256,
    write_erasures,
)
from pipelines.ingest.erasing.subject import Subject, of_process, of_user, of_value
from pipelines.ingest.erasing.write import write_changes
from pipelines.ingest.ledger import next_batch
from pipelines.run import Request, Run
from pipelines.settings import Settings, now
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
from schemas.definitions.procedure import Procedures
from schemas.errors import OperationError
from schemas.load import load_procedures
from transforms.transaction import transaction


@dataclass(frozen=True)
class ErasureRequest:
    """Whom to erase, by one of `process`, `value` (`ATTRIBUTE=VALUE`) and `user`.

    `landing` says what becomes of landing files; `is_sure` allows a value of many processes.
    """

    process: str | None = None
    value: str | None = field(default=None, repr=False)
    user: str | None = None
    landing: Literal["list", "rewrite"] = "list"
    is_sure: bool = False


@dataclass(frozen=True)
class Plan:
    """What an erasure changes, and the landing lines that hold the subject."""

    subject: Subject
    changes: Changes
    own: Needles
    listing: Listing


@dataclass(frozen=True)
class Erasure:
    """What was erased, and the proof."""

    plan: Plan
    proof: Proof


def plan_erasure(
    settings: Settings, request: ErasureRequest, *, on_wait: OnWait = lambda _: None
) -> Plan:
    """What `erase` would do; nothing is changed.

    Raises `OperationError` when there is nothing to erase, or a landing file cannot be rewritten,
    and what `open_warehouse` and `load_procedures` raise.
    """
    procedures = load_procedures(settings.procedures, settings.sources)
    with read_warehouse(settings, on_wait=on_wait) as con:
        plan = _plan(con, settings, procedures, request)
    _require_something(plan, request, is_unfinished=False)
    return plan


def erase(
    settings: Settings,
    request: ErasureRequest,
    *,
    on_stage: Callable[[str], None] = lambda _: None,
    on_wait: OnWait = lambda _: None,
) -> Erasure:
    """Erase a subject everywhere in the data folder, publish a generation, and search for it.

    An erasure that was interrupted is completed by the next one of the same subject. Raises
    `OperationError` when there is nothing to erase, a landing file cannot be rewritten, a blocking
    check fails, or the search finds a value, and what `open_warehouse` and `load_procedures` raise.
    """
    procedures = load_procedures(settings.procedures, settings.sources)
    require_warehouse(settings)
    require_writable(settings)
    with hold_warehouse(settings, purpose="leadtime erase", on_wait=on_wait):
        with connect_held(settings) as con:
            # A definition that lacks a procedure or a state stops it before anything is erased.
            _ = Run(con, settings, procedures, Request()).builder
            erased_subjects(con, settings, procedures)
            plan = _plan(con, settings, procedures, request)
            _require_something(plan, request, is_unfinished=is_unfinished(con))
            if request.landing == "rewrite":
                require_rewritable(plan.listing)
            on_stage("erasing")
            erasure_no = _write(con, settings, plan, request)
            if request.landing == "rewrite":
                lines = Lines(plan.subject, plan.own, KnownKeys.of(procedures))
                rewrite_files(con, settings, plan.listing, lines)
            on_stage("writing the warehouse to a new file")
            rewrite_warehouse(con, settings)
        proof = publish_erasure(settings, procedures, plan.own, erasure_no, on_stage=on_stage)
    return Erasure(plan, proof)


def _plan(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    procedures: Procedures,
    request: ErasureRequest,
) -> Plan:
    erased = load_erased(con, settings)
    subject = _subject(con, procedures, request, erased)
    known = KnownKeys.of(procedures)
    changes = find_changes(con, known, subject)
    own = own_values(con, subject, changes.removed)
    listing = list_lines(con, settings, Lines(subject, own, known), procedures.file_sources)
    return Plan(subject, changes, own, listing)


def _subject(
    con: duckdb.DuckDBPyConnection,
    procedures: Procedures,
    request: ErasureRequest,
    erased: Erased,
) -> Subject:
    if request.process is not None:
        return of_process(con, request.process)
    if request.user is not None:
        return of_user(con, request.user)
    return of_value(
        con,
        procedures,
        request.value or "",
        is_sure=request.is_sure,
        is_known=lambda values: any(
            keyed_hash(erased.key, attribute, text) in erased.values.get(attribute, ())
            for attribute, text in values
        ),
    )


def _require_something(plan: Plan, request: ErasureRequest, *, is_unfinished: bool) -> None:
    lines = plan.listing.n_lines
    if not plan.changes.is_empty or is_unfinished or (lines and request.landing == "rewrite"):
        return
    action = "Nothing was changed."
    if lines:
        action = (
            f"Nothing was changed. {lines:,} lines of landing files still hold it: "
            "`--landing rewrite` erases it there too."
        )
    raise OperationError(f"--{plan.subject.kind}", "is erased already, or has no values", action)


def _write(
    con: duckdb.DuckDBPyConnection, settings: Settings, plan: Plan, request: ErasureRequest
) -> int:
    """Change the raw tables and remember the subject, in one transaction; the erasure's number."""
    subject, changes = plan.subject, plan.changes
    key = key_of(settings)
    hashes = [keyed_hash(key, attribute, text) for attribute, text in subject.values]
    ids = [*subject.processes, *subject.users]
    lines = plan.listing.n_lines if request.landing == "rewrite" else 0
    with transaction(con):
        erasure_no = begin_erasure(
            con,
            subject.kind,
            (hashes or [sha256(ids[0])])[0],
            Amounts(
                processes=len(subject.processes),
                versions=changes.versions.height,
                violations=changes.violations.height,
                dimension_rows=changes.dimension_rows.height,
                quarantined_lines=changes.texts.height,
                landing_lines=lines,
            ),
            erased_at=now().replace(tzinfo=None),
        )
        write_changes(con, changes, Erased(key), batch_seq=next_batch(con))
        remember(con, erasure_no, "process", [*map(sha256, subject.processes)])
        remember(con, erasure_no, "record", [*map(sha256, subject.records)])
        remember(con, erasure_no, "user", [*map(sha256, subject.users)])
        for (attribute, _), hash_ in zip(subject.values, hashes, strict=True):
            remember(con, erasure_no, "value", [hash_], attribute=attribute)
    write_erasures(con, settings)
    return erasure_no
