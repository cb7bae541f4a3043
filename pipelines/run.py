"""One run over a warehouse: ingest, build, publish, each step when the caller asks for it.

The command and the Dagster assets both use it, so both do the same.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl

from pipelines.ingest.erasing.again import erased_subjects
from pipelines.ingest.erasing.memory import use_key, write_erasures
from pipelines.ingest.files import IngestReport, Progress, are_known, ingest
from pipelines.ingest.landing import files_of
from pipelines.ingest.landing_file import LandingFile
from pipelines.ingest.ledger import number
from pipelines.ingest.manifest import in_manifest_order, read_manifest, write_manifest
from pipelines.ingest.quarantine import former_names
from pipelines.ingest.reread import release_changed
from pipelines.ingest.revalidate import Progress as RevalidateProgress
from pipelines.ingest.revalidate import revalidate
from pipelines.publish.files import published_file
from pipelines.publish.generation import (
    Basis,
    Generation,
    note_still_current,
    publish,
    still_current,
)
from pipelines.publish.inputs import fingerprint_inputs
from pipelines.publish.last_generation import bind_last_generation
from pipelines.publish.target import require_out
from pipelines.settings import Settings, now
from pipelines.warehouse.cluster.spark import OnProgress, engine_of
from pipelines.warehouse.lease import OnWait
from pipelines.warehouse.open import open_warehouse
from pipelines.warehouse.stale_tables import drop_stale_tables
from schemas.definitions.procedure import Procedures
from schemas.errors import DefinitionError, OperationError, Problem
from schemas.load import load_procedures
from schemas.records.all_rules import all_rules
from schemas.sql_text import literal
from transforms.builder.builder import Builder, unknown_states
from transforms.builder.instants import latest_as_of, move_as_of
from transforms.config.tables import config_frames, write_config

_MAIN = "warehouse"
_SIDE = "as_of_build"


@dataclass(frozen=True)
class Request:
    """The options of a run.

    `as_of` is an instant with a time zone; None means the start of the run. `full` rebuilds every
    table, `rebuild` all processes of these procedures (shortIds). With `out` the database is
    written to that file, and the published one does not change. With `allow_loss` a generation may
    lack files and processes of the last one. With `publish` one is published even if it shows the
    same as the last one, which every other option implies.
    """

    as_of: datetime | None = None
    full: bool = False
    rebuild: tuple[str, ...] = ()
    out: Path | None = None
    allow_loss: bool = False
    publish: bool = False


class Run:
    """A run that holds the warehouse; `open_run` makes one."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        settings: Settings,
        procedures: Procedures,
        request: Request,
        *,
        notes: Sequence[str] = (),
        on_progress: OnProgress = lambda _: None,
    ) -> None:
        self.con = con
        self.settings = settings
        self.procedures = procedures
        self.request = request
        self.started_at = now()
        self.as_of = (request.as_of or self.started_at).astimezone(UTC).replace(tzinfo=None)
        self._rebuild = [_procedure_id(procedures, name) for name in request.rebuild]
        self._notes = [*notes, *self._clock_notes()]
        self._on_progress = on_progress
        self._builder: Builder | None = None
        self._revalidated: dict[str, int] | None = None

    def ingest(
        self,
        progress: Progress = lambda _: None,
        on_revalidate: RevalidateProgress = lambda *_: None,
    ) -> IngestReport:
        """Take in the files of the landing folder that are not in the ledger.

        Stored versions are validated again first where their definition has changed, because new
        versions are compared with them. Raises `OperationError` when the landing folder is missing
        or cannot be listed, or the manifest is damaged, and `CorruptWarehouse` when the ledger and
        the raw tables disagree.
        """
        files = self._landing_files()
        self._builder = None
        revalidated = self._revalidate(on_revalidate)
        manifest = self.settings.manifest
        erased = erased_subjects(self.con, self.settings, self.procedures)
        write_manifest(manifest, self.con)
        notes = release_changed(self.con, files, self.procedures, self.settings)
        entries = read_manifest(manifest)
        files = in_manifest_order(files, entries)
        engine = engine_of(self.settings)
        # The released files are no longer stored, but keep their numbers.
        report = ingest(
            self.con,
            files,
            self.procedures,
            started_at=self.started_at,
            progress=progress,
            reserved={entry.key: entry.file_seq for entry in entries},
            erased=erased,
            elsewhere=engine.tasks if engine else None,
        )
        write_manifest(manifest, self.con)
        if erased.values:
            write_erasures(self.con, self.settings)  # with processes that had such a value
        report.revalidated = revalidated
        report.notes = [*self._notes, *notes, *report.notes]
        return report

    def _clock_notes(self) -> Iterator[str]:
        """A sentence where the clock is behind the last build: it takes the tables back."""
        before = latest_as_of(self.con, _MAIN)
        if self.request.as_of is None and before is not None and before > self.as_of:
            yield (
                f"The clock is behind the last build: it is {self.as_of:%Y-%m-%d %H:%M:%S} UTC, "
                f"and the tables were as at {before:%Y-%m-%d %H:%M:%S} UTC. Versions in between "
                "are left out until the clock is past them; check the clock of this machine"
            )

    def _landing_files(self) -> list[LandingFile]:
        """The landing files; the default folder may be missing when there are versions."""
        has_versions = number(self.con, "select count(*) from raw.process_versions") > 0
        sources = self.procedures.file_sources
        return files_of(self.settings, has_data=has_versions, sources=sources)[0]

    @property
    def builder(self) -> Builder:
        """The builder for the present content of the raw tables.

        Raises `DefinitionError` when versions hold a procedure or a state that is not defined.
        """
        if self._builder is None:
            self._builder = self._new_builder()
        return self._builder

    def current_generation(self) -> Generation | None:
        """The published generation, if a new one would show the same and no option asks for one."""
        if self.request != Request():
            return None
        inputs = fingerprint_inputs(self.con, self.settings, self.procedures)
        return still_current(self.settings, inputs=inputs, as_of=self.as_of)

    def skip(self) -> tuple[Generation, int] | None:
        """The current generation and the number of landing files, if all have been taken in.

        The instant as at which tables and generation hold is then moved to `as_of`. Raises
        `OperationError` when the landing folder is missing or cannot be listed.
        """
        current = self.current_generation()
        files = self._landing_files() if current else []
        if current is None or not are_known(self.con, files, self.procedures):
            return None
        write_manifest(self.settings.manifest, self.con)
        move_as_of(self.con, _MAIN, self.as_of)
        note_still_current(self.settings, self.as_of)
        return current, len(files)

    def publish(self) -> Generation:
        """Publish the tables that the builder has built.

        Raises `OperationError` when the file does not read back as written.
        """
        self.builder.build_all()
        return publish(
            self.con,
            self.settings,
            self.procedures,
            built_at=self.started_at.replace(tzinfo=None),
            basis=Basis(
                inputs=fingerprint_inputs(self.con, self.settings, self.procedures),
                as_of=self.as_of,
                changes_at=self.builder.next_change(),
            ),
            out=self.request.out,
        )

    def _revalidate(self, progress: RevalidateProgress = lambda *_: None) -> dict[str, int]:
        if self._revalidated is None:
            self._revalidated = revalidate(self.con, self.procedures, progress=progress)
        return self._revalidated

    def _new_builder(self) -> Builder:
        self._revalidate()
        rules = all_rules(self.procedures)
        frames = config_frames(list(self.procedures), rules, calendars=self.procedures.calendars)
        # Before the former definitions are replaced: they have the names of missing procedures.
        _check_known_states(self.con, frames["states"], self.procedures, self.settings)
        write_config(self.con, frames)
        use_key(self.con, self.settings)
        catalog = self._catalog()
        builder = Builder(
            self.con,
            self.procedures,
            frames,
            as_of=self.as_of,
            time_zone=self.settings.time_zone,
            catalog=catalog,
            full=self.request.full,
            rebuild=self._rebuild,
            elsewhere=engine_of(self.settings, self._on_progress),
        )
        is_compared = not (self.request.allow_loss or self.request.out)
        last = published_file(self.settings) if is_compared else None
        bind_last_generation(self.con, last, as_of=self.as_of)
        if catalog == _MAIN:
            drop_stale_tables(self.con, self.procedures)
        return builder

    def _catalog(self) -> str:
        """The database to build in: one beside the warehouse when versions lie after `as_of`."""
        query = "select count(*) from raw.process_versions where updated_at > $as_of"
        later = self.con.execute(query, {"as_of": self.as_of}).fetchall()[0][0]
        if not later or self.as_of >= self.started_at.replace(tzinfo=None):
            return _MAIN
        path = self.settings.temporary / "as_of_build.duckdb"
        with suppress(duckdb.Error):
            self.con.execute(f"detach {_SIDE}")
        for leftover in path.parent.glob(f"{path.name}*"):
            leftover.unlink()
        self.con.execute(f"attach {literal(str(path))} as {_SIDE}")
        return _SIDE


@contextmanager
def open_run(
    settings: Settings,
    request: Request,
    *,
    purpose: str,
    on_wait: OnWait = lambda _: None,
    on_progress: OnProgress = lambda _: None,
    procedures: Procedures | None = None,
) -> Iterator[Run]:
    """A run that holds the warehouse for the length of the block.

    `on_progress` gets sentences on how far a cluster has come, if one computes tables.
    `procedures` are loaded from the folder in the settings unless given.
    Raises `DefinitionError` for the procedure files, `OperationError` when a procedure to rebuild
    is not defined, `out` may not be written, the warehouse cannot be used, or a file stands where
    the link to the published database goes, `WarehouseBusy` when another process holds the
    warehouse, and `CorruptWarehouse` when it is damaged.
    """
    if request.out:
        require_out(settings, request.out)
    procedures = procedures or load_procedures(settings.procedures, settings.sources)
    if settings.published.is_file() and not settings.published.is_symlink():
        raise OperationError(
            str(settings.published),
            "is a file; leadtime keeps its link to the published database under this name",
            "Move it away, or choose another folder with --data.",
        )
    notes: list[str] = []
    opening = open_warehouse(settings, purpose=purpose, on_wait=on_wait, on_note=notes.append)
    with opening as con:
        yield Run(con, settings, procedures, request, notes=notes, on_progress=on_progress)


def _procedure_id(procedures: Procedures, short_id: str) -> str:
    procedure = procedures.by_short_id.get(short_id)
    if procedure is None:
        known = ", ".join(procedures.by_short_id)
        raise OperationError("--rebuild", f"found {short_id!r}", f"Name one of these: {known}")
    return procedure.id


def _check_known_states(
    con: duckdb.DuckDBPyConnection,
    states: pl.DataFrame,
    procedures: Procedures,
    settings: Settings,
) -> None:
    names = former_names(con)
    problems: list[Problem] = []
    for procedure_id, state_id, count in unknown_states(con, states):
        procedure = procedures.by_id.get(procedure_id)
        if procedure is None:
            known = procedure_id in names
            who = f"{names[procedure_id]} ({procedure_id})" if known else procedure_id
            found = f"no procedure {who}, but the warehouse holds versions of it"
            allowed = (
                "a definition for every procedure in the warehouse; if the definitions are in "
                "another folder, name it with `--procedures DIR` or LEADTIME_PROCEDURES"
            )
            problems.append(Problem(str(settings.procedures), "(folder)", found, allowed))
            continue
        found = f"no state {state_id}, but {count} versions hold it"
        allowed = "every state that versions hold; a retired state has `removed: true`"
        problems.append(Problem(procedures.sources[procedure.short_id], "states", found, allowed))
    if problems:
        raise DefinitionError(list(dict.fromkeys(problems)))
