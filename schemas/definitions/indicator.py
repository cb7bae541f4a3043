"""Targets of indicators as an author writes them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, StrictBool, WithJsonSchema

from schemas.definitions.parts import Part
from schemas.definitions.values import DURATION_SCHEMA, Label, duration_of, not_allowed

COUNTS = ("arrivals", "closed", "completed", "open")
"""The indicators that are numbers of processes."""
RESOLUTION = "resolution"
SLA_PREFIX = "sla: "
"""Begins the name of the indicator of an SLA policy."""

_MAX_COUNT = 10**12


def _target(value: object) -> float:
    if isinstance(value, bool):
        raise not_allowed(_TARGETS)
    if isinstance(value, int | float) and 0 <= value <= _MAX_COUNT:
        return float(value)
    if isinstance(value, str) and value.endswith("%"):
        share = value.removesuffix("%")
        if share.isascii() and share.isdigit() and int(share) <= 100:  # noqa: PLR2004 - per cent
            return int(share) / 100
        raise not_allowed("whole per cent from 0% to 100%")
    if isinstance(value, str):
        return duration_of(value) / timedelta(seconds=1)
    raise not_allowed(_TARGETS)


_TARGETS = "a number from 0 on, a duration such as 3d, or per cent such as 95%"
_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "number", "minimum": 0, "maximum": _MAX_COUNT},
        DURATION_SCHEMA,
        {"type": "string", "pattern": "^(100|[0-9]{1,2})%$"},
    ]
}
Target = Annotated[float, BeforeValidator(_target), WithJsonSchema(_SCHEMA)]


class Indicator(Part):
    """A target for one of the daily figures in the table `indicators`."""

    name: Label
    """The figure: arrivals, closed, completed, open, resolution, or `sla: NAME`."""
    target: Target
    """What is aimed at on average: a number of processes a day (for `open`, at the end of the day),
    a duration such as `3d` for `resolution`, per cent such as `95%` for an SLA policy."""
    better: Literal["higher", "lower"]
    """On which side of the target it is good to be."""
    alert: StrictBool = False
    """Tell LEADTIME_ALERT_URL of a day outside the usual range, and of a target that is missed."""
