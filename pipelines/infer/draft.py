"""A source as far as it is guessed, and the procedure that its rows are converted for at first."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from uuid import NAMESPACE_URL, uuid5

from pydantic import TypeAdapter, ValidationError

from pipelines.infer.foreign import Column, Foreign
from pipelines.infer.guesses import is_personal_key, sounds_like_key
from pipelines.infer.outcomes import outcome_of
from pipelines.infer.proposal import Name, Names
from pipelines.infer.roles import Roles
from pipelines.ingest.sources.read_csv import usual_delimiter
from schemas.definitions.procedure import Attribute, Procedure, State
from schemas.definitions.source import Deletion, Log, Shape, Snapshot, Source, Status
from schemas.definitions.values import TableName

_DATES = re.compile(r"[-_. ]*(\d[-_.T]?){4,}h?$")
_DIGITS = re.compile(r"\d[\d_.T-]*\d|\d")


@dataclass
class Draft:
    """What a source says, with the states by their spelling in the file.

    `statuses` has the status of each closed state, `completed` is where processes complete, where
    the file tells. `notes` says by key of the source what it was guessed from. `time_zone` is that
    of times without one, as far as it was given.
    """

    shape: Shape
    fields: dict[str, str] = field(default_factory=dict[str, str])
    names: dict[str, str] = field(default_factory=dict[str, str])
    states: list[str] = field(default_factory=list[str])
    statuses: dict[str, Status] = field(default_factory=dict[str, Status])
    stages: dict[str, str] = field(default_factory=dict[str, str])
    log: Log | None = None
    followed: dict[str, str] = field(default_factory=dict[str, str])
    rest: list[Column] = field(default_factory=list[Column])
    times: list[Column] = field(default_factory=list[Column])
    start: str | None = None
    deletion: Deletion | None = None
    time_zone: str | None = None
    notes: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def completed(self) -> str | None:
        """The first state in which processes are completed; None where no word says so."""
        found = [state for state, status in self.statuses.items() if status == "COMPLETED"]
        return found[0] if found else None


def name_without_date(stem: str) -> str:
    """The name of a file without a date or number at its end; empty where it is nothing else."""
    return _DATES.sub("", stem)


def name_of(foreign: Foreign) -> str:
    """The name of the source: that of the file without a date or number at its end."""
    stem = name_without_date(foreign.stem) or foreign.stem
    words = re.findall(r"[A-Za-z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", stem))
    name = "_".join(words).lower()
    return name if name[:1].isalpha() else f"file_{name}".rstrip("_")


def short_id_of(foreign: Foreign) -> str:
    """The shortId of the procedure: the name of the source, unless tables have it."""
    name = name_of(foreign)
    try:
        return str(TypeAdapter(TableName).validate_python(name))
    except ValidationError:
        return f"my_{name}"


def glob_of(name: str) -> str:
    """The name of a file, with `*` for its date or number: later exports have another."""
    stem, dot, endings = name.partition(".")
    return f"{_DIGITS.sub('*', stem)}{dot}{endings}"


def distinct_states(values: Iterable[str | None]) -> list[str]:
    """States in the order of their first appearance; case does not tell them apart."""
    found: dict[str, str] = {}
    for value in values:
        if value:
            found.setdefault(value.strip().lower(), value.strip())
    return list(found.values())


def statuses_of(states: list[str]) -> dict[str, Status]:
    """The status of each state whose words mean an end."""
    return {state: status for state in states if (status := outcome_of(state))}


def take(draft: Draft, roles: Roles, names: tuple[str, ...]) -> None:
    """Give the draft the columns of these fields, as far as they were found."""
    draft.fields |= {name: c.name for name in names if (c := roles.fields.get(name))}
    if roles.owner_name and "assignedTo" in draft.fields:
        draft.names["assignedTo"] = roles.owner_name.name


def without(foreign: Foreign, draft: Draft) -> list[Column]:
    """The columns that the draft does not use."""
    used = {*draft.fields.values(), *draft.names.values(), *draft.stages.values()}
    # Beside the name of a state or an owner stand its id, picture, ...
    paths = [draft.fields.get(name, "") for name in ("state", "assignedTo")]
    inside = [path for path in paths if path.count(".") > 1]
    return [
        column
        for column in foreign.columns
        if column.name not in used
        and not column.name.startswith("$.")
        and not is_beside(column, inside)
    ]


def is_beside(column: Column, paths: list[str]) -> bool:
    """Whether a path leads to another value of an object that one of these paths leads into."""
    objects = [path.rpartition(".")[0] for path in paths]
    return any(above and column.name.startswith(f"{above}.") for above in objects)


def attributes_of(draft: Draft) -> dict[str, str]:
    """The columns by the shortId of their attribute, the key of processes first."""
    found: dict[str, str] = {}
    key = [draft.fields["id"]] if "id" in draft.fields else []
    for name in (*key, *(column.name for column in draft.rest if column.values)):
        short = _short(name)
        if not short or short in found:
            short = _words(name) or name
        found.setdefault(short, name)
    return found


def _short(name: str) -> str:
    path = [part for part in name.removeprefix("$.").split(".") if part]
    *above, last = path or [name]
    # In `priority.name` the object says more than its key.
    if above and last.lower() in ("name", "value", "displayname", "key"):
        last = above[-1]
    elif above and last.lower() == "id":
        last = f"{above[-1]} id"
    return _words(last)


def _words(text: str) -> str:
    spread = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    return re.sub(r"\W+", "_", spread).strip("_").lower()


def provisional(foreign: Foreign, draft: Draft) -> Procedure:
    """The procedure with every state and attribute, types only as far as texts need one.

    Without a state that means a completed process, none is: its completedState has no name.
    """
    id_ = str(uuid5(NAMESPACE_URL, f"leadtime:procedure:{name_of(foreign)}"))
    columns = attributes_of(draft)
    key = next(iter(columns), None) if "id" in draft.fields else None
    kinds = {short: _kind(foreign.by_name[name], foreign) for short, name in columns.items()}
    kinds |= {short: "string" for short in draft.followed if short not in kinds}
    names = Names(id_, "attribute", have_aliases=False)
    return Procedure(
        id=id_,
        short_id=short_id_of(foreign),
        primary_key=key,
        attributes=tuple(
            Attribute(
                id=name.id,
                short_id=name.short_id,
                type="stringId" if short == key else kinds[short],
            )
            for short in kinds
            if (name := names.give(short))
        ),
        states=tuple(
            State(id=name.id, short_id=name.short_id, kind="work")
            for name in state_names(id_, draft.states)
        ),
        start_state=draft.start or next(iter(draft.states), ""),
        completed_state=draft.completed or "",
    )


def state_names(procedure: str, states: list[str]) -> list[Name]:
    """The id and shortId of each state that can have one."""
    names = Names(procedure, "state", have_aliases=False)
    return [name for state in states if (name := names.give(state))]


def _kind(column: Column, foreign: Foreign) -> str:
    """A type whose conversion makes of text what inference can tell apart."""
    if column.is_local_date:
        has_time = any("%H" in form or "%I" in form for form in column.times[0])
        return "datetime" if has_time else "date"
    if is_personal_key(column.name):
        return "string"
    if foreign.structure is not None:
        return "json"
    if column.is_all("boolean"):
        return "boolean"
    form = "comma_number" if foreign.source.decimal == "," else "number"
    is_number = column.is_mostly(form) and not sounds_like_key(column.name)
    return "decimal" if is_number else "string"


def source_of(
    foreign: Foreign, draft: Draft, procedure: Procedure, *, has: Collection[str]
) -> Source:
    """The source for a procedure that `has` these attributes; the key is none of its columns."""
    columns = attributes_of(draft)
    key = procedure.primary_key
    attributes = {s: name for s, name in columns.items() if s in has and s != key}
    fields = [foreign.by_name[name] for name in draft.fields.values()]
    local = [c for c in foreign.columns if c.is_local_date and c.name in attributes.values()]
    log = draft.log
    if log:
        followed = {short: name for short, name in draft.followed.items() if short in has}
        log = log.model_copy(update={"attributes": followed})
    has_status = "status" in {*draft.fields, *(log.fields if log else ())}
    others: dict[str, Status] = {
        s: o for s, o in draft.statuses.items() if s != procedure.completed_state
    }
    reader = foreign.source
    nothing: dict[str, Status] = {}
    return Source(
        name=name_of(foreign),
        shape=draft.shape,
        files=(glob_of(foreign.path.name),),
        procedure=procedure.short_id,
        timezone=draft.time_zone or "UTC",
        dates=foreign.dates_of([*(c for c in fields if c.is_time), *draft.times, *local]),
        encoding=reader.encoding,
        delimiter=None if reader.delimiter == usual_delimiter(foreign.file) else reader.delimiter,
        decimal=reader.decimal,
        items=reader.items if draft.shape == "envelope" else None,
        fields=draft.fields,
        names=draft.names,
        attributes=attributes,
        statuses=draft.statuses if has_status else nothing,
        outcomes=nothing if has_status else others,
        stages=draft.stages,
        log=log,
        deletion=draft.deletion,
        snapshot=Snapshot() if draft.shape == "snapshots" else None,
    )
