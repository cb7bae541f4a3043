"""Exported logs as pm4py reads them: as many of everything, and the same directly-follows graph.

What is written, to the letter, is in `test_export_xes.py` and `test_export_ocel.py`.
"""

from __future__ import annotations

import importlib
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.run import Request
from pipelines.settings import Settings
from pipelines.simulator import simulate
from tests.support.builds import build_all
from tests.support.command_line import leadtime
from tests.support.exported_history import TIES, publish_history

# It recommends a faster parser, and says so with every file.
pytestmark = pytest.mark.filterwarnings("ignore:Install the optional requirement:UserWarning:pm4py")


@pytest.fixture(scope="module")
def pm4py() -> Any:
    """Imported where it is used: it takes seconds, and other processes collect this file too."""
    return pytest.importorskip("pm4py")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, pm4py: Any) -> Settings:
    """Leads and tickets, published; after what may skip the test, as it takes a while."""
    data = tmp_path_factory.mktemp("published")
    settings = Settings(data=data, landing=data / "landing")
    end = datetime(2026, 3, 1, tzinfo=UTC)
    simulate(settings.landing, versions=3_000, seed=7, end=end)
    build_all(settings, Request(as_of=end))
    return settings


def ask(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(settings.published, read_only=True) as con:
        return con.execute(query).fetchall()


def export(settings: Settings, option: str, path: Path, *options: str) -> Path:
    result = leadtime("export", option, path, "--data", settings.data, *options)
    assert (result.code, result.err) == (0, "")
    return path


def read_log(pm4py: Any, path: Path, variant: str = "iterparse") -> Any:
    return pm4py.read_xes(str(path), variant=variant, return_legacy_log_object=True)


@pytest.mark.parametrize("name", ["log.xes", "log.xes.gz"])
def test_a_log_has_as_many_traces_and_events(
    settings: Settings, tmp_path: Path, pm4py: Any, name: str
) -> None:
    log = read_log(pm4py, export(settings, "--xes", tmp_path / name))
    query = """
        select process_id::varchar, list(state order by visit_no), list(entered_at order by visit_no)
        from state_visits group by process_id order by process_id
    """
    expected = {process: (states, times) for process, states, times in ask(settings, query)}
    assert len(expected) > 300
    found = {
        trace.attributes["concept:name"]: (
            [event["state"] for event in trace],
            [event["time:timestamp"].astimezone(UTC).replace(tzinfo=None) for event in trace],
        )
        for trace in log
    }
    assert found == expected
    assert {*log.extensions} == {"Concept", "Time", "Lifecycle", "Organizational"}
    assert log.classifiers == {"State name": ["concept:name"], "State": ["state"]}


@pytest.mark.parametrize("procedure", ["lead", "ticket"])
def test_the_directly_follows_graph_is_ours(
    settings: Settings, tmp_path: Path, pm4py: Any, procedure: str
) -> None:
    path = export(settings, "--xes", tmp_path / "log.xes", "--procedure", procedure)
    graph, starts, _ = pm4py.discover_dfg(read_log(pm4py, path), activity_key="state")
    ours = Counter[tuple[str, str]]()
    mine = f"where procedure = '{procedure}'"
    for before, after, n in ask(
        settings, f"select from_state, to_state, n from state_transitions {mine}"
    ):
        ours[before, after] += n
    assert len(ours) > 8
    # A log does not know that a deletion lies between.
    apart = ask(
        settings,
        f"select state, next_state from state_visits {mine} "
        "and is_left_by_deletion and next_state is not null",
    )
    assert apart
    ours.update(apart)
    assert dict(graph) == dict(ours)
    query = f"select state, count(*) from state_visits {mine} and visit_no = 1 group by state"
    assert dict(starts) == dict(ask(settings, query))


def test_names_and_values_come_back_whatever_is_in_them(tmp_path: Path, pm4py: Any) -> None:
    settings = publish_history(tmp_path)
    path = export(settings, "--xes", tmp_path / "log.xes", "--procedure", "order")
    (trace, *others) = read_log(pm4py, path)
    assert [len(other) for other in others] == [1, 0, 2]
    assert trace.attributes["concept:name"] == TIES
    assert trace.attributes["note"].startswith(
        "a & b < c > d \" ' e\n\tf\r \ufffd\ufffd \u00fc \U0001f600"
    )
    assert [event["concept:name"] for event in trace][:3] == ["New & <open>", "PAID", "Sent (SENT)"]
    # The parser that takes short cuts, too.
    assert [len(one) for one in read_log(pm4py, path, "chunk_regex")] == [5, 1, 0, 2]


@pytest.fixture(scope="module")
def ocel(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory, pm4py: Any
) -> tuple[Path, Any]:
    path = export(settings, "--ocel", tmp_path_factory.mktemp("log") / "log.sqlite")
    return path, pm4py.read_ocel2_sqlite(str(path))


def test_the_file_keeps_every_constraint_of_the_standard(ocel: tuple[Path, Any]) -> None:
    validation = importlib.import_module("pm4py.objects.ocel.validation.ocel20_rel_validation")
    kept, broken = validation.apply(str(ocel[0]))
    assert (len(kept), broken) == (24, [])


def test_an_object_centric_log_has_as_many_events(
    settings: Settings, ocel: tuple[Path, Any]
) -> None:
    query = """
        select p.procedure || ': ' || v.state_name, count(*)
        from state_visits as v inner join processes as p using (process_id) group by all
        union all
        select l.procedure || ' ' || w.what, sum(w.n)
        from process_lifecycle as l,
            lateral (values ('completed', n_completions), ('reopened', n_reopens)) as w(what, n)
        group by all
        union all
        select procedure || ' assigned', count(assigned_to) from assignments group by procedure
    """
    expected = dict(ask(settings, query))
    found = Counter(ocel[1].events["ocel:activity"])
    assert {name: found[name] for name in expected} == expected
    others = {"lead cancelled", "ticket cancelled", "lead unassigned", "ticket unassigned"}
    assert {*found} - {*expected} == others


def test_an_object_centric_log_has_as_many_objects_and_relations(
    settings: Settings, ocel: tuple[Path, Any]
) -> None:
    log = ocel[1]
    # It drops objects without an event: pods and entities, and whoever only created something.
    users = "select assigned_to as id from state_visits union select assigned_to from assignments"
    query = f"""
        select procedure, count(*) from processes semi join state_visits using (process_id)
        group by procedure
        union all
        select 'user', count(id) from ({users})
        union all
        select 'record', count(distinct record_id) from processes semi join state_visits
            using (process_id)
    """
    assert Counter(log.objects["ocel:type"]) == dict(ask(settings, query))
    about = Counter(log.relations["ocel:qualifier"])
    assert about["process"] == about["record"] == len(log.events)
    query = "select count(assigned_to) from state_visits union all select count(assigned_to) from assignments"
    assert about["assignee"] == sum(n for (n,) in ask(settings, query))
    query = """
        select count(*) from processes as p semi join state_visits using (process_id)
        semi join (select process_id from state_visits) as q on q.process_id = p.parent_process_id
    """
    assert Counter(log.o2o["ocel:qualifier"])["parent"] == ask(settings, query)[0][0] > 0
    ((changes,),) = ask(settings, "select count(*) from attribute_changes")
    assert len(log.object_changes) == changes > 0


def test_flattened_it_has_our_visits(
    settings: Settings, ocel: tuple[Path, Any], pm4py: Any
) -> None:
    """Times, too: they are read as instants in UTC."""
    flat = pm4py.ocel_flattening(ocel[1], "lead")
    states = flat[flat["concept:name"].str.startswith("lead: ")]
    found = Counter(
        zip(states["case:concept:name"], states["time:timestamp"].dt.to_pydatetime(), strict=True)
    )
    query = """
        select process_id::varchar, entered_at from state_visits where procedure = 'lead'
    """
    assert found == Counter(
        (process, entered_at.replace(tzinfo=UTC)) for process, entered_at in ask(settings, query)
    )
