"""Run the job from the command line."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import dagster as dg

from pipelines.definitions import define
from pipelines.defs.check import Check, Verdict
from pipelines.defs.instance import open_instance, process_tag
from pipelines.defs.jobs import REFRESH
from pipelines.defs.resources import Session, open_session
from pipelines.export.engines.address import addresses_of
from pipelines.export.engines.copied import Copied
from pipelines.export.engines.copy import copy_to_each
from pipelines.ingest.files import IngestReport, Progress
from pipelines.ingest.ledger import Counts, totals
from pipelines.ingest.quarantine import QuarantinedRule, list_quarantine
from pipelines.publish.generation import Generation, next_number
from pipelines.run import Request
from pipelines.settings import Settings
from pipelines.warehouse.file_errors import is_no_space, no_space, require_writable
from schemas.definitions.procedure import Procedures
from schemas.errors import LeadtimeError
from transforms.builder.builder import Refreshed

_SILENT = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class FailedCheck(NamedTuple):
    """A check that did not pass; `sentence` has the finding and then what to do."""

    name: str
    sentence: str


@dataclass(frozen=True)
class RunResult:
    """What a run did; `generation` is None when a blocking check stopped the publication.

    It is not new (`is_new`) when it stays because a new one would show the same.
    `quarantine` has the rules that lines of the whole quarantine break, most frequent first, and
    `ledger` the lines of all files; both from the end of the run, while it held the warehouse.
    `copies` has what was copied to each address of the settings afterwards, or why it was not.
    """

    ingest: IngestReport
    refreshed: list[Refreshed]
    generation: Generation | None
    failed_checks: list[FailedCheck]
    stage_seconds: dict[str, float]
    quarantine: list[QuarantinedRule] = field(default_factory=list[QuarantinedRule])
    ledger: Counts = field(default_factory=Counts)
    is_new: bool = True
    copies: list[Copied | LeadtimeError] = field(default_factory=list[Copied | LeadtimeError])


def run_job(
    settings: Settings,
    request: Request,
    *,
    purpose: str = "leadtime run",
    progress: Progress | None = None,
    on_stage: Callable[[str], None] | None = None,
    procedures: Procedures | None = None,
) -> RunResult:
    """Run the job that the schedule runs, in this process; Dagster prints nothing.

    With nothing to do the job is skipped, and Dagster has no record of the run.

    `progress` receives the bytes of landing files that are done, `on_stage` the name of each stage
    (`ingest`, `core`, `marts`, `publish`) when it starts, and a message when the run waits for
    another process. Other processes that wait see `purpose`. `procedures` are loaded from the
    settings unless given. A failed check is in the result.
    Raises `DefinitionError` for the procedure files, and `OperationError` (`WarehouseBusy` and
    `CorruptWarehouse` among them) when the folders, the disk or the warehouse cannot be used.
    """
    require_writable(settings)
    addresses = addresses_of(settings)
    with (
        _reported_when_full(settings, request),
        open_session(
            settings,
            request,
            purpose=purpose,
            progress=progress or (lambda _: None),
            on_stage=on_stage or _ignore,
            procedures=procedures,
        ) as session,
    ):
        if not session.skip():
            # The lease comes before Dagster's instance: only one process may create either.
            # Copies are made once the warehouse is free again.
            defined = define(replace(settings, publish_to=""), session.run.procedures)
            job = defined.resolve_job_def(REFRESH)
            with open_instance(settings) as instance:
                _execute(job, instance, session, request)
        con = session.run.con
        quarantine, ledger = list_quarantine(con), totals(con)
    is_published = session.generation is not None and request.out is None
    return RunResult(
        session.report or IngestReport(),
        list(session.refreshed.values()),
        session.generation,
        [FailedCheck(c.name, f"{v.sentence} {c.description}") for c, v in _failed(session).items()],
        session.stage_seconds,
        quarantine,
        ledger,
        session.is_new,
        [*copy_to_each(settings, addresses if is_published else (), on_start=on_stage or _ignore)],
    )


def _ignore(_: str) -> None:
    pass


@contextmanager
def _reported_when_full(settings: Settings, request: Request) -> Iterator[None]:
    number, former = next_number(settings), _file_number(request.out)
    try:
        yield
    except Exception as error:
        if not is_no_space(error):
            raise
        # Dagster's own records may fill the disk after the publication.
        is_published = next_number(settings) > number or _file_number(request.out) != former
        what = "The database was published" if is_published else "Nothing was published"
        folders = [
            settings.data,
            settings.temporary,
            *([request.out.resolve().parent] if request.out else []),
        ]
        action = f"{what}. Make room, then run again: the run resumes."
        raise no_space(error, *folders, action=action) from error


def _file_number(path: Path | None) -> int | None:
    """The number of a file on its disk, which another file of that name does not have."""
    return path.stat().st_ino if path and path.exists() else None


def _execute(
    job: dg.JobDefinition, instance: dg.DagsterInstance, session: Session, request: Request
) -> None:
    try:
        job.execute_in_process(
            run_config=_SILENT,
            instance=instance,
            tags={**process_tag(), **_tags(request)},
            resources={"warehouse": session},
        )
    except dg.DagsterExecutionInterruptedError:
        raise KeyboardInterrupt from None
    except dg.DagsterError:
        # Dagster raises this for a failed blocking check; without one it is a defect.
        if not any(check.is_blocking for check in _failed(session)):
            raise


def _failed(session: Session) -> dict[Check, Verdict]:
    return {check: verdict for check, verdict in session.verdicts.items() if not verdict.passed}


def _tags(request: Request) -> dict[str, str]:
    """The options of the run, as tags for the UI."""
    tags = {"leadtime/full": "true"} if request.full else {}
    if request.rebuild:
        tags["leadtime/rebuild"] = ",".join(request.rebuild)
    if request.as_of:
        tags["leadtime/as_of"] = request.as_of.isoformat()
    if request.allow_loss:
        tags["leadtime/allow_loss"] = "true"
    if request.publish:
        tags["leadtime/publish"] = "true"
    if request.out:
        tags["leadtime/out"] = str(request.out)
    return tags
