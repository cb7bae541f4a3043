"""`leadtime pull` as a person types it, up to the published tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from pipelines.settings import Settings
from tests.support.command_line import leadtime
from tests.support.fake_platform import (
    PERSONAL,
    TOKEN,
    Platform,
    landed,
    platform_settings,
    process,
    running_platform,
)

ANN = "aaaaaaaa-0000-4000-8000-000000000001"


@pytest.fixture
def platform() -> Iterator[Platform]:
    with running_platform() as server:
        yield server


@pytest.fixture
def settings(tmp_path: Path, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Settings:
    settings = platform_settings(tmp_path, platform.url)
    monkeypatch.setenv("LEADTIME_API_URL", platform.url)
    monkeypatch.setenv("LEADTIME_API_TOKEN", TOKEN)
    monkeypatch.setenv("LEADTIME_API_REQUESTS_PER_SECOND", "0")
    monkeypatch.setenv("LEADTIME_DATA", str(settings.data))
    monkeypatch.setenv("LEADTIME_PROCEDURES", str(settings.procedures))
    return settings


def test_what_is_pulled_is_published_after_a_run(platform: Platform, settings: Settings) -> None:
    platform.processes["order"] = [process(n, assignedTo=ANN) for n in range(120)]
    platform.users = [{"id": ANN, "firstName": "Ann", "lastName": "Lee"}]
    first = leadtime("pull")
    assert first.code == 0
    assert "order: 1 page, 100 records, 100 new versions ..." in first.out
    assert "Names    1 row of users" in first.out
    assert f"Landed   2 files in {settings.landing / 'pull'}" in first.out
    assert "Next: leadtime run" in first.out
    row = next(line for line in first.out.splitlines() if line.startswith("order "))
    assert row.split()[:5] == ["order", "2", "130", "120", "120"]
    platform.processes["order"][3] |= {"state": "ACTIVE", "updatedAt": process(3)["updatedAt"] + 9}
    second = leadtime("pull", "--procedure", "order")
    assert second.code == 0
    assert len(landed(settings)) == 121
    assert leadtime("run").code == 0
    with duckdb.connect(settings.published, read_only=True) as con:
        query = "select state, count(*), sum(n_versions)::int, any_value(landing_source) from"
        rows = con.execute(f"{query} processes group by state order by state").fetchall()
        assert rows == [("ACTIVE", 1, 2, "pull"), ("NEW", 119, 119, "pull")]
        assert con.execute("select count(*) from users").fetchall() == [(1,)]
        assert con.execute("select count(*) from quarantine").fetchall() == [(0,)]
    with duckdb.connect(settings.people.resolve(), read_only=True) as con:
        assert con.execute("select name from users").fetchall() == [("Ann Lee",)]
    third = leadtime("pull")
    assert "Names    nothing new" in third.out
    assert "Next:" not in third.out
    for shown in (first, second, third):
        assert TOKEN not in f"{shown.out}{shown.err}"


def test_a_refused_token_is_one_sentence(
    platform: Platform, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.token = "another"
    refused = leadtime("pull")
    assert refused.code == 1
    assert refused.err.startswith("LEADTIME_API_TOKEN: the API refuses the token (401 to GET ")
    assert TOKEN not in refused.err
    assert PERSONAL not in refused.err
    monkeypatch.delenv("LEADTIME_API_TOKEN")
    assert "there is no token for the API" in leadtime("pull").err
    monkeypatch.delenv("LEADTIME_API_URL")
    assert leadtime("pull").err.startswith("LEADTIME_API_URL: there is no address of the API.")
    assert not settings.warehouse.exists()


def test_a_pull_that_is_not_complete_says_why(platform: Platform, settings: Settings) -> None:
    platform.config = {}
    platform.processes = {}
    result = leadtime("pull")
    assert result.code == 1
    assert "order: POST /v1/ext/procedure/order/process/list: the API answers 404" in result.out
    assert PERSONAL not in result.out


def test_definitions_are_proposed(platform: Platform, settings: Settings, tmp_path: Path) -> None:
    said = leadtime("pull", "--propose", tmp_path / "defs")
    assert said.code == 0
    assert said.out == "order: is defined already.\n"
    assert leadtime("pull", "--propose", tmp_path / "defs", "--full").code == 2
    assert not settings.landing.exists()
