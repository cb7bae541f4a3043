"""Dagster's instance under `data/dagster`: where runs, events and checks are kept.

What runs is in `defs/`.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

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
    with dg.DagsterInstance.from_config(str(prepare_home(settings))) as instance:
        _end_lost_runs(instance)
        yield instance


def process_tag() -> dict[str, str]:
    """The tag that lets a later run see whether this process still lives."""
    return {_PROCESS_TAG: f"{socket.gethostname()}:{os.getpid()}"}


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
