"""`leadtime notebook`: lists the notebooks, or opens one as an app or in the editor."""

import ast
import os
import secrets
import sys
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from pipelines.cli.answering import print_when_it_answers
from pipelines.cli.port import require_free
from pipelines.publish.reader import open_published
from pipelines.settings import Settings
from pipelines.terminal.text import grid
from schemas.errors import OperationError

_FOLDER = Path(__file__).resolve().parents[2] / "notebooks"


def show_notebooks(console: Console) -> None:
    """Print the name of each notebook and its one-line description."""
    rows = [[name, _first_line(file)] for name, file in _notebooks().items()]
    console.print(grid(["notebook", "shows"], rows))


def open_notebook(
    console: Console, settings: Settings, name: str, *, port: int, edit: bool
) -> NoReturn:
    """Replace this process by marimo, serving a notebook on this machine only, to those who have
    the address with its token.

    Raises `OperationError` when there is no such notebook, nothing has been published, or the port
    is taken.
    """
    known = _notebooks()
    if name not in known:
        raise OperationError("NAME", f"found {name!r}", f"Name one of these: {', '.join(known)}.")
    with open_published(settings):
        pass  # only to check that it exists and can be read
    require_free(port)
    os.environ["LEADTIME_DATA"] = str(settings.data.resolve())
    served = ["--host", "127.0.0.1", "--port", str(port), "--headless", "--no-sandbox"]
    if edit:
        # An editor runs code: marimo generates an access token and prints the address.
        command = ["edit", str(known[name]), *served, "--skip-update-check"]
    else:
        token = secrets.token_urlsafe()
        address = f"http://127.0.0.1:{port}?access_token={token}"
        console.print(f"Starting the notebook {name} ...", style="dim")
        print_when_it_answers(f"{name}: {address} (stop it with Ctrl-C)", address, port=port)
        _pass_on_stdin(token)
        token_options = ["--token", "--token-password-file", "-"]
        command = ["--quiet", "run", str(known[name]), *served, *token_options]
    sys.stdout.flush()
    # -P: do not import from the current folder, which may hold another `notebooks`.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "marimo", *command])  # noqa: S606 - no shell


def _pass_on_stdin(text: str) -> None:
    """Give a text to the program that replaces this one; other users can see its arguments."""
    reading, writing = os.pipe()
    os.write(writing, text.encode())
    os.close(writing)
    os.dup2(reading, 0)
    os.close(reading)


def _notebooks() -> dict[str, Path]:
    return {file.stem: file for file in sorted(_FOLDER.glob("[!_]*.py"))}


def _first_line(file: Path) -> str:
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0]
