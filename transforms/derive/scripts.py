"""Derived attributes by script: a Python function, called for processes with changed inputs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import duckdb
import polars as pl

from schemas.compiled.derivations import Derivation, Script
from schemas.compiled.script_files import read_script
from schemas.definitions.attribute_types import BY_NAME
from schemas.errors import OperationError
from schemas.records.attribute_rules import POLARS_TYPES
from schemas.sql_text import quoted
from transforms.transaction import transaction

Function = Callable[[pl.DataFrame], pl.Series]

_FRAME_ROWS = 50_000
_MAX_FAILURES = 200
"""Failing calls that are split to find the rows that fail; after these, all their rows fail."""


class ScriptRunner:
    """Runs scripts and keeps their results, with the inputs they belong to.

    A function gets a frame with the columns of `reads` for some of the processes, in order of
    `process_id`, and returns one value for each row. A value must not depend on other rows.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, *, catalog: str) -> None:
        self._con = con
        self._catalog = catalog

    def run(self, derivation: Derivation, source: str) -> str:
        """The table (process_id, value, is_failed) with a value per process of `source`.

        The function is called for processes whose inputs have changed since the last build, and for
        all when the file, the type, what it reads, or the version of DuckDB or Polars has changed.
        """
        assert derivation.script
        kind = BY_NAME[derivation.attribute.type]
        procedure, column = derivation.node
        place = f'{self._catalog}.history."script {procedure.lower()} {column}"'
        fingerprint = _fingerprint(derivation)
        inputs = ", ".join(quoted(name) for name in derivation.reads)
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
        """Store new results; delete those of other fingerprints and of processes that are gone."""
        self._con.register("fresh_values", fresh)
        try:
            with transaction(self._con):
                # With another type, every result is new: the table can be replaced.
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
        finally:
            self._con.unregister("fresh_values")

    def _has_type(self, place: str, sql_type: str) -> bool:
        columns = self._con.execute(f"describe {place}").fetchall()
        found = {name: kind for name, kind, *_ in columns}
        wanted = self._con.execute(f"select typeof(null::{sql_type})").fetchall()[0][0]
        return found["value"] == wanted


@dataclass
class _Calls:
    """The calls of one function."""

    derivation: Derivation
    failures: int = 0

    def evaluate(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Columns `value` and `is_failed`, one row for each row of `frame`."""
        dtype = POLARS_TYPES[BY_NAME[self.derivation.attribute.type].sql_type]
        schema = {"value": dtype, "is_failed": pl.Boolean}
        parts = [pl.DataFrame(schema=schema)]
        if frame.height:
            assert self.derivation.script
            try:
                function = load_function(self.derivation.script)
            except Exception:  # noqa: BLE001 - the run goes on, whatever a script does
                return _failed(frame.height, dtype)
            for start in range(0, frame.height, _FRAME_ROWS):
                parts += self._parts(function, frame[start : start + _FRAME_ROWS], dtype)
        return pl.concat(parts)

    def _parts(
        self, function: Function, frame: pl.DataFrame, dtype: pl.DataType | type[pl.DataType]
    ) -> Iterator[pl.DataFrame]:
        """The results in parts; a call that fails is repeated with each half of its rows."""
        try:
            yield _checked(function(frame), frame.height, dtype)
        except Exception:  # noqa: BLE001 - the run goes on, whatever a script does
            if frame.height == 1 or self.failures >= _MAX_FAILURES:
                self.failures += 1
                yield _failed(frame.height, dtype)
                return
            middle = frame.height // 2
            yield from self._parts(function, frame[:middle], dtype)
            yield from self._parts(function, frame[middle:], dtype)


def load_function(script: Script) -> Function:
    """Run the file of a script, and return its function.

    Raises `OperationError` when it is not the file that was checked.
    """
    names: dict[str, Any] = {"__name__": script.path.stem, "__file__": str(script.path)}
    text = read_script(script.path)
    if hashlib.sha256(text).hexdigest() != script.sha256:
        raise OperationError(str(script.path), "has changed during the run", "Run again.")
    code = compile(text, str(script.path), "exec")
    exec(code, names)  # noqa: S102 - the author of a definition names a file beside it
    return cast("Function", names[script.function])


def _checked(values: object, height: int, dtype: pl.DataType | type[pl.DataType]) -> pl.DataFrame:
    if not isinstance(values, pl.Series) or values.len() != height:
        raise TypeError("a script returns one Series with a value for each row")
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
        pl.__version__,
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()
