"""Dagster's instance under `data/dagster`: where runs, events and checks are kept.

What runs is in `defs/`.
"""

import os
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from sqlalchemy import event
from sqlalchemy.engine import Engine

from pipelines.settings import Settings

_SETTINGS_FILE = Path(__file__).with_name("dagster.yaml")
_PROCESS_TAG = "leadtime/process"


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
    """The instance, for runs of this process."""
    home = prepare_home(settings)
    with _few_syncs(), dg.DagsterInstance.from_config(str(home)) as instance:
        _end_lost_runs(instance)
        yield instance


def process_tag() -> dict[str, str]:
    """The tag that lets a later run see whether this process still lives."""
    return {_PROCESS_TAG: f"{socket.gethostname()}:{os.getpid()}"}


@contextmanager
def _few_syncs() -> Iterator[None]:
    """Spare the disk some 900 syncs a run: half a second, and several on a busy disk.

    Dagster opens and closes its SQLite files for every event, and each last close syncs. Holding
    them open leaves that to the end; with `synchronous = normal` they stay whole whatever happens.
    """
    held: dict[str, sqlite3.Connection] = {}

    def hold(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("pragma synchronous = normal")
        file = connection.execute("pragma database_list").fetchone()[2]
        if not file:
            return
        if file not in held:
            held[file] = sqlite3.connect(file, check_same_thread=False)
        # Only a connection that has read since the file got its write-ahead log holds it open.
        held[file].execute("select count(*) from sqlite_master").fetchone()

    event.listen(Engine, "connect", hold)
    try:
        yield
    finally:
        event.remove(Engine, "connect", hold)
        for connection in held.values():
            connection.close()


def _end_lost_runs(instance: dg.DagsterInstance) -> None:
    """Mark runs as failed whose process was killed, so that they do not hold the pool."""
    running = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])
    for run in instance.get_runs(running):
        host, _, pid = run.tags.get(_PROCESS_TAG, "").rpartition(":")
        if host == socket.gethostname() and not _is_alive(int(pid)):
            instance.report_run_failed(run, "The process of this run was killed.")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)  # asks, and does nothing
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
