"""Starts Dagster's UI, without loading what its own processes load."""

import os
import signal
import sys
import warnings
from dataclasses import fields
from pathlib import Path

from pipelines.defs.dev import run_dev
from pipelines.defs.instance import open_instance, prepare_home
from pipelines.settings import Settings
from pipelines.warehouse.file_errors import require_writable


def open_ui(settings: Settings, port: int) -> None:
    """Run Dagster's UI until it is stopped, on this machine only, with the same settings.

    Raises `OperationError` when this user may not write to the data folder, and `SystemExit` when
    the UI stops.
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
    warnings.filterwarnings("ignore", "Function `dev_command` is superseded")
    # A script that starts this in the background has it ignore Ctrl-C, and Dagster then ignores
    # every request to stop.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.stdout.flush()
    # In this process, which has loaded Dagster for the instance.
    place = ["--host", "127.0.0.1", "--port", str(port)]
    run_dev([*place, "--module-name", "pipelines.definitions", "--working-directory", home])


def _as_text(settings: Settings) -> dict[str, str]:
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    return {name: _written(value) for name, value in values.items() if value is not None}


def _written(value: object) -> str:
    """A setting as its variable has it; folders count from the root."""
    if isinstance(value, tuple):
        return "/".join(map(str, value))
    return str(value.resolve() if isinstance(value, Path) else value)
