"""Which macros are made where, and the rules of funnels that tables and analysts share."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from transforms.macros.load import MACROS, PUBLISHED_MACROS

FILES = sorted((Path(__file__).parents[3] / "transforms" / "macros").glob("*.sql"))
READ = {
    "states": "procedure varchar, state varchar, state_rank integer, probability double",
    "processes": "process_id uuid, procedure varchar, outcome varchar, created_at timestamp, "
    "completed_at timestamp, cancelled_at timestamp, deleted_at timestamp, "
    "is_observed_from_start boolean",
    "state_visits": "process_id uuid, procedure varchar, visit_no integer, state varchar, "
    "state_rank integer, entered_at timestamp, direction varchar, entered_version_no integer",
    "status_spells": "process_id uuid, procedure varchar, status varchar, started_at timestamp, "
    "shown_version_no integer",
    "process_lifecycle": "process_id uuid, resolution_seconds double, "
    "first_assignment_seconds double",
    "process_outcomes": "process_id uuid, procedure varchar, started_at timestamp, "
    "entered_at timestamp, ended_at timestamp, ended_by varchar, outcome varchar, "
    "is_observed_from_start boolean",
    "open_stays": "process_id uuid, procedure varchar, stay_no bigint, spell_no bigint, state varchar, "
    "state_rank integer, assigned_to uuid, pod_id uuid, started_at timestamp, "
    "ended_at timestamp, began_by varchar, ended_by varchar",
    "observation_starts": "procedure varchar, observed_since timestamp",
    "attribute_spells": "process_id uuid, procedure varchar, attribute varchar, value varchar, "
    "spell_no integer, started_at timestamp, ended_at timestamp",
    "flow_daily": "day date, procedure varchar, completed bigint, cancelled bigint",
    "indicators": "procedure varchar, indicator varchar, unit varchar, day date, value double, "
    "average_7 double, target double, better varchar",
    "process_durations": "process_id uuid, procedure varchar, measure varchar, "
    "started_at timestamp, ended_by varchar, seconds double, business_seconds double, "
    "is_observed boolean",
    "named_durations": "procedure varchar, measure varchar",
    "build": "as_of timestamp, time_zone varchar",
    "metric_catalog": "table_name varchar, column_name varchar, data_type varchar",
}
CREATED = re.compile(r"create (?:or replace temp )?macro (\w+)\(")


def with_macros(statements: str) -> duckdb.DuckDBPyConnection:
    """A connection with macros and the tables that DuckDB looks for when it makes them."""
    con = duckdb.connect()
    for table, columns in READ.items():
        con.execute(f"create table {table} ({columns})")
    con.execute(statements)
    return con


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_header_says_where_the_macros_of_a_file_are_made(file: Path) -> None:
    header, _, _ = file.read_text().partition("\n\n")
    (kind,) = re.findall(r"^-- kind: (.*)$", header, re.MULTILINE)
    places = {"warehouse": [MACROS], "published": [PUBLISHED_MACROS]}
    places["both"] = [MACROS, PUBLISHED_MACROS]
    names = CREATED.findall(file.read_text())
    assert names
    for place in (MACROS, PUBLISHED_MACROS):
        assert (set(names) <= set(CREATED.findall(place))) == (place in places[kind])


def test_each_macro_is_made_once_and_works_on_its_own() -> None:
    for statements in (MACROS, PUBLISHED_MACROS):
        names = CREATED.findall(statements)
        assert len(names) == len(set(names))
        con = with_macros(statements)
        made = con.execute("select function_name from duckdb_functions() where not internal")
        assert {*names} == {name for (name,) in made.fetchall()}


def test_macros_that_analysts_call_need_no_function_that_older_versions_lack() -> None:
    """DuckDB 1.2 has no function `if`; it says so only when a macro is called."""
    code = re.sub(r"--.*", "", PUBLISHED_MACROS)
    assert re.findall(r"\bif\(|\blambda\b", code) == []


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("is_in_window(timestamp '2024-01-02', timestamp '2024-01-01', 86400000)", True),
        ("is_in_window(timestamp '2024-01-02', timestamp '2024-01-01', 86399999)", False),
        ("is_in_window(timestamp '2024-01-02', timestamp '2024-01-01', null)", True),
        ("is_window_over(timestamp '2024-01-02', timestamp '2024-01-01', 86400000)", True),
        ("is_window_over(timestamp '2024-01-02', timestamp '2024-01-01', 86400001)", False),
        ("is_window_over(timestamp '2024-01-02', timestamp '2024-01-01', null)", False),
        ("interval_ms(timestamp '2024-02-01', interval 1 month)", 29 * 86_400_000),
        ("is_move('same')", False),
        ("is_move('start') and is_move('backward')", True),
        ("share_of(1, 4)", 0.25),
        ("share_of(1, 0)", None),
        # Figures of the interval as published by Newcombe (1998).
        ("[round(share_low(81, 263), 4), round(share_high(81, 263), 4)]", [0.2553, 0.3662]),
        ("[round(share_low(15, 148), 4), round(share_high(15, 148), 4)]", [0.0624, 0.1605]),
        ("[round(share_low(0, 20), 4), round(share_high(0, 20), 4)]", [0.0, 0.1611]),
        ("[round(share_low(1, 29), 4), round(share_high(1, 29), 4)]", [0.0061, 0.1718]),
        ("[round(share_low(29, 29), 4), round(share_high(29, 29), 4)]", [0.883, 1.0]),
        ("share_low(0, 0)", None),
        ("share_high(null, null)", None),
        ("[is_small_sample(4), is_small_sample(5)]", [True, False]),
        ("any_order_step(2, 3)", "2 of 3 steps"),
        ("seconds_between(timestamp '2024-01-01', timestamp '2024-01-01 00:00:01.5')", 1.5),
    ],
)
def test_rules_that_tables_and_analysts_share(expression: str, expected: object) -> None:
    con = with_macros(PUBLISHED_MACROS)
    assert con.execute(f"select {expression}").fetchall() == [(expected,)]
