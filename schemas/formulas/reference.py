"""Generates `schemas/docs/formulas.md` from the list of functions.

Run `uv run python -m schemas.formulas.reference` to write it.
"""

# ruff: noqa: E501 -- rows of Markdown tables cannot be broken
from __future__ import annotations

from pathlib import Path

from schemas.formulas.functions import Function
from schemas.formulas.library import GROUPS
from schemas.formulas.syntax import MAX_DEPTH, MAX_LENGTH, MAX_NODES

PAGE = Path(__file__).parents[1] / "docs" / "formulas.md"

_INTRODUCTION = f"""# Formulas

A formula is one expression over the columns of one process, in SQL syntax:

```
if(score >= 700 and state <> 'LOST', 'good', 'other')
coalesce(budget, 0) * 1.19
case when n_visits > 3 then 'long' when n_visits > 1 then 'short' else 'none' end
days_between(created_at, as_of) > 30
```

It reads one row, has no clock except `as_of`, and always gives the same result for the same row.
Everything not on this page is refused, with its position and what is allowed instead.

## Names and values

| syntax | meaning |
|---|---|
| `score`, `größe`, `record.size`, `"a name"` | a column with this name (case is ignored if unambiguous), or the attribute with this shortId |
| `12`, `1.5`, `1e6` | BIGINT, DECIMAL(38,9), DOUBLE |
| `'text'`, `true`, `false`, `null` | VARCHAR (a quote is doubled: `'it''s'`), BOOLEAN, null |
| `date '2026-01-31'`, `time '09:30:00'` | DATE, TIME |
| `timestamp '2026-01-31 09:30:00'` | TIMESTAMP, an instant in UTC |

A name needs double quotes if it is an SQL keyword, begins with a digit or has special characters
other than `_`: `"select"`, `"1st"`, `"a.b"`.

A UUID is read as text, a smaller integer as BIGINT. JSON can be asked whether it `is null`, and for
its members with `json_text`. Types widen implicitly from BIGINT to DECIMAL(38,9) to DOUBLE and
from DATE to TIMESTAMP (midnight UTC), also to the declared type of an attribute; everything else
needs a cast.

## Operators

| syntax | result | note |
|---|---|---|
| `a + b`, `a - b`, `-a` | widest type | a sum counts as a whole: it fails if the end result does not fit, DECIMAL terms from 10^26 on |
| `a * b` | widest type | DECIMAL: fails from about 10^19 on, rounded to 9 digits |
| `a / b` | DOUBLE | always, also for whole numbers |
| `a // b`, `a % b` | BIGINT | whole numbers only; truncated towards 0, the remainder has the sign of `a` |
| `d + interval '3 days'`, `d - ...` | as `d` | a DATE plus seconds, minutes or hours is a TIMESTAMP; 31 January plus a month is the last of February |
| `=`, `<>`, `<`, `<=`, `>`, `>=`, `between`, `in (..)` | BOOLEAN | text by its bytes: `'B' < 'a'` |
| `is null`, `is true`, `is distinct from` (with `not`) | BOOLEAN | never null |
| `and`, `or`, `not` | BOOLEAN | left to right; parts after the deciding one are not evaluated |
| `like`, `ilike` | BOOLEAN | `%` and `_`; the pattern is written out, with at most 3 `%` |
| `a \\|\\| b` | VARCHAR | null if a part is null |
| `case when c then x else y end`, `case a when b then x end` | as x and y | only the chosen branch is evaluated |
| `cast(x as type)`, `x::type` | the type | see below |
| `extract(year from d)` | BIGINT | year to second, dow, as the functions |

## Nulls and failures

- An operation with a null is null. Exceptions: `is null`, `is distinct from`, `coalesce`, `concat`,
  `greatest`, `least` (nulls are skipped), `and`, `or` (`false and null` is false), `case`, `if`.
- A formula **fails** on a row where it has no result: a division by 0, a number too large for its
  type, NaN or infinity, `sqrt(-1)`, `ln(0)`, a cast of text that is not a number, a day outside
  the years 1 to 9999. The value is then null, and the process is flagged. A part that is not evaluated
  in `case`, `if`, `coalesce`, `and`, `or` does not fail: `n <> 0 and x / n > 1` is safe.
- A failure takes precedence over a null: `null + 1 / 0` fails. But `null / 0` is null.

## Casts

| from | to | rule |
|---|---|---|
| VARCHAR | BIGINT, DECIMAL(38,9), DOUBLE | digits, a sign, a point, for DOUBLE an exponent; no `0x10`, no `1_000`, no `inf`; `'1.5'` is not a BIGINT |
| VARCHAR | BOOLEAN | true or false, in any case |
| VARCHAR | DATE, TIME, TIMESTAMP | `2026-01-31`, `09:30[:00[.000000]]`, both with a space or `T` between; no time zone |
| DOUBLE | BIGINT | nearest integer, halves to even |
| DECIMAL(38,9) | BIGINT | nearest integer, halves away from 0 |
| DOUBLE | DECIMAL(38,9) | rounded to 9 digits |
| BOOLEAN | BIGINT | 1 or 0 |
| TIMESTAMP | DATE, TIME | its day or time of day, in UTC |
| all of these | VARCHAR | as DuckDB writes them |

`integer` is a synonym of BIGINT. Leading and trailing spaces of the text are ignored.

## Regular expressions

RE2, as a literal in the formula: characters, `.`, `[...]`, `\\d \\w \\s \b`, `( )`, `(?: )`, `\\|`,
`* + ? {{2,5}}`, `^`, `$`, and `(?i)` in front to ignore case. They match anywhere in the text.

## Limits

{MAX_LENGTH:,} characters, {MAX_NODES} parts, {MAX_DEPTH} levels of nesting (a chain like
`a + b + c` is one level). No comments.
"""


def page() -> str:
    """The whole page."""
    groups = "\n".join(_group(title, functions) for title, functions in GROUPS.items())
    return f"{_INTRODUCTION}\n## Functions\n\n{groups}"


def _group(title: str, functions: tuple[Function, ...]) -> str:
    rows = "\n".join(_row(function) for function in functions)
    return f"### {title}\n\n| call | result | |\n|---|---|---|\n{rows}\n"


def _row(function: Function) -> str:
    calls = "<br>".join(f"`{function.name}({takes})`" for takes, _ in function.forms)
    results = "<br>".join(gives for _, gives in function.forms)
    return f"| {calls} | {results} | {function.says} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
