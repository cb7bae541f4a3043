"""Parses YAML and JSON to plain values with their positions, and finds duplicate keys.

YAML follows the core schema of YAML 1.2: `NO`, `on`, `12:30` and `2024-01-31` are text, only `true`
and `false` are booleans. Merge keys and tags beyond that schema are refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, cast

import yaml

from schemas.loading.places import Layout, Place, Places, json_layout
from schemas.loading.problems import Finding, KeyPath, as_list
from schemas.loading.yaml_errors import in_plain_words

_TAG = "tag:yaml.org,2002:"
_NOT_STORED = re.compile(r"[\0\ud800-\udfff]")


@dataclass(frozen=True)
class Content:
    """What a file says and where. A key written twice is a finding; its first value counts."""

    document: object
    findings: list[Finding] = field(default_factory=list[Finding])
    places: Places = field(default_factory=Places)


class SyntaxProblem(Exception):
    """Text that is no YAML or JSON: where, and what was found there."""

    def __init__(self, found: str, line: int | None = None, column: int | None = None) -> None:
        self.found = found
        self.line = line
        self.column = column
        super().__init__(found)


def read_json(text: str) -> Content:
    """The value of a JSON text. Raises SyntaxProblem."""
    try:
        value = json.loads(text, object_pairs_hook=_Pairs, parse_constant=_no_number)
        return _JsonDocument().read(value, json_layout(text))
    except json.JSONDecodeError as error:
        raise SyntaxProblem(error.msg, error.lineno, error.colno) from error
    except (ValueError, RecursionError) as error:
        raise SyntaxProblem(_sentence(error)) from error


def read_yaml(text: str) -> Content:
    """The value of a YAML text of one document. Raises SyntaxProblem."""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        return Content(None) if node is None else _YamlDocument().read(node)
    except yaml.MarkedYAMLError as error:
        found = in_plain_words(error.problem or error.context or "no YAML")
        mark = error.problem_mark or error.context_mark
        place = _place(mark) if mark else (None, None)
        raise SyntaxProblem(found, *place) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SyntaxProblem(_sentence(error)) from error


def _sentence(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "values nested too deeply"
    return " ".join(str(error).split())


class _Pairs(list[tuple[str, object]]):
    """A JSON object before its keys are made one."""


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text}, which is not a JSON number")


class _JsonDocument:
    """Turns objects given as pairs into mappings."""

    def __init__(self) -> None:
        self._places: dict[KeyPath, Place] = {}
        self._findings: list[Finding] = []

    def read(self, value: object, layout: Layout) -> Content:
        return Content(self._value(value, (), layout), self._findings, Places(self._places))

    def _value(self, value: object, path: KeyPath, layout: Layout) -> object:
        self._places[path] = layout.place
        if isinstance(value, _Pairs):
            result: dict[str, object] = {}
            for (written, item), part in zip(value, layout.parts, strict=True):
                key = _whole_text(written, path, part.place, self._findings)
                here = (*path, key)
                if key in result:
                    self._findings.append(_written_again(here, self._places[here], part.place))
                else:
                    result[key] = self._value(item, here, part)
            return result
        if isinstance(value, list):
            items = enumerate(zip(as_list(cast("object", value)), layout.parts, strict=True))
            return [self._value(item, (*path, place), part) for place, (item, part) in items]
        if isinstance(value, str):
            return _whole_text(value, path, layout.place, self._findings)
        return value


def _whole_text(text: str, path: KeyPath, place: Place, findings: list[Finding]) -> str:
    """The text with surrogate pairs as the characters they mean; JSON writes them as two escapes.

    What no table can hold is a finding: a lone surrogate, which is not a character, and U+0000.
    U+FFFD takes its place.
    """
    if not _NOT_STORED.search(text):
        return text
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    if bad := _NOT_STORED.search(joined):
        code = f"\\u{ord(bad[0]):04x}"
        found = (
            f"{code}, half of a surrogate pair" if ord(bad[0]) else f"{code}, the null character"
        )
        findings.append(Finding(path, found, "text without it", line=place.line))
    return _NOT_STORED.sub("\N{REPLACEMENT CHARACTER}", joined)


def _written_again(path: KeyPath, first: Place, again: Place) -> Finding:
    found = f"the same key as in line {first.line}"
    return Finding(path, found, "each key once", line=again.line)


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
        self._places: dict[KeyPath, Place] = {}

    def read(self, node: yaml.Node) -> Content:
        self._places[()] = _place(node.start_mark)
        return Content(self._value(node, ()), self._findings, Places(self._places))

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
            return [self._entry(item, (*path, number)) for number, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and node.tag in _SCALARS:
            value = _SCALARS[node.tag](node.value)
            if isinstance(value, str):
                return _whole_text(value, path, _place(node.start_mark), self._findings)
            return value
        raise _error(node, f"the tag {node.tag.replace(_TAG, '!!')}")

    def _entry(self, node: yaml.Node, path: KeyPath) -> object:
        self._places[path] = _place(node.start_mark)
        return self._value(node, path)

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[object, object]:
        result: dict[object, object] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise _error(key_node, "a key that is a list or a mapping")
            key = self._value(key_node, path)
            here = (*path, str(key))
            if key in result:
                again = _place(key_node.start_mark)
                self._findings.append(_written_again(here, self._places[here], again))
            else:
                self._places[here] = _place(key_node.start_mark)
                result[key] = self._value(value_node, here)
        return result


def _place(mark: yaml.Mark) -> Place:
    return Place(mark.line + 1, mark.column + 1)


def _error(node: yaml.Node, found: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=found, problem_mark=node.start_mark)
