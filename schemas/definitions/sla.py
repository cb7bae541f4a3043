"""SLA policies as an author writes them: events that start and stop clocks, pauses, the target."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast, get_args

from pydantic import (
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    StrictBool,
    TypeAdapter,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from schemas.definitions.parts import Part
from schemas.definitions.values import (
    DURATION_SCHEMA,
    AttributeReference,
    FormulaText,
    Label,
    Percent,
    PlainOption,
    duration_parts,
    not_allowed,
)

EventKind = Literal[
    "created",
    "first_assigned",
    "completed",
    "closed",
    "first_call",
    "connected_call",
    "task_completed",
    "state",
    "left",
]

_OF_STATES = ("state", "left")
_PLAIN = tuple(kind for kind in get_args(EventKind) if kind not in _OF_STATES)
_WITH_STATE = re.compile(r"(state|left):\s*(\S.*)")
EVENTS_ALLOWED = f"{', '.join(_PLAIN)}, `state: X`, `left: X`, or a list of these"


@dataclass(frozen=True)
class SlaEvent:
    """An event in the life of a process; `state` is set for `state` and `left` only."""

    kind: EventKind
    state: str | None = None

    def __str__(self) -> str:
        return f"{self.kind}: {self.state}" if self.state is not None else self.kind


def written_events(value: object) -> Iterator[tuple[tuple[str | int, ...], SlaEvent | None]]:
    """The events in the value of `start` or `stop`, each with its path; None where it is invalid.

    Each is a word, `state: X` or `left: X`, as text or as a mapping; X is a state or a list of
    states.
    """
    if isinstance(value, list):
        for position, entry in enumerate(cast("list[object]", value)):
            inner = [((), None)] if isinstance(entry, list) else written_events(entry)
            for path, event in inner:
                yield (position, *path), event
    elif isinstance(value, dict):
        yield from _of_mapping(cast("Mapping[object, object]", value))
    elif isinstance(value, str) and value in _PLAIN:
        yield (), SlaEvent(cast("EventKind", value))
    elif isinstance(value, str) and (match := _WITH_STATE.fullmatch(value)):
        yield (), SlaEvent(cast("EventKind", match[1]), match[2])
    elif isinstance(value, SlaEvent):
        yield (), value
    else:
        yield (), None


def _of_mapping(
    value: Mapping[object, object],
) -> Iterator[tuple[tuple[str | int, ...], SlaEvent | None]]:
    kind = next(iter(value)) if len(value) == 1 else None
    if kind not in _OF_STATES:
        yield (), None
        return
    name = cast("EventKind", kind)
    states = value[kind]
    if isinstance(states, list):
        for position, state in enumerate(cast("list[object]", states)):
            is_text = isinstance(state, str) and state
            yield (name, position), SlaEvent(name, cast("str", state)) if is_text else None
    else:
        is_text = isinstance(states, str) and states
        yield (name,), SlaEvent(name, cast("str", states)) if is_text else None


def _events(value: object) -> tuple[SlaEvent, ...]:
    given = list(cast("tuple[object, ...]", value)) if isinstance(value, tuple) else value
    found = [event for _, event in written_events(cast("object", given))]
    events = tuple(event for event in found if event is not None)
    if not events or len(events) < len(found):
        raise not_allowed(EVENTS_ALLOWED)
    return tuple(dict.fromkeys(events))


def _as_text(events: tuple[SlaEvent, ...]) -> list[str]:
    return [str(event) for event in events]


_EVENT: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "enum": list(_PLAIN)},
        {"type": "string", "pattern": rf"^{_WITH_STATE.pattern}$"},
        *(
            {
                "type": "object",
                "properties": {
                    kind: {
                        "description": f"{what} this state, or any of a list of states.",
                        "anyOf": [
                            {"type": "string", "minLength": 1},
                            {
                                "type": "array",
                                "items": {"type": "string", "minLength": 1},
                                "minItems": 1,
                            },
                        ],
                    }
                },
                "required": [kind],
                "additionalProperties": False,
            }
            for kind, what in (("state", "Entering"), ("left", "Leaving"))
        ),
    ]
}
Events = Annotated[
    tuple[SlaEvent, ...],
    BeforeValidator(_events),
    PlainSerializer(_as_text, when_used="json"),
    WithJsonSchema({"anyOf": [_EVENT, {"type": "array", "items": _EVENT, "minItems": 1}]}),
]


_MILLISECONDS = {"s": 1000, "m": 60_000, "h": 3_600_000}


@dataclass(frozen=True)
class SlaDuration:
    """An amount of counted time: hours and shorter units, or days of the calendar.

    Exactly one of `milliseconds` and `days` is set. A week is 7 days; it is allowed only where the
    calendar is `always`, so that a day has 24 hours.
    """

    milliseconds: int | None = None
    days: int | None = None
    is_in_weeks: bool = False

    def __str__(self) -> str:
        if self.days is not None:
            return f"{self.days} d"
        assert self.milliseconds is not None
        for unit, length in (("h", "h"), ("min", "m")):
            count, rest = divmod(self.milliseconds, _MILLISECONDS[length])
            if not rest:
                return f"{count} {unit}"
        return f"{self.milliseconds // _MILLISECONDS['s']} s"


def _sla_duration(value: object) -> SlaDuration:
    if isinstance(value, SlaDuration):
        return value
    number, unit = duration_parts(value)
    if unit in _MILLISECONDS:
        return SlaDuration(milliseconds=number * _MILLISECONDS[unit])
    return SlaDuration(days=number * (7 if unit == "w" else 1), is_in_weeks=unit == "w")


TargetDuration = Annotated[
    SlaDuration,
    BeforeValidator(_sla_duration),
    PlainSerializer(str, when_used="json"),
    WithJsonSchema(
        DURATION_SCHEMA
        | {
            "description": "Counted time, such as 90s, 30m, 4h, 2d. Days are working days of the "
            "calendar: 1d is all slots of the working day on which the clock starts (of the next "
            "one outside of working time), 2d those of two working days from then on. Where the "
            "calendar is `always` a day has 24 hours, and weeks (w) are allowed."
        }
    ),
]


class SlaTarget(Part):
    """How much counted time a clock has: the same for all, by formula, or by an attribute."""

    duration: TargetDuration | None = None
    """The same for every process, such as 90s, 30m, 4h, 2d; days are working days."""
    formula: FormulaText | None = None
    """A number of seconds, as a formula over the attributes when the clock starts."""
    by: AttributeReference | None = None
    """The attribute whose value, when the clock starts, decides."""
    values: Mapping[PlainOption, TargetDuration] = Field(default_factory=dict)
    """The duration for each value of the attribute."""
    otherwise: TargetDuration | None = None
    """The duration for all other values and for none; without it there is no clock in that case."""

    @property
    def durations(self) -> tuple[SlaDuration, ...]:
        """All durations of the target; none where a formula gives it."""
        given = (self.duration, *self.values.values(), self.otherwise)
        return tuple(duration for duration in given if duration is not None)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The schema of the mapping, or of a duration in its place."""
        written_out = handler.resolve_ref_schema(handler(core_schema))
        return {
            "description": "A duration, or a mapping with a formula or an attribute.",
            "anyOf": [TypeAdapter(TargetDuration).json_schema(), written_out],
        }

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, data: object) -> object:
        """A target may be written as a duration."""
        return {"duration": data} if isinstance(data, str) else data


class Sla(Part):
    """A policy: its clock runs from `start` to `stop`; the counted time must not exceed `target`.

    The calendar, the target and `where` are those of the instant at which the clock starts.
    """

    name: Label
    """The name of the policy in the tables; used once."""
    start: Events
    """What starts a clock that is not running: one event or a list of them."""
    stop: Events
    """What stops a running clock: one event or a list of them."""
    repeat: StrictBool = False
    """A stop also starts the next clock, as long as the process is open: an update every 2 days."""
    pause: tuple[Label, ...] = ()
    """States, or kinds of states, in which the clock pauses."""
    target: SlaTarget
    """The counted time allowed: a duration, a formula, or durations by an attribute."""
    warn: Percent | None = None
    """The share of the target after which a clock that has not ended is in warning: `80%`."""
    alert: StrictBool = False
    """Tell LEADTIME_ALERT_URL of a clock that comes into warning, and that passes its target."""
    calendar: Label | None = None
    """The calendar whose working time counts; without one, that of the process when it starts."""
    where: FormulaText | None = None
    """Which processes have a clock, by their attributes when it starts; without it all have one."""
