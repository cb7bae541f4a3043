"""The published database explains itself, to the engine of the product and to an older client.

Whether its figures are right does not belong here.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.settings import Settings
from schemas.catalogue.questions import QUESTIONS
from tests.support.command_line import leadtime
from tests.support.published import published_simulated

OLDER_CLIENT = Path(sys.executable).with_name("duckdb")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return published_simulated(tmp_path_factory)


def in_older_client(settings: Settings, query: str) -> list[dict[str, Any]]:
    command = [OLDER_CLIENT, "-readonly", "-json", settings.published, query]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout) if result.stdout.strip() else []


def test_the_client_is_an_older_one(settings: Settings) -> None:
    (row,) = in_older_client(settings, "select version() as version")
    assert row["version"] == "v1.4.4"
    assert duckdb.__version__.startswith("2.")


@pytest.mark.parametrize("asked", QUESTIONS, ids=lambda asked: asked.question)
def test_a_question_has_the_same_answer_in_both(settings: Settings, asked: Any) -> None:
    with duckdb.connect(settings.published, read_only=True) as con:
        rows = con.execute(asked.query).fetchall()
    assert rows
    assert len(in_older_client(settings, asked.query)) == len(rows)


def test_a_funnel_and_the_words_about_a_column_are_there_in_both(settings: Settings) -> None:
    query = "select step, processes from funnel(['NEW', 'QUALIFIED', 'CONVERTED'])"
    with duckdb.connect(settings.published, read_only=True) as con:
        rows = con.execute(query).fetchall()
    assert [tuple(row.values()) for row in in_older_client(settings, query)] == rows
    assert rows[0][1] > rows[2][1] > 0
    (found,) = in_older_client(
        settings,
        "select comment from duckdb_columns() where table_name = 'state_visits' "
        "and column_name = 'seconds'",
    )
    assert "Unit: seconds." in found["comment"]


def test_the_catalog_counts_every_table(settings: Settings) -> None:
    with duckdb.connect(settings.published, read_only=True) as con:
        told = dict(
            con.execute(
                "select table_name, n_rows from catalog where n_rows is not null"
            ).fetchall()
        )
        tables = con.execute("select table_name from duckdb_tables()").fetchall()
        found = {
            name: con.execute(f'select count(*) from "{name}"').fetchall()[0][0]
            for (name,) in tables
        }
        words = con.execute("select grain, description from catalog").fetchall()
    assert told == found
    assert found["lead_processes"] > 0
    assert all(grain and description for grain, description in words)


def test_the_catalog_has_every_table_macro(settings: Settings) -> None:
    with duckdb.connect(settings.published, read_only=True) as con:
        listed = con.execute(
            "select table_name, concat(description, ' Grain: ', grain, '.') from catalog "
            "where n_rows is null"
        ).fetchall()
        made = con.execute(
            "select function_name, comment from duckdb_functions() "
            "where not internal and function_type = 'table_macro'"
        ).fetchall()
    assert sorted(listed) == sorted(made)
    assert "Steps are shortIds of states, in any case." in dict(made)["funnel"]


def test_every_column_is_as_its_words_say(settings: Settings) -> None:
    with duckdb.connect(settings.published, read_only=True) as con:
        found = con.execute(
            "select table_name, column_name, data_type from duckdb_columns() where not internal"
        ).fetchall()
        told = con.execute("select table_name, column_name, data_type from metric_catalog")
        assert sorted(told.fetchall()) == sorted(found)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("['NEW'], procedure := 'Lead'", "found unknown procedure Lead; allowed: lead, ticket"),
        ("['NEW'], procedure := ''", "found unknown procedure ; allowed: lead, ticket"),
        ("['NEW'], procedure := 'zzz'", "found unknown procedure zzz; allowed: lead, ticket"),
        ("['NOPE', 'NEW']", "found unknown states NOPE; allowed: CLOSED, CONTACTED"),
        ("['TRIAGE'], procedure := 'lead'", "found unknown states TRIAGE; allowed: CONTACTED"),
        ("['NEW', null]", "found unknown states null; allowed: CLOSED"),
        ("['NEW', 'TRIAGE', 'CONVERTED']", "found states of several procedures; allowed: those"),
        ("[]", "found no steps; allowed: a list of states"),
        ("null", "found no steps; allowed: a list of states"),
        ("['NEW'], mode := null", "found mode null; allowed: ordered, strict"),
        ("['NEW'], mode := 'x', procedure := 'y'", "found mode x; allowed: ordered, strict"),
        ("['NEW'], within := interval (-1) day", "found a window below 0; allowed: null"),
    ],
)
def test_a_funnel_that_makes_no_sense_is_refused(
    settings: Settings, arguments: str, said: str
) -> None:
    with (
        duckdb.connect(settings.published, read_only=True) as con,
        pytest.raises(duckdb.Error, match=re.escape(f"funnel: {said}")),
    ):
        con.execute(f"from funnel({arguments})").fetchall()


WRONG = (
    "['NOPE', 'NEW']",
    "['NOPE'], mode := 'any_order'",
    "['NEW'], procedure := 'zzz'",
    "['NEW'], mode := 'strikt'",
    "[]",
)
# Queries that need little of a funnel, or ask for rows that statistics say it cannot have.
READING_LITTLE = (
    "select step, processes from {funnel}",
    "select count(*) from {funnel}",
    "select max(immature) from {funnel}",
    "select step from {funnel} limit 1",
    "select step from {funnel} where procedure = 'a'",
    "select step from {funnel} where mode = 'x' and step_no > 100",
    "select step from {funnel} where processes is null",
    "select s.state from states as s semi join {funnel} as f on f.step = s.state",
    "select f.processes from states as s inner join {funnel} as f on f.step = s.state",
    "select s.state, f.processes from states as s left join {funnel} as f on f.step = s.state",
    "with f as (from {funnel}) select exists (from f)",
)


@pytest.mark.parametrize("query", READING_LITTLE)
def test_a_wrong_funnel_is_refused_whatever_a_query_reads(settings: Settings, query: str) -> None:
    with duckdb.connect(settings.published, read_only=True) as con:
        for arguments in WRONG:
            with pytest.raises(duckdb.InvalidInputException, match="funnel: found"):
                con.execute(query.format(funnel=f"funnel({arguments})")).fetchall()


@pytest.mark.parametrize("query", READING_LITTLE[1:6])
def test_an_older_client_refuses_a_wrong_funnel(settings: Settings, query: str) -> None:
    asked = query.format(funnel=f"funnel({WRONG[0]})")
    command = [OLDER_CLIENT, "-readonly", settings.published, asked]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert "funnel: found unknown states NOPE" in result.stderr


def test_a_funnel_takes_states_in_any_case(settings: Settings) -> None:
    with duckdb.connect(settings.published, read_only=True) as con:
        rows = con.execute("from funnel(['NEW', 'QUALIFIED'])").fetchall()
        assert con.execute("from funnel(['new', 'Qualified'])").fetchall() == rows
    assert [row[3] for row in rows] == ["NEW", "QUALIFIED"]


def test_query_without_a_statement_offers_questions(settings: Settings) -> None:
    result = leadtime("query", "--data", settings.data)
    assert result.code == 0
    for asked in QUESTIONS:
        assert asked.question in result.out
        assert f'leadtime query --data {settings.data} "{asked.query}"' in result.out
    assert '"from catalog"' in result.out


def test_a_column_is_null_only_where_the_catalogue_says_when(settings: Settings) -> None:
    with duckdb.connect(settings.published, read_only=True) as con:
        query = "select table_name, column_name from metric_catalog where null_rule = ''"
        never_null = con.execute(query).fetchall()
        assert len(never_null) > 300
        wrong = [
            (table, column)
            for table, column in never_null
            if con.execute(f'select count(*) from "{table}" where "{column}" is null').fetchall()
            != [(0,)]
        ]
    assert wrong == []
