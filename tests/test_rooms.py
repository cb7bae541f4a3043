"""The rooms and what each may import."""

import ast
import subprocess
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = {"schemas", "transforms", "pipelines", "notebooks", "tests"}
# Room: the rooms it may import, and the packages it must not.
ARROWS = {
    "schemas": (set[str](), {"duckdb", "dagster", "typer", "rich", "marimo"}),
    "transforms": ({"schemas"}, {"dagster", "typer", "rich", "marimo"}),
    "pipelines": ({"schemas", "transforms"}, {"marimo", "altair"}),
    "notebooks": ({"transforms"}, {"dagster"}),
}


MAX_PLACES = 14
"""The most files and folders that stand side by side in `pipelines/` and `schemas/`."""


def imported_modules(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def imports(file: Path) -> Iterator[str]:
    yield from {name.partition(".")[0] for name in imported_modules(file)}


def places(room: str) -> dict[str, set[str]]:
    """The folders and files of a room, each with those that it imports."""
    found: dict[str, set[str]] = {
        path.stem: set()
        for path in (ROOT / room).iterdir()
        if (path.is_dir() and any(path.glob("*.py")))
        or (path.suffix == ".py" and path.stem != "__init__")
    }
    for file in (ROOT / room).rglob("*.py"):
        place = file.relative_to(ROOT / room).parts[0].removesuffix(".py")
        for name in imported_modules(file):
            top, _, rest = name.partition(".")
            other = rest.partition(".")[0]
            if top == room and place in found and other in found and other != place:
                found[place].add(other)
    return found


@pytest.mark.parametrize("room", ARROWS)
def test_a_room_imports_only_what_it_may(room: str) -> None:
    rooms, forbidden = ARROWS[room]
    wrong = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in (ROOT / room).rglob("*.py")
        for name in imports(file)
        if name in forbidden or (name in ROOMS and name not in rooms | {room})
    ]
    assert wrong == []


@pytest.mark.parametrize("room", ["pipelines", "schemas", "transforms"])
def test_the_places_of_a_room_import_each_other_in_one_direction(room: str) -> None:
    try:
        TopologicalSorter(places(room)).prepare()
    except CycleError as error:
        pytest.fail(f"a circle in {room}/: {' <- '.join(error.args[1])}")


@pytest.mark.parametrize("room", ["pipelines", "schemas", "transforms"])
def test_a_room_is_read_at_a_glance(room: str) -> None:
    assert len(places(room)) <= MAX_PLACES


@pytest.mark.parametrize("room", ["notebooks", "pipelines", "schemas", "transforms"])
def test_every_package_says_what_it_is_for(room: str) -> None:
    folders = {file.parent for file in (ROOT / room).rglob("*.py")}
    scripts = {ROOT / "schemas" / "procedures"}  # loaded by path, never imported
    silent = [
        str(folder.relative_to(ROOT))
        for folder in sorted(folders - scripts)
        if not (init := folder / "__init__.py").exists()
        or not ast.get_docstring(ast.parse(init.read_text()))
    ]
    assert silent == []


def test_tests_mirror_the_rooms() -> None:
    """Each folder of tests stands for a folder of the product."""
    apart = {"tests", "support", "reference", "benchmarks", "trials"}
    folders = {file.parent for file in (ROOT / "tests").rglob("test_*.py")}
    unknown = [
        str(folder.relative_to(ROOT))
        for folder in sorted(folders)
        if folder.name not in apart and not (ROOT / folder.relative_to(ROOT / "tests")).is_dir()
    ]
    assert unknown == []


@pytest.mark.parametrize("room", ["schemas", "transforms"])
def test_no_clock_below_the_entry_point(room: str) -> None:
    """Neither Python nor SQL may ask for the present time: every build has one instant."""
    clocks = ("now(", "today(", "current_timestamp", "current_date", "get_current_time", "utcnow")
    wrong = [
        f"{file.relative_to(ROOT)}: {clock}"
        for kind in ("*.py", "*.sql")
        for file in (ROOT / room).rglob(kind)
        for clock in clocks
        if clock in file.read_text().lower()
    ]
    assert wrong == []


def test_the_top_level_is_as_agreed() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    top = {name.partition("/")[0] for name in listed.stdout.split()}
    assert {name for name in top if not name.startswith(".")} == {
        "pyproject.toml",
        "README.md",
        *ROOMS,
    }
