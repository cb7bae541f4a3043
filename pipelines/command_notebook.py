"""`leadtime notebook`: which notebooks there are, and one of them as an app or in the editor.

What they show is theirs: they are run by marimo in a process of its own, never imported here.
"""

import ast
import os
import sys
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from pipelines.published import open_published
from pipelines.settings import Settings
from pipelines.show import grid
from schemas.errors import SourceError

_FOLDER = Path(__file__).resolve().parent.parent / "notebooks"


def show_notebooks(console: Console) -> None:
    """Print the name of each notebook, and in one line what it shows."""
    rows = [[name, _first_line(file)] for name, file in _notebooks().items()]
    console.print(grid(["notebook", "shows"], rows))


def open_notebook(
    console: Console, settings: Settings, name: str, *, port: int, edit: bool
) -> NoReturn:
    """Become marimo, on this machine only, with a notebook over the published database.

    Raises `SourceError` when there is no such notebook, or nothing has been published.
    """
    known = _notebooks()
    if name not in known:
        raise SourceError("NAME", f"found {name!r}", f"Name one of these: {', '.join(known)}.")
    with open_published(settings):
        pass  # it is there and can be read
    os.environ["LEADTIME_DATA"] = str(settings.data.resolve())
    served = ["--host", "127.0.0.1", "--port", str(port), "--headless", "--no-sandbox"]
    if edit:
        # Whoever reaches an editor runs code: marimo makes up a token, and prints the address.
        command = ["edit", str(known[name]), *served, "--skip-update-check"]
    else:
        console.print(f"{name}: http://127.0.0.1:{port} (stop it with Ctrl-C)")
        command = ["--quiet", "run", str(known[name]), *served, "--no-token"]
    sys.stdout.flush()
    # -P: a folder `notebooks` where the command was called is not ours.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "marimo", *command])  # noqa: S606 - no shell


def _notebooks() -> dict[str, Path]:
    return {file.stem: file for file in sorted(_FOLDER.glob("[!_]*.py"))}


def _first_line(file: Path) -> str:
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0]
