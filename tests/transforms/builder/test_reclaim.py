"""A database file does not grow as tables are replaced."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from pipelines.run import Request, open_run
from pipelines.settings import Settings
from pipelines.simulator import simulate
from transforms.builder.reclaim import Reclaimer

END = datetime(2026, 9, 1, tzinfo=UTC)


def size_after(path: Path, *, rounds: int, is_reclaiming: bool = True) -> int:
    """The size of a file in which twelve tables were written so many times."""
    with duckdb.connect(path) as con:
        reclaimer = Reclaimer(con, path.stem)
        for seed in range(rounds):
            for number in range(12):
                query = f"select hash(i, {seed}) as a from range(100_000) as t(i)"
                con.execute(f"create or replace table t{number} as {query}")
                if is_reclaiming:
                    reclaimer.note_written()
    return path.stat().st_size


def test_blocks_of_replaced_tables_are_used_again(tmp_path: Path) -> None:
    fresh = size_after(tmp_path / "fresh.duckdb", rounds=1)
    again = size_after(tmp_path / "again.duckdb", rounds=4)
    without = size_after(tmp_path / "without.duckdb", rounds=4, is_reclaiming=False)
    assert again <= 1.6 * fresh  # half of the tables are there twice
    assert again < without


@pytest.mark.nightly
def test_a_warehouse_of_many_increments_is_about_as_large_as_a_new_one(tmp_path: Path) -> None:
    simulate(tmp_path / "all", versions=30_000, seed=3, end=END)
    lines = [
        line
        for file in sorted((tmp_path / "all").glob("2*.ndjson"))
        for line in file.read_text(errors="replace").splitlines()
    ]
    n_increments = 15
    each_time = -(-len(lines) // n_increments)

    def settings(name: str) -> Settings:
        found = Settings(data=tmp_path / name, landing=tmp_path / name / "landing")
        found.landing.mkdir(parents=True)
        return found

    def built(settings: Settings) -> int:
        with open_run(settings, Request(), purpose="a test") as run:
            run.ingest()
            run.builder.build_all()
        return settings.warehouse.stat().st_size

    stepwise, new = settings("stepwise"), settings("new")
    size = 0
    for number in range(n_increments):
        text = "\n".join(lines[number * each_time :][:each_time]) + "\n"
        for each in (stepwise, new):
            (each.landing / f"{number:02}.ndjson").write_text(text)
        size = built(stepwise)
    assert size <= 1.3 * built(new)
