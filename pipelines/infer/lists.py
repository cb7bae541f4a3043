"""Guesses what the columns of a list of processes mean, and of records in an envelope."""

from pipelines.infer.draft import Draft, distinct_states, statuses_of, take, without
from pipelines.infer.foreign import Column, Foreign
from pipelines.infer.outcomes import closed_by_date, sounds_like_a_start
from pipelines.infer.roles import Roles, find_roles, has_the_shape
from schemas.definitions.source import Deletion

_MANY = 60


def draft_list(foreign: Foreign) -> Draft:
    """A list of processes as they are now, or records in an envelope."""
    roles = find_roles(foreign)
    draft = Draft("envelope" if foreign.source.items else "records")
    if foreign.source.items and has_the_shape(foreign):
        # Records come as they are.
        _deletion(foreign, draft)
        draft.notes["shape"] = f"process records in `{foreign.source.items}`"
        return draft
    names = ("id", "state", "status", "createdAt", "updatedAt", "assignedTo", "isDeleted")
    take(draft, roles, names)
    state = roles.fields.get("state")
    draft.states = distinct_states(foreign.values_of(state.name)) if state else []
    _statuses(foreign, draft, roles)
    draft.rest = without(foreign, draft)
    if draft.shape == "envelope":
        _deletion(foreign, draft)
    closed = roles.closed
    by_date = closed_by_date(foreign.frame, state.name, closed.name) if closed and state else None
    if by_date is not None and closed:
        for ended in by_date:
            draft.statuses.setdefault(ended, "COMPLETED")
    start = next((s for s in draft.states if sounds_like_a_start(s)), None)
    has_status = "status" in draft.fields
    if draft.shape == "records" and start and "createdAt" in draft.fields and not has_status:
        last = closed if by_date is not None else roles.fields.get("updatedAt")
        if last:
            _as_wide_dates(draft, start, last)
            return draft
    if draft.shape == "envelope" and "updatedAt" not in draft.fields:
        sent = [c.name for c in foreign.columns if c.name.startswith("$.") and c.is_time]
        if sent:
            draft.fields["updatedAt"] = sent[0]
    for name, other in (("createdAt", "updatedAt"), ("updatedAt", "createdAt")):
        if name not in draft.fields and other in draft.fields:
            draft.fields[name] = draft.fields[other]
            draft.notes[name] = f"no column says it: that of {other}"
    note = "each row is a process as it is now: no history"
    draft.notes["shape"] = f"records in `{foreign.source.items}`" if foreign.source.items else note
    return draft


def draft_dated_lists(foreign: Foreign) -> Draft:
    """Lists of all processes, each as at the date in its name."""
    roles = find_roles(foreign)
    draft = Draft("snapshots")
    take(draft, roles, ("id", "state", "status", "createdAt", "assignedTo"))
    draft.states = distinct_states(foreign.values_of(draft.fields["state"]))
    _statuses(foreign, draft, roles)
    draft.rest = without(foreign, draft)
    draft.notes["shape"] = f"{len(foreign.earlier) + 1} lists, each as at the date in its name"
    return draft


def _as_wide_dates(draft: Draft, start: str, last: Column) -> None:
    """A list with the times of creation and closing has two versions of each process."""
    draft.shape = "wide_dates"
    draft.start = start
    draft.stages = {start: draft.fields["createdAt"]}
    draft.fields["updatedAt"] = last.name
    draft.fields.pop("isDeleted", None)
    draft.rest = [column for column in draft.rest if column is not last]
    draft.notes["shape"] = "a list of processes as they are now, with the dates of creation and end"
    draft.notes["stages"] = f"each is assumed to begin in {start}"


def _statuses(foreign: Foreign, draft: Draft, roles: Roles) -> None:
    status, outcome = roles.fields.get("status"), roles.outcome
    if status and status is not roles.fields.get("state"):
        return
    draft.fields.pop("status", None)
    if outcome is not None and (found := statuses_of(foreign.values_of(outcome.name))):
        draft.fields["status"] = outcome.name
        others = [v for v in foreign.values_of(outcome.name) if v not in found]
        draft.statuses = {**dict.fromkeys(others, "OPEN"), **found}
    else:
        draft.statuses = statuses_of(draft.states)


def _deletion(foreign: Foreign, draft: Draft) -> None:
    for column in foreign.columns:
        if column.name.startswith("$.") and column.distinct <= _MANY:
            values = tuple(v for v in foreign.values_of(column.name) if "delet" in v.lower())
            if values:
                draft.deletion = Deletion(column=column.name, values=values)
