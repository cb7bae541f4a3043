"""Docstrings name the errors that public functions raise, and promise no others."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from schemas import errors
from schemas.errors import (
    CorruptWarehouse,
    DefinitionError,
    LeadtimeError,
    MissingPackage,
    OperationError,
    Problem,
    SourceError,
    WarehouseBusy,
    require_module,
)

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("pipelines", "schemas", "transforms")
KNOWN = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, LeadtimeError) and not name.startswith("_")
}
_NAMED = re.compile(r"\b(?:" + "|".join(KNOWN) + r")\b")


@dataclass(frozen=True)
class Function:
    """A function of the product: where it is, its syntax tree and the simple names it uses."""

    place: str
    node: ast.FunctionDef
    owner: str
    uses: frozenset[str]

    @property
    def is_public(self) -> bool:
        return not any(part.startswith("_") for part in (self.node.name, self.owner) if part)

    @property
    def documented(self) -> set[str]:
        return set(_NAMED.findall(ast.get_docstring(self.node) or ""))


def functions() -> Iterator[Function]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield from functions_of(path.read_text(encoding="utf-8"), str(path.relative_to(ROOT)))


def functions_of(source: str, place: str) -> Iterator[Function]:
    for node in ast.parse(source).body:
        members = node.body if isinstance(node, ast.ClassDef) else [node]
        owner = node.name if isinstance(node, ast.ClassDef) else ""
        for member in members:
            if isinstance(member, ast.FunctionDef):
                uses = frozenset(
                    n.id if isinstance(n, ast.Name) else n.attr
                    for n in ast.walk(member)
                    if isinstance(n, ast.Name | ast.Attribute)
                )
                yield Function(f"{place}:{member.lineno}", member, owner, uses)


def raised_in(function: Function, module: list[Function]) -> set[str]:
    """Errors that a function raises itself, or through private functions of its module."""
    found: set[str] = set()
    seen = {function.place}
    waiting = [function]
    while waiting:
        current = waiting.pop()
        found |= raised_directly(current.node)
        for helper in module:
            is_called = helper.node.name in current.uses
            if is_called and helper.node.name.startswith("_") and helper.place not in seen:
                seen.add(helper.place)
                waiting.append(helper)
    return found - caught_in(function.node)


def raised_directly(node: ast.FunctionDef) -> set[str]:
    """Errors in `raise X(...)`, and in `raise variable` where the variable was set to `X(...)`."""
    made = {
        target.id: called(statement.value)
        for statement in ast.walk(node)
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    found: set[str] = set()
    for statement in ast.walk(node):
        if isinstance(statement, ast.Raise) and statement.exc is not None:
            name = called(statement.exc)
            if isinstance(statement.exc, ast.Name):
                name = made.get(statement.exc.id, name)
            found.add(name)
    return found & set(KNOWN)


def called(node: ast.expr) -> str:
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def caught_in(node: ast.FunctionDef) -> set[str]:
    """Errors that a function handles without raising them again."""
    found: set[str] = set()
    for handler in ast.walk(node):
        if isinstance(handler, ast.ExceptHandler) and handler.type is not None:
            names = {n.id for n in ast.walk(handler.type) if isinstance(n, ast.Name)} & set(KNOWN)
            if not any(isinstance(part, ast.Raise) for part in ast.walk(handler)):
                found |= names
    return found


def undocumented(module: list[Function]) -> list[str]:
    return [
        f"{function.place}: {function.node.name} does not name {error}"
        for function in module
        if function.is_public
        for error in sorted(raised_in(function, module))
        if not any(issubclass(KNOWN[error], KNOWN[name]) for name in function.documented)
    ]


def not_reachable(product: list[Function], classes: dict[str, frozenset[str]]) -> list[str]:
    """Promises of an error that no function which the promising one can reach raises.

    Names stand for every function and class of that name, so more counts as reachable than is.
    """
    used_by: dict[str, set[str]] = {}
    for name, uses in [(f.node.name, f.uses) for f in product] + list(classes.items()):
        for used in uses:
            used_by.setdefault(used, set()).add(name)
    raising = {error: {error, *reached_from(error, used_by)} for error in KNOWN}
    wrong: list[str] = []
    for function in product:
        for error in sorted(function.documented) if function.is_public else ():
            kinds = [name for name, kind in KNOWN.items() if issubclass(kind, KNOWN[error])]
            if not any(function.uses & raising[kind] for kind in kinds):
                wrong.append(f"{function.place}: {function.node.name} cannot raise {error}")
    return wrong


def reached_from(start: str, edges: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = edges.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def classes_of_product() -> dict[str, frozenset[str]]:
    """Names that a class uses anywhere: making one may call any of its functions."""
    found: dict[str, frozenset[str]] = {}
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and node.name not in KNOWN:
                    uses = frozenset(
                        n.id if isinstance(n, ast.Name) else n.attr
                        for n in ast.walk(node)
                        if isinstance(n, ast.Name | ast.Attribute)
                    )
                    found[node.name] = found.get(node.name, frozenset()) | uses
    return found


def test_public_functions_name_the_errors_they_raise() -> None:
    by_file: dict[str, list[Function]] = {}
    for function in functions():
        by_file.setdefault(function.place.rpartition(":")[0], []).append(function)
    assert [line for module in by_file.values() for line in undocumented(module)] == []


def test_public_functions_promise_no_error_that_nothing_raises() -> None:
    assert not_reachable(list(functions()), classes_of_product()) == []


def test_the_rules_find_what_they_are_for() -> None:
    source = '''
def silent(path):
    """Read it."""
    return _read(path)

def _read(path):
    missing = SourceError(path, "missing", "Bring it.")
    raise missing

def named(path):
    """Read it. Raises `LeadtimeError`."""
    return _read(path)

def handled(path):
    """Read it, or None."""
    try:
        return _read(path)
    except SourceError:
        return None

def false_promise(path):
    """Read it. Raises `WarehouseBusy`."""
    return _read(path)
'''
    module = list(functions_of(source, "a.py"))
    assert undocumented(module) == [
        "a.py:2: silent does not name SourceError",
        "a.py:21: false_promise does not name SourceError",
    ]
    assert not_reachable(module, {}) == ["a.py:21: false_promise cannot raise WarehouseBusy"]


@pytest.mark.parametrize(
    ("error", "facts", "message"),
    [
        (
            DefinitionError([Problem("lead.yaml", "states", "no list", "a list", 3, 5)]),
            {},
            "1 problem in the procedure definitions:\n"
            "  lead.yaml:3:5: states: found no list; allowed: a list",
        ),
        (
            SourceError("a.gz", "does not decompress", "Ask for it again."),
            {"place": "a.gz", "found": "does not decompress", "action": "Ask for it again."},
            "a.gz: does not decompress. Ask for it again.",
        ),
        (
            WarehouseBusy("data", holder="leadtime run (process 7 on a)", since="2026-03-01"),
            {"place": "data", "holder": "leadtime run (process 7 on a)", "since": "2026-03-01"},
            "data: the warehouse is held by leadtime run (process 7 on a) since 2026-03-01. "
            "Wait for it to end, or stop that process; then try again.",
        ),
        (
            CorruptWarehouse("w.duckdb", "the file is damaged", "Restore a backup."),
            {"found": "the file is damaged"},
            "w.duckdb: the file is damaged. Restore a backup.",
        ),
    ],
)
def test_facts_are_attributes_and_the_message_is_made_of_them(
    error: LeadtimeError, facts: dict[str, str], message: str
) -> None:
    assert {name: getattr(error, name) for name in facts} == facts
    assert str(error) == message
    is_for_operator = isinstance(error, OperationError)
    assert is_for_operator == isinstance(error, WarehouseBusy | CorruptWarehouse)


def test_a_missing_package_names_its_extra() -> None:
    with pytest.raises(MissingPackage) as raised:
        require_module("no_such_package.part", extra="delta", place="delta:///srv/tables")
    assert (raised.value.package, raised.value.extra) == ("no_such_package", "delta")
    assert str(raised.value) == (
        "delta:///srv/tables: needs a package that is not installed (no_such_package). Install the "
        "extra `delta` with `uv tool install 'leadtime[delta]'`, or in a checkout with `uv sync "
        "--extra delta`."
    )
