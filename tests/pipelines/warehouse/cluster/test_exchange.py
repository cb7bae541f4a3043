"""Tables computed elsewhere, bucket by bucket, are those of one process."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipelines.warehouse.cluster.exchange import Exchange, compute_bucket, exchange_folder
from schemas.load import load_procedures
from tests.reference.versions import Version
from tests.support.all_jobs import IDS, all_jobs, family_of_jobs
from tests.support.jobs import HOUR, LATER, START, A, B, jobs, version
from tests.support.strategies import as_ofs, call_lists, version_lists
from tests.support.warehouse import MemoryWarehouse
from transforms.builder.kernel import Computing, Elsewhere, OtherEngine, Plan
from transforms.builder.tables import Key

_FOLDER = Path(__file__).parents[4] / "schemas" / "procedures"

Content = tuple[list[tuple[str, str]], list[tuple[object, ...]]]
Tables = dict[str, Content]
_LOCAL: tuple[Key, ...] = (
    ("step", "dated_stays"),
    ("step", "outcome_groups"),
    ("core", "process_durations"),
    ("core", "process_outcomes"),
    ("core", "sla_segments"),
    ("core", "sla_clocks"),
    ("mart", "funnel_progress"),
    ("mart", "funnel_values_at_entry"),
)


class OneByOne:
    """Computes buckets in any order, some of them twice, each from what a worker would get."""

    def __init__(self, folder: Path, n_buckets: int) -> None:
        self.folder, self.n_buckets = folder, n_buckets
        self.computed: list[tuple[str, int]] = []

    @contextmanager
    def __call__(self, con: duckdb.DuckDBPyConnection, n_versions: int) -> Iterator[Computing]:
        with exchange_folder(self.folder) as folder:
            yield Exchange(con, folder, self.n_buckets, self.run)

    def run(self, task: Callable[[int], int], what: str) -> None:
        sent = pickle.dumps(task)
        tasks = [*range(self.n_buckets), 0]
        random.shuffle(tasks)
        for bucket in tasks:
            pickle.loads(sent)(bucket)
            self.computed.append((what, bucket))


def computed(warehouse: MemoryWarehouse, as_of: int, elsewhere: Elsewhere | None = None) -> Tables:
    """Columns with their types and rows of what may be computed elsewhere."""
    builder = warehouse.build(as_of, elsewhere=elsewhere)
    found: Tables = {}
    for name in builder.names("history"):
        found[f"history.{name}"] = content(warehouse, f'memory.history."{name}"')
    for layer, name in _LOCAL:
        builder.build(layer, name)
        found[f"{layer}.{name}"] = content(warehouse, f'"{name}"')
    return found


def content(warehouse: MemoryWarehouse, table: str) -> Content:
    types = warehouse.con.execute(f"describe {table}").fetchall()
    rows = warehouse.con.execute(f"from {table} order by all nulls first").fetchall()
    return [(column, kind) for column, kind, *_ in types], rows


class TwoProcesses(OneByOne):
    """Computes buckets in two other processes."""

    @contextmanager
    def __call__(self, con: duckdb.DuckDBPyConnection, n_versions: int) -> Iterator[Computing]:
        with (
            ProcessPoolExecutor(2, mp_context=get_context("spawn")) as self.pool,
            super().__call__(con, n_versions) as computing,
        ):
            yield computing

    def run(self, task: Callable[[int], int], what: str) -> None:
        assert sum(self.pool.map(task, range(self.n_buckets))) > 0
        self.computed += [(what, bucket) for bucket in range(self.n_buckets)]


def test_two_processes_compute_the_tables_of_one(tmp_path: Path) -> None:
    here, divided = MemoryWarehouse(all_jobs()), MemoryWarehouse(all_jobs())
    elsewhere = TwoProcesses(tmp_path, 2)
    for warehouse in (here, divided):
        warehouse.add(family_of_jobs())
    assert computed(divided, LATER, elsewhere) == computed(here, LATER)
    assert elsewhere.computed == [("history", 0), ("history", 1), ("tables", 0), ("tables", 1)]
    # What is new later is done by the run itself.
    for warehouse in (here, divided):
        warehouse.add([version(IDS[0], 5, state="WORK")])
    assert computed(divided, LATER + HOUR, elsewhere) == computed(here, LATER + HOUR)
    assert len(elsewhere.computed) == 4
    assert [*tmp_path.iterdir()] == []


@pytest.mark.nightly
@given(
    versions=version_lists(max_processes=6, max_versions=6),
    calls=call_lists(max_processes=6),
    as_of=as_ofs(),
    n_buckets=st.integers(1, 4),
)
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
def test_tables_computed_elsewhere_are_those_of_one_process(
    tmp_path: Path,
    versions: list[Version],
    calls: list[dict[str, Any]],
    as_of: int,
    n_buckets: int,
) -> None:
    procedures = load_procedures(_FOLDER)
    here, divided = MemoryWarehouse(procedures), MemoryWarehouse(procedures)
    for warehouse in (here, divided):
        warehouse.add(sorted(versions, key=lambda version: version["ingest_seq"]))
        warehouse.add_activities("calls", calls)
    elsewhere = OneByOne(tmp_path, n_buckets)
    assert computed(divided, as_of, elsewhere) == computed(here, as_of)
    assert [*tmp_path.iterdir()] == []
    assert {*elsewhere.computed} == {
        (what, bucket) for what in ("history", "tables") for bucket in range(n_buckets)
    }


def test_erased_versions_are_compared_without_their_key(tmp_path: Path) -> None:
    here, divided = MemoryWarehouse(jobs()), MemoryWarehouse(jobs())
    for warehouse in (here, divided):
        warehouse.add([version(A, 0), version(A, 1), version(B, 2)])
        warehouse.con.execute("set variable erasure_key = 'k'")
        warehouse.con.execute(
            "update raw.process_versions set is_erased = true, "
            "data_hash = keyed_fingerprint('k', data_hash) where updated_at = epoch_ms($at)",
            {"at": START},
        )
    as_of = START + 10 * HOUR
    found = computed(divided, as_of, OneByOne(tmp_path, 1))
    assert found == computed(here, as_of)
    assert len(found["history.processes"][1]) == 2


def test_a_job_that_fails_leaves_no_table_that_counts(tmp_path: Path) -> None:
    @contextmanager
    def failing(*_: object) -> Iterator[Computing]:
        raise RuntimeError("a worker is gone")
        yield lambda *_: {}

    warehouse = MemoryWarehouse(jobs())
    warehouse.add([version(A, 0), version(B, 1)])
    con = warehouse.con
    with pytest.raises(RuntimeError, match="worker"):
        warehouse.build(START + 10 * HOUR, elsewhere=failing)
    assert con.execute("from history.watermarks").fetchall() == []


def test_a_worker_with_another_engine_refuses(tmp_path: Path) -> None:
    plan = Plan("history", "1.0.0", "", (), {}, (), {})
    with pytest.raises(OtherEngine, match=r"made with 1\.0\.0"):
        compute_bucket(plan, tmp_path, 0)
    assert [*tmp_path.iterdir()] == []


def test_a_bucket_that_is_missing_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    class Lost(OneByOne):
        def run(self, task: Callable[[int], int], what: str) -> None:
            task(1)

    warehouse = MemoryWarehouse(jobs())
    warehouse.add([version(A, 0), version(B, 1)])
    with pytest.raises(FileNotFoundError, match="bucket=0"):
        warehouse.build(START + HOUR, elsewhere=Lost(tmp_path, 2))
