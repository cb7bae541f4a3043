"""The README is true: its tables and files exist, its queries run, its definition is valid."""

from __future__ import annotations

import re
from dataclasses import fields
from functools import cache
from pathlib import Path

import duckdb
import pytest
import yaml
from typer.main import get_command

from pipelines.cli.main import app
from pipelines.settings import Settings
from schemas.compiled.masking import published_tables
from schemas.load import load_procedures
from schemas.loading.check_procedure import check_procedure
from tests.support.published import published_simulated

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"^\|.*\| `((?:from|select) [^`]+)` \|$", README, re.MULTILINE)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return published_simulated(tmp_path_factory)


def test_it_fits_on_two_screens() -> None:
    assert len(README.splitlines()) <= 130
    assert max(len(line) for line in README.splitlines() if not line.startswith("|")) <= 120


def test_there_are_ten_questions() -> None:
    assert len(QUERIES) == 10


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_has_an_answer(settings: Settings, query: str) -> None:
    with duckdb.connect(settings.published, read_only=True) as con:
        assert con.execute(query).fetchall()


def test_every_table_is_named_and_every_named_one_exists() -> None:
    part = README.split("## The tables")[1].split("## Queries")[0]
    named: set[str] = set()
    for cell in re.findall(r"^\| (`.*?) \|", part, re.MULTILINE):
        previous = ""
        for name in re.findall(r"`(\w+)`", cell):
            # `funnel_steps` (`_cohorts`): the first word, or the whole name, with another end.
            whole = previous + name if f"{previous}{name}" in _tables() else name
            if name.startswith("_") and whole not in _tables():
                whole = previous.partition("_")[0] + name
            named.add(whole)
            previous = previous if name.startswith("_") else name
    # Tables of definitions and of the build are left to `from catalog`.
    assert named == _tables() - {"process_outcomes", "states", "transitions", "funnels"} - {
        "sla_policies",
        "named_durations",
        "build",
    }


def test_the_definition_is_valid() -> None:
    (document,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    procedure = check_procedure(yaml.safe_load(document), file="README.md")
    assert procedure.short_id == "order"


def test_every_file_and_folder_exists() -> None:
    root = Path(__file__).parents[2]
    named = re.findall(r"[`(]([\w.]+/[\w./]*)[`)]", README)
    sources = {
        name for name in named if name.split("/")[0] in {"schemas", "transforms", "pipelines"}
    }
    assert len(sources) > 10
    for name in sources:
        pattern = re.sub(r"\b(NAME|MODE)\b|(?<=_)MODE\b", "*", name)
        assert list(root.glob(pattern)), name


def test_every_command_and_option_exists() -> None:
    known = get_command(app)
    for line in re.findall(r"leadtime ((?:\w+)(?: [^`\n#]*)?)", README):
        name, *words = line.split()
        command = known.get_command(None, name)  # type: ignore[attr-defined]
        assert command is not None, line
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word.rstrip(",") for word in words if word.startswith("--")} <= options, line


@cache
def _tables() -> set[str]:
    procedures = load_procedures(Path(__file__).parents[2] / "schemas" / "procedures")
    return {table.name for table in published_tables(procedures)}


def test_every_setting_is_described_with_its_default() -> None:
    page = (Path(__file__).parents[2] / "schemas" / "docs" / "settings.md").read_text()
    rows = dict(re.findall(r"^\| `LEADTIME_(\w+)` \| ([^|]+) \|", page, re.MULTILINE))
    assert [name.lower() for name in rows] == [field.name for field in fields(Settings)]
    for field in fields(Settings):
        shown = re.fullmatch("`([^`]+)`", rows[field.name.upper()])
        if shown:
            default = getattr(Settings(), field.name)
            assert shown[1] == (f"{default:g}" if isinstance(default, float) else str(default))
