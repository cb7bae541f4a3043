"""History as at an instant that moves forward and back, and what makes a table stale."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from schemas.definitions.procedure import Procedures
from schemas.definitions.sla import Sla
from schemas.load import load_procedures
from tests.reference.versions import Version
from tests.support.jobs import HOUR, START, A, B, jobs, version
from tests.support.strategies import as_ofs, call_lists, task_lists, version_lists
from tests.support.warehouse import MemoryWarehouse
from transforms.builder import fingerprints, refresh
from transforms.builder.bindings import Bindings
from transforms.builder.builder import Builder
from transforms.builder.instants import latest_as_of
from transforms.config.tables import config_frames, write_config
from transforms.macros.load import MACROS

_FOLDER = Path(__file__).parents[3] / "schemas" / "procedures"
_EPOCH = datetime(1970, 1, 1)

History = dict[str, list[tuple[object, ...]]]


@pytest.fixture(scope="module")
def procedures() -> Procedures:
    return load_procedures(_FOLDER)


def builder_as_at(warehouse: MemoryWarehouse, procedures: Procedures, as_of: int) -> Builder:
    frames = config_frames(list(procedures), [], calendars=procedures.calendars)
    write_config(warehouse.con, frames)
    instant = _EPOCH + timedelta(milliseconds=as_of)
    return Builder(
        warehouse.con, procedures, frames, as_of=instant, time_zone="UTC", catalog="memory"
    )


def history(warehouse: MemoryWarehouse, procedures: Procedures, as_of: int) -> History:
    """All history tables, refreshed as at `as_of`; no core table or mart is built."""
    builder = builder_as_at(warehouse, procedures, as_of)
    for name in builder.names("history"):
        builder.refresh_history(name)
    return {
        name: warehouse.con.execute(
            f'from memory.history."{name}" order by all nulls first'
        ).fetchall()
        for name in builder.names("history")
    }


def land(warehouse: MemoryWarehouse, versions: Any, tasks: Any, calls: Any) -> None:
    warehouse.add(versions)
    warehouse.add_activities("tasks", tasks)
    warehouse.add_activities("calls", calls)


def with_clocks_of_activities(procedures: Procedures) -> Procedures:
    """Each procedure with policies that start and stop on calls and tasks."""
    slas = (
        {"name": "call", "start": "created", "stop": "first_call", "target": "4h"},
        {"name": "talk", "start": "first_call", "stop": ["connected_call", "closed"]}
        | {"target": "1d"},
        {"name": "task", "start": ["created", "connected_call"], "stop": "task_completed"}
        | {"target": "2d"},
    )
    policies = tuple(Sla.model_validate(sla) for sla in slas)
    changed = (p.model_copy(update={"slas": (*p.slas, *policies)}) for p in procedures)
    return Procedures(tuple(changed), procedures.sources, procedures.calendars)


def modes(warehouse: MemoryWarehouse, procedures: Procedures) -> dict[str, str]:
    return modes_as_at(warehouse, procedures, START + 1000 * HOUR)


def modes_as_at(warehouse: MemoryWarehouse, procedures: Procedures, as_of: int) -> dict[str, str]:
    builder = builder_as_at(warehouse, procedures, as_of)
    return {name: builder.refresh_history(name).mode for name in builder.names("history")}


def test_a_version_from_before_a_step_back_of_the_clock_is_not_lost() -> None:
    warehouse = MemoryWarehouse(jobs())
    warehouse.add([version(A, 0)])
    noon = START + 12 * HOUR
    history(warehouse, jobs(), noon)
    warehouse.add([version(A, 11.5, state="WORK")])
    states = "select state from memory.history.processes where process_id = $a"
    for as_of, state in ((noon - HOUR, "NEW"), (noon + HOUR, "WORK")):
        history(warehouse, jobs(), as_of)
        assert warehouse.con.execute(states, {"a": A}).fetchall() == [(state,)]


def test_versions_after_the_instant_are_taken_out_again() -> None:
    warehouse = MemoryWarehouse(jobs())
    warehouse.add([version(A, 0), version(A, 5, state="WORK"), version(B, 6)])
    history(warehouse, jobs(), START + 10 * HOUR)
    found = history(warehouse, jobs(), START + 4 * HOUR)
    assert [len(found[name]) for name in ("processes", "state_visits")] == [1, 1]
    (mark,) = warehouse.con.execute(
        "select distinct as_of from memory.history.watermarks"
    ).fetchall()
    assert mark == (_EPOCH + timedelta(milliseconds=START + 4 * HOUR),)


@given(
    versions=version_lists(max_processes=6, max_versions=6),
    tasks=task_lists(max_processes=6),
    calls=call_lists(max_processes=6),
    steps=st.lists(st.tuples(st.integers(0, 100), as_ofs()), min_size=2, max_size=4),
)
@settings(
    max_examples=2,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
def test_landing_and_instants_in_any_sequence_equal_a_new_build(
    procedures: Procedures,
    versions: list[Version],
    tasks: list[dict[str, Any]],
    calls: list[dict[str, Any]],
    steps: list[tuple[int, int]],
) -> None:
    """Of each kind some come first, and some alone, whatever they are about."""
    in_order = sorted(versions, key=lambda version: version["ingest_seq"])
    procedures = with_clocks_of_activities(procedures)
    stepwise, new = MemoryWarehouse(procedures), MemoryWarehouse(procedures)
    found: History = {}
    ends = [0, 0, 0]
    kinds: tuple[list[Any], ...] = (in_order, tasks, calls)
    for step, (share, as_of) in enumerate(steps):
        before = [*ends]
        for kind in {step % 3, (step + share) % 3}:
            ends[kind] = max(ends[kind], share * len(kinds[kind]) // 100)
        land(stepwise, *(each[a:b] for each, a, b in zip(kinds, before, ends, strict=True)))
        found = history(stepwise, procedures, as_of)
    land(new, *(each[:end] for each, end in zip(kinds, ends, strict=True)))
    assert found == history(new, procedures, steps[-1][1])


@given(
    versions=version_lists(max_processes=6, max_versions=6),
    calls=call_lists(max_processes=6),
    as_of=as_ofs(),
    bucket_versions=st.integers(5, 15),
)
@settings(
    max_examples=2,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
def test_history_by_buckets_of_processes_equals_that_of_all(
    procedures: Procedures,
    versions: list[Version],
    calls: list[dict[str, Any]],
    as_of: int,
    bucket_versions: int,
) -> None:
    in_order = sorted(versions, key=lambda version: version["ingest_seq"])
    whole, divided = MemoryWarehouse(procedures), MemoryWarehouse(procedures)
    land(whole, in_order, [], calls)
    land(divided, in_order, [], calls)
    expected = history(whole, procedures, as_of)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(refresh, "BUCKET_VERSIONS", bucket_versions)
        assert history(divided, procedures, as_of) == expected
        # Those in use again are not made again.
        assert {*modes_as_at(divided, procedures, as_of).values()} == {"current"}


def test_a_build_by_buckets_that_failed_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = [version(A, 0), version(A, 5, state="WORK"), version(B, 6), version(B, 7)]
    warehouse, whole = MemoryWarehouse(jobs()), MemoryWarehouse(jobs())
    warehouse.add(versions)
    whole.add(versions)
    as_of = START + 10 * HOUR
    monkeypatch.setattr(refresh, "BUCKET_VERSIONS", 2)
    bind = Bindings.bind_bucket
    for failing in (0, 1):

        def fail(self: Bindings, bucket: int, failing: int = failing) -> None:
            if bucket == failing:
                raise RuntimeError("out of memory")
            bind(self, bucket)

        with monkeypatch.context() as patch:
            patch.setattr(Bindings, "bind_bucket", fail)
            with pytest.raises(RuntimeError, match="memory"):
                history(warehouse, jobs(), as_of)
    assert {*modes_as_at(warehouse, jobs(), as_of).values()} == {"full"}
    found = history(warehouse, jobs(), as_of)
    monkeypatch.undo()
    assert found == history(whole, jobs(), as_of)


def test_tables_that_are_not_stale_are_brought_up_before_a_build_by_buckets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    versions = [version(A, 0), version(A, 5, state="WORK"), version(B, 6), version(B, 7)]
    warehouse, whole = MemoryWarehouse(jobs()), MemoryWarehouse(jobs())
    warehouse.add(versions[:2])
    whole.add(versions)
    as_of = START + 10 * HOUR
    history(warehouse, jobs(), as_of)
    warehouse.add(versions[2:])
    warehouse.con.execute(
        "update memory.history.watermarks set fingerprint = 'old' where table_name = 'open_stays'"
    )
    monkeypatch.setattr(refresh, "BUCKET_VERSIONS", 1)
    found = modes_as_at(warehouse, jobs(), as_of)
    assert (found["open_stays"], found["state_visits"]) == ("full", "incremental")
    assert history(warehouse, jobs(), as_of) == history(whole, jobs(), as_of)


def test_the_latest_instant_is_known_after_the_first_build() -> None:
    warehouse = MemoryWarehouse(jobs())
    assert latest_as_of(warehouse.con, "memory") is None
    warehouse.add([version(A, 0)])
    history(warehouse, jobs(), START)
    assert latest_as_of(warehouse.con, "memory") == _EPOCH + timedelta(milliseconds=START)


def test_a_changed_macro_rebuilds_the_tables_that_call_it(monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = MemoryWarehouse(jobs())
    warehouse.add([version(A, 0, data={"size": 4})])
    modes(warehouse, jobs())
    before, after = "then try_cast(trim(j, '\"') as bigint)", "then -1"
    assert MACROS.count(before) == 1
    changed = MACROS.replace(before, after)
    monkeypatch.setattr(fingerprints, "MACROS", changed)
    warehouse.con.execute(changed)
    found = modes(warehouse, jobs())
    assert found.pop("job_attributes") == "full"
    sizes = warehouse.con.execute("select size from memory.history.job_attributes").fetchall()
    assert sizes == [(-1,)]
    assert "current" in found.values()
    assert found["state_visits"] == "current"


def test_another_engine_rebuilds_all_history(monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = MemoryWarehouse(jobs())
    warehouse.add([version(A, 0)])
    modes(warehouse, jobs())
    monkeypatch.setattr(fingerprints, "ENGINE_VERSION", "3.0.0")
    assert set(modes(warehouse, jobs()).values()) == {"full"}
