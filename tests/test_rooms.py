"""The rooms and what each may import, as the README describes them."""

import ast
import subprocess
from collections.abc import Iterator
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


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


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
