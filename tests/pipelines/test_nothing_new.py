"""A run with nothing new: it publishes nothing and says so, until something would show."""

import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from pipelines import run as run_module
from pipelines.publish import inputs
from pipelines.run import Request, open_run
from pipelines.settings import Settings
from tests.support.command_line import leadtime
from tests.support.order_definition import ID, ORDER

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATER = START + timedelta(minutes=5)
SLA = "slas:\n  - {name: quick, start: created, stop: closed, target: 2h}\n"


def record(number: int = 1, at: datetime = START, **fields: object) -> str:
    ms = round(at.timestamp() * 1000)
    wanted = {
        "id": f"10000000-0000-4000-8000-{number:012}",
        "team": f"{ID}31",
        "procedure": f"{ID}01",
        "status": "OPEN",
        "state": f"{ID}21",
        "createdAt": ms,
        "updatedAt": ms,
        "data": {"number": f"N-{number}"},
    }
    return json.dumps(wanted | fields) + "\n"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A data folder with one order, published one minute after it was created."""
    folder = tmp_path_factory.mktemp("order")
    for name in ("landing", "procedures"):
        (folder / name).mkdir()
    (folder / "procedures" / "order.yaml").write_text(ORDER + SLA)
    land(folder / "landing" / "a.ndjson", record())
    settings = Settings(
        data=folder / "data", landing=folder / "landing", procedures=folder / "procedures"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_module, "now", lambda: START + timedelta(minutes=1))
        with open_run(settings, Request(), purpose="a test") as run:
            run.ingest()
            run.publish()
    return settings


@pytest.fixture
def settings(published: Settings, tmp_path: Path) -> Settings:
    """Copies of data and definitions; the landing folder is that of all tests, as its times count."""
    shutil.copytree(published.data, tmp_path / "data", symlinks=True)
    shutil.copytree(published.procedures, tmp_path / "procedures")
    return replace(published, data=tmp_path / "data", procedures=tmp_path / "procedures")


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Sets the clock of runs."""
    return lambda instant: monkeypatch.setattr(run_module, "now", lambda: instant)


def land(path: Path, text: str) -> None:
    """Write a file, and wait until its times can tell it from a later one."""
    path.write_text(text)
    time.sleep(0.05)


def is_skipped(settings: Settings, request: Request | None = None) -> bool:
    with open_run(settings, request or Request(), purpose="a test") as run:
        return run.skip() is not None


def test_the_generation_stays_and_the_instant_moves_on(
    settings: Settings, at: Callable[[datetime], None]
) -> None:
    before = settings.published.resolve().stat()
    at(LATER)
    with open_run(settings, Request(), purpose="a test") as run:
        skipped = run.skip()
        marks = run.con.execute("select distinct as_of from history.watermarks").fetchall()
    assert skipped
    assert (skipped[0].number, skipped[0].rows["processes"], skipped[1]) == (1, 1, 1)
    assert marks == [(LATER.replace(tzinfo=None),)]
    after = settings.published.resolve().stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert json.loads((settings.data / "current.json").read_bytes())["unchanged_at"] == (
        "2026-03-02T09:05:00.000"
    )
    status = leadtime("status", "--data", settings.data).out
    assert "the same as of 2026-03-02 09:05:00 UTC, apart from longer durations" in status
    assert "as of 2026-03-02 09:05:00 UTC" in status.partition("Published")[0]


def test_the_command_says_that_there_is_nothing_new(
    settings: Settings, at: Callable[[datetime], None]
) -> None:
    at(LATER)
    folders = ("--data", settings.data, "--landing", settings.landing)
    said = leadtime("run", *folders, "--procedures", settings.procedures)
    assert said.code == 0
    assert "0 new files, 1 seen before" in said.out
    assert "Nothing new: generation 1 stays" in " ".join(said.out.split())
    # Neither does Dagster start for it.
    assert not settings.dagster_home.exists()


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [(120, True), (120 + 1 / 60_000, False), (15 * 60 - 1 / 30_000, False)],
    ids=["at the target", "after the target", "next day"],
)
def test_a_clock_that_ran_out_is_something_new(
    settings: Settings, at: Callable[[datetime], None], minutes: float, expected: bool
) -> None:
    at(START + timedelta(minutes=minutes))
    assert is_skipped(settings) is expected


def test_a_clock_that_was_put_back_is_something_new(
    settings: Settings, at: Callable[[datetime], None]
) -> None:
    at(START)
    assert not is_skipped(settings)


@pytest.mark.parametrize(
    "request_",
    [
        Request(publish=True),
        Request(full=True),
        Request(rebuild=("order",)),
        Request(as_of=LATER),
        Request(allow_loss=True),
        Request(out=Path("x.duckdb")),
    ],
    ids=["publish", "full", "rebuild", "as_of", "allow_loss", "out"],
)
def test_every_option_publishes(
    settings: Settings, at: Callable[[datetime], None], request_: Request
) -> None:
    at(LATER)
    assert not is_skipped(settings, request_)


def _definition(settings: Settings) -> None:
    file = settings.procedures / "order.yaml"
    file.write_text(file.read_text().replace("target: 2h", "target: 3h"))


def _word(settings: Settings) -> None:
    file = settings.procedures / "order.yaml"
    file.write_text(file.read_text().replace("shortId: order\n", "shortId: order\nname: Order\n"))


def _no_file(settings: Settings) -> None:
    settings.published.resolve().unlink()


def _no_link(settings: Settings) -> None:
    settings.published.unlink()


def _no_pointer(settings: Settings) -> None:
    (settings.data / "current.json").unlink()


def _another_file(settings: Settings) -> None:
    file = settings.published.resolve()
    file.unlink()
    with duckdb.connect(file) as con:
        con.execute("create table build as select 7 as generation")


def _cut_off(settings: Settings) -> None:
    file = settings.published.resolve()
    file.chmod(0o644)
    os.truncate(file, 1000)


@pytest.mark.parametrize(
    "change",
    [
        _definition,
        _word,
        _no_file,
        _no_link,
        _no_pointer,
        _another_file,
        _cut_off,
    ],
)
def test_what_makes_another_generation(
    settings: Settings, at: Callable[[datetime], None], change: Callable[[Settings], None]
) -> None:
    at(LATER)
    change(settings)
    assert not is_skipped(settings)


@pytest.mark.parametrize(
    ("name", "text"),
    [("b.ndjson", record(2)), ("a.ndjson", record() + record(2)), ("a.ndjson", record())],
    ids=["another file", "another content", "written again"],
)
def test_a_file_that_is_not_known_by_its_times_is_looked_at(
    settings: Settings, at: Callable[[datetime], None], tmp_path: Path, name: str, text: str
) -> None:
    at(LATER)
    landing = tmp_path / "landing"
    landing.mkdir()
    land(landing / name, text)
    assert not is_skipped(replace(settings, landing=landing))


def test_other_code_or_another_time_zone_makes_another_generation(
    settings: Settings, at: Callable[[datetime], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    at(LATER)
    assert not is_skipped(replace(settings, time_zone="Europe/Berlin"))
    monkeypatch.setattr(inputs, "_code", lambda: "other")
    assert not is_skipped(settings)


@pytest.mark.parametrize(
    "statement",
    [
        "update raw.ingest_files set status = 'forgotten'",
        "delete from raw.process_versions",
        "insert into raw.quarantine by name select 7 as ingest_seq, 1 as batch_seq, "
        "1 as file_seq, ['x'] as rules, now()::timestamp as quarantined_at",
        "update raw.validated_by set fingerprint = 'x'",
    ],
)
def test_changed_raw_tables_make_another_generation(
    settings: Settings, at: Callable[[datetime], None], statement: str
) -> None:
    at(LATER)
    with open_run(settings, Request(), purpose="a test") as run:
        run.con.execute(statement)
    assert not is_skipped(settings)


def test_history_does_not_jump_over_a_version(settings: Settings) -> None:
    """The mark of a table stays where a version lies between it and the later instant."""
    with open_run(settings, Request(), purpose="a test") as run:
        earlier = START.replace(tzinfo=None) - timedelta(hours=1)
        run.con.execute(
            "update history.watermarks set as_of = $t where table_name = 'processes'",
            {"t": earlier},
        )
        run_module.move_as_of(run.con, "warehouse", LATER.replace(tzinfo=None))
        marks = dict(run.con.execute("select table_name, as_of from history.watermarks").fetchall())
    assert marks.pop("processes") == earlier
    assert set(marks.values()) == {LATER.replace(tzinfo=None)}
