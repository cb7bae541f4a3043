"""The rules between the parts of a procedure definition, checked on the document as written.

Reading files does not belong here, nor does the shape of one part (definitions.py). Every rule
runs on what is well-formed, whatever else is wrong, so that an author sees all problems at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from pydantic import ValidationError

from schemas.attribute_types import ATTRIBUTE_TYPES
from schemas.definition_problems import (
    WHOLE_FILE,
    Finding,
    KeyPath,
    as_list,
    as_mapping,
    findings_of,
    key_path,
    keys_of,
    shown,
)
from schemas.definition_references import Names, entries_of, normalised
from schemas.definition_values import ENUM_OPTION_TYPES
from schemas.definitions import Procedure, column_name
from schemas.errors import DefinitionError, Problem

_OPTION_KINDS = {
    str: "text (in quotes where it looks like something else)",
    int: "a whole number",
    float: "a number",
}


def check_procedure(document: object, *, file: str) -> Procedure:
    """The procedure a document defines, its references normalised to shortIds.

    Raises DefinitionError with every problem of the document.
    """
    if not isinstance(document, dict):
        problem = Problem(
            file, WHOLE_FILE, shown(document), f"a mapping with the keys {keys_of(Procedure)}"
        )
        raise DefinitionError([problem])
    content = as_mapping(cast("object", document))
    states = Names.of("state", content, "states")
    attributes = Names.of("attribute", content, "attributes")
    findings = [
        *_repeated_names(content),
        *_bad_options(content),
        *_bad_references(content, states, attributes),
        *_bad_stategraph(content, states),
        *_bad_funnels(content, states),
    ]
    try:
        procedure = Procedure.model_validate(
            normalised(content, states, attributes), by_alias=True, by_name=False
        )
    except ValidationError as error:
        findings += findings_of(error)
    else:
        if not findings:
            return procedure
    # A value that breaks a rule of its own and one between parts is one problem.
    problems: dict[str, Problem] = {}
    for finding in findings:
        key = key_path(content, finding.path)
        problems.setdefault(key, Problem(file, key, finding.found, finding.allowed))
    raise DefinitionError(list(problems.values()))


def repeated_procedures(documents: Mapping[str, object]) -> list[Problem]:
    """Ids and shortIds that several of the documents (by file) claim, case ignored."""
    problems: list[Problem] = []
    for key in ("id", "shortId"):
        owners: dict[str, str] = {}
        for file, document in documents.items():
            value = as_mapping(document).get(key)
            if not isinstance(value, str):
                continue
            owner = owners.setdefault(value.lower(), file)
            if owner != file:
                found = f"{shown(value)}, already the {key} of the procedure in {owner}"
                problems.append(Problem(file, key, found, f"{_article(key)} used once"))
    return problems


def _article(key: str) -> str:
    return f"an {key}" if key == "id" else f"a {key}"


def _repeated_names(document: Mapping[str, object]) -> Iterator[Finding]:
    """Ids and shortIds used twice, and shortIds that would become the same column.

    Attributes and derived attributes share one table, hence one set of names.
    """
    for sections in (("attributes", "derivedAttributes"), ("states",)):
        owners: dict[tuple[str, str], KeyPath] = {}
        for path, entry in (e for section in sections for e in entries_of(document, section)):
            for key in ("id", "shortId"):
                value = entry.get(key)
                if not isinstance(value, str):
                    continue
                owner = owners.setdefault((key, value.lower()), path)
                if owner != path:
                    where = key_path(document, owner)
                    found = f"{shown(value)}, already the {key} of {where} (case is ignored)"
                    yield Finding((*path, key), found, f"{_article(key)} used once")
                elif key == "shortId" and sections != ("states",):
                    column = column_name(value)
                    owner = owners.setdefault(("column", column.lower()), path)
                    if owner != path:
                        where = key_path(document, owner)
                        found = f"{shown(value)}, whose column {column} is that of {where}"
                        yield Finding((*path, key), found, "a shortId with a column of its own")


def _bad_options(document: Mapping[str, object]) -> Iterator[Finding]:
    for section in ("attributes", "derivedAttributes"):
        for path, entry in entries_of(document, section):
            type_, options = entry.get("type"), entry.get("options", [])
            if not isinstance(type_, str) or type_ not in ATTRIBUTE_TYPES:
                continue
            if not isinstance(options, list):
                continue
            here, written = (*path, "options"), as_list(cast("object", options))
            kinds = ENUM_OPTION_TYPES.get(type_)
            if kinds is None and written:
                enums = ", ".join(ENUM_OPTION_TYPES)
                yield Finding(here, f"options on an attribute of type {type_}", f"only on {enums}")
            elif kinds and not written:
                yield Finding(here, "no options", f"at least one, as the type is {type_}")
            elif kinds:
                yield from _bad_values(here, written, kinds)


def _bad_values(
    path: KeyPath, options: Sequence[object], kinds: tuple[type, ...]
) -> Iterator[Finding]:
    seen: set[object] = set()
    for position, option in enumerate(options):
        if isinstance(option, bool) or not isinstance(option, str | int | float):
            continue  # not a plain value: the model says so
        is_finite = isinstance(option, str | int) or math.isfinite(option)
        if not isinstance(option, kinds) or not is_finite:
            yield Finding((*path, position), shown(option), _OPTION_KINDS[kinds[0]])
        elif option in seen:
            yield Finding((*path, position), f"{shown(option)} again", "each option once")
        seen.add(option)


def _bad_references(
    document: Mapping[str, object], states: Names, attributes: Names
) -> Iterator[Finding]:
    if document.get("states") == []:
        yield Finding(("states",), "an empty list", "at least one state")
    references = [("startState", states), ("completedState", states)]
    references += [("primaryKey", attributes), ("primaryIdentifier", attributes)]
    for key, names in references:
        value = document.get(key)
        # Without any state the missing states are the problem, not each mention of one.
        is_checked = names.short_ids or names is attributes
        if isinstance(value, str) and is_checked and names.resolve(value) is None:
            yield names.unknown((key,), value)


def _bad_states(path: KeyPath, references: object, states: Names) -> Iterator[Finding]:
    """Unknown and repeated states in a list of references."""
    seen: set[str] = set()
    for position, reference in enumerate(as_list(references)):
        if not isinstance(reference, str) or not states.short_ids:
            continue
        state = states.resolve(reference)
        if state is None:
            yield states.unknown((*path, position), reference)
        elif state in seen:
            yield Finding((*path, position), f"{shown(reference)} again", "each state once")
        else:
            seen.add(state)


def _bad_stategraph(document: Mapping[str, object], states: Names) -> Iterator[Finding]:
    graph = as_mapping(document.get("stategraph"))
    findings: list[Finding] = []
    successors: dict[str, list[str]] = {}
    for key, targets in graph.items():
        path = ("stategraph", key)
        state = states.resolve(key)
        if state is None and states.short_ids:
            findings.append(states.unknown(path, key))
        elif state in successors:
            findings.append(Finding(path, f"state {state} again", "each state once"))
        elif state is not None:
            known = [states.resolve(target) for target in as_list(targets)]
            successors[state] = [target for target in known if target is not None]
        findings += _bad_states(path, targets, states)
    yield from findings
    start = states.resolve(document.get("startState"))
    # A mistake in one transition would make states look unreachable: one mistake, one problem.
    is_sound = not findings and all(_is_list_of_text(targets) for targets in graph.values())
    if isinstance(document.get("stategraph"), dict) and start is not None and is_sound:
        yield from _unreachable(document, successors, start)


def _is_list_of_text(value: object) -> bool:
    if not isinstance(value, list):
        return False
    return all(isinstance(item, str) for item in as_list(cast("object", value)))


def _unreachable(
    document: Mapping[str, object], successors: Mapping[str, Sequence[str]], start: str
) -> Iterator[Finding]:
    reached, waiting = {start}, [start]
    while waiting:
        new = [state for state in successors.get(waiting.pop(), ()) if state not in reached]
        reached.update(new)
        waiting += new
    for path, entry in entries_of(document, "states"):
        short_id = entry.get("shortId")
        if isinstance(short_id, str) and short_id not in reached:
            found = f"no way in the stategraph from the start state {start}"
            yield Finding(path, found, f"a state that can be reached from {start}")


def _bad_funnels(document: Mapping[str, object], states: Names) -> Iterator[Finding]:
    names: set[str] = set()
    for path, funnel in entries_of(document, "funnels"):
        name = funnel.get("name")
        if isinstance(name, str):
            if name in names:
                yield Finding((*path, "name"), f"{shown(name)} again", "each funnel name once")
            names.add(name)
        if funnel.get("steps") == []:
            yield Finding((*path, "steps"), "an empty list", "at least one step")
        for position, step in enumerate(as_list(funnel.get("steps"))):
            here: KeyPath = (*path, "steps", position)
            if isinstance(step, str):
                if states.short_ids and states.resolve(step) is None:
                    yield states.unknown(here, step)
                continue
            members = step
            if isinstance(step, dict):
                here = (*here, "states")
                members = as_mapping(cast("object", step)).get("states")
            if members == []:
                yield Finding(here, "an empty list", "at least one state")
            yield from _bad_states(here, members, states)
