"""Where things are and how they run, from the environment (`LEADTIME_...`) and the command line.

What the settings are used for does not belong here.
"""

import math
import os
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import available_timezones

from schemas.errors import SourceError

_MEMORY = re.compile(r"\d+(\.\d+)? ?[KMGT]i?B|[1-9]\d?%|100%", re.IGNORECASE)

PROCEDURES_FOLDER = Path(__file__).resolve().parent.parent / "schemas" / "procedures"


@dataclass(frozen=True)
class Settings:
    """One place for every choice an operator has.

    `data` holds the warehouse, the published databases and Dagster's instance. `time_zone` is the
    reporting time zone: day tables cut at its midnights. `keep` is the number of published
    generations that stay. `wait_seconds` is how long a run waits for another to end.
    """

    data: Path = field(default_factory=lambda: Path("data"))
    landing: Path = field(default_factory=lambda: Path("data/landing"))
    procedures: Path = PROCEDURES_FOLDER
    time_zone: str = "UTC"
    keep: int = 5
    threads: int = field(default_factory=lambda: os.cpu_count() or 2)
    memory_limit: str = "2GB"
    wait_seconds: float = 60.0

    @property
    def follows_data(self) -> bool:
        """Whether the landing folder is the usual one, which nobody had to name."""
        return self.landing == self.data / "landing"

    @property
    def warehouse(self) -> Path:
        return self.data / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        """The pointer to the current generation."""
        return self.data / "analytics.duckdb"

    @property
    def generations(self) -> Path:
        return self.data / "analytics"

    @property
    def dagster_home(self) -> Path:
        return self.data / "dagster"


def from_environment() -> Settings:
    """Settings from `LEADTIME_DATA`, `_LANDING`, `_PROCEDURES`, `_TIME_ZONE`, `_KEEP`, `_THREADS`,
    `_MEMORY_LIMIT` and `_WAIT_SECONDS`; what is not set keeps its default, and the landing folder
    follows the data folder.

    Raises `SourceError` when a number, a size or a time zone is not one.
    """
    given = {
        name: os.environ[f"LEADTIME_{name.upper()}"]
        for name in Settings.__dataclass_fields__
        if os.environ.get(f"LEADTIME_{name.upper()}")
    }
    data = Path(given.get("data", "data"))
    default = Settings(data=data)
    return Settings(
        data=data,
        landing=Path(given["landing"]) if "landing" in given else data / "landing",
        procedures=Path(given["procedures"]) if "procedures" in given else default.procedures,
        time_zone=_zone(given.get("time_zone", default.time_zone)),
        keep=_count(given, "keep", default.keep),
        threads=_count(given, "threads", default.threads),
        memory_limit=_memory(given.get("memory_limit", default.memory_limit)),
        wait_seconds=_number(given, "wait_seconds", default.wait_seconds),
    )


def now() -> datetime:
    """The present instant in UTC, to the millisecond; the only clock of the product."""
    instant = datetime.now(UTC)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def _zone(name: str) -> str:
    if name not in available_timezones():
        action = "Set it to an IANA time zone such as Europe/Berlin or UTC"
        raise SourceError("LEADTIME_TIME_ZONE", f"found {name!r}", action)
    return name


def _memory(text: str) -> str:
    if not _MEMORY.fullmatch(text) or not re.search("[1-9]", text):
        action = "Set it to a size such as 2GB or 512MB, or to a part of the memory such as 80%"
        raise SourceError("LEADTIME_MEMORY_LIMIT", f"found {text!r}", action)
    return text


def _count(given: dict[str, str], name: str, default: int) -> int:
    text = given.get(name, str(default))
    if not re.fullmatch("[0-9]+", text) or int(text) < 1:
        action = "Set it to a whole number, 1 or more"
        raise SourceError(f"LEADTIME_{name.upper()}", f"found {text!r}", action)
    return int(text)


def _number(given: dict[str, str], name: str, default: float) -> float:
    text = given.get(name, str(default))
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not value >= 0:
        action = "Set it to a number, 0 or more"
        raise SourceError(f"LEADTIME_{name.upper()}", f"found {text!r}", action)
    return value
