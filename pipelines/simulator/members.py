"""Expressions that build JSON objects as text columns, without a loop over rows."""

from __future__ import annotations

import json

import polars as pl


def json_member(key: str, value: pl.Expr, *, absent: str | None = "null") -> pl.Expr:
    """`,"key":value` with `value` as JSON text. Null becomes `absent`; if that is None, nothing."""
    label = pl.lit(f",{json.dumps(key)}:")
    if absent is None:
        return (label + value).fill_null("")
    return label + value.fill_null(absent)


def text_member(key: str, value: pl.Expr, *, absent: str | None = "null") -> pl.Expr:
    """A member with a text that needs no escaping."""
    return json_member(key, pl.lit('"') + value + '"', absent=absent)


def number_member(key: str, value: pl.Expr, *, absent: str | None = "null") -> pl.Expr:
    """A member with a whole number."""
    return json_member(key, value.cast(pl.String), absent=absent)


def json_object(*members: pl.Expr) -> pl.Expr:
    """The object of these members; without any it is `{}`."""
    return pl.lit("{") + pl.concat_str(*members).str.strip_prefix(",") + "}"


def decimal_text(number: pl.Expr, *, digits: int) -> pl.Expr:
    """A non-negative whole number with its last `digits` digits after the decimal point."""
    base = 10**digits
    decimals = (number % base).cast(pl.String).str.zfill(digits)
    return (number // base).cast(pl.String) + "." + decimals
