"""Parses the text of a formula to a tree of a few plain node classes, within limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import ErrorLevel, ParseError, SqlglotError
from sqlglot.parsers.duckdb import DuckDBParser
from sqlglot.tokenizer_core import Token, TokenType

from schemas.formulas.problems import FormulaProblem, quoted

MAX_LENGTH = 4_000
MAX_NODES = 500
MAX_DEPTH = 30

_DIALECT = DuckDB()
_AN_EXPRESSION = "one expression, such as `if(score > 700, 'good', 'other')`"
_A_FORMULA = (
    f"{_AN_EXPRESSION}; a name that is a word of SQL, begins with a digit or has other signs "
    'stands in double quotes: `"select"`'
)
_PARTS = (
    "values, column names, operators, `case`, `cast`, `extract` and the functions of "
    "schemas/docs/formulas.md"
)
# What the parser raises for broken text: its own errors, and what it stumbles over.
_STUMBLES = (SqlglotError, AttributeError, IndexError, KeyError, TypeError, ValueError)
_OPENING = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE}
_CLOSING = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE}
_TWO_SIDED = frozenset({"this", "expression"})

# What each node may hold. A class that is not here, or a further part that is set, is refused.
_SHAPES: dict[type[exp.Expr], frozenset[str]] = {
    exp.Column: frozenset({"this", "table", "db"}),
    exp.Identifier: frozenset({"this", "quoted"}),
    exp.Literal: frozenset({"this", "is_string"}),
    exp.Boolean: frozenset({"this"}),
    exp.Null: frozenset(),
    exp.Paren: frozenset({"this"}),
    exp.Not: frozenset({"this"}),
    exp.Neg: frozenset({"this"}),
    exp.Div: _TWO_SIDED | {"typed", "safe"},
    exp.DPipe: _TWO_SIDED | {"safe"},
    exp.Like: _TWO_SIDED | {"negate"},
    exp.ILike: _TWO_SIDED | {"negate"},
    exp.Between: frozenset({"this", "low", "high"}),
    exp.In: frozenset({"this", "expressions"}),
    exp.Case: frozenset({"this", "ifs", "default"}),
    exp.If: frozenset({"this", "true"}),
    exp.Cast: frozenset({"this", "to"}),
    exp.DataType: frozenset({"this", "nested", "expressions"}),
    exp.DataTypeParam: frozenset({"this"}),
    exp.Extract: _TWO_SIDED,
    exp.Interval: frozenset({"this", "unit"}),
    exp.Var: frozenset({"this"}),
    exp.Anonymous: frozenset({"this", "expressions"}),
    **dict.fromkeys((exp.Add, exp.Sub, exp.Mul, exp.IntDiv, exp.Mod, exp.And, exp.Or), _TWO_SIDED),
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Is), _TWO_SIDED),
    **dict.fromkeys((exp.NullSafeEQ, exp.NullSafeNEQ), _TWO_SIDED),
}
# A chain of these is one step deep, however long.
_FLAT: tuple[tuple[type[exp.Expr], ...], ...] = (
    (exp.Add, exp.Sub),
    (exp.And,),
    (exp.Or,),
    (exp.DPipe,),
)
_NO_LEVEL = (exp.Paren, exp.If)
_WORDS: dict[type[exp.Expr], str] = {
    exp.Query: "a query inside the formula",
    exp.Exists: "a query inside the formula",
    exp.Star: "`*`",
    exp.Window: "a window (`over`)",
    exp.Lambda: "a lambda",
    exp.Placeholder: "a parameter",
    exp.Parameter: "a parameter",
    exp.PositionalColumn: "a column by its position",
    exp.Bracket: "an element by its position (`[...]`)",
    exp.Array: "a list written out (`[...]`)",
    exp.Struct: "a struct (`{...}`)",
    exp.Tuple: "several values in brackets",
    exp.Dot: "a member of a value (`.`)",
    exp.Pow: "the operator `^` (write `power(x, y)`)",
    exp.Escape: "`like ... escape`",
    exp.PropertyEQ: "a named argument (`:=`)",
}


_BASE: Any = DuckDBParser  # its tables are not typed


class _Parser(DuckDBParser):
    """Reads every call by its name as written: no function has a grammar or a node of its own."""

    FUNCTIONS: ClassVar[dict[str, Any]] = {}
    NO_PAREN_FUNCTIONS: ClassVar[dict[TokenType, Any]] = {}
    NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        "CASE": _BASE.NO_PAREN_FUNCTION_PARSERS["CASE"]
    }
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        name: _BASE.FUNCTION_PARSERS[name] for name in ("CAST", "EXTRACT")
    }


def parse(text: str) -> exp.Expr:
    """The tree of a formula, holding only known node classes; names and types are not looked at.

    Raises FormulaProblem for bad syntax, for anything outside the language, and beyond a limit.
    """
    tree = _read(text)
    for node in tree.walk():
        _check_shape(node)
    _check_size(tree)
    return tree


def names_in(text: str) -> frozenset[str]:
    """The names a formula reads, as they are written (`score`, `record.size`).

    They may be unknown, or differ from a column in case. Raises FormulaProblem as `parse` does.
    """
    return frozenset(name_of(column) for column in parse(text).find_all(exp.Column))


def name_of(column: exp.Column) -> str:
    """The name of a column with its dots."""
    return ".".join(part.name for part in column.parts)


def is_chain(node: exp.Expr, child: exp.Expr) -> bool:
    """Whether `child` continues the chain of `node` to the left: `a + b` in `a + b - c`."""
    return child is node.this and any(
        isinstance(node, kinds) and isinstance(child, kinds) for kinds in _FLAT
    )


def _read(text: str) -> exp.Expr:
    if len(text) > MAX_LENGTH:
        raise FormulaProblem(f"{len(text)} characters", f"at most {MAX_LENGTH}")
    if not text.strip():
        raise FormulaProblem("nothing", _AN_EXPRESSION)
    if any(not (c.isprintable() or c in " \n\r\t") for c in text):
        raise FormulaProblem("a character that cannot be seen", "printable text and line breaks")
    try:
        tokens = _DIALECT.tokenize(text)
        _check_tokens(tokens)
        trees = _Parser(error_level=ErrorLevel.IMMEDIATE, dialect=_DIALECT).parse_into(
            exp.Condition, tokens, text
        )
    except RecursionError:
        raise too_deep() from None
    except _STUMBLES as error:
        raise FormulaProblem(_place(error), _A_FORMULA) from None
    if len(trees) != 1 or trees[0] is None:
        raise FormulaProblem("no expression, or more than one", _AN_EXPRESSION)
    return trees[0]


def too_deep() -> FormulaProblem:
    """The problem of a formula with too many things inside each other."""
    return FormulaProblem("too many things inside each other", f"at most {MAX_DEPTH} levels")


def _place(error: Exception) -> str:
    details = error.errors[0] if isinstance(error, ParseError) and error.errors else {}
    near = str(details.get("highlight") or "")
    return (
        f"text that is not a formula, at {quoted(near)}" if near else "text that is not a formula"
    )


def _check_tokens(tokens: list[Token]) -> None:
    """Refuse what must not reach the parser: comments, several statements, deep nesting."""
    open_tokens: list[TokenType] = []
    for token in tokens:
        kind = token.token_type
        if token.comments:
            raise FormulaProblem("a comment (`--` or `/*`)", "a formula without comments")
        if kind == TokenType.SEMICOLON:
            raise FormulaProblem("a `;`", _AN_EXPRESSION)
        if kind in _OPENING:
            open_tokens.append(kind)
            if len(open_tokens) > MAX_DEPTH:
                raise too_deep()
        elif open_tokens and (kind in _CLOSING or _ends_case(kind, open_tokens)):
            open_tokens.pop()


def _ends_case(kind: TokenType, open_tokens: list[TokenType]) -> bool:
    return kind == TokenType.END and open_tokens[-1] == TokenType.CASE


def _check_shape(node: exp.Expr) -> None:
    allowed = _SHAPES.get(type(node))
    if allowed is None:
        raise FormulaProblem(_words(node), _PARTS)
    extra = sorted(k for k, v in node.args.items() if k not in allowed and _is_set(v))
    if extra:
        raise FormulaProblem(f"{quoted(_plain(node))} with {', '.join(extra)}", _PARTS)
    if isinstance(node, exp.Column) and not isinstance(node.this, exp.Identifier):
        raise FormulaProblem(_words(node.this), _PARTS)
    if isinstance(node, exp.Anonymous) and not isinstance(node.this, str):
        raise FormulaProblem("a function name in quotes", "function names without quotes")


def _is_set(value: object) -> bool:
    return value is not None and value is not False and value != []


def _words(node: exp.Expr) -> str:
    for kind, words in _WORDS.items():
        if isinstance(node, kind):
            return words
    return quoted(_plain(node))


def _plain(node: exp.Expr) -> str:
    return type(node).__name__.lower()


def _check_size(tree: exp.Expr) -> None:
    count = 0
    for node, depth in _depths(tree):
        # Parts of names and types do not count as steps of the formula.
        if not isinstance(node, exp.Identifier | exp.DataType | exp.DataTypeParam | exp.Var):
            count += 1
        if depth > MAX_DEPTH:
            raise too_deep()
        if count > MAX_NODES:
            raise FormulaProblem("a formula of too many parts", f"at most {MAX_NODES}")


def _depths(tree: exp.Expr) -> Iterator[tuple[exp.Expr, int]]:
    stack = [(tree, 0)]
    while stack:
        node, depth = stack.pop()
        yield node, depth
        stack.extend(
            (child, depth + (not (isinstance(node, _NO_LEVEL) or is_chain(node, child))))
            for child in node.iter_expressions()
        )
