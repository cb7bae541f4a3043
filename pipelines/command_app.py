"""The `leadtime` command itself, to which `command.py` and `command_reading.py` add their commands.

What a command does, and its options, do not belong here.
"""

from typing import Any

import typer

app = typer.Typer(
    name="leadtime",
    epilog="Start with: leadtime demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def open_console(*, stderr: bool = False) -> Any:
    """Where a command prints: the module is loaded only when it is called."""
    from pipelines.show import console  # noqa: PLC0415

    return console(stderr=stderr)
