"""The Typer app, to which `main.py` and the modules that it imports last add commands."""

from typing import Any

import typer

app = typer.Typer(
    name="leadtime",
    epilog="Start with: leadtime demo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def open_console(*, stderr: bool = False) -> Any:
    """The console of a command; rich is imported only when a command runs."""
    from pipelines.terminal.text import console  # noqa: PLC0415

    return console(stderr=stderr)
