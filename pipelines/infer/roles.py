"""Guesses by its name which field of a process record a column of a foreign file holds."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipelines.infer.foreign import MILLISECONDS, Column, Foreign
from pipelines.infer.proposal import words_of
from schemas.records.record import FIELDS

_CREATED = (
    "created", "creation", "create", "opened", "submitted", "received", "registered", "inserted",
    "reported", "erstellt", "angelegt",
)  # fmt: skip
_UPDATED = (
    "updated", "modified", "changed", "edited", "update", "modification", "activity", "entered",
    "transitioned", "moved", "timestamp", "sent", "occurred",
)  # fmt: skip
_CLOSED = (
    "closed", "completed", "resolved", "solved", "finished", "won", "ended", "converted", "close",
)  # fmt: skip
_PLANNED = frozenset([
    "expected", "planned", "target", "due", "estimated", "forecast", "next", "promised",
])  # fmt: skip
STATES = ("stage", "state", "status", "phase", "step", "activity")
# What process mining tools call the columns of an event log.
_OF_EVENT_LOGS = {
    "id": "case:concept:name", "state": "concept:name", "updatedAt": "time:timestamp",
}  # fmt: skip
_OWNERS = ("owner", "assignee", "assigned", "agent", "handler", "responsible", "resource")
_NAMES = frozenset(["name", "displayname", "fullname"])
_OTHERS = frozenset([
    "account", "company", "contact", "customer", "owner", "user", "parent", "team", "campaign",
    "assignee", "agent", "created", "modified", "updated", "external", "record", "type", "phone",
    "mobile", "fax", "postal", "zip", "house", "author", "pipeline", "event", "status", "stage",
])  # fmt: skip
_SUBJECTS = frozenset([
    "lead", "ticket", "case", "deal", "opportunity", "order", "issue", "incident", "request",
    "application", "claim", "process",
])  # fmt: skip
# Words that say that a line is a change of something, not the thing itself.
_HISTORY = frozenset([
    "history", "histories", "log", "logs", "event", "events", "change", "changes", "changelog",
    "audit", "transition", "transitions", "version", "versions", "movement", "movements",
])  # fmt: skip
_ID_WORDS = ("id", "uuid", "guid")
_KEYS = ("number", "no", "key", "ref", "reference", "code", "nummer", "nr")
# More values than this are text that people write, not states.
_MAX_STATES = 60


@dataclass
class Roles:
    """The column of each field (by its name), as far as one was found, and the other columns.

    `closed` says when a process ended, whatever its end; `outcome` holds words for the status, and
    `owner_name` the name of the one whose id is `assignedTo`.
    """

    fields: dict[str, Column] = field(default_factory=dict[str, Column])
    closed: Column | None = None
    outcome: Column | None = None
    owner_name: Column | None = None
    rest: list[Column] = field(default_factory=list[Column])


def find_roles(foreign: Foreign, *, without: Iterable[str] = ()) -> Roles:
    """What each column stands for; one that has a field's own name and kind stands for that.

    `without` are columns that are taken already.
    """
    given = [column for column in foreign.columns if column.name not in set(without)]
    columns = {column.name: column for column in given}
    roles = Roles(dict(_named_alike(columns)))
    if columns.keys() >= {*_OF_EVENT_LOGS.values()} and columns["time:timestamp"].is_time:
        roles.fields |= {name: columns[found] for name, found in _OF_EVENT_LOGS.items()}
    if process := _process_of_history(foreign, given):
        roles.fields["id"] = process
    taken = {column.name for column in roles.fields.values()}

    def take(name: str, found: Column | None) -> None:
        if found is not None and name not in roles.fields and found.name not in taken:
            roles.fields[name] = found
            taken.add(found.name)

    free = [column for column in given if column.name not in taken]
    # Owners that are numbers look like times in seconds.
    times = [c for c in free if c.is_time and not _is_planned(c) and not _is_number_of(c)]
    plain = [column for column in free if column not in times]
    take("createdAt", _first(times, _CREATED))
    take("updatedAt", _first(times, _UPDATED))
    if not {"createdAt", "updatedAt"} & roles.fields.keys():
        take("createdAt", next((c for c in times if len(words_of(c.name)) == 1), None))
    take("id", _id_of(plain, foreign))
    few = [c for c in plain if c.distinct <= _MAX_STATES and not c.is_mostly("object")]
    take("state", _first((c for c in few if not _is_number_of(c)), STATES) or _first(few, STATES))
    owners = [c for c in plain if not {*words_of(c.name)}.isdisjoint(_OWNERS)]
    take("assignedTo", _owner(owners))
    roles.owner_name = _name_of(roles.fields.get("assignedTo"), owners)
    take("isDeleted", _first((c for c in plain if c.is_mostly("boolean")), ("deleted",)))
    roles.closed = _first((c for c in times if c.name not in taken), _CLOSED)
    used = taken | {c.name for c in (roles.closed, roles.owner_name) if c}
    if "status" in roles.fields:
        roles.fields.setdefault("state", roles.fields["status"])
    else:
        open_words = [c for c in few if c.name not in used]
        roles.outcome = _first(open_words, ("status", "outcome", "result"))
    roles.rest = [column for column in given if column.name not in used]
    return roles


def unread_times(foreign: Foreign) -> list[str]:
    """The columns that have the name of a time, but values that are no times of a known form."""
    words = {*_CREATED, *_UPDATED}
    return [
        column.name
        for column in foreign.columns
        if column.values and not column.is_time and not words.isdisjoint(words_of(column.name))
    ]


def has_the_shape(foreign: Foreign) -> bool:
    """Whether the lines have every required field by its name, with values of its form."""
    forms = {"uuid": "uuid", "status": "status", "time": MILLISECONDS}
    required = (
        (foreign.by_name.get(known.name), forms.get(known.kind))
        for known in FIELDS
        if known.required
    )
    return all(
        column is not None and (form is None or column.is_mostly(form)) for column, form in required
    )


def _named_alike(columns: Mapping[str, Column]) -> Iterable[tuple[str, Column]]:
    forms = {"uuid": "uuid", "status": "status", "boolean": "boolean"}
    for known in FIELDS:
        column = columns.get(known.name)
        if column is None:
            continue
        form = forms.get(known.kind)
        is_right = column.is_mostly(form) if form else known.kind == "time" and column.is_time
        if is_right or known.name in ("id", "team"):
            yield known.name, column


def _first(columns: Iterable[Column], words: tuple[str, ...]) -> Column | None:
    """The column whose name has the earliest of these words, and as few others as possible."""
    found = [
        (words.index(word), len(name), position, column)
        for position, column in enumerate(columns)
        if column.values
        for name in [words_of(column.name)]
        for word in name
        if word in words
    ]
    return min(found, key=lambda row: row[:3])[3] if found else None


def _is_planned(column: Column) -> bool:
    return not _PLANNED.isdisjoint(words_of(column.name))


def _is_number_of(column: Column) -> bool:
    """Whether numbers that could be times are the ids of something."""
    return (words_of(column.name) or [""])[-1] in (*_ID_WORDS, *_KEYS)


def _owner(owners: list[Column]) -> Column | None:
    """The column with the id of an owner, else the address or the name."""

    def rank(column: Column) -> tuple[int, int]:
        words = words_of(column.name)
        is_id = column.is_mostly("uuid") or words[-1] in (*_ID_WORDS, *_KEYS)
        is_mail = words[-1] in ("email", "mail", "address")
        is_group = not {"group", "team", "type", "avatar", "url", "self"}.isdisjoint(words)
        return (9 if is_group else 0 if is_id else 1 if is_mail else 2), len(words)

    found = [column for column in owners if column.values and rank(column)[0] < 9]  # noqa: PLR2004
    return min(found, key=rank, default=None)


def _name_of(owner: Column | None, owners: list[Column]) -> Column | None:
    if owner is None or words_of(owner.name)[-1] in _NAMES:
        return None
    others = [c for c in owners if c is not owner and c.values]
    named = [c for c in others if words_of(c.name)[-1] in (*_NAMES, *_OWNERS)]
    return min(named, key=lambda c: words_of(c.name)[-1] not in _NAMES, default=None)


def _singular(word: str) -> set[str]:
    """Forms of a word, its singular among them."""
    return {word, word.removesuffix("s"), re.sub("ies$", "y", word)}


def _process_of_history(foreign: Foreign, columns: list[Column]) -> Column | None:
    """The key of the process in a file of changes, where `id` tells the changes apart."""
    stem = words_of(foreign.stem)
    names = {word for column in columns for word in words_of(column.name)}
    subjects = {form for word in stem if word not in _HISTORY for form in _singular(word)}
    has_only_changes = "changed" in names and names.isdisjoint(_CREATED)
    if has_only_changes or not _HISTORY.isdisjoint({*stem, *names}):
        subjects |= _SUBJECTS
    for column in columns:
        words = words_of(column.name)
        *others, last = words or [""]
        names_process = last in _ID_WORDS + _KEYS and others and set(others) <= subjects
        is_process = len(words) == 1 and last in subjects & _SUBJECTS
        if (names_process or is_process) and 0 < column.distinct < column.values:
            return column
    return None


def _id_of(columns: list[Column], foreign: Foreign) -> Column | None:
    """The key that tells processes apart: `id`, `lead_id`, then other ids and numbers."""
    singular = {form for word in words_of(foreign.stem)[:1] for form in _singular(word)}

    def rank(column: Column) -> tuple[int, int] | None:
        *others, last = words_of(column.name) or [""]
        is_other = not _OTHERS.isdisjoint(others)
        # Of a history, no key is unique.
        tells = column.distinct == column.values or not (_SUBJECTS | singular).isdisjoint(others)
        place: tuple[int, int] | None = None
        if not column.values or column.name.startswith("$."):
            place = None
        elif last in _ID_WORDS and not others:
            place = 0, 0
        elif last in _ID_WORDS and set(others) <= singular | {"record"}:
            place = 1, 0
        elif last in _ID_WORDS and not is_other:
            place = 2, -column.distinct
        elif last in _KEYS and tells and not is_other:
            place = 3, 0
        elif not others and last in (*_KEYS, *_SUBJECTS, *singular) and column.distinct > 1:
            place = 4, 0
        return place

    ranked = [(place, n, c) for n, c in enumerate(columns) if (place := rank(c)) is not None]
    return min(ranked, key=lambda row: row[:2])[2] if ranked else None
