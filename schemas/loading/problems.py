"""Messages about definitions: where the problem is, what was found, what is allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from schemas.definitions.calendar import CalendarChoice, Holiday, Week
from schemas.definitions.duration import NamedDuration, Occurrence
from schemas.definitions.funnel import Funnel, FunnelBreakdown, FunnelStep
from schemas.definitions.indicator import Indicator
from schemas.definitions.procedure import (
    Aggregate,
    Attribute,
    DerivedAttribute,
    Procedure,
    Rollup,
    State,
    StateKind,
)
from schemas.definitions.sla import EVENTS_ALLOWED, Sla, SlaTarget
from schemas.definitions.source import Deletion, Encoding, Log, Shape, Snapshot
from schemas.errors import Problem
from schemas.nearest import did_you_mean, nearest

WHOLE_FILE = "(file)"
_MAX_TEXT = 60
_MAX_LIST = 150

KeyPath = tuple[str | int, ...]

_MODELS: Mapping[str, type[BaseModel]] = {
    "attributes": Attribute,
    "derivedAttributes": DerivedAttribute,
    "states": State,
    "funnels": Funnel,
    "steps": FunnelStep,
    "breakdowns": FunnelBreakdown,
    "rollup": Rollup,
    "recordAttributes": Attribute,
    "slas": Sla,
    "indicators": Indicator,
    "target": SlaTarget,
    "durations": NamedDuration,
    "calendar": CalendarChoice,
    "weekly": Week,
    "breaks": Week,
    "holidays": Holiday,
    "log": Log,
    "deletion": Deletion,
    "snapshot": Snapshot,
}
_TEXT = "text (in quotes where it looks like a number or a truth value)"
_ALLOWED_BY_ERROR = {
    "string_type": _TEXT,
    "invalid_key": f"a key that is {_TEXT}",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "mapping_type": "a mapping of states to lists of states",
    "dict_type": "a mapping of states to lists of states",
}
_REQUIRED = {
    "id": "a uuid, such as 3024e1d6-7926-5cec-b4b7-0b0ec05ea0e7",
    "shortId": _TEXT,
    "name": _TEXT,
    "type": "the type of the attribute",
    "kind": f"one of {', '.join(get_args(StateKind))}",
    "outcome": "one of completed, cancelled",
    "entry": "one of first, best",
    "at": "one of entry, now",
    "procedure": "the shortId of a procedure",
    "aggregate": f"one of {', '.join(get_args(Aggregate))}",
    "states": "a list of states",
    "steps": "a list of steps",
    "startState": "the shortId or id of a state",
    "completedState": "the shortId or id of a state",
    "start": EVENTS_ALLOWED,
    "stop": EVENTS_ALLOWED,
    "from": EVENTS_ALLOWED,
    "to": EVENTS_ALLOWED,
    "occurrence": f"one of {', '.join(get_args(Occurrence))}",
    "target": "a duration such as 4h, or a mapping with a formula, or with an attribute (by)",
    "timezone": "an IANA time zone such as Europe/Berlin or UTC",
    "shape": f"one of {', '.join(get_args(Shape))}",
    "files": "a pattern of names in the landing folder, such as crm/deals*.csv",
    "encoding": f"one of {', '.join(get_args(Encoding))}",
    "delimiter": "one of , ; | and a tab",
    "decimal": "one of . and ,",
    "field": "the column or key with the name of the changed field",
    "new": "the column or key with the value after the change",
    "column": "a column, or a path in JSON",
    "values": "a list of values",
    "date": "a date such as 2026-12-24, or 12-24 for the day in every year",
}


@dataclass(frozen=True)
class Finding:
    """A problem at a part of one document; its path counts list entries from 0.

    `line` is where it stands, when that is not where the part does.
    """

    path: KeyPath
    found: str
    allowed: str
    line: int | None = None


def as_mapping(value: object) -> Mapping[str, object]:
    """The value if it is a mapping, else an empty one. Keys that are not text are ignored here."""
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def as_list(value: object) -> Sequence[object]:
    """The value if it is a list, else an empty one."""
    return cast("list[object]", value) if isinstance(value, list) else []


def shown(value: object) -> str:
    """A value as its author would recognise it; long text is cut, a collection only counted."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        cut = value if len(value) <= _MAX_TEXT else f"{value[:_MAX_TEXT]}..."
        return repr(cut)
    if isinstance(value, int | float):
        return str(value) if abs(value) < 10**_MAX_TEXT else "a very large number"
    return "a list" if isinstance(value, list) else "a mapping"


def key_path(document: object, path: KeyPath) -> str:
    """A path as text: `states[2].kind`, or `states[NEW].kind`.

    A list entry goes by its shortId (a funnel, policy or duration by its name) when it can be
    printed and no other entry has the same one.
    """
    text, here = "", document
    for part in path:
        if isinstance(here, dict):
            text += f".{part}" if text else str(part)
            here = cast("Mapping[object, object]", here).get(part)
        elif isinstance(here, list) and isinstance(part, int):
            entries = as_list(cast("object", here))
            text += f"[{_label(entries, part)}]"
            here = entries[part]
        # Otherwise a short form: the model knows parts that were not written out.
    return text or WHOLE_FILE


def _label(entries: Sequence[object], position: int) -> str:
    labels = [as_mapping(entry).get("shortId", _own_name(entry)) for entry in entries]
    label = labels[position]
    is_clear = isinstance(label, str) and label.isprintable() and labels.count(label) == 1
    return str(label) if is_clear and label else str(position)


def _own_name(entry: object) -> object:
    funnel = as_mapping(entry)
    return funnel.get("name") if {"steps", "stop", "target", "to"} & funnel.keys() else None


def keys_of(model: type[BaseModel]) -> str:
    """The keys a part may have, in the order of the model."""
    return ", ".join(_keys(model))


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_of(path: KeyPath, root: type[BaseModel]) -> type[BaseModel]:
    """The model of the part that has, or should have, the key at the end of a path."""
    parents = [part for part in path[:-1] if isinstance(part, str)]
    return _MODELS[parents[-1]] if parents else root


def findings_of(error: ValidationError, *, root: type[BaseModel] = Procedure) -> list[Finding]:
    """What a model found wrong, in our words; `root` is the model of the whole document."""
    found = [(details, _finding(details, root)) for details in error.errors(include_url=False)]
    misspelt = {
        (finding.path[:-1], name)
        for details, finding in found
        if details["type"] == "extra_forbidden"
        for name in nearest(finding.path[-1], _keys(_model_of(finding.path, root)))[:1]
    }
    # A key that is written wrongly is not missing too.
    return [
        finding
        for details, finding in found
        if details["type"] != "missing" or (finding.path[:-1], finding.path[-1]) not in misspelt
    ]


def without_repetition(problems: Sequence[Problem]) -> list[Problem]:
    """The problems of one file, in the same order: a long list of what is allowed stands once.

    The first by line has it, as problems are shown in the order of lines.
    """
    owners: dict[str, int] = {}
    for problem in sorted(problems, key=lambda p: p.line or 0):
        if problem.line is not None and len(problem.allowed) > _MAX_LIST:
            owners.setdefault(problem.allowed, problem.line)
    return [
        replace(problem, allowed=f"the same as in line {owner}")
        if (owner := owners.get(problem.allowed, problem.line)) != problem.line
        else problem
        for problem in problems
    ]


def _finding(error: ErrorDetails, root: type[BaseModel]) -> Finding:
    path: KeyPath = error["loc"]
    if path and path[-1] == "[key]":
        path = (*path[:-2], str(error["input"]))
    last = path[-1] if path else ""
    match error["type"]:
        case "missing":
            return Finding(path, "nothing", _REQUIRED[str(last)])
        case "extra_forbidden":
            model = _model_of(path, root)
            near = did_you_mean(last, _keys(model))
            return Finding(path, "an unknown key", near or f"the keys {keys_of(model)}")
        case "model_type" | "model_attributes_type":
            model = next(_MODELS[part] for part in reversed(path) if isinstance(part, str))
            allowed = f"a mapping with the keys {keys_of(model)}"
            return Finding(path, shown(error["input"]), allowed)
        case "literal_error":
            expected = str(error.get("ctx", {}).get("expected", error["msg"]))
            return Finding(path, shown(error["input"]), _REQUIRED.get(str(last), expected))
        case kind:
            allowed = _ALLOWED_BY_ERROR.get(kind, error["msg"])
            return Finding(path, shown(error["input"]), allowed)
