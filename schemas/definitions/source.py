"""A source: how files of another shape become process records, as an author writes it."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from schemas.definitions.parts import Part
from schemas.definitions.values import Label, TimeZone, Uuid, not_allowed

Shape = Literal[
    "records", "envelope", "event_log", "changelog", "wide_dates", "stage_rows", "snapshots"
]
Encoding = Literal["utf-8", "utf-16", "iso-8859-1", "windows-1252"]
Status = Literal["OPEN", "COMPLETED", "CANCELLED"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
WORDS_OF_TIME = ("iso", "milliseconds", "seconds")
"""Forms of times that need no format."""
_FORMAT = re.compile(r"(?:[^%]|%-?[aAbBdHIjmMpSyY]|%[fgnzZ%])+")
_HAS_DAY = re.compile(r"%-?j|(?=.*%-?d)(?=.*%-?[mbB])")
_HAS_YEAR = re.compile(r"%-?[yY]")
_TAKEN = re.compile(r"(\d{4})[-_.]?(\d{2})[-_.]?(\d{2})(?:[T_ -]?(\d{2})[-_:h]?(\d{2}))?(?!\d)")
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "leadtime:source")


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise not_allowed("letters, digits, _ and -, starting with a letter")
    return value


def _time_format(value: str) -> str:
    if value in WORDS_OF_TIME:
        return value
    if not (_FORMAT.fullmatch(value) and _HAS_DAY.search(value) and _HAS_YEAR.search(value)):
        raise not_allowed(
            f"{', '.join(WORDS_OF_TIME)}, or a format with day, month and year such as "
            "'%d.%m.%Y %H:%M'"
        )
    return value


def _globs(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _glob(value: str) -> str:
    if not value or value.startswith("/") or ".." in value.split("/"):
        raise not_allowed("a pattern of names in the landing folder, such as crm/deals*.csv")
    return value


SourceName = Annotated[
    str,
    AfterValidator(_name),
    WithJsonSchema({"type": "string", "pattern": f"^{_NAME.pattern}$"}),
]
TimeFormat = Annotated[str, AfterValidator(_time_format), WithJsonSchema({"type": "string"})]
Glob = Annotated[str, AfterValidator(_glob), WithJsonSchema({"type": "string"})]
Globs = Annotated[
    tuple[Glob, ...],
    BeforeValidator(_globs),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
_MAPPING: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "string"}}
Columns = Annotated[Mapping[str, Label], WithJsonSchema(_MAPPING)]


class Log(Part):
    """Where a log of changes has what: columns of an event log, keys of a changelog's items."""

    at: Label
    """When the change was made."""
    field: Label
    """The name of the field that changed."""
    old: Label | None = None
    """The value before."""
    new: Label
    """The value after."""
    histories: Label | None = None
    """In a changelog: the list of histories in a document, such as changelog.histories."""
    items: Label | None = None
    """In a changelog: the list of changed fields in a history."""
    fields: Columns = Field(default_factory=dict[str, str])
    """The name in the log of each field of the record that it follows: state: Status."""
    attributes: Columns = Field(default_factory=dict[str, str])
    """The name in the log of each attribute that it follows."""


class Deletion(Part):
    """Which rows mean that the process was deleted."""

    column: Label
    """The column or path with the kind of event."""
    values: tuple[Label, ...]
    """The values that mean a deletion."""


class Snapshot(Part):
    """What it means that a process is missing from a full list."""

    delete_at_most: float = Field(default=0.0, ge=0, le=1)
    """The largest share of the open list that one file may delete by leaving it out; 0 for none."""


class Source(Part):
    """How files become process records: which files, and what their columns mean.

    A column is named by its header; in JSON by its path (`fields.status.name`), from the start of
    the line where it begins with `$.`.
    """

    name: SourceName
    """The name of the source; ids made here depend on it."""
    shape: Shape
    """What a row is: a record, an event, a document with its history, a process with a date for
    each stage, a stage of a process, or a process in a full list."""
    files: Globs
    """The names of its files in the landing folder, as patterns: crm/deals*.csv."""
    procedure: Label
    """The shortId of the procedure of its processes."""
    ids: SourceName | None = None
    """Sources with the same value make the same ids of the same keys; else the name decides."""
    team: Uuid | None = None
    """The id of the team of all processes, unless a column has it."""
    timezone: TimeZone = "UTC"
    """The time zone of times without an offset."""
    dates: tuple[TimeFormat, ...] = ()
    """How times are written, tried in this order before ISO 8601."""
    encoding: Encoding = "utf-8"
    """The encoding of text files."""
    delimiter: Literal[",", ";", "\t", "|"] | None = None
    """What separates cells: without it a tab in .tsv files and a comma in others."""
    decimal: Literal[".", ","] = "."
    """The decimal mark of numbers in text."""
    separator: Label | None = None
    """What separates several values in a cell."""
    sheet: Label | None = None
    """The sheet of a workbook; without it the first one."""
    items: Label | None = None
    """In an envelope: where the record or the list of records is, such as data.items."""
    fields: Columns = Field(default_factory=dict[str, str])
    """The column of each field of the record."""
    attributes: Columns = Field(default_factory=dict[str, str])
    """The column of each attribute."""
    names: Columns = Field(default_factory=dict[str, str])
    """The column with the name of a user, by the field with the id; else the value itself."""
    states: Columns = Field(default_factory=dict[str, str])
    """The state that a value means, unless the value is a shortId or id itself."""
    statuses: Mapping[str, Status] = Field(default_factory=dict[str, Status])
    """The status that a value of the status column means."""
    outcomes: Mapping[str, Status] = Field(default_factory=dict[str, Status])
    """The status in a state, where no column has it; the completedState is COMPLETED."""
    stages: Columns = Field(default_factory=dict[str, str])
    """With wide dates: the column with the date at which each state was entered."""
    log: Log | None = None
    """With an event log or a changelog: where it has what."""
    deletion: Deletion | None = None
    """Which rows mean that the process was deleted."""
    snapshot: Snapshot | None = None
    """With snapshots: what a missing process means. The name of a file says when the list was
    taken: 2026-03-31, perhaps with a time (2026-03-31T1800)."""

    def __hash__(self) -> int:
        return hash(self.name)

    @property
    def followed_fields(self) -> Mapping[str, str]:
        """The name in the log of each field of the record that it follows."""
        return self.log.fields if self.log else {}

    @property
    def followed_attributes(self) -> Mapping[str, str]:
        """The name in the log of each attribute that it follows."""
        return self.log.attributes if self.log else {}

    def matches(self, name: str) -> bool:
        """Whether a file of this name in the landing folder is one of the source."""
        return any(
            fnmatchcase(name, f"{glob}*" if glob.endswith("/") else glob) for glob in self.files
        )

    @property
    def namespace(self) -> uuid.UUID:
        """The namespace of the ids that are made of keys."""
        return uuid.uuid5(_NAMESPACE, self.ids or self.name)

    @property
    def fingerprint(self) -> str:
        """sha256 of what is defined, except for the files it is for."""
        return hashlib.sha256(self.model_dump_json(exclude={"files"}).encode()).hexdigest()


def taken_at(name: str) -> str | None:
    """The local time in the name of a file as ISO 8601; None when there is none."""
    found = list(_TAKEN.finditer(name.rpartition("/")[2]))
    if not found:
        return None
    year, month, day, hour, minute = found[-1].groups()
    return f"{year}-{month}-{day}T{hour or '00'}:{minute or '00'}:00"
