"""Whole runs over real and simulated files: the figures that must come out, however they arrive."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.run import Request
from pipelines.settings import Settings
from pipelines.simulator import SimulationSummary
from tests.support.builds import INCIDENTS, assert_same_tables, build_all
from tests.support.simulated_truth import simulate_with_truth
from tests.support.warehouse import differences, plain

END = datetime(2026, 3, 1, tzinfo=UTC)
AS_OF = datetime(2026, 6, 1, tzinfo=UTC)


def one(path: Path, query: str) -> tuple[object, ...]:
    with duckdb.connect(path, read_only=True) as con:
        return con.execute(query).fetchall()[0]


@pytest.fixture(scope="module")
def incidents(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    if not INCIDENTS.is_dir():
        pytest.skip("the incident history is not at hand")
    folder = tmp_path_factory.mktemp("incidents")
    (folder / "procedures").mkdir()
    shutil.copy(INCIDENTS / "incident.yaml", folder / "procedures")
    return Settings(
        data=folder / "data",
        landing=INCIDENTS / "landing",
        procedures=folder / "procedures",
    )


@pytest.fixture(scope="module")
def incidents_published(incidents: Settings) -> Path:
    return build_all(incidents, Request(as_of=AS_OF))


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            "select sum(lines), sum(accepted), sum(quarantined) from ingest_files",
            (141_712, 141_707, 5),
        ),
        ("select rules, count(*) from quarantine group by all", (["core:state_key:isin"], 5)),
        (
            "select count(*), count(*) filter (outcome = 'completed') from processes",
            (24_918, 24_918),
        ),
        ("select count(*), count(*) filter (seconds = 0) from state_visits", (88_950, 344)),
        ("select sum(n_reopens), sum(n_done_exits) from process_lifecycle", (12, 332)),
        (
            "select list(processes order by step_no) as counts from "
            "funnel(['NEW', 'ACTIVE', 'RESOLVED', 'CLOSED'])",
            ([16_397, 8_447, 8_445, 8_445],),
        ),
        ("select open_at_start from flow_daily where day = '2016-04-01'", (3_346,)),
        (
            "select sum(open_processes) from backlog_daily where day = '2016-03-31'",
            (3_346,),
        ),
        ("select count(*) from variants", (188,)),
    ],
)
def test_incident_figures(
    incidents_published: Path, query: str, expected: tuple[object, ...]
) -> None:
    assert one(incidents_published, query) == expected


@pytest.mark.nightly
def test_incidents_in_four_parts_give_the_same_tables(
    incidents: Settings, incidents_published: Path, tmp_path: Path
) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    settings = replace(incidents, data=tmp_path / "data", landing=landing)
    files = sorted((INCIDENTS / "landing").iterdir())
    for part in (files[:1], files[1:5], files[5:12], files[12:]):
        for file in part:
            shutil.copy(file, landing)
        build_all(settings, Request(as_of=AS_OF))
    assert_same_tables(settings.published, incidents_published)
    assert one(settings.published, "select generation from build") == (4,)


@pytest.mark.nightly
def test_incidents_as_of_an_earlier_day(incidents: Settings, incidents_published: Path) -> None:
    earlier = datetime(2016, 4, 1, tzinfo=UTC)
    out = incidents.data.parent / "april.duckdb"
    build_all(incidents, Request(as_of=earlier, out=out))
    assert one(out, "select count(*) from processes where outcome = 'open'") == (3_346,)
    assert one(out, "select max(updated_at) <= '2016-04-01' from processes") == (True,)
    assert one(incidents.published, "select count(*) from processes") == (24_918,)


@pytest.fixture(scope="module")
def simulated(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Settings, Path, SimulationSummary]:
    folder = tmp_path_factory.mktemp("simulated")
    summary = simulate_with_truth(
        folder / "landing", folder / "truth", versions=20_000, seed=11, end=END
    )
    return Settings(data=folder / "data", landing=folder / "landing"), folder / "truth", summary


@pytest.fixture(scope="module")
def simulated_published(simulated: tuple[Settings, Path, SimulationSummary]) -> Path:
    return build_all(simulated[0], Request(as_of=AS_OF))


@pytest.mark.nightly
def test_simulated_files_are_accounted_for(
    simulated: tuple[Settings, Path, SimulationSummary], simulated_published: Path
) -> None:
    counts = json.loads((simulated[1] / "counts.json").read_text())["overall"]
    query = """
        select sum(lines), sum(accepted), sum(duplicates), sum(quarantined), sum(blank)
        from ingest_files
    """
    names = ("lines", "accepted", "duplicates", "quarantined", "blank")
    assert one(simulated_published, query) == tuple(counts[name] for name in names)


def test_simulated_visits_are_the_true_ones(
    simulated: tuple[Settings, Path, SimulationSummary], simulated_published: Path
) -> None:
    true = truth(simulated[1] / "visits.parquet")
    found = rows(simulated_published, "from state_visits")
    assert differences(found, true, columns=true[0]) == []


def test_simulated_outcomes_are_the_true_ones(
    simulated: tuple[Settings, Path, SimulationSummary], simulated_published: Path
) -> None:
    true = truth(simulated[1] / "outcomes.parquet")
    shared = set(true[0]) - {"n_deletions"}
    found = rows(
        simulated_published,
        "select p.process_id, p.procedure, p.outcome, p.created_at, l.* exclude (process_id, "
        "procedure) from processes p join process_lifecycle l using (process_id)",
    )
    assert differences(found, true, columns=shared & set(found[0])) == []
    assert {"outcome", "n_completions", "n_reopens"} <= shared & set(found[0])


@pytest.mark.nightly
def test_simulated_in_any_split_gives_the_same_tables(
    simulated: tuple[Settings, Path, SimulationSummary], simulated_published: Path, tmp_path: Path
) -> None:
    """The files in three runs, one of them a second time under another name."""
    landing = tmp_path / "landing"
    landing.mkdir()
    settings = replace(simulated[0], data=tmp_path / "data", landing=landing)
    files = sorted(simulated[0].landing.iterdir())
    for part in (files[:3], files[3:4], files[4:]):
        for file in part:
            shutil.copy(file, landing)
        build_all(settings, Request(as_of=AS_OF))
        shutil.copy(part[0], landing / f"again-{part[0].name}")
    assert_same_tables(settings.published, simulated_published)


@pytest.mark.nightly
def test_full_rebuild_gives_the_same_tables(
    simulated: tuple[Settings, Path, SimulationSummary], simulated_published: Path
) -> None:
    settings = simulated[0]
    out = settings.data.parent / "full.duckdb"
    build_all(settings, Request(as_of=AS_OF, full=True, out=out))
    assert_same_tables(out, simulated_published)


def test_an_old_generation_is_neither_changed_nor_in_the_way(
    simulated: tuple[Settings, Path, SimulationSummary], simulated_published: Path
) -> None:
    with duckdb.connect(simulated_published, read_only=True) as analyst:
        before = analyst.execute("select count(*) from state_visits").fetchall()
        newer = build_all(simulated[0], Request(as_of=AS_OF))
        assert newer != simulated_published
        assert analyst.execute("select count(*) from state_visits").fetchall() == before
    assert simulated[0].published.resolve() == newer.resolve()


def truth(path: Path) -> list[dict[str, object]]:
    frame = pl.read_parquet(path)
    instants = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Datetime)]
    return frame.with_columns(pl.col(instants).dt.epoch("ms")).to_dicts()


def rows(path: Path, query: str) -> list[dict[str, object]]:
    with duckdb.connect(path, read_only=True) as con:
        result = con.execute(query)
        names = [column[0] for column in result.description or []]
        return [dict(zip(names, map(plain, row), strict=True)) for row in result.fetchall()]
