"""Alerts of SLA clocks that come into warning or pass their target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from pipelines.defs import sla_alerts
from pipelines.defs.sla_alerts import sla_sensors
from pipelines.settings import Settings
from schemas.definitions.procedure import Procedures
from schemas.errors import OperationError
from tests.support.jobs import A, B, jobs
from tests.support.receiver import Receiver, receiving

_TABLES = """
    create table catalog as select 'sla_due' as table_name;
    create table sla_due (
        procedure varchar, policy varchar, process_id uuid, started_at timestamp,
        warns_at timestamp, due_at timestamp, status varchar, level varchar, link varchar
    );
"""
_START = "2026-03-02 08:00"


def procedures(*, alert: bool = True) -> Procedures:
    policy = {"start": "created", "stop": "closed", "target": "4h", "warn": "50%"}
    return jobs(
        slas=[{**policy, "name": "all", "alert": alert}, {**policy, "name": "quiet"}],
    )


def clock(process_id: str, **changes: Any) -> tuple[Any, ...]:
    """A clock that runs from 8 to 12, and is in warning from 10 on."""
    fields: dict[str, Any] = {
        "policy": "all", "started_at": _START, "warns_at": "2026-03-02 10:00",
        "due_at": "2026-03-02 12:00", "status": "running", "level": "in_time", "link": None,
        **changes,
    }  # fmt: skip
    policy, *rest = fields.values()
    return ("job", policy, process_id, *rest)


@dataclass
class Ticking:
    """The sensor over a database and a clock that the test sets, with its cursor."""

    settings: Settings
    receiver: Receiver
    instance: dg.DagsterInstance
    monkeypatch: pytest.MonkeyPatch
    cursor: str | None = None

    def publish(self, *clocks: tuple[Any, ...]) -> None:
        self.settings.published.unlink(missing_ok=True)
        with duckdb.connect(self.settings.published) as con:
            con.execute(_TABLES)
            if clocks:
                con.executemany(f"insert into sla_due values ({', '.join(['?'] * 9)})", clocks)

    def at(self, hour: int, day: int = 2) -> list[dict[str, Any]]:
        """Let the sensor look once at this hour; what it has sent."""
        instant = datetime(2026, 3, day, hour, tzinfo=UTC)
        self.monkeypatch.setattr(sla_alerts, "now", lambda: instant)
        (sensor,) = sla_sensors(self.settings, procedures())
        self.receiver.bodies.clear()
        context = dg.build_sensor_context(self.instance, cursor=self.cursor)
        self.cursor = sensor.evaluate_tick(context).cursor
        return list(self.receiver.bodies)


@pytest.fixture
def ticking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ticking]:
    with receiving() as receiver, dg.DagsterInstance.ephemeral() as instance:
        settings = Settings(data=tmp_path, alert_url=receiver.url)
        yield Ticking(settings, receiver, instance, monkeypatch)


def test_a_clock_is_told_once_in_warning_and_once_past_its_target(ticking: Ticking) -> None:
    assert ticking.at(8) == []  # nothing is published
    ticking.publish(clock(A), clock(B, policy="quiet"))
    assert ticking.at(9) == []
    (sent,) = ticking.at(10)  # in warning since the build, as it has not paused
    assert sent == {
        "event": "sla",
        "text": f"leadtime: SLA clocks need a look.\n- job, all: {A} is due 2026-03-02 12:00 UTC",
        "clocks": [
            {
                "procedure": "job", "policy": "all", "process_id": A,
                "started_at": "2026-03-02T08:00:00", "due_at": "2026-03-02 12:00 UTC",
                "link": None, "reached": "warning",
            }
        ],
    }  # fmt: skip
    assert ticking.at(11) == []
    ticking.publish(clock(A, level="warning", link="https://crm.example/1"))
    assert ticking.at(11) == []
    (sent,) = ticking.at(12)
    assert sent["text"].splitlines()[1:] == [
        "- job, all: https://crm.example/1 was due 2026-03-02 12:00 UTC"
    ]
    ticking.publish(clock(A, status="breached", level="breached"))
    assert ticking.at(13) == []


def test_the_clocks_of_before_are_not_told(ticking: Ticking) -> None:
    ticking.publish(clock(A, level="warning"), clock(B, status="breached", level="breached"))
    assert ticking.at(11) == []
    (sent,) = ticking.at(13)
    assert [told["process_id"] for told in sent["clocks"]] == [A]


def test_paused_clocks_and_those_without_an_instant(ticking: Ticking) -> None:
    ticking.publish()
    ticking.at(8)
    ticking.publish(
        clock(A, status="paused", level="warning", warns_at=None, due_at=None),
        clock(B, level="warning", due_at=None),
    )
    (sent,) = ticking.at(11)
    assert sent["text"].splitlines()[1:] == [
        f"- job, all: {B} is due an instant that its calendar does not reach"
    ]
    # It runs again, and is then in warning.
    ticking.publish(clock(A, level="warning"))
    assert len(ticking.at(11)) == 1


def test_the_next_clock_of_a_process_is_told_again(ticking: Ticking) -> None:
    ticking.publish(clock(A))
    ticking.at(9)
    assert len(ticking.at(10)) == 1
    later = {"started_at": "2026-03-03 08:00", "warns_at": "2026-03-03 10:00"}
    ticking.publish(clock(A, **later, due_at="2026-03-03 12:00"))
    assert ticking.at(9, day=3) == []
    assert len(ticking.at(10, day=3)) == 1


def test_a_generation_of_an_earlier_instant_makes_nothing_news(ticking: Ticking) -> None:
    ticking.publish(clock(A))
    ticking.at(9)
    assert len(ticking.at(12)) == 1
    ticking.publish()
    assert ticking.at(13) == []
    ticking.publish(clock(A, status="breached", level="breached"))
    assert ticking.at(14) == []


def test_of_many_the_first_are_named(ticking: Ticking) -> None:
    ticking.publish()
    ticking.at(8)
    ids = [f"10000000-0000-4000-8000-{number:012}" for number in range(25)]
    ticking.publish(*(clock(id_) for id_ in reversed(ids)))
    (sent,) = ticking.at(10)
    lines = sent["text"].splitlines()
    assert (len(lines), lines[-1], len(sent["clocks"])) == (22, "- 5 more", 25)
    assert ids[0] in lines[1]


def test_what_could_not_be_sent_is_sent_later(ticking: Ticking) -> None:
    ticking.monkeypatch.setattr("pipelines.defs.alerts._PAUSES_SECONDS", ())
    ticking.publish(clock(A))
    ticking.at(9)
    ticking.receiver.answers = [500]
    with pytest.raises(OperationError, match="the answer is 500"):
        ticking.at(10)
    assert len(ticking.at(11)) == 1


def test_there_is_no_sensor_without_an_address_or_an_alert(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, alert_url="http://127.0.0.1/x")
    assert sla_sensors(Settings(data=tmp_path), procedures()) == []
    assert sla_sensors(settings, procedures(alert=False)) == []
    assert [sensor.name for sensor in sla_sensors(settings, procedures())] == ["sla"]
