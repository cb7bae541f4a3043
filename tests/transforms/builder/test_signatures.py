"""Tables whose inputs are those of the last build are left alone; all others are made again."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from schemas.compiled.wide_table import built_tables
from schemas.definitions.procedure import Procedures
from schemas.load import load_procedures
from tests.reference.versions import Row, Version
from tests.support.jobs import HOUR, START, A, B, jobs, version
from tests.support.strategies import TIME_ZONE, as_ofs, version_lists
from tests.support.warehouse import MemoryWarehouse, differences
from transforms.builder import signatures

PROCEDURES = load_procedures(Path(__file__).parents[3] / "schemas" / "procedures")
LATER = START + HOUR
OF_THE_RUN = {"build", "catalog", "metric_catalog", "questions"}


def kept(
    warehouse: MemoryWarehouse, as_of: int, *, procedures: Procedures | None = None
) -> set[str]:
    return {name for _, name in warehouse.build(as_of, procedures=procedures, whole=True).kept}


@pytest.fixture
def warehouse() -> MemoryWarehouse:
    made = MemoryWarehouse(jobs())
    made.add([version(A), version(A, 0.5, state="WORK"), version(B)])
    made.build(LATER, whole=True)
    return made


def test_the_same_build_makes_no_table_again(warehouse: MemoryWarehouse) -> None:
    found = kept(warehouse, LATER)
    assert {"state_transitions", "flow_daily", "hierarchy", "funnel_sums", "users"} <= found
    stored = "select count(*) from duckdb_tables() where schema_name in ('core', 'mart')"
    assert (len(found),) == warehouse.con.execute(stored).fetchone()


def test_a_later_instant_makes_those_again_that_depend_on_it(warehouse: MemoryWarehouse) -> None:
    found = kept(warehouse, LATER + 1)
    assert {"state_transitions", "variants", "rework", "handoffs", "dated_stays", "users"} <= found
    assert not {"flow_daily", "backlog_daily", "hierarchy", "sla_clocks", "open_ageing"} & found


def test_new_versions_make_those_again_that_read_them(warehouse: MemoryWarehouse) -> None:
    warehouse.add([version(B, 0.75, state="WORK")])
    found = kept(warehouse, LATER)
    assert not {"state_transitions", "variants", "flow_daily", "hierarchy"} & found
    # No procedure has changed, and no value that is tracked.
    assert "conformance" not in found
    assert warehouse.rows("select sum(n)::integer as n from state_transitions") == [{"n": 2}]


def test_new_rows_of_a_dimension_make_those_again_that_read_raw_tables(
    warehouse: MemoryWarehouse,
) -> None:
    warehouse.con.execute(
        "insert into raw.dimension_rows by name select 'users' as dimension, uuid() as id, "
        "'Ann' as name, '{}' as data, 1 as ingest_seq, 9 as batch_seq"
    )
    found = kept(warehouse, LATER)
    assert not {"users", "handoffs", "assignee_daily"} & found
    assert {"state_transitions", "variants", "dated_stays"} <= found
    assert warehouse.rows("select name from users") == [{"name": "Ann"}]


def test_a_changed_definition_makes_those_again_that_read_it(warehouse: MemoryWarehouse) -> None:
    funnel = {"name": "all", "steps": ["NEW", "DONE"]}
    found = kept(warehouse, LATER, procedures=jobs(funnels=[funnel]))
    assert not {"funnel_sums", "funnel_steps", "funnel_progress"} & found
    assert {"state_transitions", "variants", "flow_daily"} <= found


@pytest.mark.parametrize("what", ["zone", "engine", "dropped"])
def test_another_zone_engine_or_loss_of_a_table_makes_it_again(
    warehouse: MemoryWarehouse, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    if what == "engine":
        monkeypatch.setattr(signatures, "ENGINE_VERSION", "3.0.0")
    if what == "dropped":
        warehouse.con.execute("drop table memory.core.dated_stays")
    zone = TIME_ZONE if what == "zone" else "UTC"
    found = {name for _, name in warehouse.build(LATER, time_zone=zone, whole=True).kept}
    assert "dated_stays" not in found
    assert ("state_transitions" in found) == (what != "engine")


def all_tables(warehouse: MemoryWarehouse, as_of: int) -> dict[str, list[Row]]:
    warehouse.build(as_of, time_zone=TIME_ZONE, whole=True)
    names = {table.name for table in built_tables(PROCEDURES)} - OF_THE_RUN
    return {name: warehouse.rows(f"from {name}") for name in sorted(names)}


@pytest.mark.nightly
@given(
    versions=version_lists(max_processes=10, max_versions=5, with_procedure_changes=True),
    steps=st.lists(st.tuples(st.integers(0, 100), as_ofs()), min_size=2, max_size=3),
)
@settings(
    max_examples=2,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
def test_increments_and_instants_in_any_sequence_equal_a_full_build(
    versions: list[Version], steps: list[tuple[int, int]]
) -> None:
    """Every published table, after increments of any size (also none) and instants in any order."""
    in_order = sorted(versions, key=lambda version: version["ingest_seq"])
    places = sorted(share * len(in_order) // 100 for share, _ in steps)
    stepwise, new = MemoryWarehouse(PROCEDURES), MemoryWarehouse(PROCEDURES)
    found: dict[str, list[Row]] = {}
    for start, end, (_, as_of) in zip([0, *places], places, steps, strict=False):
        stepwise.add(in_order[start:end])
        found = all_tables(stepwise, as_of)
    new.add(in_order[: places[-1]])
    for name, rows in all_tables(new, steps[-1][1]).items():
        columns = rows[0] if rows else None
        assert differences(found[name], rows, columns=columns) == [], name
