"""From the command line to settings: what a date means, and commands that work as printed.

What the commands do does not belong here.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from pipelines.cli.invocation import chosen_settings, next_command, parse_as_of
from schemas.errors import OperationError


@pytest.mark.parametrize(
    ("text", "zone", "instant"),
    [
        ("2026-03-31", "UTC", "2026-03-31T23:59:59.999+00:00"),
        ("2026-03-31", "Europe/Berlin", "2026-03-31T21:59:59.999+00:00"),
        # The clocks change at the end of this day and of the next.
        ("2026-03-28", "Europe/Berlin", "2026-03-28T22:59:59.999+00:00"),
        ("2026-03-29", "Europe/Berlin", "2026-03-29T21:59:59.999+00:00"),
        ("2026-03-31T12:00:00Z", "Europe/Berlin", "2026-03-31T12:00:00+00:00"),
        ("2026-03-31T12:00:00+05:30", "UTC", "2026-03-31T06:30:00+00:00"),
        ("2026-03-31T12:00", "Europe/Berlin", "2026-03-31T10:00:00+00:00"),
        ("2026-03-31T12:00:00.123987Z", "UTC", "2026-03-31T12:00:00.123+00:00"),
    ],
)
def test_a_day_means_its_end(text: str, zone: str, instant: str) -> None:
    parsed = parse_as_of(text, zone)
    assert parsed == datetime.fromisoformat(instant)
    assert parsed.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("yesterday", "neither a day"),
        ("", "neither a day"),
        ("2026-02-30", "neither a day"),
        ("9999-12-31", "has not ended yet"),
        ("9999-12-31T23:00:00Z", "is in the future"),
        ("0001-01-01", "is before 2000"),
    ],
)
def test_a_future_or_invalid_instant_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_as_of(text, "Europe/Berlin")


def test_today_has_not_ended() -> None:
    with pytest.raises(ValueError, match="has not ended yet"):
        parse_as_of(datetime.now(UTC).date().isoformat(), "UTC")


def test_the_landing_folder_follows_the_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen_settings(data=Path("x")).landing == Path("x/landing")
    assert chosen_settings(data=Path("x"), landing=Path("y")).landing == Path("y")
    monkeypatch.setenv("LEADTIME_LANDING", "z")
    assert chosen_settings(data=Path("x")).landing == Path("z")


def test_an_unknown_time_zone_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("Mars/Olympus", "../etc"):
        monkeypatch.setenv("LEADTIME_TIME_ZONE", text)
        with pytest.raises(OperationError, match="LEADTIME_TIME_ZONE: found"):
            chosen_settings()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("KEEP", "1", "found '1'. Set it to a whole number, 2 or more"),
        ("KEEP", "2.5", "Set it to a whole number, 2 or more"),
        ("KEEP_RUNS", "0", "found '0'. Set it to a whole number, 1 or more"),
        ("THREADS", "many", "Set it to a whole number, 1 or more"),
        ("WAIT_SECONDS", "-1", "found '-1'. Set it to a number, 0 or more"),
        ("WAIT_SECONDS", "nan", "Set it to a number, 0 or more"),
        ("MEMORY_LIMIT", "lots", "found 'lots'. Set it to a size (2GB, 512MB)"),
        ("MEMORY_LIMIT", "2", "Set it to a size (2GB, 512MB)"),
        ("MEMORY_LIMIT", "0GB", "Set it to a size (2GB, 512MB)"),
        ("MEMORY_LIMIT", "-1GB", "Set it to a size (2GB, 512MB)"),
        ("MEMORY_LIMIT", "180%", "Set it to a size (2GB, 512MB)"),
        ("READ_GROUP", "no such group", "found 'no such group'. Set it to a group of this machine"),
    ],
)
def test_an_unusable_setting_is_an_error(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, said: str
) -> None:
    monkeypatch.setenv(f"LEADTIME_{name}", text)
    with pytest.raises(OperationError) as refused:
        chosen_settings()
    assert str(refused.value).startswith(f"LEADTIME_{name}: found")
    assert said in str(refused.value)


@pytest.mark.parametrize("size", ["2GB", "512mb", "1.5 GiB", "80%"])
def test_sizes_of_memory_are_those_of_the_database(
    monkeypatch: pytest.MonkeyPatch, size: str
) -> None:
    monkeypatch.setenv("LEADTIME_MEMORY_LIMIT", size)
    limit = chosen_settings().memory_limit
    with duckdb.connect(config={"memory_limit": limit}) as con:
        assert con.execute("select 1").fetchall() == [(1,)]


def test_commands_name_only_unusual_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = chosen_settings()
    assert next_command(usual, "query", "from build") == 'leadtime query "from build"'
    other = chosen_settings(data=Path("a b"), procedures=Path("p"))
    replay = next_command(other, "quarantine", "--replay")
    assert replay == "leadtime quarantine --data 'a b' --procedures p --replay"
    assert next_command(other, "run") == "leadtime run --data 'a b' --procedures p"
    assert next_command(other, "check") == "leadtime check --procedures p"
    monkeypatch.setenv("LEADTIME_DATA", "a b")
    assert next_command(chosen_settings(), "run") == "leadtime run"
    monkeypatch.setenv("UV", "/usr/bin/uv")
    assert next_command(chosen_settings(), "ui") == "uv run leadtime ui"
