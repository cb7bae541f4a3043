"""Rules of the SQL files that the linter does not know: the header, and the columns of a table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "transforms").rglob("*.sql"))
TABLES = [file for file in FILES if file.parent.name != "macros"]


def code(file: Path) -> str:
    return re.sub(r"--.*", "", file.read_text())


@pytest.mark.parametrize("file", TABLES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_the_header_says_what_a_row_is(file: Path) -> None:
    header = [line for line in file.read_text().splitlines() if line.startswith("--")]
    assert file.read_text().startswith("-- ")
    assert any("Grain: one row" in line for line in header)


@pytest.mark.parametrize("file", TABLES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_the_last_select_lists_its_columns(file: Path) -> None:
    (_, *selects) = re.split(r"^select\b", code(file), flags=re.MULTILINE)
    assert selects
    columns = [re.split(r"^from\b", select, flags=re.MULTILINE)[0] for select in selects]
    assert [text for text in columns if re.search(r"(^|,)\s*(\w+\.)?\*", text)] == []
