"""Settings and instants from the command line, and command lines to print as next steps."""

import os
import shlex
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from pipelines.settings import Settings, end_of_day, from_environment, now
from schemas.errors import OperationError

_FIRST_YEAR = 2000  # what the rules of the record take as a time
# The folder options of each command.
_FOLDERS = {
    "backup": ("data", "procedures"),
    "check": ("procedures", "sources"),
    "demo": (),
    "forget": ("data", "landing", "procedures", "sources"),
    "quarantine": ("data", "procedures"),
    "query": ("data",),
    "report": ("data",),
    "run": ("data", "landing", "procedures", "sources"),
    "ui": ("data", "landing", "procedures", "sources"),
    "verify": ("data", "procedures"),
}


def chosen_settings(
    *,
    data: Path | None = None,
    landing: Path | None = None,
    procedures: Path | None = None,
    sources: Path | None = None,
    is_asked: bool = False,
) -> Settings:
    """The settings of the environment, with the folders given on the command line.

    The landing folder is inside the data folder unless it is given too. Where a command only reads
    the published database, `data` may be its file. Raises `OperationError` when a variable of the
    environment cannot be used, or `data` is a file elsewhere.
    """
    settings = from_environment()
    if data is not None:
        settings = replace(
            settings,
            data=data,
            landing=data / "landing" if settings.follows_data else settings.landing,
            # Copies are of the data folder of the environment, and no trial replaces them.
            publish_to=settings.publish_to if data.absolute() == settings.data.absolute() else "",
        )
    if settings.data.is_file() and not is_asked:
        action = "Name the folder of the warehouse; `leadtime query` and `report` take a file."
        raise OperationError(str(settings.data), "is a file", action)
    if landing is not None:
        settings = replace(settings, landing=landing)
    if procedures is not None:
        settings = replace(settings, procedures=procedures)
    if sources is not None:
        settings = replace(settings, sources=sources)
    return settings


def chosen_engine(settings: Settings, *, engine: str | None, master: str | None) -> Settings:
    """The settings with the engine given on the command line, at this Spark master.

    Raises `OperationError` for a master without Spark.
    """
    if engine == "local":
        settings = replace(settings, spark_master="")
    elif engine == "spark":
        settings = replace(settings, spark_master=settings.spark_master or "local[*]")
    if master is not None:
        if not settings.spark_master:
            action = "Add `--engine spark`, or leave it out."
            raise OperationError("--master", "is the address of a Spark master", action)
        settings = replace(settings, spark_master=master)
    return settings


def parse_as_of(text: str, time_zone: str) -> datetime:
    """An instant in UTC; a day means its last millisecond in the reporting time zone.

    An instant without an offset is local time of that zone. Raises `ValueError` when the text is
    neither, or lies before 2000 or in the future.
    """
    zone = ZoneInfo(time_zone)
    advice = "omit --as-of for the current state"
    try:
        instant = _end_of_day(date.fromisoformat(text), zone)
        future = f"{text} has not ended yet in {time_zone}; {advice}."
    except ValueError:
        instant = _local_instant(text, zone)
        future = f"{text} is in the future; {advice}."
    if instant.year < _FIRST_YEAR:
        raise ValueError(f"{text} is before {_FIRST_YEAR}, the first year that a version can have.")
    if instant.year > now().year + 1 or instant > now():
        raise ValueError(future)
    utc = instant.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def next_command(settings: Settings, name: str, *words: str) -> str:
    """A command line that works as printed, with the folders that differ from the defaults.

    Words that are not options are SQL.
    """
    usual = from_environment()
    # With `uv run`, the command is on the path only inside that call.
    parts = [*(["uv", "run"] if "UV" in os.environ else []), "leadtime", name]
    for folder in _FOLDERS[name]:
        given = getattr(settings, folder)
        follows = folder == "landing" and settings.follows_data
        if given != getattr(usual, folder) and not follows:
            parts += [f"--{folder}", str(given)]
    parts += [word for word in words if word.startswith("--")]
    # Double quotes, as SQL contains single ones.
    queries = [f'"{word}"' for word in words if not word.startswith("--")]
    return " ".join([shlex.join(parts), *queries])


def _end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """As `end_of_day`; the start of a day in a year that no version can have."""
    if day.year > now().year + 1 or day.year < _FIRST_YEAR:
        return datetime(day.year, day.month, day.day, tzinfo=zone)
    return end_of_day(day, zone)


def _local_instant(text: str, zone: ZoneInfo) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is neither a day (2026-03-31) nor an instant (2026-03-31T18:00:00Z)."
        ) from None
    return instant if instant.tzinfo else instant.replace(tzinfo=zone)
