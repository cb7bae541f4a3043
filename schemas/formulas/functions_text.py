"""Functions on text and JSON."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from schemas.formulas.functions import Function, Overload, check_count, pick, strict
from schemas.formulas.kinds import BOOLEAN, JSON, TEXT, WHOLE
from schemas.formulas.patterns import check_regex, check_replacement
from schemas.formulas.problems import FormulaProblem, quoted
from schemas.formulas.values import (
    Value,
    any_fails,
    call,
    operation,
    text,
    text_literal,
    try_cast,
    whole,
    whole_literal,
)

# A text made by replacing may be this many times as long as the texts it comes from.
MAX_GROWTH = 1_000
_MAX_ARGUMENTS = 50


def _plain(name: str, takes: int, gives: str, says: str) -> Function:
    def build(*arguments: exp.Expr) -> exp.Expr:
        return call(name, *arguments)

    return strict(name, says, Overload((TEXT,) * takes, gives, build))


def _counted(name: str, takes: tuple[str, ...], says: str, *more: tuple[str, ...]) -> Function:
    """A function with positions or counts: one beyond 32 bits fails."""

    def build(*arguments: exp.Expr) -> exp.Expr:
        return call(
            name,
            *(
                try_cast(argument, "INTEGER") if kind == WHOLE else argument
                for argument, kind in zip(arguments, takes, strict=False)
            ),
        )

    forms = (takes, *more)
    return strict(name, says, *(Overload(form, TEXT, build, may_fail=True) for form in forms))


def _length() -> Function:
    def build(argument: exp.Expr) -> exp.Expr:
        return call("length", argument)

    return strict("length", "Number of characters.", Overload((TEXT,), WHOLE, build))


def _concat(name: str, arguments: Sequence[Value]) -> Value:
    check_count(name, arguments, 1, _MAX_ARGUMENTS)
    if any(argument.kind not in (TEXT, "NULL") for argument in arguments):
        kinds = ", ".join(argument.kind for argument in arguments)
        raise FormulaProblem(f"`concat({kinds})`", "texts (`cast(x as varchar)`)")
    sql = call("concat", *(argument.sql for argument in arguments))
    growth = sum(argument.growth for argument in arguments)
    return Value(TEXT, sql, any_fails(arguments), growth=check_growth(growth))


def _replace(name: str, arguments: Sequence[Value]) -> Value:
    check_count(name, arguments, 3, 3)
    new = text_literal(arguments[2], f"the new text of `{name}`")
    pick(name, [Overload((TEXT,) * 3, TEXT, call)], arguments)
    sql = call(name, *(argument.sql for argument in arguments))
    value = operation(TEXT, sql, arguments, may_fail=False)
    return _grown(value, arguments[0].growth * max(1, len(new)))


def _regexp_matches(name: str, arguments: Sequence[Value]) -> Value:
    check_count(name, arguments, 2, 2)
    pattern, _ = _pattern(name, arguments)
    sql = call("regexp_matches", arguments[0].sql, pattern)
    return operation(BOOLEAN, sql, arguments, may_fail=False)


def _regexp_extract(name: str, arguments: Sequence[Value]) -> Value:
    check_count(name, arguments, 2, 3)
    pattern, groups = _pattern(name, arguments)
    given = [whole_literal(value, 0, groups, "the group") for value in arguments[2:]]
    sql = call("regexp_extract", arguments[0].sql, pattern, whole(given[0] if given else 0))
    return operation(TEXT, sql, arguments[:2], may_fail=False)


def _regexp_replace(name: str, arguments: Sequence[Value]) -> Value:
    check_count(name, arguments, 3, 4)
    pattern, groups = _pattern(name, arguments)
    new = text_literal(arguments[2], f"the new text of `{name}`")
    check_replacement(new, groups)
    options = [text_literal(value, "the option") for value in arguments[3:]]
    if options not in ([], ["g"]):
        raise FormulaProblem(f"the option {quoted(options[0])}", "'g' (replace all)")
    sql = call("regexp_replace", arguments[0].sql, pattern, text(new), *map(text, options))
    value = operation(TEXT, sql, arguments[:3], may_fail=False)
    return _grown(value, arguments[0].growth * (1 + len(new)))


def _pattern(name: str, arguments: Sequence[Value]) -> tuple[exp.Expr, int]:
    """The pattern as DuckDB wants it, a constant, and the number of its groups."""
    if arguments[0].kind != TEXT:
        raise FormulaProblem(f"`{name}` of {arguments[0].kind}", "a text (VARCHAR)")
    pattern = text_literal(arguments[1], f"the pattern of `{name}`")
    return text(pattern), check_regex(pattern)


def _json_text(name: str, arguments: Sequence[Value]) -> Value:
    check_count(name, arguments, 2, 2)
    if arguments[0].kind != JSON:
        raise FormulaProblem(f"`{name}` of {arguments[0].kind}", "a JSON attribute")
    key = text_literal(arguments[1], "the member")
    if not key or '"' in key or "\\" in key:
        raise FormulaProblem(f"the member {quoted(key)}", "a name without quotes and backslashes")
    sql = call("json_extract_string", arguments[0].sql, text(f'$."{key}"'))
    return operation(TEXT, sql, arguments, may_fail=False)


def check_growth(growth: int) -> int:
    """The growth of a text, if it is still allowed."""
    if growth > MAX_GROWTH:
        raise FormulaProblem(
            "a text that could grow very long",
            f"replacing and joining that makes a text at most {MAX_GROWTH} times as long",
        )
    return growth


def _grown(value: Value, growth: int) -> Value:
    return Value(value.kind, value.sql, value.fails, growth=check_growth(growth))


FUNCTIONS = (
    _plain("lower", 1, TEXT, "In small letters."),
    _plain("upper", 1, TEXT, "In capital letters."),
    _plain("trim", 1, TEXT, "Without the spaces at both ends."),
    _length(),
    _counted("left", (TEXT, WHOLE), "The first n characters; all but the last n if negative."),
    _counted("right", (TEXT, WHOLE), "The last n characters; all but the first n if negative."),
    _counted(
        "substr",
        (TEXT, WHOLE, WHOLE),
        "From a position (the first is 1), to the end or so many characters.",
        (TEXT, WHOLE),
    ),
    _counted(
        "split_part",
        (TEXT, TEXT, WHOLE),
        "The n-th part between separators; empty if there is none; from the end if negative.",
    ),
    Function(
        "replace",
        (("VARCHAR, VARCHAR, 'new'", TEXT),),
        "Every occurrence replaced. The new text is written out.",
        _replace,
    ),
    Function("concat", (("VARCHAR, ...", TEXT),), "Joined; nulls are skipped.", _concat),
    _plain("starts_with", 2, BOOLEAN, "Whether the first text starts with the second."),
    _plain("ends_with", 2, BOOLEAN, "Whether the first text ends with the second."),
    Function(
        "regexp_matches",
        (("VARCHAR, 'pattern'", BOOLEAN),),
        "Whether the pattern occurs in the text.",
        _regexp_matches,
    ),
    Function(
        "regexp_extract",
        (("VARCHAR, 'pattern'", TEXT), ("VARCHAR, 'pattern', group", TEXT)),
        "The first match, or a group of it; empty if there is none.",
        _regexp_extract,
    ),
    Function(
        "regexp_replace",
        (("VARCHAR, 'pattern', 'new'", TEXT), ("VARCHAR, 'pattern', 'new', 'g'", TEXT)),
        "The first match replaced, with 'g' every one; `\\1` in the new text is group 1.",
        _regexp_replace,
    ),
    Function(
        "json_text",
        (("JSON, 'member'", TEXT),),
        "A member of a JSON object as text; null if it is missing or null.",
        _json_text,
    ),
)
