"""Every table of history and every mart equals the plain-Python reference, row for row."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from schemas.definitions.procedure import Procedures
from schemas.load import load_procedures
from tests.reference.tables import expected_tables
from tests.reference.versions import Row, Version
from tests.support.flow_rows import with_attributes_only
from tests.support.strategies import PROCEDURES, TIME_ZONE, as_ofs, version_lists
from tests.support.warehouse import MemoryWarehouse, differences

_FOLDER = Path(__file__).parents[2] / "schemas" / "procedures"
_TRANSFORMS = Path(__file__).parents[2] / "transforms"
_PER_RUN = settings(
    # A build takes a second however few its processes are: few examples, of many processes each.
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    # Shrinking a history takes minutes; an example as it was found says enough.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


@pytest.fixture(scope="module")
def procedures() -> Procedures:
    return load_procedures(_FOLDER)


def expected(versions: list[Version], as_of: int) -> dict[str, list[Row]]:
    return expected_tables(versions, PROCEDURES, as_of=as_of, time_zone=TIME_ZONE)


def assert_tables_equal(warehouse: MemoryWarehouse, tables: dict[str, list[Row]]) -> None:
    for name, rows in tables.items():
        found = warehouse.rows(f"from {name}")
        columns = rows[0] if rows else found[0] if found else None
        assert differences(found, rows, columns=columns) == [], name


def test_marts_without_a_reference_are_few() -> None:
    marts = {path.stem for path in (_TRANSFORMS / "marts").glob("*.sql")}
    # These are tested on their own.
    assert marts - expected([], 0).keys() == {
        "conversion_drivers",
        "data_quality",
        "derived_drift",
        "erasures",
        "funnel_breakdowns",
        "funnel_values_at_entry",
        "ingest_files",
        "outcome_curve_tests",
        "outcome_curves_by",
    }


@given(versions=version_lists(max_processes=10, max_versions=6), as_of=as_ofs())
@_PER_RUN
def test_tables_equal_reference(
    procedures: Procedures, versions: list[Version], as_of: int
) -> None:
    warehouse = MemoryWarehouse(procedures)
    warehouse.add(versions)
    warehouse.build(as_of, time_zone=TIME_ZONE, whole=True)
    assert_tables_equal(warehouse, expected(versions, as_of))


@pytest.mark.nightly
@given(
    versions=version_lists(max_processes=30, max_versions=6, with_procedure_changes=True),
    cut=st.integers(0, 100),
    as_of=as_ofs(),
)
@_PER_RUN
def test_tables_equal_reference_where_procedures_change(
    versions: list[Version], cut: int, as_of: int
) -> None:
    """In one build, and in two with the later files last; without funnels, SLAs and calendars."""
    in_order = sorted(versions, key=lambda version: version["ingest_seq"])
    at_once, in_two = (MemoryWarehouse(with_attributes_only()) for _ in range(2))
    at_once.add(in_order)
    in_two.add(in_order[: cut % (len(in_order) + 1)])
    in_two.build(as_of, time_zone=TIME_ZONE, whole=True)
    in_two.add(in_order[cut % (len(in_order) + 1) :])
    nothing = {"funnels": [], "slas": [], "durations": [], "calendar": None}
    nothing |= {"names": [None, None], "link": None}
    bare = {name: definition | nothing for name, definition in PROCEDURES.items()}
    tables = expected_tables(versions, bare, as_of=as_of, time_zone=TIME_ZONE, with_curves=False)
    for warehouse in (at_once, in_two):
        warehouse.build(as_of, time_zone=TIME_ZONE, whole=True)
        assert_tables_equal(warehouse, tables)


@pytest.mark.nightly
@given(
    versions=version_lists(max_processes=12, max_versions=6),
    cuts=st.lists(st.integers(0, 100), min_size=1, max_size=3),
    as_of=as_ofs(),
)
@_PER_RUN
def test_batches_give_what_one_build_gives(
    procedures: Procedures, versions: list[Version], cuts: list[int], as_of: int
) -> None:
    """Files in ingest order over several runs, built after each, first as at earlier instants."""
    in_order = sorted(versions, key=lambda version: version["ingest_seq"])
    places = sorted(cut % (len(in_order) + 1) for cut in cuts)
    warehouse = MemoryWarehouse(procedures)
    for start, end in zip([0, *places], [*places, len(in_order)], strict=True):
        warehouse.add(in_order[start:end])
        latest = max((version["updated_at"] for version in in_order[:end]), default=0)
        warehouse.build(min(as_of, latest), time_zone=TIME_ZONE, whole=True)
    warehouse.build(as_of, time_zone=TIME_ZONE, whole=True)
    assert_tables_equal(warehouse, expected(versions, as_of))


@pytest.mark.nightly
@given(versions=version_lists(max_processes=12, max_versions=6), as_of=as_ofs())
@_PER_RUN
def test_as_of_equals_a_build_from_what_was_there(
    procedures: Procedures, versions: list[Version], as_of: int
) -> None:
    """Versions after the instant leave no trace."""
    everything, until_then = MemoryWarehouse(procedures), MemoryWarehouse(procedures)
    everything.add(versions)
    until_then.add(version for version in versions if version["updated_at"] <= as_of)
    for warehouse in (everything, until_then):
        warehouse.build(as_of, time_zone=TIME_ZONE, whole=True)
    for name in expected([], as_of):
        found = everything.rows(f"from {name}")
        then = until_then.rows(f"from {name}")
        assert differences(found, then, columns=found[0] if found else None) == [], name


@pytest.mark.nightly
@given(
    versions=version_lists(max_processes=12, max_versions=6),
    order=st.randoms(use_true_random=False),
    as_of=as_ofs(),
)
@_PER_RUN
def test_the_order_of_files_does_not_matter_where_times_differ(
    procedures: Procedures, versions: list[Version], order: Random, as_of: int
) -> None:
    apart = list({(v["process_id"], v["updated_at"]): v for v in versions}.values())
    shuffled = [dict(version) for version in apart]
    order.shuffle(shuffled)
    for line, version in enumerate(shuffled, start=1):
        version["ingest_seq"] = (1, line)
    warehouse = MemoryWarehouse(procedures)
    warehouse.add(shuffled)
    warehouse.build(as_of, time_zone=TIME_ZONE, whole=True)
    assert_tables_equal(warehouse, expected(apart, as_of))
