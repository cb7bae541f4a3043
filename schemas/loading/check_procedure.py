"""Checks the rules between the parts of a procedure definition, on the document as written.

Every rule runs on the well-formed parts, whatever else is wrong, so an author sees all problems at
once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from pydantic import ValidationError

from schemas.definitions.attribute_types import ATTRIBUTE_TYPES
from schemas.definitions.procedure import Procedure
from schemas.definitions.values import ENUM_OPTION_TYPES
from schemas.errors import DefinitionError, Problem
from schemas.loading.check_columns import bad_columns
from schemas.loading.check_durations import bad_durations, with_durations
from schemas.loading.check_funnels import bad_funnels, with_funnels
from schemas.loading.check_history import bad_history, unreachable_states
from schemas.loading.check_indicators import bad_indicators
from schemas.loading.check_link import bad_link
from schemas.loading.check_rules import bad_rules
from schemas.loading.check_slas import bad_slas, with_slas
from schemas.loading.places import Places
from schemas.loading.problems import (
    Finding,
    KeyPath,
    as_list,
    as_mapping,
    findings_of,
    key_path,
    keys_of,
    shown,
    without_repetition,
)
from schemas.loading.references import Names, bad_states, entries_of, normalised
from schemas.loading.syntax import Content

_OPTION_KINDS = {
    str: "text (in quotes where it looks like something else)",
    int: "a whole number",
    float: "a number",
}


def check_procedure(document: object, *, file: str, places: Places | None = None) -> Procedure:
    """The procedure a document defines, its references normalised to shortIds.

    `places` says where its parts stand in the file, for the line numbers of problems.

    Raises DefinitionError with every problem of the document.
    """
    places = places or Places()
    if not isinstance(document, dict):
        finding = Finding((), shown(document), f"a mapping with the keys {keys_of(Procedure)}")
        raise DefinitionError([problem_of(finding, document, file=file, places=places)])
    content = as_mapping(cast("object", document))
    states = Names.of("state", content, "states")
    attributes = Names.of("attribute", content, "attributes")
    findings = [
        *_repeated_names(content),
        *bad_history(content, states),
        *bad_columns(content),
        *_bad_options(content),
        *_bad_references(content, states, attributes),
        *_bad_stategraph(content, states),
        *bad_funnels(content, states, attributes),
        *bad_slas(content, states, attributes),
        *bad_indicators(content),
        *bad_durations(content, states),
        *bad_rules(content),
    ]
    shortened = normalised(content, states, attributes)
    for shorten in (with_funnels, with_slas, with_durations):
        shortened = shorten(shortened, states, attributes)
    try:
        procedure = Procedure.model_validate(shortened, by_alias=True, by_name=False)
    except ValidationError as error:
        findings += findings_of(error)
    else:
        findings += bad_link(procedure)
        if not findings:
            return procedure
    # A value that breaks a rule of its own and one between parts is one problem.
    problems: dict[str, Problem] = {}
    for finding in findings:
        problem = problem_of(finding, content, file=file, places=places)
        problems.setdefault(problem.key, problem)
    raise DefinitionError(without_repetition(list(problems.values())))


def problem_of(finding: Finding, document: object, *, file: str, places: Places) -> Problem:
    """A finding in one document as the problem of its file."""
    line = finding.line or places.line_of(finding.path)
    key = key_path(document, finding.path)
    return Problem(file, key, finding.found, finding.allowed, line)


def repeated_procedures(documents: Mapping[str, Content]) -> list[Problem]:
    """Ids and shortIds that several of the documents (by file) claim, case ignored."""
    problems: list[Problem] = []
    for key in ("id", "shortId"):
        owners: dict[str, str] = {}
        for file, content in documents.items():
            value = as_mapping(content.document).get(key)
            if not isinstance(value, str):
                continue
            owner = owners.setdefault(value.lower(), file)
            if owner != file:
                found = f"{shown(value)}, already the {key} of the procedure in {owner}"
                line = content.places.line_of((key,))
                problems.append(Problem(file, key, found, f"{_article(key)} used once", line))
    return problems


def _article(key: str) -> str:
    return f"an {key}" if key == "id" else f"a {key}"


def _repeated_names(document: Mapping[str, object]) -> Iterator[Finding]:
    """Ids and shortIds used twice; attributes and derived attributes share one set of them."""
    for sections in (("attributes", "derivedAttributes"), ("recordAttributes",), ("states",)):
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


def _bad_options(document: Mapping[str, object]) -> Iterator[Finding]:
    for section in ("attributes", "derivedAttributes", "recordAttributes"):
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
    seen: set[str] = set()
    for position, value in enumerate(as_list(document.get("compareBy"))):
        path = ("compareBy", position)
        attribute = attributes.resolve(value)
        if isinstance(value, str) and attribute is None:
            yield attributes.unknown(path, value)
        elif attribute in seen:
            yield Finding(path, f"{shown(value)} again", "each attribute once")
        elif attribute:
            seen.add(attribute)


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
        findings += bad_states(path, targets, states)
    yield from findings
    start = states.resolve(document.get("startState"))
    # A mistake in one transition would make states look unreachable: one mistake, one problem.
    is_sound = not findings and all(_is_list_of_text(targets) for targets in graph.values())
    if isinstance(document.get("stategraph"), dict) and start is not None and is_sound:
        yield from unreachable_states(document, successors, start)


def _is_list_of_text(value: object) -> bool:
    if not isinstance(value, list):
        return False
    return all(isinstance(item, str) for item in as_list(cast("object", value)))
