"""Settings from the environment (`LEADTIME_...`): folders, limits, retention; and the clock."""

import grp
import math
import os
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, available_timezones

from schemas.definitions.age import Age
from schemas.errors import OperationError

_MEMORY = re.compile(r"\d+(\.\d+)? ?[KMGT]i?B|[1-9]\d?%|100%", re.IGNORECASE)

# A reader that has resolved the pointer opens the previous generation a moment later.
_LEAST_GENERATIONS = 2
_CHOICES = {"1": True, "true": True, "0": False, "false": False}
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
PROCEDURES_FOLDER = Path(__file__).resolve().parent.parent / "schemas" / "procedures"


@dataclass(frozen=True)
class Settings:
    """Every setting of an operator.

    `data` holds the warehouse, the published databases and Dagster's instance. `sources` is the
    folder that says how files of other shapes are read; None for that beside the procedures.
    `time_zone` is the reporting time zone: days in tables start at its midnights. `keep` is the
    number of published generations to keep, and `keep_runs` the number of finished runs in
    Dagster's storage (about 1 MB each). `wait_seconds` is how long a run waits for another
    process to release the warehouse. Members of `read_group` may read the published databases,
    those of `people_group` the personal values in `people.duckdb`; nobody else may where a group is
    empty.
    A run erases the personal values of versions older than `retain_versions`, and the texts of
    lines that were rejected longer ago than `retain_quarantine_text`; None keeps them.
    Failed runs and red checks are told to `alert_url`, which may be a secret. `publish_to` has the
    addresses to copy generations to, separated by spaces, maybe with passwords. Keys of assets
    begin with `asset_prefix`. The job that writes databases as at the ends of months writes them to
    `month_ends`, and is there only with it.
    `api_url` is the base address of the platform's API, and `api_token_file` a file with its token
    where LEADTIME_API_TOKEN does not hold it (no setting is the token itself). A pull sends at most
    `api_requests_per_second` (0 for any number), asks only for what has changed where the API
    filters by `updatedAt` (`api_filters_updated_at`), and lists tasks and calls at a given path.
    The Spark cluster at `spark_master`, if that is set, reads large new files and computes history
    made anew, with what follows from each process by itself. Its files are in `spark_folder`, which
    all of its machines reach (None: the data folder).
    """

    data: Path = field(default_factory=lambda: Path("data"))
    landing: Path = field(default_factory=lambda: Path("data/landing"))
    procedures: Path = PROCEDURES_FOLDER
    sources: Path | None = None
    time_zone: str = "UTC"
    keep: int = 5
    keep_runs: int = 100
    threads: int = field(default_factory=lambda: os.cpu_count() or 2)
    memory_limit: str = "2GB"
    wait_seconds: float = 60.0
    read_group: str = ""
    people_group: str = ""
    retain_versions: Age | None = None
    retain_quarantine_text: Age | None = None
    alert_url: str = field(default="", repr=False)
    publish_to: str = field(default="", repr=False)
    asset_prefix: tuple[str, ...] = ()
    month_ends: Path | None = None
    api_url: str = ""
    api_token_file: Path | None = None
    api_requests_per_second: float = 5.0
    api_filters_updated_at: bool = False
    api_tasks_path: str = ""
    api_calls_path: str = ""
    api_records_path: str = ""
    spark_master: str = ""
    spark_folder: Path | None = None

    @property
    def follows_data(self) -> bool:
        """Whether the landing folder is the default one, inside the data folder."""
        return self.landing == self.data / "landing"

    @property
    def warehouse(self) -> Path:
        return self.data / "warehouse.duckdb"

    @property
    def manifest(self) -> Path:
        """The order of the files taken in; it must be kept for an exact rebuild."""
        return self.data / "ledger.ndjson"

    @property
    def erasures(self) -> Path:
        """What was erased, by hashes; it must be kept, so that no erased value comes back."""
        return self.data / "erasures.ndjson"

    @property
    def erasures_key(self) -> Path:
        """The key of these hashes, to be kept with them."""
        return self.data / "erasures.key"

    @property
    def temporary(self) -> Path:
        """Files that only a process with the lease needs; emptied by the next one."""
        return self.data / "tmp"

    @property
    def published(self) -> Path:
        """The pointer to the current generation."""
        return self.data / "analytics.duckdb"

    @property
    def generations(self) -> Path:
        return self.data / "analytics"

    @property
    def people(self) -> Path:
        """The pointer to the values that the current generation has keys of, or leaves out."""
        return self.data / "people.duckdb"

    @property
    def people_files(self) -> Path:
        return self.data / "people"

    @property
    def pepper(self) -> Path:
        """The secret that makes keys of personal values."""
        return self.data / "secret" / "pepper"

    @property
    def pull(self) -> Path:
        """What pulls remember, and the configuration of the platform as it came."""
        return self.data / "pull"

    @property
    def dagster_home(self) -> Path:
        return self.data / "dagster"


def from_environment() -> Settings:
    """Settings from `LEADTIME_DATA`, `_LANDING`, `_PROCEDURES`, `_SOURCES`, `_TIME_ZONE`, `_KEEP`,
    `_KEEP_RUNS`, `_THREADS`, `_MEMORY_LIMIT`, `_WAIT_SECONDS`, `_READ_GROUP`, `_PEOPLE_GROUP`,
    `_RETAIN_VERSIONS`, `_RETAIN_QUARANTINE_TEXT`, `_ALERT_URL`, `_PUBLISH_TO`, `_ASSET_PREFIX`,
    `_MONTH_ENDS`, `_API_URL`, `_API_TOKEN_FILE`, `_API_REQUESTS_PER_SECOND`,
    `_API_FILTERS_UPDATED_AT`, `_API_TASKS_PATH`, `_API_CALLS_PATH`, `_API_RECORDS_PATH`,
    `_SPARK_MASTER` and `_SPARK_FOLDER`, with defaults for the others; the default landing folder is
    in the data folder. Raises `OperationError` for a value that is not valid.
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
        sources=Path(given["sources"]) if "sources" in given else None,
        time_zone=_zone(given.get("time_zone", default.time_zone)),
        keep=_count(given, "keep", default.keep, least=_LEAST_GENERATIONS),
        keep_runs=_count(given, "keep_runs", default.keep_runs),
        threads=_count(given, "threads", default.threads),
        memory_limit=_memory(given.get("memory_limit", default.memory_limit)),
        wait_seconds=_number(given, "wait_seconds", default.wait_seconds),
        read_group=_group(given, "read_group"),
        people_group=_group(given, "people_group"),
        retain_versions=_age(given, "retain_versions"),
        retain_quarantine_text=_age(given, "retain_quarantine_text"),
        alert_url=_address(given, "alert_url"),
        publish_to=" ".join(map(_absolute, given.get("publish_to", "").split())),
        asset_prefix=_prefix(given),
        month_ends=Path(given["month_ends"]) if "month_ends" in given else None,
        api_url=_base_address(given),
        api_token_file=Path(given["api_token_file"]) if "api_token_file" in given else None,
        api_requests_per_second=_number(
            given, "api_requests_per_second", default.api_requests_per_second
        ),
        api_filters_updated_at=_choice(given, "api_filters_updated_at"),
        api_tasks_path=_path(given, "api_tasks_path"),
        api_calls_path=_path(given, "api_calls_path"),
        api_records_path=_path(given, "api_records_path"),
        spark_master=given.get("spark_master", ""),
        spark_folder=Path(given["spark_folder"]) if "spark_folder" in given else None,
    )


def now() -> datetime:
    """The present instant in UTC, to the millisecond."""
    instant = datetime.now(UTC)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The last millisecond of a local day of 23, 24 or 25 hours, in UTC."""
    following = day + timedelta(days=1)
    midnight = datetime(following.year, following.month, following.day, tzinfo=zone)
    return midnight.astimezone(UTC) - timedelta(milliseconds=1)


# Which zones there are is looked up in thousands of files.
_time_zones = cache(available_timezones)


def _zone(name: str) -> str:
    if name not in _time_zones():
        action = "Set it to an IANA time zone (Europe/Berlin, UTC)"
        raise OperationError("LEADTIME_TIME_ZONE", f"found {name!r}", action)
    return name


def _group(given: dict[str, str], setting: str) -> str:
    name = given.get(setting, "")
    try:
        return name and grp.getgrnam(name).gr_name
    except KeyError:
        action = "Set it to a group of this machine, to which the analysts belong"
        raise OperationError(f"LEADTIME_{setting.upper()}", f"found {name!r}", action) from None


def _age(given: dict[str, str], setting: str) -> Age | None:
    try:
        return Age.parse(given[setting]) if setting in given else None
    except ValueError as error:
        action = "Set it to an age, or leave it out to keep everything"
        raise OperationError(f"LEADTIME_{setting.upper()}", str(error), action) from None


def _address(given: dict[str, str], setting: str) -> str:
    # What was found is not shown: an address with a token is a secret.
    text = given.get(setting, "")
    parts = _parts(text)
    if text and (parts is None or parts.scheme not in ("http", "https") or not parts.hostname):
        action = "Set it to an address that begins with https:// or http://"
        raise OperationError(f"LEADTIME_{setting.upper()}", "is no address of the web", action)
    return text


def _absolute(address: str) -> str:
    """The address of a copy: a relative folder counts from where the process was started."""
    scheme, separator, folder = address.partition("://")
    if scheme != "delta" or not folder:
        return address
    return f"{scheme}{separator}{Path(folder).absolute()}"


def _prefix(given: dict[str, str]) -> tuple[str, ...]:
    text = given.get("asset_prefix", "")
    if text and not re.fullmatch("[A-Za-z0-9_]+(/[A-Za-z0-9_]+)*", text):
        action = "Set it to names of letters, digits and `_`, separated by `/` (crm/leadtime)"
        raise OperationError("LEADTIME_ASSET_PREFIX", f"found {text!r}", action)
    return tuple(text.split("/")) if text else ()


def _base_address(given: dict[str, str]) -> str:
    """The address of the API, without a slash at its end; a token goes there encrypted only."""
    text = _address(given, "api_url")
    parts = _parts(text)
    if not text or parts is None:
        return ""
    action = "Set it to the address that precedes /v1/ext, as https://api.example.com"
    if parts.query or parts.fragment or parts.username or parts.password:
        found = "has more than a host and a path"
        raise OperationError("LEADTIME_API_URL", found, action)
    if parts.scheme != "https" and parts.hostname not in _THIS_MACHINE:
        found = "is not encrypted (http://), and the token would be readable on its way"
        raise OperationError("LEADTIME_API_URL", found, action)
    return text.rstrip("/")


def _path(given: dict[str, str], setting: str) -> str:
    """A path below the address of the API."""
    text = given.get(setting, "")
    if text and not re.fullmatch("(/[A-Za-z0-9._~-]+)+", text):
        action = "Set it to the path of the list below LEADTIME_API_URL, as /v1/ext/task/list"
        raise OperationError(f"LEADTIME_{setting.upper()}", f"found {text!r}", action)
    return text


def _parts(text: str) -> SplitResult | None:
    """The parts of an address; None when it has none."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _choice(given: dict[str, str], setting: str) -> bool:
    text = given.get(setting, "0").lower()
    if text not in _CHOICES:
        raise OperationError(f"LEADTIME_{setting.upper()}", f"found {text!r}", "Set it to 1 or 0")
    return _CHOICES[text]


def _memory(text: str) -> str:
    if not _MEMORY.fullmatch(text) or not re.search("[1-9]", text):
        action = "Set it to a size (2GB, 512MB) or a share of the memory (80%)"
        raise OperationError("LEADTIME_MEMORY_LIMIT", f"found {text!r}", action)
    return text


def _count(given: dict[str, str], name: str, default: int, *, least: int = 1) -> int:
    text = given.get(name, str(default))
    if not re.fullmatch("[0-9]+", text) or int(text) < least:
        action = f"Set it to a whole number, {least} or more"
        raise OperationError(f"LEADTIME_{name.upper()}", f"found {text!r}", action)
    return int(text)


def _number(given: dict[str, str], name: str, default: float) -> float:
    text = given.get(name, str(default))
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not value >= 0:
        action = "Set it to a number, 0 or more"
        raise OperationError(f"LEADTIME_{name.upper()}", f"found {text!r}", action)
    return value
