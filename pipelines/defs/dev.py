"""`dagster dev` with our webserver in the place of Dagster's."""

from collections.abc import Callable, Sequence
from typing import Any

import dagster._cli.dev as dagster_dev

# What `dagster dev` starts its processes with; there is no option for another webserver.
_STARTER = "open_ipc_subprocess"
_start: Callable[..., Any] = getattr(dagster_dev, _STARTER)


def start_process(command: Sequence[str], **options: Any) -> Any:
    """As Dagster starts a process of its own, with our webserver for Dagster's."""
    modules = {"dagster_webserver": "pipelines.defs.webserver"}
    return _start([modules.get(part, part) for part in command], **options)


def run_dev(arguments: Sequence[str]) -> None:
    """Run `dagster dev` with these arguments; it ends with `SystemExit`."""
    setattr(dagster_dev, _STARTER, start_process)
    dagster_dev.dev_command(list(arguments))
