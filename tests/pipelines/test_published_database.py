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
from schemas.questions import QUESTIONS
from tests.pipelines.published import publish_simulated
from tests.pipelines.test_command import leadtime

OLDER_CLIENT = Path(sys.executable).with_name("duckdb")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return publish_simulated(tmp_path_factory.mktemp("published"))


def in_older_client(settings: Settings, query: str) -> list[dict[str, Any]]:
    command = [OLDER_CLIENT, "-readonly", "-json", settings.published, query]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout) if said.stdout.strip() else []


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
        told = dict(con.execute("select table_name, n_rows from catalog").fetchall())
        tables = con.execute("select table_name from duckdb_tables()").fetchall()
        found = {
            name: con.execute(f'select count(*) from "{name}"').fetchall()[0][0]
            for (name,) in tables
        }
        words = con.execute("select grain, description from catalog").fetchall()
    assert told == found
    assert found["lead_processes"] > 0
    assert all(grain and description for grain, description in words)


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


def test_query_without_a_statement_offers_questions(settings: Settings) -> None:
    said = leadtime("query", "--data", settings.data)
    assert said.code == 0
    for asked in QUESTIONS:
        assert asked.question in said.out
        assert f'leadtime query --data {settings.data} "{asked.query}"' in said.out
    assert '"from catalog"' in said.out
