"""Tells a person of an indicator that leaves its usual range, or misses its target.

The sensor reads the published database, so that it sees every run, also one from the command line.
Its cursor has the last day that was looked at, so that a day is told once.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

import dagster as dg
import duckdb

from pipelines.defs.published_sensor import Looked, Told, published_sensor
from pipelines.settings import Settings
from pipelines.terminal.text import count, duration, share
from schemas.definitions.procedure import Procedures
from schemas.sql_text import literal


def _count(number: float) -> str:
    return count(int(number) if number.is_integer() else round(number, 2))


_SHOWN = {"processes": _count, "seconds": duration, "share": share}

# A target is missed on the day on which the average leaves it, not on every day after.
_NEWS = """
    with dated as (
        select
            *,
            lag(is_on_target) over (partition by procedure, indicator order by day) as was_on_target
        from indicators
    )

    select procedure, indicator, unit, day, 'usual range' as of, signal as side, value,
        if(signal = 'above', upper_limit, lower_limit) as bound
    from dated
    where signal is not null and {is_wanted}
    union all
    select procedure, indicator, unit, day, 'target', if(better = 'higher', 'below', 'above'),
        average_7, target
    from dated
    where not is_on_target and was_on_target is distinct from false and {is_wanted}
    order by day, procedure, indicator, of
"""


@dataclass(frozen=True)
class News:
    """A figure beyond a bound: the value of a day beyond its usual range, or the average of seven
    days beyond the target.
    """

    procedure: str
    indicator: str
    unit: Literal["processes", "seconds", "share"]
    day: str
    of: Literal["usual range", "target"]
    side: Literal["above", "below"]
    value: float
    bound: float

    @property
    def text(self) -> str:
        """In words, on one line."""
        shown = _SHOWN[self.unit]
        what = "" if self.of == "usual range" else "average of 7 days "
        return (
            f"{self.procedure}, {self.indicator}, {self.day}: {what}{shown(self.value)}, "
            f"{self.side} the {self.of} ({shown(self.bound)})"
        )


@dataclass(frozen=True)
class IndicatorAlert:
    """What there is to tell of indicators."""

    news: tuple[News, ...]

    @property
    def text(self) -> str:
        """The message in words, a line per figure."""
        lines = (f"- {news.text}" for news in self.news)
        return "\n".join(["leadtime: indicators need a look.", *lines])

    @property
    def body(self) -> bytes:
        """The JSON of the request."""
        figures = [asdict(news) for news in self.news]
        about = {"text": self.text, "event": "indicator", "indicators": figures}
        return json.dumps(about).encode()


def indicator_sensors(settings: Settings, procedures: Procedures) -> list[dg.SensorDefinition]:
    """The sensor of indicators with `alert: true`, on from the start; none without such indicators
    or without an address.

    It begins with the first day that is published after it was turned on.
    """
    wanted = [(p.short_id, i.name) for p in procedures for i in p.indicators if i.alert]
    if not settings.alert_url or not wanted:
        return []

    def look(con: duckdb.DuckDBPyConnection, told: Told | None) -> Looked:
        told, days = told or {}, _last_days(con, wanted)
        news = tuple(_find_news(con, {key: told[key] for key in days if key in told}))
        # A generation of an earlier instant has fewer days, and those after it were told.
        later = {key: max(day, told.get(key, day)) for key, day in days.items()}
        return Looked(IndicatorAlert(news) if news else None, later)

    description = (
        "Sends an alert to LEADTIME_ALERT_URL when an indicator with `alert: true` leaves its "
        "usual range or misses its target."
    )
    return [published_sensor(settings, "indicator", look, description=description)]


def _last_days(con: duckdb.DuckDBPyConnection, wanted: list[tuple[str, str]]) -> dict[str, str]:
    """The last day of each of these indicators, by their key."""
    query = "select procedure, indicator, max(day) from indicators group by procedure, indicator"
    found: list[tuple[str, str, date]] = con.execute(query).fetchall()
    return {_key(p, i): day.isoformat() for p, i, day in found if (p, i) in wanted}


def _find_news(con: duckdb.DuckDBPyConnection, told: Mapping[str, str]) -> Iterator[News]:
    """What has happened after the days that were looked at; of indicators without one, nothing."""
    for key, day in told.items():
        procedure, indicator = json.loads(key)
        is_wanted = (
            f"procedure = {literal(procedure)} and indicator = {literal(indicator)} "
            f"and day > {literal(day)}::date"
        )
        rows: list[tuple[Any, ...]] = con.execute(_NEWS.format(is_wanted=is_wanted)).fetchall()
        for short_id, name, unit, when, *rest in rows:
            yield News(short_id, name, unit, when.isoformat(), *rest)


def _key(procedure: str, indicator: str) -> str:
    return json.dumps([procedure, indicator])
