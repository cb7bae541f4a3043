"""The tables that are declared local to a process: any part of the processes gives their rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.reference.versions import Version
from tests.support.all_jobs import IDS, all_jobs, family_of_jobs
from tests.support.jobs import HOUR, LATER, version
from tests.support.warehouse import MemoryWarehouse
from transforms.builder import local
from transforms.builder.kernel import compute, open_worker, rows_of_bucket, take_in
from transforms.builder.local import is_local, local_and_given, plan_local
from transforms.builder.tables import Key, Table, load_tables

Content = tuple[list[tuple[str, str]], list[tuple[object, ...]]]

_HIERARCHY: Key = ("core", "hierarchy")
# Tables with rows of processes that are sums or look across processes, and why.
_ACROSS = {
    ("core", "hierarchy"): "children and roots are other processes",
    ("core", "violations"): "keys are compared with those of all processes",
    ("core", "quarantine"): "lines that are not versions of a process",
    ("step", "job_derived"): "rollups are sums over children",
    ("step", "derived_comparisons"): "those of all procedures, for violations",
    ("step", "primary_keys"): "those of all procedures, for violations",
    ("step", "record_failures"): "those of all procedures, for violations",
    ("mart", "sla_due"): "follows from sla_clocks, and is small",
    ("mart", "stalled_processes"): "compared with the stays of all processes",
}


@st.composite
def histories(draw: st.DrawFn) -> list[Version]:
    """Versions of up to six jobs, which may be parts of one another."""
    versions: list[Version] = []
    for place, process_id in enumerate(IDS[: draw(st.integers(1, 6))]):
        for n in range(draw(st.integers(1, 3))):
            status = draw(st.sampled_from(("OPEN", "OPEN", "COMPLETED", "CANCELLED")))
            found = version(
                process_id,
                hours=draw(st.integers(0, 40)) + n / 10,
                state=draw(st.sampled_from(("NEW", "WORK", "DONE"))),
                status=status,
                is_deleted=draw(st.sampled_from((False, False, True))),
                assigned_to=draw(st.sampled_from((None, *IDS[:2]))),
                next_action_at=draw(st.sampled_from((None, LATER - HOUR, LATER + HOUR))),
                parent_process=draw(st.sampled_from((None, *IDS))),
                data={"colour": draw(st.sampled_from(("red", "blue", None)))},
            )
            versions.append(found | {"ingest_seq": (1, 10 * place + n + 1)})
    return versions


def filled(versions: Iterable[Version], *, is_whole: bool = False) -> MemoryWarehouse:
    """A warehouse with these versions, a call and a task, and the local tables, or all."""
    warehouse = MemoryWarehouse(all_jobs())
    warehouse.add_file("jobs.ndjson")
    warehouse.add(versions)
    call = {"id": IDS[5], "process": IDS[0], "updatedAt": LATER - HOUR, "direction": "INBOUND"}
    warehouse.add_activities("calls", [call])
    warehouse.add_activities("tasks", [{**call, "status": "OPEN"}])
    builder = warehouse.build(LATER)
    if is_whole:
        builder.build_all()
    for key in wanted(load_tables(all_jobs()).values()):
        builder.build(*key)
    return warehouse


def wanted(tables: Iterable[Table]) -> list[Key]:
    return [table.key for table in tables if is_local(table)]


def whole(warehouse: MemoryWarehouse, keys: Iterable[Key]) -> dict[Key, Content]:
    """Columns with their types and rows of tables as the build has them."""
    return {key: content(warehouse, f'from "{key[1]}"') for key in keys}


def by_buckets(
    warehouse: MemoryWarehouse, keys: Sequence[Key], order: Sequence[int]
) -> dict[Key, Content]:
    """The same computed by a worker that gets one bucket of processes after the other."""
    plan, inputs = plan_local(warehouse.con, load_tables(all_jobs()), keys)
    assert {*plan.inputs} == {*inputs}
    worker = open_worker(plan, {"threads": 1})
    found: dict[Key, Any] = {}
    for bucket in order:
        for name, query in inputs.items():
            rows = f"select * from ({query}) where bucket_of(process_id, {len(order)}) = {bucket}"
            worker.register(f"sent_{name}", warehouse.con.sql(rows).to_arrow_table())
        take_in(worker, plan, {name: f'from "sent_{name}"' for name in inputs})
        compute(worker, plan.tables)
        for table in plan.stored:
            rows = f"from {rows_of_bucket(table.name)}"
            key = next(key for key in keys if key[1] == table.name)
            columns = [(c, kind) for c, kind, *_ in worker.execute(f"describe {rows}").fetchall()]
            before = found.setdefault(key, (columns, []))
            assert before[0] == columns
            before[1].extend(worker.execute(rows).fetchall())
    worker.close()
    return {key: (columns, sorted(rows, key=repr)) for key, (columns, rows) in found.items()}


def content(warehouse: MemoryWarehouse, query: str) -> Content:
    types = warehouse.con.execute(f"describe {query}").fetchall()
    rows = sorted(warehouse.con.execute(query).fetchall(), key=repr)
    return [(column, kind) for column, kind, *_ in types], rows


@given(versions=histories(), order=st.integers(1, 4).flatmap(lambda n: st.permutations(range(n))))
@settings(
    max_examples=2,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate],
)
def test_local_tables_are_the_same_by_any_buckets(
    versions: list[Version], order: list[int]
) -> None:
    warehouse = filled(versions)
    keys = wanted(load_tables(all_jobs()).values())
    assert by_buckets(warehouse, keys, order) == whole(warehouse, keys)


@pytest.fixture(scope="module")
def family() -> MemoryWarehouse:
    """Rows in every table, in two buckets."""
    return filled(family_of_jobs(), is_whole=True)


def test_every_local_table_has_rows_in_the_test(family: MemoryWarehouse) -> None:
    keys = wanted(load_tables(all_jobs()).values())
    found = whole(family, keys)
    assert by_buckets(family, keys, (1, 0)) == found
    # It takes a second procedure to have one of these.
    assert [key for key, (_, rows) in found.items() if not rows] == [("core", "procedure_changes")]


def test_a_table_that_is_declared_local_and_is_not_differs(
    family: MemoryWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "PROCESS_LOCAL", local.PROCESS_LOCAL | {_HIERARCHY})
    assert by_buckets(family, [_HIERARCHY], (0, 1)) != whole(family, [_HIERARCHY])
    assert by_buckets(family, [_HIERARCHY], (0,)) == whole(family, [_HIERARCHY])


def test_every_table_of_processes_is_declared(family: MemoryWarehouse) -> None:
    found = [
        table
        for key, table in load_tables(all_jobs()).items()
        if key[0] != "history"
        and "process_id" in {column for column, _ in content(family, f'from "{key[1]}"')[0]}
    ]
    assert {t.key for t in found if not is_local(t)} == _ACROSS.keys()
    assert {t.key for t in load_tables(all_jobs()).values() if is_local(t)} <= {
        t.key for t in found
    }


def test_what_is_given_is_not_local(family: MemoryWarehouse) -> None:
    tables = load_tables(all_jobs())
    _, given = local_and_given(tables, [("core", "process_lifecycle")])
    assert _HIERARCHY in given
    assert not any(is_local(tables[key]) for key in given)
