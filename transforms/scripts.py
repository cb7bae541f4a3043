"""Derived attributes by script: a Python function over a frame, called for what has changed.

Finding the file and the function is for `schemas/derivations.py`; what depends on the values is for
`derived.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

import duckdb
import polars as pl

from schemas.attribute_rules import POLARS_TYPES
from schemas.attribute_types import BY_NAME
from schemas.derivations import Derivation, Script

Function = Callable[[pl.DataFrame], pl.Series]

_FRAME_ROWS = 50_000
_MOST_FAILURES = 200
"""Calls with few rows are spent on finding what rows fail; past this the rest fails together."""


class ScriptRunner:
    """Runs scripts and keeps what they gave, by the inputs they gave it for.

    A function gets the columns of `reads` in a frame of any part of the processes, in order of
    `process_id`, and gives one value a row; it must not depend on the other rows of the frame.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, *, catalog: str) -> None:
        self._con = con
        self._catalog = catalog

    def run(self, derivation: Derivation, source: str) -> str:
        """The table (process_id, value, is_failed) with a value per process of `source`.

        The function is called for processes whose inputs are not those of the time before, and for
        all when the file, the type or what it reads has changed.
        """
        assert derivation.script
        kind = BY_NAME[derivation.attribute.type]
        procedure, column = derivation.node
        place = f'{self._catalog}.history."script {procedure.lower()} {column}"'
        fingerprint = _fingerprint(derivation)
        inputs = ", ".join(_quoted(name) for name in derivation.reads)
        self._con.execute(
            f"create table if not exists {place} (process_id uuid, input_hash ubigint, "
            f"fingerprint varchar, value {kind.sql_type}, is_failed boolean)"
        )
        self._con.execute(
            "create or replace temp table script_inputs as "
            f'select process_id, hash({inputs}) as input_hash, {inputs} from temp."{source}"'
        )
        known = f"{place} as k where k.fingerprint = $fingerprint"
        frame = self._con.sql(
            "select i.* from script_inputs as i anti join "
            f"(select process_id, input_hash from {known}) as k using (process_id, input_hash) "
            "order by process_id",
            params={"fingerprint": fingerprint},
        ).pl()
        values = _Calls(derivation).evaluate(frame.select(derivation.reads))
        fresh = frame.select("process_id", "input_hash").with_columns(values)
        self._keep(place, fresh, fingerprint, kind.sql_type)
        self._con.execute("drop table script_inputs")
        return place

    def _keep(self, place: str, fresh: pl.DataFrame, fingerprint: str, sql_type: str) -> None:
        """Replace what changed, and forget processes that are no more and other fingerprints."""
        self._con.register("fresh_values", fresh)
        self._con.execute("begin")
        try:
            # A table made for another type is made anew with all its rows.
            if not self._has_type(place, sql_type):
                self._con.execute(
                    f"create or replace table {place} (process_id uuid, input_hash ubigint, "
                    f"fingerprint varchar, value {sql_type}, is_failed boolean)"
                )
            self._con.execute(
                f"delete from {place} where fingerprint <> $fingerprint or process_id in "
                "(select process_id::uuid from fresh_values) "
                "or process_id not in (select process_id from script_inputs)",
                {"fingerprint": fingerprint},
            )
            self._con.execute(
                f"insert into {place} select process_id::uuid, input_hash, $fingerprint, "
                f"value::{sql_type}, is_failed from fresh_values",
                {"fingerprint": fingerprint},
            )
            self._con.execute("commit")
        except BaseException:
            with suppress(duckdb.TransactionException):  # a full disk has undone it already
                self._con.execute("rollback")
            raise
        finally:
            self._con.unregister("fresh_values")

    def _has_type(self, place: str, sql_type: str) -> bool:
        columns = self._con.execute(f"describe {place}").fetchall()
        found = {name: kind for name, kind, *_ in columns}
        wanted = self._con.execute(f"select typeof(null::{sql_type})").fetchall()[0][0]
        return found["value"] == wanted


@dataclass
class _Calls:
    """The calls of one function over the rows that are due."""

    derivation: Derivation
    failures: int = 0

    def evaluate(self, frame: pl.DataFrame) -> pl.DataFrame:
        """`value, is_failed`, one row a row of `frame`."""
        dtype = POLARS_TYPES[BY_NAME[self.derivation.attribute.type].sql_type]
        schema = {"value": dtype, "is_failed": pl.Boolean}
        parts = [pl.DataFrame(schema=schema)]
        if frame.height:
            assert self.derivation.script
            try:
                function = load_function(self.derivation.script)
            except Exception:  # noqa: BLE001 - whatever a script does, the run goes on
                return _failed(frame.height, dtype)
            for start in range(0, frame.height, _FRAME_ROWS):
                parts += self._parts(function, frame[start : start + _FRAME_ROWS], dtype)
        return pl.concat(parts)

    def _parts(
        self, function: Function, frame: pl.DataFrame, dtype: pl.DataType | type[pl.DataType]
    ) -> Iterator[pl.DataFrame]:
        """Where a call fails it is made for each half, until the rows are found that fail."""
        try:
            yield _checked(function(frame), frame.height, dtype)
        except Exception:  # noqa: BLE001 - whatever a script does, the run goes on
            if frame.height == 1 or self.failures >= _MOST_FAILURES:
                self.failures += 1
                yield _failed(frame.height, dtype)
                return
            middle = frame.height // 2
            yield from self._parts(function, frame[:middle], dtype)
            yield from self._parts(function, frame[middle:], dtype)


def load_function(script: Script) -> Function:
    """The function of a script; running the file is up to whoever wrote the definition."""
    names: dict[str, Any] = {"__name__": script.path.stem, "__file__": str(script.path)}
    code = compile(script.path.read_text(), str(script.path), "exec")
    exec(code, names)  # noqa: S102 - the author of a definition names a file beside it
    return cast("Function", names[script.function])


def _checked(values: object, height: int, dtype: pl.DataType | type[pl.DataType]) -> pl.DataFrame:
    if not isinstance(values, pl.Series) or values.len() != height:
        raise TypeError("a script gives one Series with a value a row")
    typed = values.cast(dtype, strict=False)
    is_failed = values.is_not_null() & typed.is_null()
    if typed.dtype.is_float():
        is_bad = typed.is_nan().fill_null(value=False) | typed.is_infinite().fill_null(value=False)
        is_failed |= is_bad
        typed = pl.select(pl.when(~is_bad).then(typed)).to_series()
    return pl.DataFrame({"value": typed, "is_failed": is_failed})


def _failed(height: int, dtype: pl.DataType | type[pl.DataType]) -> pl.DataFrame:
    value = pl.Series([None] * height, dtype=dtype)
    return pl.DataFrame({"value": value, "is_failed": [True] * height})


def _fingerprint(derivation: Derivation) -> str:
    assert derivation.script
    parts = (
        derivation.script.sha256,
        derivation.script.function,
        derivation.attribute.type,
        derivation.reads,
        duckdb.__version__,
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
