"""The warehouse as a Dagster resource: one run over it for all steps of a Dagster run."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import dagster as dg
from pydantic import Field

from pipelines.defs.check import Check, Verdict
from pipelines.defs.instance import drop_old_runs
from pipelines.defs.lineage import AssetLayer
from pipelines.defs.retention import describe, request_of, retain
from pipelines.ingest.files import IngestReport, Progress
from pipelines.publish.generation import Generation
from pipelines.run import Request, Run, open_run
from pipelines.settings import Settings, from_environment, now
from pipelines.warehouse.data_errors import without_values
from pipelines.warehouse.file_errors import is_no_space
from schemas.definitions.procedure import Procedures
from schemas.errors import OperationError, WarehouseBusy
from transforms.builder.builder import Refreshed

_BUSY_RETRIES = 2
_BUSY_PAUSE_SECONDS = 30


@dataclass(frozen=True)
class Built:
    """A table that a run has built: its rows, and the refresh of the history table behind it."""

    rows: int
    seconds: float
    refreshed: Refreshed | None


class Session:
    """One run over the warehouse, opened by the first step that needs it; see `open_session`.

    With `is_patient` Dagster retries a step that finds the warehouse busy. `on_stage` gets names of
    stages, `on_message` sentences on what a stage waits for and how far it is.
    """

    def __init__(
        self,
        settings: Settings,
        request: Request,
        stack: ExitStack,
        *,
        purpose: str,
        is_patient: bool,
        progress: Progress,
        on_stage: Callable[[str], None],
        on_message: Callable[[str], None],
        procedures: Procedures | None,
    ) -> None:
        self.settings = settings
        self.request = request
        self.report: IngestReport | None = None
        self.refreshed: dict[str, Refreshed] = {}
        self.built: dict[tuple[AssetLayer, str], Built] = {}
        self.verdicts: dict[Check, Verdict] = {}
        self.generation: Generation | None = None
        self.is_new = False
        self.stage_seconds: dict[str, float] = {}
        self._stack = stack
        self._purpose = purpose
        self._is_patient = is_patient
        self._progress = progress
        self._on_stage = on_stage
        self._on_message = on_message
        self._procedures = procedures
        self._run: Run | None = None
        self._refresh_seconds: dict[str, float] = {}
        self._notes: list[str] = []

    @property
    def run(self) -> Run:
        """The run of this session, opened when it is first needed.

        What is older than the settings allow is erased first. Raises what `retain` and `open_run`
        raise: `DefinitionError`, `OperationError`, `WarehouseBusy` and `CorruptWarehouse`.
        """
        if self._run is None:
            self._notes = [*self._erased_by_age()]
            opening = open_run(
                self.settings,
                self.request,
                purpose=self._purpose,
                on_wait=self._on_message,
                on_progress=self._on_message,
                procedures=self._procedures,
            )
            self._run = self._stack.enter_context(opening)
        return self._run

    @contextmanager
    def stage(self, name: str) -> Iterator[Run]:
        """The run, for a named stage of it, which is timed."""
        self._on_stage(name)
        began = time.perf_counter()
        try:
            yield self.run
        except WarehouseBusy as busy:
            if self._is_patient:
                raise dg.RetryRequested(_BUSY_RETRIES, _BUSY_PAUSE_SECONDS) from busy
            raise
        except Exception as error:
            # Dagster stores the message of an error, and those of its causes.
            if (shown := without_values(error)) and not is_no_space(error):
                raise shown from None
            raise
        finally:
            self.stage_seconds[name] = time.perf_counter() - began

    def ingest(self, run: Run) -> IngestReport:
        """Take in new files; `on_message` gets the progress of validating versions again."""
        self.report = run.ingest(
            self._progress,
            lambda procedure, done, total: self._on_message(
                f"validating versions of {procedure} again: {done:,} of {total:,}"
            ),
        )
        self.report.notes = [*self._notes, *self.report.notes]
        return self.report

    def bring_up(self, run: Run, layer: AssetLayer, names: Iterable[str]) -> None:
        """Build these tables and all layers below theirs, each table once per run."""
        for name in run.builder.names("history"):
            if name not in self.refreshed:
                began = time.perf_counter()
                self.refreshed[name] = run.builder.refresh_history(name)
                self._refresh_seconds[name] = time.perf_counter() - began
        if layer == "mart":
            self._build(run, "core", run.builder.names("core"))
        self._build(run, layer, names)

    def verify(self, run: Run, checks: Iterable[Check]) -> dict[Check, Verdict]:
        """The verdicts of these checks, each evaluated once per run."""
        checks = tuple(checks)
        for check in checks:
            if check not in self.verdicts:
                self.verdicts[check] = check.evaluate(run.con, self.report)
        return {check: self.verdicts[check] for check in checks}

    def skip(self) -> bool:
        """Whether the run has nothing to do: no new file, and a current generation, which stays."""
        began = time.perf_counter()
        skipped = self.run.skip()
        if skipped is None:
            return False
        self.generation, n_files = skipped
        self.report = IngestReport(seen_before=n_files, notes=self._notes)
        self.stage_seconds["ingest"] = time.perf_counter() - began
        return True

    def publish(self, run: Run) -> Generation:
        """Publish the tables that have been built, unless the last generation shows the same."""
        self.generation = run.current_generation()
        if self.generation is None:
            self.generation = run.publish()
            self.is_new = True
        return self.generation

    def _erased_by_age(self) -> Iterator[str]:
        """Erase what the settings say is too old, before the run; a sentence where there was any.

        A run as of another instant, or to another file, erases nothing.
        """
        ages = request_of(self.settings)
        is_plain = self.request.as_of is None and self.request.out is None
        if ages is None or not is_plain or not self.settings.warehouse.exists():
            return
        retention = retain(
            self.settings,
            ages,
            purpose=self._purpose,
            on_stage=self._on_message,
            on_wait=self._on_message,
            procedures=self._procedures,
        )
        if retention.proof:
            yield f"Too old and erased: {describe(retention.due)}"

    def _build(self, run: Run, layer: AssetLayer, names: Iterable[str]) -> None:
        for name in names:
            if (layer, name) in self.built:
                continue
            began = time.perf_counter()
            rows = run.builder.build(layer, name)
            seconds = time.perf_counter() - began
            behind = run.builder.shown_history(layer, name)
            seconds += self._refresh_seconds.get(behind, 0.0)
            self.built[layer, name] = Built(rows, seconds, self.refreshed.get(behind))


@contextmanager
def open_session(
    settings: Settings,
    request: Request,
    *,
    purpose: str,
    is_patient: bool = False,
    progress: Progress = lambda _: None,
    on_stage: Callable[[str], None] = lambda _: None,
    on_message: Callable[[str], None] | None = None,
    procedures: Procedures | None = None,
) -> Iterator[Session]:
    """A session for the length of the block; it releases the warehouse at the end.

    Without `on_message` messages go to `on_stage`.
    `procedures` are loaded from the folder in the settings unless given.
    """
    with ExitStack() as stack:
        yield Session(
            settings,
            request,
            stack,
            purpose=purpose,
            is_patient=is_patient,
            progress=progress,
            on_stage=on_stage,
            on_message=on_message or on_stage,
            procedures=procedures,
        )


class WarehouseResource(dg.ConfigurableResource[Session]):
    """The options of one run; the settings come from `LEADTIME_...` variables."""

    as_of: str | None = Field(
        default=None,
        description="Build the tables as of this instant (2026-03-31T23:59:59Z). "
        "Default: the start of the run.",
    )
    full: bool = Field(
        default=False,
        description="Rebuild every table from all versions, instead of only what has changed.",
    )
    rebuild: list[str] = Field(
        default=[],
        description="shortIds of procedures (`lead`) whose processes are all rebuilt from "
        "their versions; the others are brought up to date as usual.",
    )
    landing: str | None = Field(
        default=None,
        description="Folder to take files from. Default: LEADTIME_LANDING, else data/landing.",
    )
    out: str | None = Field(
        default=None,
        description="Write the database to this file, and leave the published one as it is. It "
        "ends in .duckdb, lies outside the data folder, and is new or one that leadtime published.",
    )
    allow_loss: bool = Field(
        default=False,
        description="Publish even when files or processes of the last generation are missing.",
    )
    publish: bool = Field(
        default=False,
        description="Publish a generation even when the last one shows the same.",
    )

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Generator[Session]:
        """The session of a Dagster run. Raises `OperationError` when `as_of` is not an instant."""
        settings = from_environment()
        if self.landing:
            settings = replace(settings, landing=Path(self.landing))
        out = Path(self.out) if self.out else None
        request = Request(
            as_of=_instant(self.as_of),
            full=self.full,
            rebuild=tuple(self.rebuild),
            out=out,
            allow_loss=self.allow_loss,
            publish=self.publish,
        )
        if context.instance is not None:
            drop_old_runs(context.instance, settings)
        purpose = f"Dagster run {context.run.run_id}" if context.run else "Dagster"
        with open_session(
            settings,
            request,
            purpose=purpose,
            is_patient=True,
            on_message=context.log.info if context.log else None,
        ) as session:
            yield session


def _instant(text: str | None) -> datetime | None:
    if not text:
        return None
    action = "Give a past instant with its time zone (2026-03-31T23:59:59Z)"
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise OperationError("as_of", f"found {text!r}", action) from None
    if instant.tzinfo is None or instant > now():
        raise OperationError("as_of", f"found {text!r}", action)
    return instant
