"""Alerts of indicators that leave their usual range or miss their target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from pipelines.defs.indicator_alerts import indicator_sensors
from pipelines.settings import Settings
from schemas.definitions.procedure import Procedures
from schemas.errors import OperationError
from tests.support.jobs import jobs
from tests.support.receiver import Receiver, receiving

_TABLES = """
    create table catalog as select 'indicators' as table_name;
    create table indicators (
        procedure varchar, indicator varchar, unit varchar, day date, value double,
        average_7 double, lower_limit double, upper_limit double, signal varchar,
        target double, better varchar, is_on_target boolean
    );
"""


def procedures(**changes: Any) -> Procedures:
    targets = [
        {"name": "arrivals", "target": 5, "better": "higher", "alert": True, **changes},
        {"name": "closed", "target": 5, "better": "higher"},
    ]
    return jobs(indicators=targets)


@dataclass
class Ticking:
    """The sensor over a database that the test writes, with its cursor."""

    settings: Settings
    receiver: Receiver
    instance: dg.DagsterInstance
    cursor: str | None = None
    rows: list[tuple[Any, ...]] = field(default_factory=list[tuple[Any, ...]])

    def publish(self, day: str, *rest: Any, indicator: str = "arrivals") -> None:
        """Add a day: value, average, limits, signal, whether it is on target."""
        value, average, low, high, signal, is_on_target = rest
        head = ("job", indicator, "processes", f"2026-03-{day}")
        self.rows.append((*head, value, average, low, high, signal, 5, "higher", is_on_target))
        self.settings.published.unlink(missing_ok=True)
        with duckdb.connect(self.settings.published) as con:
            con.execute(_TABLES)
            con.executemany(f"insert into indicators values ({', '.join(['?'] * 12)})", self.rows)

    def look(self, defined: Procedures | None = None) -> list[dict[str, Any]]:
        """Let the sensor look once, as Dagster's daemon does; what it has sent."""
        (sensor,) = indicator_sensors(self.settings, defined or procedures())
        self.receiver.bodies.clear()
        context = dg.build_sensor_context(self.instance, cursor=self.cursor)
        self.cursor = sensor.evaluate_tick(context).cursor
        return list(self.receiver.bodies)


@pytest.fixture
def ticking(tmp_path: Path) -> Iterator[Ticking]:
    with receiving() as receiver, dg.DagsterInstance.ephemeral() as instance:
        yield Ticking(Settings(data=tmp_path, alert_url=receiver.url), receiver, instance)


def test_a_day_outside_the_range_is_told_once(ticking: Ticking) -> None:
    assert ticking.look() == []  # nothing is published
    ticking.publish("01", 99, 6, 2, 8.25, "above", True)
    assert ticking.look() == []  # from before it was turned on
    ticking.publish("02", 7, 6, 2, 8.25, None, True)
    assert ticking.look() == []
    ticking.publish("03", 1, 6, 2, 8.25, "below", True)
    ticking.publish("03", 1, 6, 2, 8.25, "below", True, indicator="closed")
    (sent,) = ticking.look()
    assert sent == {
        "event": "indicator",
        "text": "leadtime: indicators need a look.\n"
        "- job, arrivals, 2026-03-03: 1, below the usual range (2)",
        "indicators": [
            {
                "procedure": "job", "indicator": "arrivals", "unit": "processes",
                "day": "2026-03-03", "of": "usual range", "side": "below", "value": 1, "bound": 2,
            }
        ],
    }  # fmt: skip
    assert ticking.look() == []


def test_a_target_is_told_when_the_average_leaves_it_and_no_day_is_passed_over(
    ticking: Ticking,
) -> None:
    ticking.publish("01", 6, 6, None, None, None, True)
    ticking.look()
    for day, value, average, is_on_target in (
        ("02", 3, 4.96, False), ("03", 3, 4, False), ("04", 9, 5, True), ("05", 3, 4.5, False)
    ):  # fmt: skip
        ticking.publish(day, value, average, None, None, None, is_on_target)
    (sent,) = ticking.look()
    assert sent["text"].splitlines()[1:] == [
        "- job, arrivals, 2026-03-02: average of 7 days 4.96, below the target (5)",
        "- job, arrivals, 2026-03-05: average of 7 days 4.5, below the target (5)",
    ]
    ticking.publish("06", 3, 4, None, None, None, False)
    assert ticking.look() == []


def test_an_indicator_without_its_alert_is_told_no_more(ticking: Ticking) -> None:
    ticking.publish("01", 6, 6, 2, 8, None, True)
    ticking.look()
    ticking.publish("02", 9, 6, 2, 8, "above", True)
    other = {"name": "closed", "target": 5, "better": "higher", "alert": True}
    defined = jobs(indicators=[{**other, "name": "arrivals", "alert": False}, other])
    assert ticking.look(defined) == []
    assert ticking.look(defined) == []


def test_a_day_is_told_once_where_an_earlier_instant_is_published_in_between(
    ticking: Ticking,
) -> None:
    ticking.publish("01", 6, 6, 2, 8, None, True)
    ticking.look()
    ticking.publish("02", 9, 6, 2, 8, "above", True)
    assert len(ticking.look()) == 1
    later = ticking.rows.pop()
    ticking.publish("01", 6, 6, 2, 8, None, True, indicator="closed")
    assert ticking.look() == []
    ticking.rows.append(later)
    ticking.publish("02", 6, 6, 2, 8, None, True, indicator="closed")
    assert ticking.look() == []


def test_what_could_not_be_sent_is_sent_later(
    ticking: Ticking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.defs.alerts._PAUSES_SECONDS", ())
    ticking.publish("01", 6, 6, 2, 8, None, True)
    ticking.look()
    ticking.publish("02", 9, 6, 2, 8, "above", True)
    ticking.receiver.answers = [500]
    with pytest.raises(OperationError, match="the answer is 500"):
        ticking.look()
    (sent,) = ticking.look()
    assert len(sent["indicators"]) == 1


def test_there_is_no_sensor_without_an_address_or_an_alert(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, alert_url="http://127.0.0.1/x")
    assert indicator_sensors(Settings(data=tmp_path), procedures()) == []
    assert indicator_sensors(settings, procedures(alert=False)) == []
    assert len(indicator_sensors(settings, procedures())) == 1
