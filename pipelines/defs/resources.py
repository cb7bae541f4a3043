"""The warehouse as a Dagster resource: one run over it for all steps of a Dagster run.

What a step does with it is in `assets.py`.
"""

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import dagster as dg
from pydantic import Field

from pipelines.defs.checks import Check, Verdict
from pipelines.defs.lineage import AssetLayer
from pipelines.ingest import IngestReport, Progress
from pipelines.publish import Generation
from pipelines.run import Request, Run, open_run
from pipelines.settings import Settings, from_environment, now
from schemas.errors import SourceError, WarehouseBusy
from transforms.builder import Refreshed

_BUSY_RETRIES = 2
_BUSY_PAUSE_SECONDS = 30


@dataclass(frozen=True)
class Built:
    """A table as a run has built it: its rows, and what the refresh behind it did, if any."""

    rows: int
    seconds: float
    refreshed: Refreshed | None


class Session:
    """One run over the warehouse, opened by the first step that needs it; see `open_session`.

    With `is_patient` a step that finds the warehouse busy is tried again later by Dagster.
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
    ) -> None:
        self.settings = settings
        self.request = request
        self.report: IngestReport | None = None
        self.refreshed: dict[str, Refreshed] = {}
        self.built: dict[tuple[AssetLayer, str], Built] = {}
        self.verdicts: dict[Check, Verdict] = {}
        self.generation: Generation | None = None
        self.stage_seconds: dict[str, float] = {}
        self._stack = stack
        self._purpose = purpose
        self._is_patient = is_patient
        self._progress = progress
        self._on_stage = on_stage
        self._run: Run | None = None
        self._refresh_seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[Run]:
        """The run, for a named part of it, which is timed."""
        self._on_stage(name)
        began = time.perf_counter()
        try:
            if self._run is None:
                opening = open_run(
                    self.settings, self.request, purpose=self._purpose, on_wait=self._on_stage
                )
                self._run = self._stack.enter_context(opening)
            yield self._run
        except WarehouseBusy as busy:
            if self._is_patient:
                raise dg.RetryRequested(_BUSY_RETRIES, _BUSY_PAUSE_SECONDS) from busy
            raise
        finally:
            self.stage_seconds[name] = time.perf_counter() - began

    def ingest(self, run: Run) -> IngestReport:
        """Take in new files; says so when stored versions are judged again first."""
        self.report = run.ingest(
            self._progress,
            lambda procedure, done, total: self._on_stage(
                f"judging versions of {procedure} again: {done:,} of {total:,}"
            ),
        )
        return self.report

    def bring_up(self, run: Run, layer: AssetLayer, names: Iterable[str]) -> None:
        """Build these tables and whatever lies below their layer, each once in a run."""
        for name in run.builder.names("history"):
            if name not in self.refreshed:
                began = time.perf_counter()
                self.refreshed[name] = run.builder.refresh_history(name)
                self._refresh_seconds[name] = time.perf_counter() - began
        if layer == "mart":
            self._build(run, "core", run.builder.names("core"))
        self._build(run, layer, names)

    def verify(self, run: Run, checks: Iterable[Check]) -> dict[Check, Verdict]:
        """What these checks find, each judged once in a run."""
        checks = tuple(checks)
        for check in checks:
            if check not in self.verdicts:
                self.verdicts[check] = check.judge(run.con, self.report)
        return {check: self.verdicts[check] for check in checks}

    def publish(self, run: Run) -> Generation:
        """Publish what has been built."""
        self.generation = run.publish()
        return self.generation

    def _build(self, run: Run, layer: AssetLayer, names: Iterable[str]) -> None:
        run.builder.bind_names()
        for name in names:
            if (layer, name) in self.built:
                continue
            began = time.perf_counter()
            rows = run.builder.build(layer, name)
            seconds = time.perf_counter() - began
            behind = _history_behind(layer, name)
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
) -> Iterator[Session]:
    """A session for the length of the block; it gives the warehouse back at the end."""
    with ExitStack() as stack:
        yield Session(
            settings,
            request,
            stack,
            purpose=purpose,
            is_patient=is_patient,
            progress=progress,
            on_stage=on_stage,
        )


class WarehouseResource(dg.ConfigurableResource[Session]):
    """What an operator may say about one run; the rest comes from `LEADTIME_...` variables."""

    as_of: str | None = Field(
        default=None,
        description="Build the picture as at this instant, such as 2026-03-31T23:59:59Z. "
        "Default: the start of the run.",
    )
    full: bool = Field(
        default=False,
        description="Rebuild every table from all versions, instead of only what has changed.",
    )
    rebuild: list[str] = Field(
        default=[],
        description="shortIds of procedures (such as lead) whose processes are all rebuilt from "
        "their versions; the others are brought up to date as usual.",
    )
    landing: str | None = Field(
        default=None,
        description="Folder to take files from. Default: LEADTIME_LANDING, else data/landing.",
    )
    out: str | None = Field(
        default=None,
        description="Write the database to this file, and leave the published one as it is.",
    )

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Generator[Session]:
        """The session of a Dagster run. Raises `SourceError` when `as_of` is not an instant."""
        settings = from_environment()
        if self.landing:
            settings = replace(settings, landing=Path(self.landing))
        out = Path(self.out) if self.out else None
        request = Request(_instant(self.as_of), self.full, tuple(self.rebuild), out)
        purpose = f"Dagster run {context.run_id}"
        with open_session(settings, request, purpose=purpose, is_patient=True) as session:
            yield session


def _instant(text: str | None) -> datetime | None:
    if not text:
        return None
    action = "Give a past instant with its time zone, such as 2026-03-31T23:59:59Z"
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise SourceError("as_of", f"found {text!r}", action) from None
    if instant.tzinfo is None or instant > now():
        raise SourceError("as_of", f"found {text!r}", action)
    return instant


def _history_behind(layer: AssetLayer, name: str) -> str:
    """The history table that a core table shows as at an instant; empty for others."""
    if layer != "core":
        return ""
    stem = name.removesuffix("_processes")
    return name if stem == name else f"{stem}_attributes"
