"""An age in calendar units, such as that up to which personal data are kept: `30d`, `6mo`, `3y`."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

_WRITTEN = re.compile(r"([1-9]\d{0,4})(d|w|mo|y)")
_DAYS = {"d": 1, "w": 7}
_MONTHS = {"mo": 1, "y": 12}
_MOST_YEARS = 100


@dataclass(frozen=True)
class Age:
    """A number of days (`d`), weeks (`w`), months (`mo`) or years (`y`); make it with `parse`."""

    number: int
    unit: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """The written age. Raises `ValueError` when it is no age of at most 100 years."""
        found = _WRITTEN.fullmatch(text.strip())
        age = cls(int(found[1]), found[2]) if found else None
        if age is None or age.years > _MOST_YEARS:
            raise ValueError(
                f"{text!r} is not an age: a whole number and one of d, w, mo, y, such as 30d, 8w, "
                f"6mo, 3y, at most {_MOST_YEARS} years"
            )
        return age

    def before(self, instant: datetime) -> datetime:
        """The instant that lies this age before another; the last day where a month is shorter."""
        if self.unit in _DAYS:
            return instant - timedelta(days=self.number * _DAYS[self.unit])
        months = instant.year * 12 + instant.month - 1 - self.number * _MONTHS[self.unit]
        year, month = months // 12, months % 12 + 1
        last_day = calendar.monthrange(year, month)[1]
        return instant.replace(year=year, month=month, day=min(instant.day, last_day))

    def __str__(self) -> str:
        return f"{self.number}{self.unit}"

    @property
    def years(self) -> float:
        """Its length in years, roughly."""
        if self.unit in _DAYS:
            return self.number * _DAYS[self.unit] / 365
        return self.number * _MONTHS[self.unit] / 12
