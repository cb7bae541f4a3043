"""What an SLA policy is: the events that start and stop its clocks, what pauses them, the target.

Whether states and attributes it names exist, and what its formulas read, does not belong here.
"""

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
    TypeAdapter,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from schemas.definition_parts import Part
from schemas.definition_values import (
    AttributeReference,
    Duration,
    FormulaText,
    Label,
    PlainOption,
    not_allowed,
)

EventKind = Literal["created", "first_assigned", "completed", "closed", "state", "left"]

_OF_STATES = ("state", "left")
_PLAIN = tuple(kind for kind in get_args(EventKind) if kind not in _OF_STATES)
_WITH_STATE = re.compile(r"(state|left):\s*(\S.*)")
EVENTS_ALLOWED = f"{', '.join(_PLAIN)}, `state: X`, `left: X`, or a list of these"


@dataclass(frozen=True)
class SlaEvent:
    """Something that happens to a process; `state` only where the event is about one."""

    kind: EventKind
    state: str | None = None

    def __str__(self) -> str:
        return f"{self.kind}: {self.state}" if self.state is not None else self.kind


def written_events(value: object) -> Iterator[tuple[tuple[str | int, ...], SlaEvent | None]]:
    """The events a key is written with, and where; None for what is no event.

    Each is a word, `state: X` or `left: X`, as text or as a mapping, X a state or a list of them.
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


class SlaTarget(Part):
    """How much counted time a clock has: the same for all, by formula, or by an attribute."""

    duration: Duration | None = None
    """The same for every process, such as 90s, 30m, 4h, 2d."""
    formula: FormulaText | None = None
    """A number of seconds, as a formula over the attributes when the clock starts."""
    by: AttributeReference | None = None
    """The attribute whose value, when the clock starts, decides."""
    values: Mapping[PlainOption, Duration] = Field(default_factory=dict)
    """The duration for each value of the attribute."""
    otherwise: Duration | None = None
    """The duration for every other value and for none; without it there is no clock then."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """A target may be written in short, which the fields do not say."""
        written_out = handler.resolve_ref_schema(handler(core_schema))
        return {
            "description": "A duration, or a mapping with a formula, or with an attribute.",
            "anyOf": [TypeAdapter(Duration).json_schema(), written_out],
        }

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, data: object) -> object:
        """A target may be written as a duration."""
        return {"duration": data} if isinstance(data, str) else data


class Sla(Part):
    """A policy: its clock runs from `start` to `stop`, and counted time must not pass `target`."""

    name: Label
    """The name of the policy in the tables; used once."""
    start: Events
    """What starts a clock that is not running: one event or a list of them."""
    stop: Events
    """What stops a running clock: one event or a list of them."""
    pause: tuple[Label, ...] = ()
    """States, or kinds of states, in which time does not count."""
    target: SlaTarget
    """How much counted time there is: a duration, a formula, or durations by an attribute."""
    calendar: Label | None = None
    """The calendar whose working time counts; without one, that of the process."""
    where: FormulaText | None = None
    """Which processes have the clock, by their attributes when it starts; without one all do."""
