"""A whole run over simulated files gives what the plain-Python reference makes of their versions."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.run import Request, open_run
from pipelines.settings import PROCEDURES_FOLDER, Settings
from pipelines.simulator import simulate
from schemas.load import load_procedures
from schemas.records.limits import LINES_PER_FILE
from tests.reference.definitions import read_procedures
from tests.reference.tables import expected_tables
from tests.reference.versions import Row, Version
from tests.support.builds import build
from tests.support.warehouse import differences, plain

END = datetime(2026, 3, 1, tzinfo=UTC)
AS_OF = datetime(2026, 2, 10, 12, tzinfo=UTC)
TIME_ZONE = "America/New_York"
PROCEDURES = load_procedures(PROCEDURES_FOLDER)
_NAMES = {
    "pod_id": "belongs_to",
    "entity_id": "entity",
    "record_id": "record",
    "primary_booking_id": "primary_booking",
    "parent_process_id": "parent_process",
}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Version]]:
    folder = tmp_path_factory.mktemp("simulated")
    simulate(folder / "landing", versions=1_000, seed=5, end=END)
    settings = Settings(data=folder, landing=folder / "landing", time_zone=TIME_ZONE)
    with open_run(settings, Request(as_of=AS_OF), purpose="a test") as run:
        run.ingest()
        build(run)
        path = run.publish().path
        versions = [version(row) for row in rows(run.con, "from raw.process_versions")]
    return path, versions


@pytest.mark.nightly
def test_published_tables_equal_the_reference(published: tuple[Path, list[Version]]) -> None:
    path, versions = published
    files = [PROCEDURES_FOLDER / f"{name}.yaml" for name in ("lead", "ticket")]
    as_of = round(AS_OF.timestamp() * 1000)
    expected = expected_tables(
        versions, read_procedures(*files), as_of=as_of, time_zone=TIME_ZONE, with_curves=False
    )
    with duckdb.connect(path, read_only=True) as con:
        for name, table in expected.items():
            columns = table[0] if table else ("process_id",)  # no row: none is expected
            assert differences(rows(con, f"from {name}"), table, columns=columns) == [], name


@pytest.mark.nightly
def test_visits_add_up_to_the_life_span(published: tuple[Path, list[Version]]) -> None:
    query = """
        with spans as (
            select p.process_id, epoch_ms(b.as_of) - epoch_ms(least(created_at, first_seen_at)) as ms
            from processes as p, build as b
        ), visits as (
            select process_id, sum(round(seconds * 1000)::bigint) as ms from state_visits group by all
        )
        select count(*), count(*) filter (v.ms <> s.ms), count(*) filter (v.ms > s.ms)
        from spans as s inner join visits as v using (process_id)
    """
    with duckdb.connect(published[0], read_only=True) as con:
        processes, shorter, longer = con.execute(query).fetchall()[0]
        gaps = "select count(*) from processes where deleted_at is not null"
        deleted = con.execute(gaps).fetchall()[0][0]
    assert processes > 100
    assert longer == 0
    # Only processes that were deleted at some time have visits that do not fill their life.
    assert deleted <= shorter < processes / 10


def rows(con: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    result = con.execute(query)
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, map(plain, row), strict=True)) for row in result.fetchall()]


def version(row: Row) -> Version:
    """A stored version as the reference takes it."""
    procedure = PROCEDURES.by_id[row["procedure_id"]]
    (state,) = [s.short_id for s in procedure.states if s.id == row["state_id"]]
    short_ids = {attribute.id: attribute.short_id for attribute in procedure.attributes}
    data: dict[str, Any] = json.loads(row["data"])
    return {_NAMES.get(name, name): value for name, value in row.items()} | {
        "procedure": procedure.short_id,
        "state": state,
        "data": {
            short_ids.get(key, key): value for key, value in data.items() if value is not None
        },
        "ingest_seq": divmod(row["ingest_seq"], LINES_PER_FILE),
    }
