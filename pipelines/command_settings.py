"""From what is given on the command line to settings, an instant, and commands to type next.

What a command does with them does not belong here.
"""

import os
import shlex
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from pipelines.settings import Settings, from_environment, now
from schemas.errors import SourceError

_FIRST_YEAR = 2000  # what the rules of the record take as a time
# The options for folders that each command has.
_FOLDERS = {
    "check": ("procedures",),
    "demo": (),
    "quarantine": ("data", "procedures"),
    "query": ("data",),
    "report": ("data",),
    "run": ("data", "landing", "procedures"),
    "ui": ("data", "landing", "procedures"),
}


def chosen_settings(
    *,
    data: Path | None = None,
    landing: Path | None = None,
    procedures: Path | None = None,
    is_asked: bool = False,
) -> Settings:
    """The settings of the environment, with the folders given on the command line.

    The landing folder follows the data folder unless it was given too. Where a published database
    is only asked, `data` may be its file. Raises `SourceError` when the environment holds something
    that cannot be used, or `data` is a file elsewhere.
    """
    settings = from_environment()
    if data is not None:
        settings = replace(
            settings,
            data=data,
            landing=data / "landing" if settings.follows_data else settings.landing,
        )
    if settings.data.is_file() and not is_asked:
        action = "Name the folder of the warehouse; `leadtime query` and `report` take a file."
        raise SourceError(str(settings.data), "is a file", action)
    if landing is not None:
        settings = replace(settings, landing=landing)
    if procedures is not None:
        settings = replace(settings, procedures=procedures)
    return settings


def parse_as_of(text: str, time_zone: str) -> datetime:
    """An instant in UTC: a day means its last millisecond in the reporting time zone.

    An instant without an offset is local time of that zone. Raises `ValueError` with a sentence
    when it is neither, or lies in the future.
    """
    zone = ZoneInfo(time_zone)
    advice = "leave --as-of out for the picture as of now"
    try:
        instant = _end_of_day(date.fromisoformat(text), zone)
        future = f"{text} has not ended yet in {time_zone}; {advice}."
    except ValueError:
        instant = _local_instant(text, zone)
        future = f"{text} lies in the future; {advice}."
    if instant.year < _FIRST_YEAR:
        raise ValueError(f"{text} lies before {_FIRST_YEAR}, and so before any version can.")
    if instant.year > now().year + 1 or instant > now():
        raise ValueError(future)
    utc = instant.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def next_command(settings: Settings, name: str, *words: str) -> str:
    """A command line that works as it is printed: it names the folders that are not the usual ones.

    Words that are no options are SQL.
    """
    usual = from_environment()
    # The command may be on the path only because uv put it there.
    parts = [*(["uv", "run"] if "UV" in os.environ else []), "leadtime", name]
    for folder in _FOLDERS[name]:
        given = getattr(settings, folder)
        follows = folder == "landing" and settings.follows_data
        if given != getattr(usual, folder) and not follows:
            parts += [f"--{folder}", str(given)]
    parts += [word for word in words if word.startswith("--")]
    # SQL reads best between double quotes.
    queries = [f'"{word}"' for word in words if not word.startswith("--")]
    return " ".join([shlex.join(parts), *queries])


def _end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The last millisecond of a local day, whatever its length."""
    if day.year > now().year + 1 or day.year < _FIRST_YEAR:
        return datetime(day.year, day.month, day.day, tzinfo=zone)
    next_day = day + timedelta(days=1)
    midnight = datetime(next_day.year, next_day.month, next_day.day, tzinfo=zone)
    return midnight.astimezone(UTC) - timedelta(milliseconds=1)


def _local_instant(text: str, zone: ZoneInfo) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is neither a day (2026-03-31) nor an instant (2026-03-31T18:00:00Z)."
        ) from None
    return instant if instant.tzinfo else instant.replace(tzinfo=zone)
