"""Definitions proposed from the configuration of the platform, for procedures without one.

The form of the configuration is documented in its main keys only. What is not found where it
should be is left out, and said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from pipelines.infer.proposal import Moves, Proposal, ProposedState, ProposedValue
from pipelines.infer.writing import write_proposal
from pipelines.ingest.pull.dimensions import objects_of
from pipelines.settings import Settings
from pipelines.terminal.text import counted
from pipelines.warehouse.file_errors import atomic_write
from schemas.definitions.attribute_types import BY_NAME
from schemas.definitions.procedure import StateKind
from schemas.definitions.values import Option
from schemas.errors import DefinitionError
from schemas.load import load_procedures
from schemas.loading.check_procedure import check_procedure

_FROM = "from the configuration"


@dataclass
class _Parts:
    """The parts of a kind that a configuration describes; `left_out` counts the others."""

    values: list[ProposedValue] = field(default_factory=list[ProposedValue])
    left_out: int = 0


def write_definitions(config: Mapping[str, Any], settings: Settings, folder: Path) -> Iterator[str]:
    """Write a file to `folder` for each procedure that no definition has; a sentence about each.

    A procedure is known by its id. Files that exist stay as they are. Raises `DefinitionError` for
    the definitions that there are, and `OperationError` when the folder cannot be written to.
    """
    defined = load_procedures(settings.procedures, settings.sources).by_id
    procedures = objects_of(config.get("procedures"))
    if not procedures:
        yield "The configuration lists no procedures: nothing to propose."
    for procedure in procedures:
        id_, short_id = _text(procedure, "id").lower(), _text(procedure, "shortId")
        if id_ in defined:
            yield f"{defined[id_].short_id}: is defined already."
            continue
        yield f"{short_id or id_}: {_write(procedure, config, folder)}"


def _write(procedure: Mapping[str, Any], config: Mapping[str, Any], folder: Path) -> str:
    found = _propose(procedure, config)
    if isinstance(found, str):
        return f"left out, because {found}."
    proposal, left_out = found
    text = write_proposal(proposal)
    try:
        check_procedure(yaml.safe_load(text), file=proposal.short_id)
    except DefinitionError as error:
        first = error.problems[0]
        return f"left out, because of {first.key}: found {first.found}; allowed: {first.allowed}."
    path = folder / f"{proposal.short_id}.yaml"
    if path.exists():
        return f"left out, because {path} exists."
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_write(path, "a folder") as waiting:
        waiting.write_text(text, encoding="utf-8")
    parts = [
        counted(len(proposal.states), "state"),
        counted(len(proposal.attributes), "attribute"),
        counted(len(proposal.derived), "derived attribute"),
    ]
    missing = f"; {counted(left_out, 'attribute')} of unknown type left out" if left_out else ""
    return f"{path} has {', '.join(parts)}{missing}. Check the kinds of states before a run."


def _propose(procedure: Mapping[str, Any], config: Mapping[str, Any]) -> tuple[Proposal, int] | str:
    """The proposal and how many attributes it leaves out; or why there is none."""
    states = _states(procedure, config)
    if not states:
        return "the configuration has no states of it with id and shortId"
    names = {state["id"].lower(): state["shortId"] for state in states}
    names |= {short_id: short_id for short_id in names.values()}
    start = names.get(_reference(procedure, "startState"), "")
    completed = names.get(_reference(procedure, "completedState"), "")
    if not (start and completed):
        return "the configuration does not say its startState and completedState"
    attributes = _values("attributes", procedure, config)
    derived = _values("derivedAttributes", procedure, config)
    keys = {value.id: value.short_id for value in attributes.values}
    keys |= {value.short_id: value.short_id for value in attributes.values}
    proposal = Proposal(
        id=_text(procedure, "id").lower(),
        short_id=_text(procedure, "shortId"),
        entity=_reference(procedure, "entity") or None,
        primary_key=keys.get(_reference(procedure, "primaryKey")),
        attributes=attributes.values,
        derived=derived.values,
        states=[_state(state, start=start, completed=completed) for state in states],
        states_note=f"in the order of the configuration; put them in their usual order ({_FROM})",
        start=start,
        start_note=_FROM,
        completed=completed,
        completed_note=_FROM,
        moves=_moves(procedure, names),
        head=[
            "Proposed from the configuration of the platform. The kinds of states are guesses;",
            "the configuration is no history: funnels and SLA policies are yours to add.",
        ],
    )
    return proposal, attributes.left_out + derived.left_out


def _states(procedure: Mapping[str, Any], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The states with id and shortId: of the procedure, or of the configuration and for it."""
    found = _belonging("states", procedure, config)
    return [state for state in found if _text(state, "id") and _text(state, "shortId")]


def _belonging(
    key: str, procedure: Mapping[str, Any], config: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Objects in the procedure itself, or those of the whole configuration that are its own: whose
    ids it lists, or that name it.
    """
    listed = procedure.get(key)
    if own := objects_of(listed):
        return own
    everything = objects_of(config.get(key))
    if isinstance(listed, list):
        wanted = {item: rank for rank, item in enumerate(cast("list[Any]", listed)) if item}
        chosen = [item for item in everything if item.get("id") in wanted]
        return sorted(chosen, key=lambda item: wanted[item["id"]])
    id_ = _text(procedure, "id")
    return [item for item in everything if id_ and _reference(item, "procedure") == id_.lower()]


def _state(state: Mapping[str, Any], *, start: str, completed: str) -> ProposedState:
    id_, short_id = _text(state, "id").lower(), _text(state, "shortId")
    kind: StateKind = "done" if short_id == completed else "queue" if short_id == start else "work"
    note = "the completed state" if kind == "done" else "the start state" if kind == "queue" else ""
    return ProposedState(id_, short_id, kind, note or "a guess", is_known_by_id=True)


def _values(key: str, procedure: Mapping[str, Any], config: Mapping[str, Any]) -> _Parts:
    """The attributes with id, shortId and a type that leadtime knows."""
    types = {
        _text(kind, "id"): _text(kind, "shortId") or _text(kind, "name")
        for kind in objects_of(config.get("attributeTypes"))
    }
    parts = _Parts()
    for attribute in _belonging(key, procedure, config):
        reference = _text(attribute, "type") or _text(attribute, "attributeType")
        type_ = types.get(reference, reference)
        id_, short_id = _text(attribute, "id").lower(), _text(attribute, "shortId")
        known = BY_NAME.get(type_)
        options = _options(attribute)
        if known is None or not (id_ and short_id) or (known.options and not options):
            parts.left_out += 1
            continue
        parts.values.append(
            ProposedValue(
                id_,
                short_id,
                type_,
                _FROM,
                options if known.options else (),
                required=attribute.get("required") is True and key == "attributes",
            )
        )
    return parts


def _options(attribute: Mapping[str, Any]) -> tuple[Option, ...]:
    """The values of an enum: a list of them, or of objects with a `value`."""
    for key in ("options", "values", "enum"):
        listed = attribute.get(key)
        if isinstance(listed, list):
            items = [
                item.get("value") if isinstance(item, dict) else item
                for item in cast("list[Any]", listed)
            ]
            return tuple(item for item in items if isinstance(item, str | int | float))
    return ()


def _moves(procedure: Mapping[str, Any], names: Mapping[str, str]) -> list[Moves]:
    """The stategraph, if it has the form of ours; references may be ids or shortIds."""
    graph = procedure.get("stategraph")
    moves: list[Moves] = []
    for source, targets in (
        cast("dict[str, Any]", graph) if isinstance(graph, dict) else {}
    ).items():
        known = [names.get(str(target).lower(), names.get(str(target))) for target in targets or ()]
        state = names.get(source.lower(), names.get(source))
        if state is None or None in known:
            return []
        moves.append(Moves(state, tuple(name for name in known if name), ""))
    return moves


def _reference(part: Mapping[str, Any], key: str) -> str:
    """The id (in lower case) or shortId that a member names, also as an object with an `id`."""
    value = part.get(key)
    if isinstance(value, dict):
        value = cast("dict[str, Any]", value).get("id")
    text = value if isinstance(value, str) else ""
    return text.lower() if "-" in text else text


def _text(part: Mapping[str, Any], key: str) -> str:
    value = part.get(key)
    return value if isinstance(value, str) else ""
