"""Calendars of working time as an author writes them: weekly slots, breaks, holidays, a zone."""

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

from schemas.definitions.parts import Part
from schemas.definitions.values import FormulaText, Label, LabelOrNothing, TimeZone, not_allowed

ALWAYS = "always"
"""The calendar without a file: every hour of every day, so that working time is calendar time."""

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MINUTES_PER_DAY = 24 * 60

_SLOT = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-(?:([01][0-9]|2[0-3]):([0-5][0-9])|24:00)")
_DATE = re.compile(r"([0-9]{4}-)?[0-9]{2}-[0-9]{2}")
_EXAMPLE = "two times such as 09:00-17:00 (22:00-06:00 runs overnight; 24:00 is a valid end)"
_LEAP_YEAR = "2000-"


class Slot(NamedTuple):
    """Minutes from local midnight, `[start, end)`; an end after 24:00 lies on the next day."""

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
        raise not_allowed("times of one day: end at 24:00 and continue on the next date")
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
    """Slots by day of the week. For a day its own key applies, else `workdays`, else `daily`."""

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
    """A date that differs from its weekday: closed all day unless `closed` or `open` is given."""

    date: HolidayDate
    """The date, such as 2026-12-24, or 12-24 for every year; a full date has precedence."""
    name: LabelOrNothing = ""
    """The name of the day."""
    closed: tuple[DaySlot, ...] | None = None
    """The times that are not worked, in addition to the usual breaks."""
    open: tuple[DaySlot, ...] | None = None
    """The only times that are worked; the slots and breaks of the weekday do not apply."""

    @property
    def is_yearly(self) -> bool:
        """Whether the date is one of every year."""
        return len(self.date) == len("12-24")


class Calendar(Part):
    """When people work. An instant is working time if its local time lies in a slot and not in a
    break, and the date is not closed at that time. A working day is a date on which a slot begins;
    an overnight slot belongs to the day on which it begins.
    """

    name: Label
    """The name by which procedures refer to it."""
    timezone: TimeZone
    """The IANA time zone of its times."""
    weekly: Week | None = None
    """The working slots by day of the week."""
    all_hours: StrictBool = Field(default=False, alias="24x7")
    """Every hour is worked except for breaks and holidays; instead of `weekly`."""
    breaks: Week = Week()
    """The times within those slots that are not worked, by day of the week."""
    holidays: tuple[Holiday, ...] = ()
    """Dates that differ from their weekday."""

    def __hash__(self) -> int:
        return hash((self.name, self.timezone))

    def slots(self, weekday: int) -> tuple[Slot, ...]:
        """The slots that begin on a weekday, 0 for Monday; breaks are not removed."""
        return (_WHOLE_DAY,) if self.weekly is None else self.weekly.slots(weekday)


class CalendarChoice(Part):
    """The calendar of the processes of a procedure: one for all, or by a formula.

    A formula is evaluated for every version, and its calendar applies from that version until the
    next one: working time before a change is not measured again.
    """

    formula: FormulaText | None = None
    """Gives the name of a calendar from the attributes and the columns of `processes`."""
    otherwise: Label = ALWAYS
    """The calendar without a formula, and where the formula does not give the name of one."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The schema of the mapping, or of a name in its place."""
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
