"""What a calendar of working time is: weekly slots, breaks and holidays in a time zone.

Reading files does not belong here (calendar_files.py), nor does turning slots into instants.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, NamedTuple

from pydantic import (
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    StrictBool,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from schemas.definition_parts import Part
from schemas.definition_values import FormulaText, Label, LabelOrNothing, TimeZone, not_allowed

ALWAYS = "always"
"""The calendar that needs no file: every hour of every day, so that it is calendar time."""

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MINUTES_PER_DAY = 24 * 60

_SLOT = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-(?:([01][0-9]|2[0-3]):([0-5][0-9])|24:00)")
_DATE = re.compile(r"([0-9]{4}-)?[0-9]{2}-[0-9]{2}")
_EXAMPLE = "two times such as 09:00-17:00 (22:00-06:00 runs overnight, 24:00 may be the end)"
_LEAP_YEAR = "2000-"


class Slot(NamedTuple):
    """Minutes from local midnight, `[start, end)`; an end after 24 h lies on the next day."""

    start: int
    end: int

    @property
    def text(self) -> str:
        """The slot as it is written."""
        end = "24:00" if self.end == MINUTES_PER_DAY else _clock(self.end % MINUTES_PER_DAY)
        return f"{_clock(self.start)}-{end}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _slot(value: object) -> Slot:
    if isinstance(value, Slot):
        return value
    match = _SLOT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise not_allowed(_EXAMPLE)
    start = int(match[1]) * 60 + int(match[2])
    end = MINUTES_PER_DAY if match[3] is None else int(match[3]) * 60 + int(match[4])
    if start == end:
        raise not_allowed(f"a start and an end that differ; the whole day is {_WHOLE_DAY.text}")
    return Slot(start, end if start < end else end + MINUTES_PER_DAY)


_WHOLE_DAY = Slot(0, MINUTES_PER_DAY)


def _slot_within_a_day(value: object) -> Slot:
    slot = _slot(value)
    if slot.end > MINUTES_PER_DAY:
        raise not_allowed("times of that one day: end at 24:00 and go on at the next date")
    return slot


def _holiday_date(value: str) -> str:
    if _DATE.fullmatch(value):
        try:
            date.fromisoformat(_LEAP_YEAR + value if len(value) == len("12-24") else value)
        except ValueError:
            pass
        else:
            return value
    raise not_allowed("a date such as 2026-12-24, or 12-24 for the day in every year")


_as_text = PlainSerializer(lambda slot: slot.text, return_type=str)
_slot_schema = WithJsonSchema({"type": "string", "pattern": f"^{_SLOT.pattern}$"})
TimeSlot = Annotated[Any, BeforeValidator(_slot), _as_text, _slot_schema]
DaySlot = Annotated[Any, BeforeValidator(_slot_within_a_day), _as_text, _slot_schema]
HolidayDate = Annotated[
    Label,
    BeforeValidator(lambda value: _holiday_date(value) if isinstance(value, str) else value),
    WithJsonSchema({"type": "string", "pattern": f"^{_DATE.pattern}$"}),
]


class Week(Part):
    """Slots by day of the week. For a day its own name counts, else `workdays`, else `daily`."""

    daily: tuple[TimeSlot, ...] | None = None
    """Every day."""
    workdays: tuple[TimeSlot, ...] | None = None
    """Monday to Friday."""
    monday: tuple[TimeSlot, ...] | None = None
    """Mondays."""
    tuesday: tuple[TimeSlot, ...] | None = None
    """Tuesdays."""
    wednesday: tuple[TimeSlot, ...] | None = None
    """Wednesdays."""
    thursday: tuple[TimeSlot, ...] | None = None
    """Thursdays."""
    friday: tuple[TimeSlot, ...] | None = None
    """Fridays."""
    saturday: tuple[TimeSlot, ...] | None = None
    """Saturdays."""
    sunday: tuple[TimeSlot, ...] | None = None
    """Sundays."""

    def slots(self, weekday: int) -> tuple[Slot, ...]:
        """The slots that begin on a weekday, 0 for Monday."""
        keys = (WEEKDAYS[weekday], *(("workdays",) if weekday < 5 else ()), "daily")  # noqa: PLR2004
        written = (getattr(self, key) for key in keys)
        return next((slots for slots in written if slots is not None), ())


class Holiday(Part):
    """A day that is not as its weekday: closed, unless it says what is closed or open."""

    date: HolidayDate
    """The day, such as 2026-12-24, or 12-24 for every year; the full date counts before it."""
    name: LabelOrNothing = ""
    """What people call the day."""
    closed: tuple[DaySlot, ...] | None = None
    """The times that are not worked, beside the usual breaks."""
    open: tuple[DaySlot, ...] | None = None
    """The only times that are worked, whatever the weekday and its breaks."""

    @property
    def is_yearly(self) -> bool:
        """Whether the date is that of every year."""
        return len(self.date) == len("12-24")


class Calendar(Part):
    """When people work. An instant is worked when its local time lies in a slot and in no break,
    on a date that is not closed then.
    """

    name: Label
    """The name procedures call it by."""
    timezone: TimeZone
    """The IANA time zone of its times."""
    weekly: Week | None = None
    """The slots worked, by day of the week."""
    all_hours: StrictBool = Field(default=False, alias="24x7")
    """Every hour is worked, but for breaks and holidays; instead of `weekly`."""
    breaks: Week = Week()
    """The times not worked within those slots, by day of the week."""
    holidays: tuple[Holiday, ...] = ()
    """Days that are not as their weekday."""

    def __hash__(self) -> int:
        return hash((self.name, self.timezone))

    def slots(self, weekday: int) -> tuple[Slot, ...]:
        """The slots that begin on a weekday, 0 for Monday; breaks are not taken out."""
        return (_WHOLE_DAY,) if self.weekly is None else self.weekly.slots(weekday)


class CalendarChoice(Part):
    """The calendar of a procedure's processes: one for all, or for each by a formula."""

    formula: FormulaText | None = None
    """Gives the name of a calendar, from attributes and the fields of `processes`."""
    otherwise: Label = ALWAYS
    """The calendar where the formula gives none, or there is no formula."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """A calendar may be written as its name, which the fields do not say."""
        written_out = handler.resolve_ref_schema(handler(core_schema))
        name = written_out["properties"]["otherwise"]
        return {
            "description": "The name of a calendar, or a formula that gives it.",
            "anyOf": [{"type": "string", "pattern": name["pattern"]}, written_out],
        }

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, data: object) -> object:
        return {"otherwise": data} if isinstance(data, str) else data
