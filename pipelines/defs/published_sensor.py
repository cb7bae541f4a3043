"""A sensor that looks at the published database from time to time, and tells a person of news."""

import json
from collections.abc import Callable, Mapping
from typing import NamedTuple

import dagster as dg
import duckdb

from pipelines.defs.alerts import Sendable, send
from pipelines.publish.reader import open_published
from pipelines.settings import Settings

_EVERY_SECONDS = 300

Told = Mapping[str, str]
"""What was told or seen so far, each by a key with a day: what the cursor of a sensor holds."""


class Looked(NamedTuple):
    """What a look has found: the news, if there are any, and what has been told after it."""

    alert: Sendable | None
    told: Told


Look = Callable[[duckdb.DuckDBPyConnection, Told | None], Looked]
"""Looks at the published database; what was told is None the first time."""


def published_sensor(
    settings: Settings, name: str, look: Look, *, description: str
) -> dg.SensorDefinition:
    """A sensor, on from the start, that sends what `look` finds to LEADTIME_ALERT_URL.

    It reads the published database, so that it sees every run, also one from the command line.
    What could not be sent is news again at the next look.
    """

    @dg.sensor(
        name=name,
        minimum_interval_seconds=_EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=description,
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        if not settings.published.exists():
            return dg.SkipReason("Nothing has been published yet.")
        with open_published(settings) as con:
            alert, told = look(con, json.loads(context.cursor) if context.cursor else None)
        if alert is not None:
            send(settings.alert_url, alert)
        context.update_cursor(json.dumps(told))
        return dg.SkipReason("Nothing to tell." if alert is None else "News were sent.")

    return sensor
