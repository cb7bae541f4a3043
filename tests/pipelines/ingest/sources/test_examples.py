"""The shipped examples: their files, versions and funnels, counted by hand."""

import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.run import Request, open_run
from pipelines.settings import Settings
from schemas.load import load_procedures
from tests.support.builds import build
from tests.support.source_zone import EXAMPLES

# By funnel: processes that reached each step in time, of those that entered.
FUNNELS = {
    "solving": [4, 2, 1],  # C-2 was solved after 15 days, C-3 was dropped, C-5 waits
    "winning": [4, 3, 1],  # 905 was won after 113 days, 902 was lost, 904 has a bad date
    "closing": [3, 2, 1],  # the only stage of O-4 is unknown
    "delivery": [3, 2, 1],
    "shipping": [3, 1, 1],  # a misspelt state of N2 is rejected, N3 was deleted
    "activation": [3, 1],  # S3 is older than the first list; S2 was deleted
}
# By file: lines, added, accepted, duplicates, quarantined, blank.
LEDGER = {
    "audit_2026.csv": (13, 1, 12, 0, 1, 1),
    "deals_2026-05.csv": (5, 12, 13, 3, 1, 0),
    "crm/opportunity_history.tsv": (8, 2, 9, 0, 1, 0),
    "issues.ndjson": (4, 5, 8, 0, 1, 0),
    "webhooks/january.ndjson": (5, 3, 6, 0, 1, 1),
    "subscriptions_2026-01-05.csv": (3, 0, 3, 0, 0, 0),
    "subscriptions_2026-01-06.csv": (4, 0, 2, 2, 0, 0),
    "subscriptions_2026-01-07.csv": (3, 1, 2, 2, 0, 0),
}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    settings = Settings(
        data=folder / "data", landing=folder / "landing", procedures=folder / "procedures"
    )
    for shape in sorted(EXAMPLES.iterdir()):
        shutil.copytree(shape / "landing", settings.landing, dirs_exist_ok=True)
        shutil.copytree(
            shape,
            settings.procedures,
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns("landing"),
        )
    with open_run(settings, Request(), purpose="a test") as run:
        run.ingest()
        build(run)
        return run.publish().path


def rows(database: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(database, read_only=True) as con:
        return con.execute(query).fetchall()


def test_every_example_stands_alone() -> None:
    for shape in EXAMPLES.iterdir():
        procedures = load_procedures(shape)
        assert [source.shape for source in procedures.file_sources] == [shape.name]


@pytest.mark.parametrize("funnel", FUNNELS)
def test_the_funnel_of_an_example(database: Path, funnel: str) -> None:
    query = f"""
        select processes from funnel_steps
        where funnel = '{funnel}' and mode = 'ordered' order by step_no
    """
    assert [n for (n,) in rows(database, query)] == FUNNELS[funnel]


def test_the_ledger_accounts_for_every_row(database: Path) -> None:
    query = """
        select file_name, lines, added, accepted, duplicates, quarantined, blank from ingest_files
    """
    found = {name: counts for name, *counts in rows(database, query)}
    assert found == {name: [*counts] for name, counts in LEDGER.items()}
    assert all(a + b == c + d + e + f for a, b, c, d, e, f in LEDGER.values())


def test_rejected_rows_keep_their_place_and_text(database: Path) -> None:
    query = """
        select f.file_name, q.line, q.rules, q.raw_text
        from raw.quarantine as q inner join raw.ingest_files as f using (file_seq)
        order by f.file_name
    """
    found = rows(database.parents[1] / "warehouse.duckdb", query)
    assert found == [
        (
            "audit_2026.csv",
            13,
            ["core:created_at:required", "core:updated_at:type"],
            "C-4;31.02.2026 08:00;created;;",
        ),
        (
            "crm/opportunity_history.tsv",
            9,
            ["core:state_key:isin"],
            "O-4\tDiscovery\t01/08/2026 10:00 AM\t005B\tSam Roy\t900",
        ),
        (
            "deals_2026-05.csv",
            5,
            ["core:updated_at:type"],
            "904;Ana Ruiz;3.000;08.01.2026;08.01.2026;40.01.2026;;;09.01.2026",
        ),
        ("issues.ndjson", 4, ["file:json:parse"], '{"key": "APP-4", "fields": {"created"'),
        (
            "webhooks/january.ndjson",
            2,
            ["core:state_key:isin"],
            '{"number":"N2","state":"PAYD","created":1767607200}',
        ),
    ]


def test_values_come_through(database: Path) -> None:
    query = "select total::varchar from shop_order_processes where number = 'N2'"
    assert rows(database, query) == [("1234567890123456.250000000",)]
    query = "select amount::varchar from deal_processes where deal_id = '901'"
    assert rows(database, query) == [("12500.500000000",)]
    query = "select name from users order by name"
    people = database.parents[1] / "people.duckdb"
    names = [name for (name,) in rows(people, query)]
    assert names == ["Ada", "Ana Ruiz", "Bo", "Jörg Müller", "Kim Lee", "Sam Roy", "anna"]


def test_a_change_in_a_log_is_followed(database: Path) -> None:
    query = """
        select old_value, new_value, changed_at::varchar from attribute_changes
        where procedure in ('issue', 'support_case') order by changed_at
    """
    found = rows(database, query)
    assert found == [
        ("Low", "High", "2026-01-06 09:00:00"),
        ("2", "1", "2026-01-06 11:30:00"),
    ]


def test_a_missing_process_is_deleted(database: Path) -> None:
    query = "select number, outcome, deleted_at::varchar from subscription_processes order by 1"
    assert rows(database, query) == [
        ("S1", "open", None),
        ("S2", "deleted", "2026-01-07 00:00:00"),
        ("S3", "open", None),
        ("S4", "open", None),
    ]
