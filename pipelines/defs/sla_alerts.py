"""Tells a person of SLA clocks that come into warning, or pass their target.

The sensor reads the published database and the clock: between two runs, a clock that does not pause
is past its target at its `due_at`. Its cursor has the clocks that were told, with the last day on
which each was seen, so that each is told once in warning and once past its target.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import dagster as dg
import duckdb

from pipelines.defs.published_sensor import Looked, Told, published_sensor
from pipelines.settings import Settings, now
from schemas.definitions.procedure import Procedures
from schemas.sql_text import literal

_MOST_LINES = 20
_KEY_DIGITS = 12
_REMEMBERED = timedelta(days=30)

# A clock in warning by the time that has passed since the build is one that has not paused.
_CLOCKS = """
    select procedure, policy, process_id::varchar, started_at, due_at, link,
        case
            when level = 'breached' or due_at <= $now then 'breached'
            when level = 'warning' or warns_at <= $now then 'warning'
        end as reached
    from sla_due
    where (procedure, policy) in ({wanted}) and status <> 'paused' and reached is not null
    order by due_at nulls last, procedure, policy, process_id
"""


@dataclass(frozen=True)
class Clock:
    """A clock of a policy: of which process, since when, until when, and what it has reached."""

    procedure: str
    policy: str
    process_id: str
    started_at: str
    due_at: str | None
    link: str | None
    reached: Literal["warning", "breached"]

    @property
    def key(self) -> str:
        """What tells this from every other thing to tell."""
        parts = (self.procedure, self.policy, self.process_id, self.started_at, self.reached)
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:_KEY_DIGITS]

    @property
    def text(self) -> str:
        """In words, on one line; the process by its id, which is no personal value."""
        due = self.due_at or "an instant that its calendar does not reach"
        said = f"was due {due}" if self.reached == "breached" else f"is due {due}"
        return f"{self.procedure}, {self.policy}: {self.link or self.process_id} {said}"


@dataclass(frozen=True)
class SlaAlert:
    """What there is to tell of clocks."""

    clocks: tuple[Clock, ...]

    @property
    def text(self) -> str:
        """The message in words, a line per clock; of many the first ones."""
        lines = [f"- {clock.text}" for clock in self.clocks[:_MOST_LINES]]
        more = len(self.clocks) - len(lines)
        return "\n".join(
            ["leadtime: SLA clocks need a look.", *lines, *([f"- {more:,} more"] if more else [])]
        )

    @property
    def body(self) -> bytes:
        """The JSON of the request."""
        clocks = [asdict(clock) for clock in self.clocks]
        return json.dumps({"text": self.text, "event": "sla", "clocks": clocks}).encode()


def sla_sensors(settings: Settings, procedures: Procedures) -> list[dg.SensorDefinition]:
    """The sensor of SLA policies with `alert: true`, on from the start; none without such policies
    or without an address.

    It begins with what happens after it was turned on.
    """
    wanted = [(p.short_id, sla.name) for p in procedures for sla in p.slas if sla.alert]
    if not settings.alert_url or not wanted:
        return []

    def look(con: duckdb.DuckDBPyConnection, told: Told | None) -> Looked:
        instant = now()
        clocks = tuple(_find_clocks(con, wanted, instant))
        news = () if told is None else tuple(clock for clock in clocks if clock.key not in told)
        # A generation of an earlier instant may lack clocks that were told.
        since = (instant - _REMEMBERED).date().isoformat()
        kept = {key: day for key, day in (told or {}).items() if day >= since}
        today = instant.date().isoformat()
        reached = {key: today for clock in clocks for key in _told_with(clock)}
        return Looked(SlaAlert(news) if news else None, {**kept, **reached})

    description = (
        "Sends an alert to LEADTIME_ALERT_URL when a clock of an SLA policy with `alert: true` "
        "comes into warning or passes its target."
    )
    return [published_sensor(settings, "sla", look, description=description)]


def _find_clocks(
    con: duckdb.DuckDBPyConnection, wanted: list[tuple[str, str]], instant: datetime
) -> Iterator[Clock]:
    """The clocks of these policies that are in warning or past their target at an instant."""
    listed = ", ".join(f"({literal(procedure)}, {literal(name)})" for procedure, name in wanted)
    at = instant.astimezone(UTC).replace(tzinfo=None)
    rows: list[tuple[Any, ...]] = con.execute(_CLOCKS.format(wanted=listed), {"now": at}).fetchall()
    for procedure, policy, process_id, started_at, due_at, link, reached in rows:
        due = f"{due_at:%Y-%m-%d %H:%M} UTC" if due_at else None
        yield Clock(procedure, policy, process_id, started_at.isoformat(), due, link, reached)


def _told_with(clock: Clock) -> Iterator[str]:
    """The keys of what is told, or too late to tell, with a clock."""
    yield clock.key
    if clock.reached == "breached":
        yield Clock(**{**asdict(clock), "reached": "warning"}).key
