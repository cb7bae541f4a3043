"""A warehouse in memory, filled with versions as the reference takes them, and its tables as rows.

Reading files and validation are left out: what goes in has been accepted already.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import cache, partial
from typing import Any

import duckdb
import polars as pl

from pipelines.warehouse.open import RAW_TABLES
from schemas.definitions.procedure import Procedures
from schemas.records.limits import LINES_PER_FILE
from tests.reference.versions import Row, Version, present
from tests.support.lazy_build import LazyBuild
from transforms.builder.builder import Builder
from transforms.builder.kernel import Elsewhere
from transforms.config.tables import config_frames, write_config
from transforms.macros.load import MACROS

_EPOCH = datetime(1970, 1, 1)
_NAMES = re.compile(r"\w+")
_RENAMED = {
    "belongs_to": "pod_id",
    "entity": "entity_id",
    "record": "record_id",
    "primary_booking": "primary_booking_id",
    "parent_process": "parent_process_id",
}


class MemoryWarehouse:
    """Takes versions in batches and builds tables as at an instant.

    What nobody reads is not built: `rows` builds the tables of its query, and the history they
    follow from. The rest of the history is refreshed before more comes in, before the next build,
    and when `con` is asked for: it holds what it would hold had it been refreshed at once.
    """

    def __init__(self, procedures: Procedures) -> None:
        self._con = duckdb.connect(config={"threads": 1})
        self._con.execute(RAW_TABLES)
        self._con.execute(MACROS)
        # Small examples may begin in the middle too.
        self._con.execute("create or replace temp macro least_left_truncated() as 1")
        self._procedures = procedures
        self._frames = config_frames(list(procedures), [], calendars=procedures.calendars)
        self._batch_seq = 0
        self._n_activities = Counter[str]()
        self._latest: LazyBuild | None = None

    @property
    def con(self) -> duckdb.DuckDBPyConnection:
        """The connection, with all history as at the latest build."""
        self._complete()
        return self._con

    def add(self, versions: Iterable[Version]) -> None:
        """Add one batch of versions; their `ingest_seq` (file, line) decides their order."""
        self._complete()
        self._batch_seq += 1
        rows = [self._raw(version) for version in versions]
        if not rows:
            return
        frame = pl.DataFrame(rows, infer_schema_length=None)
        self._con.register("incoming", frame)
        casts = ", ".join(f"{name}::{kind} as {name}" for name, kind in _raw_columns())
        self._con.execute(f"insert into raw.process_versions by name select {casts} from incoming")
        self._con.unregister("incoming")

    def add_activities(self, dimension: str, documents: Iterable[dict[str, Any]]) -> None:
        """Add one batch of tasks or calls as they land, in order; `updatedAt` is in epoch ms."""
        self._complete()
        self._batch_seq += 1
        for document in documents:
            self._n_activities[dimension] += 1
            self._con.execute(
                "insert into raw.dimension_rows by name select $dimension as dimension, "
                "$id::uuid as id, $data::json as data, $seq as ingest_seq, $batch as batch_seq, "
                "$process::uuid as process_id, epoch_ms($at) as updated_at",
                {
                    "dimension": dimension,
                    "id": document["id"],
                    "data": json.dumps(document),
                    "seq": LINES_PER_FILE + self._n_activities[dimension],
                    "batch": self._batch_seq,
                    "process": document.get("process") or document.get("forProcess"),
                    "at": document["updatedAt"],
                },
            )

    def add_file(self, name: str) -> None:
        """Enter file 1 in the ledger, so that violations can say where they stand."""
        self._con.execute(
            "insert into raw.ingest_files by name select 1 as file_seq, 1 as batch_seq, "
            "'x' as sha256, $name as file_name, 'ndjson' as format, 'ingested' as status, "
            "0 as bytes, 0 as lines, 0 as accepted, 0 as duplicates, 0 as quarantined, "
            "0 as blank, timestamp '2024-01-01' as ingested_at",
            {"name": name},
        )

    def build(
        self,
        as_of: int,
        *,
        time_zone: str = "UTC",
        procedures: Procedures | None = None,
        whole: bool = False,
        elsewhere: Elsewhere | None = None,
    ) -> Builder:
        """Build as at `as_of` (epoch ms): what `rows` reads when it is read, with `whole` all now.

        `procedures` are new definitions, from now on. History that has to be made anew is computed
        `elsewhere`, if that is given.
        """
        self._complete()
        if procedures is not None:
            self._procedures = procedures
            self._frames = config_frames(list(procedures), [], calendars=procedures.calendars)
        write_config(self._con, self._frames)
        make = partial(self._builder, as_of, time_zone, elsewhere)
        latest = LazyBuild(self._procedures, make, whole=whole)
        if elsewhere:
            latest.complete()
        self._latest = latest
        return latest.builder

    def refresh(self, name: str, as_of: int) -> None:
        """Refresh one history table, and those it reads; it can then be read as `history.<name>`."""
        write_config(self._con, self._frames)
        self._builder(as_of, "UTC", None, Builder).refresh_history(name)

    def _complete(self) -> None:
        """Refresh the history that has not been read."""
        if self._latest:
            self._latest.complete()

    def _builder(
        self, as_of: int, time_zone: str, elsewhere: Elsewhere | None, kind: type[Builder]
    ) -> Builder:
        return kind(
            self._con,
            self._procedures,
            self._frames,
            as_of=_EPOCH + timedelta(milliseconds=as_of),
            time_zone=time_zone,
            catalog="memory",
            elsewhere=elsewhere,
        )

    def rows(self, query: str) -> list[Row]:
        """The rows of a query, instants as epoch milliseconds and ids as text."""
        result = self.executed(query)
        names = [column[0] for column in result.description or []]
        return [dict(zip(names, map(plain, row), strict=True)) for row in result.fetchall()]

    def executed(self, query: str) -> duckdb.DuckDBPyConnection:
        """The result of a query, after building the tables it reads."""
        words = {*_NAMES.findall(query)}
        if "history" in words:
            self._complete()
        if self._latest:
            self._latest.make(words)
        return self._con.execute(query)

    def _raw(self, version: Version) -> dict[str, Any]:
        procedure = self._procedures.by_short_id[version["procedure"]]
        (state,) = [s for s in procedure.states if s.short_id == version["state"]]
        file_no, line = version["ingest_seq"]
        data = json.dumps(version["data"], sort_keys=True)
        known = json.dumps(present(version["data"]), sort_keys=True)
        row: dict[str, Any] = {
            _RENAMED.get(name, name): _instant(value) if name.endswith("_at") else value
            for name, value in version.items()
            if name not in ("procedure", "state", "data", "derived_data", "ingest_seq")
        }
        return row | {
            "procedure_id": procedure.id,
            "state_id": state.id,
            "data": data,
            "derived_data": json.dumps(version.get("derived_data", {})),
            "data_hash": int(hashlib.sha256(known.encode()).hexdigest()[:15], 16),
            "derived_data_hash": 0,
            "ingest_seq": file_no * LINES_PER_FILE + line,
            "batch_seq": self._batch_seq,
        }


@cache
def _raw_columns() -> list[tuple[str, str]]:
    """The columns of raw versions, with their types, as a line gives them."""
    with duckdb.connect() as con:
        con.execute(RAW_TABLES)
        described = con.execute("describe raw.process_versions").fetchall()
    return [(name, kind) for name, kind, *_ in described if name != "is_erased"]


def plain(value: Any) -> Any:
    """A value as the reference has it: instants in epoch ms, ids as text, counts as int."""
    if isinstance(value, datetime):
        return round((value - _EPOCH) / timedelta(milliseconds=1))
    if value is None or isinstance(value, bool | int | float | str | date | list):
        return value
    return str(value)


def differences(
    found: Sequence[Row], expected: Sequence[Row], *, columns: Iterable[str] | None = None
) -> list[str]:
    """What differs between two tables whose rows have no order; numbers may differ by 0.001.

    Half a millisecond is rounded up or down as the last bit of a percentile falls.
    """
    names = sorted(columns if columns is not None else expected[0] if expected else [])
    left, right = _sorted(found, names), _sorted(expected, names)
    if len(left) != len(right):
        return [
            f"{len(left)} rows found, {len(right)} expected",
            *map(str, left),
            "--",
            *map(str, right),
        ]
    return [
        f"{name}: found {a[name]!r}, expected {b[name]!r} in {b}"
        for a, b in zip(left, right, strict=True)
        for name in names
        if not _equal(a[name], b[name])
    ]


def _sorted(rows: Sequence[Row], names: Sequence[str]) -> list[Row]:
    # Numbers with a fraction are left out of the order: they may differ a little.
    exact = [n for n in names if not any(isinstance(row[n], float) for row in rows)]
    return sorted(
        ({name: row[name] for name in names} for row in rows),
        key=lambda row: str([row[name] for name in exact]),
    )


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, float) or isinstance(b, float):
        return a is not None and b is not None and abs(a - b) < 1.001e-3
    return a == b and type(a) is type(b)


def _instant(value: int | None) -> datetime | None:
    return None if value is None else _EPOCH + timedelta(milliseconds=value)
