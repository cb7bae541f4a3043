"""Guesses by its name which field of a process record a key of a foreign file holds."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipelines.infer.foreign import MILLISECONDS, Column, Foreign
from pipelines.infer.proposal import words_of
from schemas.records.record import FIELDS

_CREATED = ("created", "creation", "opened", "submitted", "received", "registered", "inserted")
_UPDATED = ("updated", "modified", "changed", "edited", "update", "modification", "activity")
_CLOSED = ("closed", "completed", "resolved", "finished", "won", "ended", "converted", "close")
_PLANNED = frozenset([
    "expected", "planned", "target", "due", "estimated", "forecast", "next", "promised",
])  # fmt: skip
_STATES = ("stage", "state", "status", "phase", "step")
_OWNERS = ("owner", "assignee", "assigned", "agent", "handler", "responsible")
_OTHERS = frozenset([
    "account", "company", "contact", "customer", "owner", "user", "parent", "team", "campaign",
    "assignee", "agent", "created", "modified", "updated", "external", "record", "type", "phone",
    "mobile", "fax", "postal", "zip", "house",
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
_KEYS = ("number", "no", "key", "ref", "reference", "code")
# More values than this are text that people write, not states.
_MAX_STATES = 60


@dataclass
class Roles:
    """The column of each field (by its name), as far as one was found, and the other columns.

    `closed` says when a process ended, whatever its end; `outcome` holds words for the status.
    """

    fields: dict[str, Column] = field(default_factory=dict[str, Column])
    closed: Column | None = None
    outcome: Column | None = None
    rest: list[Column] = field(default_factory=list[Column])


def find_roles(foreign: Foreign) -> Roles:
    """What each key stands for; a key that has a field's own name and kind stands for that."""
    columns = {column.name: column for column in foreign.columns}
    roles = Roles(dict(_named_alike(columns)))
    if process := _process_of_history(foreign):
        roles.fields["id"] = process
    taken = {column.name for column in roles.fields.values()}

    def take(name: str, found: Column | None) -> None:
        if found is not None and name not in roles.fields and found.name not in taken:
            roles.fields[name] = found
            taken.add(found.name)

    free = [column for column in foreign.columns if column.name not in taken]
    times = [column for column in free if column.time_form and not _is_planned(column)]
    plain = [column for column in free if not column.time_form]
    take("createdAt", _first(times, _CREATED))
    take("updatedAt", _first(times, _UPDATED))
    if not {"createdAt", "updatedAt"} & roles.fields.keys():
        take("createdAt", next((c for c in times if len(words_of(c.name)) == 1), None))
    take("id", _id_of(plain, foreign))
    few = [column for column in plain if column.distinct <= _MAX_STATES]
    take("state", _first(few, _STATES))
    take("assignedTo", _first(plain, _OWNERS))
    take("isDeleted", _first((c for c in plain if c.is_mostly("boolean")), ("deleted",)))
    roles.closed = _first((c for c in times if c.name not in taken), _CLOSED)
    used = taken | ({roles.closed.name} if roles.closed else set())
    if "status" in roles.fields:
        roles.fields.setdefault("state", roles.fields["status"])
    else:
        open_words = [c for c in few if c.name not in used]
        roles.outcome = _first(open_words, ("status", "outcome", "result")) or roles.fields.get(
            "state"
        )
    roles.rest = [column for column in foreign.columns if column.name not in used]
    return roles


def has_the_shape(foreign: Foreign) -> bool:
    """Whether the lines have every required field by its name, with values of its form."""
    forms = {"uuid": "uuid", "status": "status", "time": MILLISECONDS}
    columns = {column.name: column for column in foreign.columns}
    required = (
        (columns.get(known.name), forms.get(known.kind)) for known in FIELDS if known.required
    )
    return all(
        column is not None and (form is None or column.is_mostly(form)) for column, form in required
    )


def _named_alike(columns: Mapping[str, Column]) -> Iterable[tuple[str, Column]]:
    forms = {"uuid": "uuid", "object": "object", "status": "status", "boolean": "boolean"}
    for known in FIELDS:
        column = columns.get(known.name)
        if column is None:
            continue
        form = forms.get(known.kind)
        is_right = column.is_mostly(form) if form else known.kind == "time" and column.time_form
        if is_right or known.name in ("id", "team", "procedure"):
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


def _singular(word: str) -> set[str]:
    """Forms of a word, its singular among them."""
    return {word, word.removesuffix("s"), re.sub("ies$", "y", word)}


def _process_of_history(foreign: Foreign) -> Column | None:
    """The key of the process in a file of changes, where `id` tells the changes apart."""
    stem = words_of(foreign.stem)
    names = {word for column in foreign.columns for word in words_of(column.name)}
    subjects = {form for word in stem if word not in _HISTORY for form in _singular(word)}
    has_only_changes = "changed" in names and names.isdisjoint(_CREATED)
    if has_only_changes or not _HISTORY.isdisjoint({*stem, *names}):
        subjects |= _SUBJECTS
    for column in foreign.columns:
        *others, last = words_of(column.name) or [""]
        names_process = last in _ID_WORDS + _KEYS and others and set(others) <= subjects
        if names_process and 0 < column.distinct < column.values:
            return column
    return None


def _id_of(columns: list[Column], foreign: Foreign) -> Column | None:
    """The key that tells processes apart: `id`, `lead_id`, then other ids and numbers."""
    singular = {form for word in words_of(foreign.stem)[:1] for form in _singular(word)}

    def rank(column: Column) -> tuple[int, int] | None:
        *others, last = words_of(column.name) or [""]
        is_id = last in _ID_WORDS
        if not column.values:
            return None
        if is_id and not others:
            return 0, 0
        if is_id and set(others) <= singular:
            return 1, 0
        if is_id and _OTHERS.isdisjoint(others):
            return 2, -column.distinct
        # Of a history, no key is unique.
        tells = column.distinct == column.values or not (_SUBJECTS | singular).isdisjoint(others)
        return (3, 0) if last in _KEYS and tells and _OTHERS.isdisjoint(others) else None

    ranked = [(place, n, c) for n, c in enumerate(columns) if (place := rank(c)) is not None]
    return min(ranked, key=lambda row: row[:2])[2] if ranked else None
