"""History computed elsewhere, bucket by bucket, is that of one process."""

from __future__ import annotations

import pickle
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipelines.warehouse.cluster.exchange import (
    compute_bucket,
    computed,
    exchange_folder,
    split,
)
from schemas.load import load_procedures
from tests.reference.versions import Version
from tests.support.jobs import HOUR, START, A, B, jobs, version
from tests.support.strategies import as_ofs, call_lists, version_lists
from tests.support.warehouse import MemoryWarehouse
from transforms.builder.kernel import Elsewhere, Inputs, OtherEngine, Plan

_FOLDER = Path(__file__).parents[4] / "schemas" / "procedures"

History = dict[str, tuple[list[tuple[str, str]], list[tuple[object, ...]]]]


class OneByOne:
    """Computes buckets in any order, some of them twice, each from what a worker would get."""

    def __init__(self, folder: Path, n_buckets: int) -> None:
        self.folder, self.n_buckets = folder, n_buckets
        self.versions: dict[int, int] = {}

    @contextmanager
    def __call__(
        self, con: duckdb.DuckDBPyConnection, plan: Plan, inputs: Inputs, n_versions: int
    ) -> Iterator[Mapping[str, str]]:
        with exchange_folder(self.folder) as folder:
            split(con, inputs, folder, self.n_buckets)
            sent = pickle.dumps(plan)
            tasks = [*range(self.n_buckets), 0]
            random.Random(n_versions).shuffle(tasks)
            for bucket in tasks:
                self.versions[bucket] = compute_bucket(pickle.loads(sent), folder, bucket)
            yield computed(plan, folder, self.n_buckets)


def history(warehouse: MemoryWarehouse, as_of: int, elsewhere: Elsewhere | None = None) -> History:
    """Columns with their types and rows of all history tables."""
    builder = warehouse.build(as_of, elsewhere=elsewhere)
    found: History = {}
    for name in builder.names("history"):
        place = f'memory.history."{name}"'
        types = warehouse.con.execute(f"describe from {place}").fetchall()
        rows = warehouse.con.execute(f"from {place} order by all nulls first").fetchall()
        found[name] = [(column, kind) for column, kind, *_ in types], rows
    return found


@given(
    versions=version_lists(max_processes=6, max_versions=6),
    calls=call_lists(max_processes=6),
    as_of=as_ofs(),
    n_buckets=st.integers(1, 3),
)
@settings(
    max_examples=2,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
def test_history_computed_elsewhere_equals_that_of_one_process(
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
    assert history(divided, as_of, elsewhere) == history(here, as_of)
    assert [*tmp_path.iterdir()] == []
    assert set(elsewhere.versions) == {*range(n_buckets)}


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
    found = history(divided, as_of, OneByOne(tmp_path, 2))
    assert found == history(here, as_of)
    assert len(found["processes"][1]) == 2


def test_a_later_run_redoes_what_is_new_by_itself(tmp_path: Path) -> None:
    warehouse, here = MemoryWarehouse(jobs()), MemoryWarehouse(jobs())
    elsewhere = OneByOne(tmp_path, 2)
    as_of = START + 10 * HOUR
    warehouse.add([version(A, 0), version(B, 1)])
    history(warehouse, as_of, elsewhere)
    elsewhere.versions.clear()
    warehouse.add([version(A, 3, state="WORK")])
    here.add([version(A, 0), version(B, 1)])
    here.add([version(A, 3, state="WORK")])
    assert history(warehouse, as_of, elsewhere) == history(here, as_of)
    assert elsewhere.versions == {}


def test_a_job_that_fails_leaves_no_table_that_counts(tmp_path: Path) -> None:
    @contextmanager
    def failing(*_: object) -> Iterator[Mapping[str, str]]:
        raise RuntimeError("a worker is gone")
        yield {}

    warehouse, here = MemoryWarehouse(jobs()), MemoryWarehouse(jobs())
    for each in (warehouse, here):
        each.add([version(A, 0), version(B, 1)])
    as_of = START + 10 * HOUR
    with pytest.raises(RuntimeError, match="worker"):
        history(warehouse, as_of, failing)
    assert history(warehouse, as_of) == history(here, as_of)


def test_a_worker_with_another_engine_refuses(tmp_path: Path) -> None:
    plan = Plan("1.0.0", "", (), {}, {})
    with pytest.raises(OtherEngine, match=r"made with 1\.0\.0"):
        compute_bucket(plan, tmp_path, 0)
    assert [*tmp_path.iterdir()] == []


def test_a_bucket_that_is_missing_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    class Lost(OneByOne):
        @contextmanager
        def __call__(
            self, con: duckdb.DuckDBPyConnection, plan: Plan, inputs: Inputs, n_versions: int
        ) -> Iterator[Mapping[str, str]]:
            split(con, inputs, self.folder, 2)
            compute_bucket(plan, self.folder, 1)
            yield computed(plan, self.folder, 2)

    warehouse = MemoryWarehouse(jobs())
    warehouse.add([version(A, 0), version(B, 1)])
    with pytest.raises(FileNotFoundError, match="000000"):
        history(warehouse, START + HOUR, Lost(tmp_path, 2))
