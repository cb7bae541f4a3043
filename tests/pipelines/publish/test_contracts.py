"""Tables that differ from the catalogue are not published."""

from collections.abc import Iterator

import duckdb
import pytest

from pipelines.publish.contracts import require_contracts
from pipelines.settings import PROCEDURES_FOLDER
from schemas.catalogue.model import (
    OutputTable,
    count,
    identifier,
    seconds,
    share,
    small_count,
    text,
)
from schemas.catalogue.tables import TABLES
from schemas.compiled.wide_table import wide_table
from schemas.errors import OperationError
from schemas.load import load_procedures
from tests.support.jobs import HOUR, START, A, B, jobs, version
from tests.support.warehouse import MemoryWarehouse

VISITS = OutputTable(
    "state_visits",
    "core",
    "A table for this test.",
    "one row per stay",
    (
        identifier("process_id", "A process."),
        small_count("visit_no", "Its number."),
        text("state", "A state.", nulls="when unknown"),
        share("share_done", "A share.", nulls="when unknown"),
        seconds("seconds", "A duration.", nulls="when unknown"),
        seconds("remaining_seconds", "What is left.", nulls="when unknown"),
        count("n", "A count."),
    ),
    key=("process_id", "visit_no"),
)
ID = "00000000-0000-4000-8000-000000000000"
GOOD = f"'{ID}'::uuid, 1::integer, null::varchar, 1.0::double, 0.0::double, -5.0::double, 0::bigint"


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute("attach ':memory:' as published")
        yield con


def differences(con: duckdb.DuckDBPyConnection, *rows: str) -> list[str]:
    """The places and rules that a table with these rows breaks."""
    names = ", ".join(VISITS.column_names)
    union = " union all ".join(f"select {row}" for row in rows)
    con.execute(
        f"create or replace table published.state_visits as select * from ({union}) as t ({names})"
    )
    try:
        require_contracts(con, "published", [VISITS])
    except OperationError as error:
        return [
            line.split(" (")[0].strip() for line in str(error).splitlines() if "published:" in line
        ]
    return []


def test_a_table_as_described_passes(con: duckdb.DuckDBPyConnection) -> None:
    assert differences(con, GOOD, GOOD.replace("1::integer", "2::integer")) == []
    con.execute("delete from published.state_visits")
    require_contracts(con, "published", [VISITS])


@pytest.mark.parametrize(
    ("old", "new", "broken"),
    [
        ("1::integer", "2::bigint", "state_visits.visit_no: published:type"),
        ("1::integer", "null::integer", "state_visits.visit_no: published:null"),
        ("0::bigint", "null::bigint", "state_visits.n: published:null"),
        ("0::bigint", "-1::bigint", "state_visits.n: published:minimum"),
        ("0.0::double", "-0.001::double", "state_visits.seconds: published:minimum"),
        ("1.0::double", "1.001::double", "state_visits.share_done: published:maximum"),
        ("1.0::double", "-0.1::double", "state_visits.share_done: published:minimum"),
    ],
)
def test_a_difference_is_named(
    con: duckdb.DuckDBPyConnection, old: str, new: str, broken: str
) -> None:
    assert differences(con, GOOD.replace(old, new)) == [broken]


def test_a_key_that_repeats_is_named(con: duckdb.DuckDBPyConnection) -> None:
    assert differences(con, GOOD, GOOD) == ["state_visits: published:key"]


def test_values_are_not_named(con: duckdb.DuckDBPyConnection) -> None:
    differences(con, GOOD)
    con.execute("insert into published.state_visits from published.state_visits")
    with pytest.raises(OperationError) as raised:
        require_contracts(con, "published", [VISITS])
    assert ID not in str(raised.value)


def test_durations_of_a_state_that_nobody_left_are_null() -> None:
    warehouse = MemoryWarehouse(jobs())
    warehouse.add([version(A), version(B), version(B, 2, state="WORK")])
    warehouse.build(START + 5 * HOUR)
    durations = warehouse.rows("select state, n, mean_seconds, p95_seconds from state_durations")
    assert durations == [
        {"state": "NEW", "n": 1, "mean_seconds": 7200.0, "p95_seconds": 7200.0},
        {"state": "WORK", "n": 0, "mean_seconds": None, "p95_seconds": None},
    ]
    require_contracts(warehouse.con, "temp", [TABLES["state_durations"]])


def test_keys_are_columns_of_their_tables() -> None:
    without = {name for name, table in TABLES.items() if not table.key}
    # One row, rows that may repeat, or levels whose columns are null where they are summed over.
    known = {"build", "funnel_breakdowns", "quarantine", "sla_attainment", "violations"}
    assert without == known
    assert all({*table.key} <= {*table.column_names} for table in TABLES.values())


def test_a_wide_table_has_the_key_of_processes() -> None:
    (lead, *_) = load_procedures(PROCEDURES_FOLDER)
    assert wide_table(lead).key == ("process_id",)
