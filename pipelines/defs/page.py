"""Starts Dagster's UI, without loading what its own processes load."""

import os
import signal
import sys
from dataclasses import fields
from pathlib import Path
from typing import NoReturn

from pipelines.defs.instance import open_instance, prepare_home
from pipelines.settings import Settings
from pipelines.warehouse.file_errors import require_writable


def open_ui(settings: Settings, port: int) -> NoReturn:
    """Replace this process by Dagster's UI, on this machine only, with the same settings.

    Raises `OperationError` when this user may not write to the data folder.
    """
    require_writable(settings)
    with open_instance(settings):
        pass  # a new instance is complete before Dagster's own processes open it
    home = str(prepare_home(settings))
    os.environ.update(
        {f"LEADTIME_{name.upper()}": value for name, value in _as_text(settings).items()},
        DAGSTER_HOME=home,
        PYTHONSAFEPATH="1",  # a folder `schemas` where the command is started is not our package
    )
    os.umask(0o077)  # as `private_files`, for the processes that follow
    # `dg dev`, which it recommends, comes with a package for developers of Dagster projects.
    quiet = ["-W", "ignore:Function `dev_command` is superseded"]
    command = [sys.executable, *quiet, "-m", "pipelines.defs.dev", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--module-name", "pipelines.definitions"]
    command += ["--working-directory", home]
    # A script that starts this in the background has it ignore Ctrl-C, and Dagster then ignores
    # every request to stop.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.stdout.flush()
    os.execv(sys.executable, command)  # noqa: S606 - no shell is the point


def _as_text(settings: Settings) -> dict[str, str]:
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    return {name: _written(value) for name, value in values.items() if value is not None}


def _written(value: object) -> str:
    """A setting as its variable has it; folders count from the root."""
    if isinstance(value, tuple):
        return "/".join(map(str, value))
    return str(value.resolve() if isinstance(value, Path) else value)
