"""One run over a warehouse: ingest, build, publish, each step on call.

The command and the Dagster assets both go through here, so both do the same. What a step does is
in the modules it calls.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl

from pipelines.ingest import IngestReport, Progress, ingest
from pipelines.landing import LandingFile, find_files
from pipelines.lease import OnWait
from pipelines.publish import Generation, publish
from pipelines.quoting import literal
from pipelines.rejudge import Progress as RejudgeProgress
from pipelines.rejudge import rejudge
from pipelines.replay import former_names
from pipelines.settings import Settings, now
from pipelines.warehouse import open_warehouse
from schemas.definition_files import load_procedures
from schemas.definitions import Procedures
from schemas.errors import DefinitionError, OperationError, Problem, SourceError
from schemas.rule_book import all_rules
from transforms.builder import Builder, unknown_states
from transforms.config import config_frames, write_config

_MAIN = "warehouse"
_SIDE = "as_of_build"


@dataclass(frozen=True)
class Request:
    """What a run is asked for.

    `as_of` is an instant with a time zone; None means the start of the run. `full` rebuilds every
    table, `rebuild` the rows of these procedures (shortIds). With `out` the database is written
    there and the published one stays as it is.
    """

    as_of: datetime | None = None
    full: bool = False
    rebuild: tuple[str, ...] = ()
    out: Path | None = None


class Run:
    """A run that holds the warehouse; make one with `open_run`.

    Raises `SourceError` when a procedure to rebuild is unknown.
    """

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        settings: Settings,
        procedures: Procedures,
        request: Request,
    ) -> None:
        self.con = con
        self.settings = settings
        self.procedures = procedures
        self.request = request
        self.started_at = now()
        self.as_of = (request.as_of or self.started_at).astimezone(UTC).replace(tzinfo=None)
        self._rebuild = [_procedure_id(procedures, name) for name in request.rebuild]
        self._builder: Builder | None = None
        self._rejudged: dict[str, int] | None = None

    def ingest(
        self,
        progress: Progress = lambda _: None,
        on_rejudge: RejudgeProgress = lambda *_: None,
    ) -> IngestReport:
        """Take in the files of the landing folder that have not been seen.

        Stored versions come first where a definition judges otherwise by now: new ones are
        compared with them. Raises `SourceError` when there is no such folder.
        """
        files = self._landing_files()
        self._builder = None
        rejudged = self._rejudge(on_rejudge)
        report = ingest(
            self.con, files, self.procedures, started_at=self.started_at, progress=progress
        )
        report.rejudged = rejudged
        return report

    def _landing_files(self) -> list[LandingFile]:
        """What lies in the landing folder; no folder is needed to build what was taken in before.

        Unless it was named: then it is a mistake that it is not there.
        """
        settings = self.settings
        if settings.follows_data and not settings.landing.exists():
            query = "select count(*) from raw.process_versions"
            if self.con.execute(query).fetchall()[0][0]:
                return []
        return find_files(settings.landing)[0]

    @property
    def builder(self) -> Builder:
        """The builder for what the raw tables hold now.

        Raises `DefinitionError` when versions hold a state that no definition has any more.
        """
        if self._builder is None:
            self._builder = self._new_builder()
        return self._builder

    def publish(self) -> Generation:
        """Publish what the builder has built."""
        self.builder.bind_names()
        return publish(
            self.con,
            self.settings,
            self.procedures,
            built_at=self.started_at.replace(tzinfo=None),
            out=self.request.out,
        )

    def _rejudge(self, progress: RejudgeProgress = lambda *_: None) -> dict[str, int]:
        if self._rejudged is None:
            self._rejudged = rejudge(self.con, self.procedures, progress=progress)
        return self._rejudged

    def _new_builder(self) -> Builder:
        self._rejudge()
        rules = all_rules(self.procedures)
        frames = config_frames(list(self.procedures), rules, calendars=self.procedures.calendars)
        # Before they replace the former definitions, which know the names of those missing.
        _check_known_states(self.con, frames["states"], self.procedures, self.settings)
        write_config(self.con, frames)
        return Builder(
            self.con,
            self.procedures,
            frames,
            as_of=self.as_of,
            time_zone=self.settings.time_zone,
            catalog=self._catalog(),
            full=self.request.full,
            rebuild=[self._procedure_id(name) for name in self.request.rebuild],
        )

    def _procedure_id(self, short_id: str) -> str:
        procedure = self.procedures.by_short_id.get(short_id)
        if procedure is None:
            known = ", ".join(self.procedures.by_short_id)
            raise SourceError(
                "rebuild", f"found {short_id!r}", f"Name procedures of these: {known}"
            )
        return procedure.id

    def _catalog(self) -> str:
        """Where tables are built: beside the present ones when versions lie after `as_of`."""
        query = "select count(*) from raw.process_versions where updated_at > $as_of"
        later = self.con.execute(query, {"as_of": self.as_of}).fetchall()[0][0]
        if not later or self.as_of >= self.started_at.replace(tzinfo=None):
            return _MAIN
        path = self.settings.data / "tmp" / "as_of_build.duckdb"
        with suppress(duckdb.Error):
            self.con.execute(f"detach {_SIDE}")
        for leftover in path.parent.glob(f"{path.name}*"):
            leftover.unlink()
        self.con.execute(f"attach {literal(str(path))} as {_SIDE}")
        return _SIDE


@contextmanager
def open_run(
    settings: Settings, request: Request, *, purpose: str, on_wait: OnWait = lambda _: None
) -> Iterator[Run]:
    """A run that holds the warehouse for the length of the block.

    Raises `DefinitionError` for the procedure files, `SourceError` when a procedure to rebuild is
    unknown, `WarehouseBusy` when another run holds the warehouse, `OperationError` when that
    cannot be used or another file is where the published database goes.
    """
    procedures = load_procedures(settings.procedures)
    if settings.published.is_file() and not settings.published.is_symlink():
        raise OperationError(
            str(settings.published),
            "is a file, where leadtime keeps its link to the published database",
            "Move it away, or choose another folder with --data.",
        )
    with open_warehouse(settings, purpose=purpose, on_wait=on_wait) as con:
        yield Run(con, settings, procedures, request)


def _procedure_id(procedures: Procedures, short_id: str) -> str:
    procedure = procedures.by_short_id.get(short_id)
    if procedure is None:
        known = ", ".join(procedures.by_short_id)
        raise SourceError("--rebuild", f"found {short_id!r}", f"Name one of these: {known}")
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
            found = f"no procedure {who}, of which the warehouse holds versions"
            allowed = (
                "a definition for every procedure of the warehouse; if they are in another "
                "folder, name it with `--procedures DIR` or LEADTIME_PROCEDURES"
            )
            problems.append(Problem(str(settings.procedures), "(folder)", found, allowed))
            continue
        found = f"no state {state_id}, which {count} versions hold"
        allowed = "every state that versions hold; one that is no more has `removed: true`"
        problems.append(Problem(procedures.sources[procedure.short_id], "states", found, allowed))
    if problems:
        raise DefinitionError(list(dict.fromkeys(problems)))
