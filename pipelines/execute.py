"""Runs the job from the command line, and opens Dagster's UI.

What the job is, is in `defs/`; what is printed about it is for the command.
"""

import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import NamedTuple, NoReturn

import dagster as dg

from pipelines.definitions import define
from pipelines.defs.checks import Check, Verdict
from pipelines.defs.jobs import REFRESH
from pipelines.defs.resources import Session, open_session
from pipelines.ingest import IngestReport, Progress
from pipelines.instance import open_instance, prepare_home, process_tag
from pipelines.publish import Generation, next_number
from pipelines.run import Request
from pipelines.settings import Settings
from pipelines.storage import NOT_PERMITTED, is_no_space, no_space, require_writable
from schemas.definition_files import load_procedures
from schemas.errors import OperationError
from transforms.builder import Refreshed

_SILENT = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class FailedCheck(NamedTuple):
    """A check that did not pass; `sentence` says what was found, and then what to do."""

    name: str
    sentence: str


@dataclass(frozen=True)
class RunResult:
    """What a run did. `generation` is None when a blocking check kept it from publishing."""

    ingest: IngestReport
    refreshed: list[Refreshed]
    generation: Generation | None
    failed_checks: list[FailedCheck]
    stage_seconds: dict[str, float]


def run_job(
    settings: Settings,
    request: Request,
    *,
    purpose: str = "leadtime run",
    progress: Progress | None = None,
    on_stage: Callable[[str], None] | None = None,
) -> RunResult:
    """Run the job that the schedule runs, in this process; Dagster prints nothing.

    `progress` is told bytes of landing files as they are done, `on_stage` each of the stages
    `ingest`, `core`, `marts`, `publish` as it begins, and of a wait for another run, which is told
    `purpose`. A failed check is in the result. Errors of a step are raised as they are:
    `DefinitionError`, `SourceError`, `WarehouseBusy`, `OperationError`.
    """
    procedures = load_procedures(settings.procedures)
    require_writable(settings)
    job = define(settings, procedures).resolve_job_def(REFRESH)
    with (
        _told_when_full(settings, request),
        open_instance(settings) as instance,
        open_session(
            settings,
            request,
            purpose=purpose,
            progress=progress or (lambda _: None),
            on_stage=on_stage or (lambda _: None),
        ) as session,
    ):
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
            # This is how Dagster says that a blocking check failed; anything else is a defect.
            if not any(check.is_blocking for check in _failed(session)):
                raise
    return RunResult(
        session.report or IngestReport(),
        list(session.refreshed.values()),
        session.generation,
        [FailedCheck(c.name, f"{v.sentence} {c.description}") for c, v in _failed(session).items()],
        session.stage_seconds,
    )


def open_ui(settings: Settings, port: int) -> NoReturn:
    """Become Dagster's UI on this machine only, with the same settings and its instance.

    Raises `OperationError` when it could not work.
    """
    require_writable(settings)
    os.environ.update(
        {f"LEADTIME_{name.upper()}": value for name, value in _as_text(settings).items()},
        DAGSTER_HOME=str(prepare_home(settings)),
    )
    # `dg dev`, which it recommends, comes with a package for developers of Dagster projects.
    quiet = ["-W", "ignore:Function `dev_command` is superseded"]
    command = [sys.executable, *quiet, "-m", "dagster", "dev", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--module-name", "pipelines.definitions"]
    sys.stdout.flush()
    os.execv(sys.executable, command)  # noqa: S606 - no shell is the point


def require_free(port: int) -> None:
    """Raises `OperationError` when something answers on that port of this machine."""
    with socket.socket() as trial:
        # As servers do: a port whose last user has just gone is free.
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError as error:
            found, action = "is taken", "Is `leadtime ui` running already? Choose another"
            if error.errno in NOT_PERMITTED:
                found, action = "is not for this user", "Choose one from 1024 on"
            raise OperationError("--port", f"{port} {found}", f"{action}.") from error


@contextmanager
def _told_when_full(settings: Settings, request: Request) -> Iterator[None]:
    number = next_number(settings)
    try:
        yield
    except Exception as error:
        if not is_no_space(error):
            raise
        # Dagster may want room for its records when all is done.
        is_published = next_number(settings) > number or (request.out and request.out.exists())
        what = (
            "The database was published all the same" if is_published else "Nothing was published"
        )
        folders = [settings.data, *([request.out.resolve().parent] if request.out else [])]
        said = f"{what}. Make room, then run again: it goes on from what is done."
        raise no_space(*folders, said=said) from error


def _failed(session: Session) -> dict[Check, Verdict]:
    return {check: verdict for check, verdict in session.verdicts.items() if not verdict.passed}


def _tags(request: Request) -> dict[str, str]:
    """What the run was asked for, for whoever looks at it in the UI."""
    tags = {"leadtime/full": "true"} if request.full else {}
    if request.rebuild:
        tags["leadtime/rebuild"] = ",".join(request.rebuild)
    if request.as_of:
        tags["leadtime/as_of"] = request.as_of.isoformat()
    if request.out:
        tags["leadtime/out"] = str(request.out)
    return tags


def _as_text(settings: Settings) -> dict[str, str]:
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    return {
        name: str(value.resolve() if isinstance(value, Path) else value)
        for name, value in values.items()
    }
