"""Dagster's instance under `data/dagster`: the storage of runs, events and check results."""

import fcntl
import os
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage
from sqlalchemy import Engine, QueuePool, event

from pipelines.settings import Settings
from pipelines.warehouse.leftovers import is_running
from pipelines.warehouse.umask import private_files

_SETTINGS_FILE = Path(__file__).with_name("dagster.yaml")
_PROCESS_TAG = "leadtime/process"
# Dagster's storages, and what each makes its engines with; there is no option for another pool.
_STORAGES = (sqlite_event_log, sqlite_run_storage, sqlite_schedule_storage)
_MAKER = "create_engine"
_FINISHED = dg.RunsFilter(
    statuses=[
        dg.DagsterRunStatus.SUCCESS,
        dg.DagsterRunStatus.FAILURE,
        dg.DagsterRunStatus.CANCELED,
    ]
)


def prepare_home(settings: Settings) -> Path:
    """The folder of the instance, as an absolute path, with our `dagster.yaml` in it."""
    home = settings.dagster_home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    place = home / _SETTINGS_FILE.name
    wanted = _SETTINGS_FILE.read_bytes()
    if not place.exists() or place.read_bytes() != wanted:
        waiting = place.with_name(f".{place.name}")
        waiting.write_bytes(wanted)
        waiting.replace(place)
    return home


@contextmanager
def open_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The instance, for runs of this process; processes that open a new one at once take turns."""
    with private_files(), _lasting_engines(), ExitStack() as stack:
        with _one_at_a_time(settings.dagster_home):
            home = prepare_home(settings)
            instance = stack.enter_context(dg.DagsterInstance.from_config(str(home)))
        _end_lost_runs(instance)
        drop_old_runs(instance, settings)
        yield instance


def drop_old_runs(instance: dg.DagsterInstance, settings: Settings) -> None:
    """Delete the oldest finished runs from Dagster's storage; `settings.keep_runs` stay.

    In an instance that is not ours, where leadtime is one code location of several, all stay.
    """
    if Path(instance.root_directory).resolve() != settings.dagster_home.resolve():
        return
    shards = settings.dagster_home / "history" / "runs"
    dropped = instance.get_run_ids(_FINISHED)[settings.keep_runs :]
    for run_id in dropped:
        instance.delete_run(run_id)
        # Dagster empties the file of a run's events, but leaves it at its size.
        for path in shards.glob(f"{run_id}.db*"):
            path.unlink(missing_ok=True)
    index = shards / "index.db"
    if dropped and index.exists():
        # Dagster has no call that deletes the results of checks.
        with closing(sqlite3.connect(index, timeout=60)) as con, con:
            query = "delete from asset_check_executions where run_id = ?"
            con.executemany(query, [(run_id,) for run_id in dropped])


def process_tag() -> dict[str, str]:
    """The tag by which a later run finds out whether this process is still alive."""
    return {_PROCESS_TAG: f"{socket.gethostname()}:{os.getpid()}"}


@contextmanager
def _one_at_a_time(home: Path) -> Iterator[None]:
    """Keep other processes from opening the instance: Dagster's migrations fail when run twice."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".opening").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _lasting_engines() -> Iterator[None]:
    """Use one engine per SQLite file, whose connections stay open until the end.

    Dagster makes an engine, compiles its statements and opens the file for every event, and each
    last close calls `fsync`: a second of a run, and several on a busy disk. With `synchronous =
    normal` a crash leaves the files consistent.
    """
    engines: dict[str, Engine] = {}
    made = {module: getattr(module, _MAKER) for module in _STORAGES}

    def engine_of(address: str, **options: Any) -> Engine:
        if address not in engines:
            options = {**options, "poolclass": QueuePool}
            engine = engines[address] = sqlalchemy.create_engine(address, **options)
            event.listen(engine, "connect", _sync_less)
            vars(engine)["dispose"] = lambda *_, **__: None  # Dagster's, after every event
        return engines[address]

    for module in _STORAGES:
        setattr(module, _MAKER, engine_of)
    try:
        yield
    finally:
        for module, former in made.items():
            setattr(module, _MAKER, former)
        for engine in engines.values():
            del vars(engine)["dispose"]
            engine.dispose()


def _sync_less(connection: sqlite3.Connection, _: object) -> None:
    connection.execute("pragma synchronous = normal")


def _end_lost_runs(instance: dg.DagsterInstance) -> None:
    """Mark the runs of killed processes as failed, so that they free their slot in the pool."""
    running = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])
    for run in instance.get_runs(running):
        host, _, pid = run.tags.get(_PROCESS_TAG, "").rpartition(":")
        if host == socket.gethostname() and not is_running(pid):
            instance.report_run_failed(run, "The process of this run was killed.")
