"""Guesses which shape of source a foreign file has, and what its columns mean."""

import re
from collections import Counter
from collections.abc import Callable, Sequence

import polars as pl

from pipelines.infer.draft import Draft, distinct_states, is_beside, statuses_of, take, without
from pipelines.infer.foreign import Column, Foreign
from pipelines.infer.lists import draft_list
from pipelines.infer.proposal import words_of
from pipelines.infer.roles import STATES, Roles, find_roles
from schemas.definitions.source import Log

_FIELD = {"field", "attribute", "property", "fieldname", "item"}
_NEW = ("new", "to", "after", "newvalue", "value")
_OLD = ("old", "from", "before", "previous", "oldvalue", "prior")
_AT = (
    "changed", "at", "date", "time", "timestamp", "created", "when", "modified", "updated",
)  # fmt: skip
_BY = ("author", "actor", "user", "by", "changer")
_OWNERS = ("owner", "assignee", "assigned", "agent")
# `Date entered Proposal`, `hs_date_entered_proposal`; then `Proposal date`, `proposal_at`.
_ENTERED = re.compile(
    r"(?:hs_)?(?:v2_)?(?:date|time|timestamp)?[ _]?(?:entered|became|moved to|reached)[ _]+(.+)",
    re.IGNORECASE,
)
_DATED = re.compile(r"(.+?)[ _]?(?:date|datetime|at|on|time|timestamp|entered)", re.IGNORECASE)
_NO_STAGE = frozenset([
    "create", "created", "creation", "update", "updated", "modified", "last", "close", "closed",
    "expected", "due", "next", "first", "planned", "birth", "start", "end", "opened", "activity",
    "contact", "meeting", "sync", "import", "imported", "exited", "response", "resolved",
])  # fmt: skip
_AROUND = " \"'“”_-:"
_MANY = 60


def draft_source(foreign: Foreign) -> Draft:
    """What the file most likely is; a draft without `shape` cannot be: see `missing`."""
    tries: tuple[Callable[[Foreign], Draft | None], ...] = (
        _changelog,
        _event_log,
        _wide_dates,
        _stage_rows,
    )
    for attempt in tries:
        if foreign.structure and foreign.structure.items:
            break
        if draft := attempt(foreign):
            return draft
    return draft_list(foreign)


def _changelog(foreign: Foreign) -> Draft | None:
    structure = foreign.structure
    if structure is None or structure.log is None:
        return None
    named = Counter(name for name, *_ in structure.changes)
    state = _pick(list(named), STATES)
    if state is None:
        return None
    roles = find_roles(foreign)
    moves = [(old, new) for name, old, new in structure.changes if name == state]
    draft = Draft("changelog")
    take(draft, roles, ("id", "createdAt", "state", "assignedTo"))
    key = foreign.by_name.get("key")
    if key and key.distinct == foreign.rows:
        draft.fields["id"] = key.name  # people know an issue by its key
    present = foreign.values_of(draft.fields["state"]) if "state" in draft.fields else []
    draft.states = distinct_states([*(v for move in moves for v in move), *present])
    draft.statuses = statuses_of(draft.states)
    draft.start = _start(moves)
    above = structure.log.histories or ""
    draft.rest = [c for c in without(foreign, draft) if not is_beside(c, [above])]
    draft.followed = {
        short: name
        for name in named
        if name != state and (short := _snake(name)) and _has_attribute(short, draft.rest)
    }
    draft.log = structure.log.model_copy(update={"fields": {"state": state}})
    draft.notes["shape"] = "documents with a list of changes"
    return draft


def _event_log(foreign: Foreign) -> Draft | None:
    columns = [c for c in foreign.columns if c.values]
    field = next((c for c in columns if _is_field(c) and c.distinct <= _MANY), None)
    if field is None:
        return None
    free = [c for c in columns if c is not field]
    old = _by_word(free, _OLD)
    new = _by_word(
        [c for c in free if c is not old and (not c.is_time or c.distinct <= _MANY)], _NEW
    )
    at = _by_word([c for c in free if c.is_time and c not in (new, old)], _AT)
    state = _pick(foreign.values_of(field.name), STATES)
    if new is None or at is None or state is None:
        return None
    taken = {c.name for c in (field, new, old, at) if c}
    roles = find_roles(foreign, without=taken)
    key = roles.fields.get("id")
    repeated = [c for c in (key, *_keys(foreign, taken)) if c and c.distinct < c.values]
    if not repeated:
        return None
    frame = foreign.frame.filter(pl.col(field.name) == state)
    olds = frame[old.name].to_list() if old else [None] * frame.height
    moves = list(zip(olds, frame[new.name].to_list(), strict=True))
    draft = Draft("event_log", fields={"id": repeated[0].name}, times=[at])
    draft.states = distinct_states([v for move in moves for v in move])
    draft.statuses = statuses_of(draft.states)
    draft.start = _start(moves)
    fields = {"state": state}
    others = [name for name in foreign.values_of(field.name) if name != state]
    if owner := _pick(others, _OWNERS):
        fields["assignedTo"] = owner
    draft.followed = {_snake(name): name for name in others if name != owner and _snake(name)}
    draft.log = Log(at=at.name, field=field.name, old=old and old.name, new=new.name, fields=fields)
    draft.notes["shape"] = f"one row per change; `{field.name}` says of what"
    return draft


def _wide_dates(foreign: Foreign) -> Draft | None:
    times = [c for c in foreign.columns if c.is_time or (not c.values and _ENTERED.match(c.name))]
    stages = {_stage(m[1]): c for c in times if (m := _ENTERED.fullmatch(c.name))}
    if len(stages) < 2:  # noqa: PLR2004 - one date is no course
        stages = {
            _stage(m[1]): c
            for c in times
            if (m := _DATED.fullmatch(c.name)) and _NO_STAGE.isdisjoint(words_of(m[1]))
        }
        if len(stages) < 2:  # noqa: PLR2004
            return None
    roles = find_roles(foreign, without=[c.name for c in stages.values()])
    if "id" not in roles.fields:
        return None
    draft = Draft("wide_dates", times=[c for c in stages.values() if c.values])
    take(draft, roles, ("id", "createdAt", "assignedTo"))
    state = roles.fields.get("state")
    spelling = {_plain(v): v for v in foreign.values_of(state.name)} if state else {}
    known = [s for s in stages if _plain(s) in spelling]
    updated = roles.fields.get("updatedAt")
    if state and known and updated:
        draft.fields |= {"state": state.name, "updatedAt": updated.name}
    elif updated and not state:
        draft.fields["updatedAt"] = updated.name
    draft.stages = {spelling.get(_plain(s), s): c.name for s, c in stages.items()}
    _begin_with_creation(foreign, draft, roles)
    present = list(spelling.values()) if "state" in draft.fields else []
    draft.states = distinct_states([*draft.stages, *present])
    draft.statuses = statuses_of(draft.states)
    if not draft.completed:
        last = [s for s in draft.stages if s not in draft.statuses]
        draft.statuses |= {last[-1]: "COMPLETED"} if last else {}
    draft.rest = without(foreign, draft)
    draft.notes["shape"] = f"{len(stages)} columns with the date of a stage"
    return draft


def _begin_with_creation(foreign: Foreign, draft: Draft, roles: Roles) -> None:
    """A stage of its own for the creation, where rows have none of the other dates."""
    created = roles.fields.get("createdAt")
    dates = [pl.col(name).is_null() for name in draft.stages.values()]
    if created and foreign.frame.filter(pl.all_horizontal(dates)).height:
        draft.stages = {"Created": created.name, **draft.stages}
        draft.notes["stages"] = "`Created` is assumed: some rows have no other date"


def _stage_rows(foreign: Foreign) -> Draft | None:
    roles = find_roles(foreign)
    id_, state = roles.fields.get("id"), roles.fields.get("state")
    at = roles.fields.get("updatedAt") or roles.fields.get("createdAt")
    if not (id_ and state and at) or id_.distinct == id_.values or _is_repeated(foreign, id_):
        return None
    draft = Draft("stage_rows")
    take(draft, roles, ("id", "state", "assignedTo", "createdAt"))
    if "updatedAt" not in roles.fields:
        # Of a history, the one date is that of the change.
        del draft.fields["createdAt"]
    draft.fields["updatedAt"] = at.name
    draft.states = distinct_states(foreign.values_of(state.name))
    draft.statuses = statuses_of(draft.states)
    # What is different in every row is the key of the row.
    draft.rest = [
        c
        for c in without(foreign, draft)
        if c.distinct < foreign.rows or words_of(c.name)[-1:] != ["id"]
    ]
    draft.notes["shape"] = f"`{id_.name}` comes again for each stage"
    return draft


def _is_field(column: Column) -> bool:
    words = words_of(column.name)
    return bool(words) and words[-1] in {*_FIELD, "name"} and not _FIELD.isdisjoint(words)


def _by_word(columns: list[Column], words: tuple[str, ...]) -> Column | None:
    found = [
        (words.index(word), n, column)
        for n, column in enumerate(columns)
        for word in words_of(column.name)
        if word in words
    ]
    return min(found, key=lambda row: row[:2])[2] if found else None


def _keys(foreign: Foreign, taken: set[str]) -> list[Column]:
    return [
        c
        for c in foreign.columns
        if c.name not in taken and {"id", "key", "number", "case"} & {*words_of(c.name)}
        if not {*_BY} & {*words_of(c.name)}
    ]


def _pick(names: list[str], words: tuple[str, ...]) -> str | None:
    """The name with the earliest of these words, and the fewest others."""
    found = [
        (words.index(word), len(words_of(name)), name)
        for name in names
        for word in words_of(name)
        if word in words
    ]
    return min(found)[2] if found else None


def _start(moves: Sequence[tuple[str | None, str | None]]) -> str | None:
    """The state that processes leave more often than they enter it."""
    left = Counter(old for old, _ in moves if old)
    left.subtract(Counter(new for _, new in moves if new))
    return max(left, key=lambda state: left[state], default=None)


def _stage(name: str) -> str:
    """The name of a stage in a header: without quotes, and without its pipeline in brackets."""
    text = name.strip(_AROUND)
    return re.sub(r"\s*\([^)]*\)$", "", text).strip(_AROUND) or name.strip()


def _plain(text: str) -> str:
    return re.sub(r"\W|_", "", text).lower()


def _snake(name: str) -> str:
    return re.sub(r"\W+", "_", name).strip("_").lower()


def _has_attribute(short: str, columns: list[Column]) -> bool:
    return any(short in words_of(c.name) for c in columns)


def _is_repeated(foreign: Foreign, id_: Column) -> bool:
    """Whether a key comes again only with the same row."""
    return foreign.frame.unique().height <= id_.distinct
