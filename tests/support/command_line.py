"""The command `leadtime`, called in the process of the test."""

from __future__ import annotations

from typing import NamedTuple

from typer.testing import CliRunner

from pipelines.cli.main import app


class CommandResult(NamedTuple):
    """The exit code of a command, and what it wrote to stdout and stderr."""

    code: int
    out: str
    err: str


def leadtime(*words: object, width: int = 200) -> CommandResult:
    """Call the command on a terminal of `width` columns; anything but an exit is a failure."""
    result = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": str(width)})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return CommandResult(result.exit_code, result.stdout, result.stderr)
