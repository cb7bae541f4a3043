"""YAML and JSON text as plain values, with the keys that a file writes twice.

What the values mean does not belong here. YAML is read by the core schema of YAML 1.2: `NO`, `on`,
`12:30` and `2024-01-31` are text, only `true` and `false` are truth values; there are no merge keys
and no tags beyond that schema.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, cast

import yaml

from schemas.definition_problems import WHOLE_FILE, Finding, KeyPath, as_list

_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True)
class Content:
    """What a file says. Of a key written twice the first value counts; each is a finding."""

    document: object
    findings: list[Finding] = field(default_factory=list[Finding])


class SyntaxProblem(Exception):
    """Text that is no YAML or JSON: where, and what was found there."""

    def __init__(self, place: str, found: str) -> None:
        self.place = place
        self.found = found
        super().__init__(f"{place}: {found}")


def read_json(text: str) -> Content:
    """The value of a JSON text. Raises SyntaxProblem."""
    findings: list[Finding] = []
    try:
        value = json.loads(text, object_pairs_hook=_Pairs, parse_constant=_no_number)
        return Content(_plain(value, (), findings), findings)
    except json.JSONDecodeError as error:
        raise SyntaxProblem(f"line {error.lineno}, column {error.colno}", error.msg) from error
    except (ValueError, RecursionError) as error:
        raise SyntaxProblem(WHOLE_FILE, _sentence(error)) from error


def read_yaml(text: str) -> Content:
    """The value of a YAML text of one document. Raises SyntaxProblem."""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        return Content(None) if node is None else _YamlDocument().read(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else WHOLE_FILE
        raise SyntaxProblem(place, error.problem or error.context or "no YAML") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SyntaxProblem(WHOLE_FILE, _sentence(error)) from error


def _sentence(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "values nested too deeply"
    return " ".join(str(error).split())


class _Pairs(list[tuple[str, object]]):
    """A JSON object before its keys are made one."""


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text}, which is no JSON number")


def _plain(value: object, path: KeyPath, findings: list[Finding]) -> object:
    if isinstance(value, _Pairs):
        result: dict[str, object] = {}
        for key, item in value:
            here = (*path, key)
            if key in result:
                findings.append(Finding(here, "the same key again", "each key once"))
            else:
                result[key] = _plain(item, here, findings)
        return result
    if isinstance(value, list):
        items = enumerate(as_list(cast("object", value)))
        return [_plain(item, (*path, position), findings) for position, item in items]
    return value


class _Loader(yaml.SafeLoader):
    """Gives plain scalars the types of YAML 1.2."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - PyYAML's own name; without it 1.1 rules apply


# PyYAML's method has no types of its own.
_add_resolver: Callable[[str, re.Pattern[str], list[str]], None] = cast(
    "Any", _Loader
).add_implicit_resolver
for _name, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
):
    _add_resolver(_TAG + _name, re.compile(rf"(?:{_pattern})\Z"), _first)


def _integer(text: str) -> int:
    return int(text, 0) if text[:2] in ("0x", "0o") else int(text)


_SCALARS: Mapping[str, Callable[[str], object]] = {
    _TAG + "null": lambda _: None,
    _TAG + "bool": lambda text: text.lower() == "true",
    _TAG + "int": _integer,
    _TAG + "float": float,
    _TAG + "str": str,
}


class _YamlDocument:
    """Turns the nodes of one document into values; an alias gives the value it names again."""

    def __init__(self) -> None:
        self._values: dict[int, object] = {}
        self._open: set[int] = set()
        self._findings: list[Finding] = []

    def read(self, node: yaml.Node) -> Content:
        return Content(self._value(node, ()), self._findings)

    def _value(self, node: yaml.Node, path: KeyPath) -> object:
        if id(node) in self._open:
            raise _error(node, "an alias that contains itself")
        if id(node) not in self._values:
            self._open.add(id(node))
            self._values[id(node)] = self._new_value(node, path)
            self._open.discard(id(node))
        return self._values[id(node)]

    def _new_value(self, node: yaml.Node, path: KeyPath) -> object:
        if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
            return [self._value(item, (*path, place)) for place, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and node.tag in _SCALARS:
            return _SCALARS[node.tag](node.value)
        raise _error(node, f"the tag {node.tag.replace(_TAG, '!!')}")

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[object, object]:
        result: dict[object, object] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise _error(key_node, "a key that is a list or a mapping")
            key = self._value(key_node, path)
            here = (*path, str(key))
            if key in result:
                found = f"the same key again in line {key_node.start_mark.line + 1}"
                self._findings.append(Finding(here, found, "each key once"))
            else:
                result[key] = self._value(value_node, here)
        return result


def _error(node: yaml.Node, found: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=found, problem_mark=node.start_mark)
