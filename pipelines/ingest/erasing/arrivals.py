"""Lines about erased subjects that arrive later: they count, but without personal values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime

import duckdb
import polars as pl

from pipelines.ingest.erasing.activities import strip_activity, subjects_of
from pipelines.ingest.erasing.changes import find_changes
from pipelines.ingest.erasing.documents import (
    NO_KEYS,
    KnownKeys,
    Stripped,
    may_be_personal,
    strip_dimension_line,
    strip_document,
    strip_line,
)
from pipelines.ingest.erasing.memory import Erased, Kind, remember, sha256
from pipelines.ingest.erasing.subject import EPOCH, Subject, epoch_ms, places_of, value_sql
from pipelines.ingest.erasing.write import KEYED, write_changes
from pipelines.ingest.validated_chunk import ValidatedChunk
from schemas.definitions.procedure import Procedures
from schemas.records.activities import ACTIVITIES
from schemas.records.dimensions import PROCESSES
from schemas.records.record import UUID_IN_TEXT
from schemas.sql_text import literal

_UUIDS = re.compile(UUID_IN_TEXT)
_KINDS: Mapping[str, Kind] = {
    PROCESSES: "process",
    "tasks": "process",
    "calls": "process",
    "records": "record",
    "users": "user",
}


class Arrivals:
    """Takes personal values out of what was validated, where its subject was erased.

    Raises `ValueError` when something was erased in the warehouse, but `erased` is empty.
    """

    def __init__(
        self, con: duckdb.DuckDBPyConnection, erased: Erased, procedures: Procedures
    ) -> None:
        if not erased and con.execute("select 1 from raw.erased limit 1").fetchall():
            raise ValueError("the erased subjects of the warehouse were not given")
        self._con = con
        self._erased = erased
        self.are_possible = bool(erased)
        self._known = KnownKeys.of(procedures) if erased else KnownKeys({}, NO_KEYS, frozenset())
        self._queries = dict(self._value_queries(procedures)) if erased.values else {}

    def without_personal(self, validated: ValidatedChunk, *, batch_seq: int) -> ValidatedChunk:
        """The same lines; of erased subjects only ids, states, times and plain values are left.

        Processes with an erased value are erased from now on, with their earlier versions. Of a
        rejected line the text is null where that cannot be told apart.
        """
        if not self._erased:
            return validated
        if validated.content in ACTIVITIES:
            return self._activities(validated)
        if validated.content != PROCESSES:
            return self._dimension(validated)
        if self._queries:
            self._find_values(validated, batch_seq)
        accepted, lines = self._accepted(validated.accepted)
        return replace(
            validated,
            accepted=accepted,
            violations=_without(validated.violations, lines, self._known),
            rejected=self._rejected(validated.rejected, PROCESSES),
        )

    def _accepted(self, accepted: pl.DataFrame) -> tuple[pl.DataFrame, set[int]]:
        """The accepted versions, and the lines of erased ones."""
        until = self._until(accepted["process_id"].unique())
        by_age = self._erased.until or datetime.min  # noqa: DTZ901 - UTC without a zone
        is_erased = pl.col("process_id").is_in([*until]) | (
            pl.col("updated_at") <= epoch_ms(by_age)
        )
        rows: list[tuple[int, str, str]] = []
        columns = ("line", "process_id", "procedure_id", "updated_at", "data", "derived_data")
        found = accepted.filter(is_erased).select(columns)
        for line, process, procedure, updated_ms, data, derived in found.iter_rows():
            end = until.get(process, by_age)
            if end is not None and updated_ms > epoch_ms(max(end, by_age)):
                continue
            entered = strip_document(data, self._known.of_document(procedure, "data"))
            computed = strip_document(derived, self._known.of_document(procedure, "derived_data"))
            rows.append((line, entered.text, computed.text))
        if not rows:
            return accepted.with_columns(is_erased=pl.lit(value=False)), set()
        lines = {line for line, *_ in rows}
        schema = {"line": pl.Int64, "stripped": pl.String, "stripped_derived": pl.String}
        self._con.register("accepted", accepted)
        self._con.register("stripped", pl.DataFrame(rows, schema=schema, orient="row"))
        try:
            return self._con.sql(_STRIP, params={"key": self._erased.key}).pl(), lines
        finally:
            self._con.unregister("accepted")
            self._con.unregister("stripped")

    def _rejected(self, rejected: pl.DataFrame, content: str) -> pl.DataFrame:
        """The rejected lines, whose text is gone where it is about an erased subject."""
        kind = _KINDS[content]
        texts: list[str | None] = []
        ids: list[str | None] = []
        for process, text in rejected.select("process_id", "raw_text").iter_rows():
            has_id = _UUIDS.fullmatch(process or "") is not None
            mentioned: list[str] = [process] if has_id else _UUIDS.findall(text)
            if not any(self._is_whole(kind, id_) for id_ in mentioned):
                texts.append(text)
                ids.append(process)
                continue
            stripped = strip_line(text, self._known) if content == PROCESSES else None
            texts.append(stripped.text if stripped else None)
            ids.append(process if has_id else None)
        return rejected.with_columns(
            raw_text=pl.Series(texts, dtype=pl.String), process_id=pl.Series(ids, dtype=pl.String)
        )

    def _dimension(self, validated: ValidatedChunk) -> ValidatedChunk:
        kind = _KINDS.get(validated.content)
        if kind is None:
            return validated
        keys = self._known.records if kind == "record" else NO_KEYS
        names: list[str | None] = []
        documents: list[str] = []
        for id_, name, data in validated.accepted.select("id", "name", "data").iter_rows():
            is_erased = self._erased.has(kind, id_)
            stripped = strip_dimension_line(data, keys) if is_erased else Stripped(data)
            names.append(None if is_erased else name)
            documents.append(stripped.text if stripped else json.dumps({"id": id_}))
        return replace(
            validated,
            accepted=validated.accepted.with_columns(
                name=pl.Series(names, dtype=pl.String), data=pl.Series(documents, dtype=pl.String)
            ),
            rejected=self._rejected(validated.rejected, validated.content),
        )

    def _activities(self, validated: ValidatedChunk) -> ValidatedChunk:
        until_ms = epoch_ms(self._erased.until) if self._erased.until else 0
        documents: list[str] = []
        for id_, data, updated_ms in validated.accepted.select("id", "data", "updated_at").rows():
            is_erased = updated_ms <= until_ms or any(
                self._is_over(kind, subject, updated_ms) for kind, subject in subjects_of(data)
            )
            stripped = strip_activity(data, validated.content) if is_erased else Stripped(data)
            documents.append(stripped.text if stripped else json.dumps({"id": id_}))
        return replace(
            validated,
            accepted=validated.accepted.with_columns(data=pl.Series(documents, dtype=pl.String)),
            rejected=self._rejected(validated.rejected, validated.content),
        )

    def _is_over(self, kind: str, id_: str, updated_ms: int) -> bool:
        """Whether what was recorded about a subject at an instant was erased."""
        key = (kind, sha256(id_))
        if key not in self._erased.ids:
            return False
        until = self._erased.ids[key]
        return until is None or updated_ms <= epoch_ms(until)

    def _find_values(self, validated: ValidatedChunk, batch_seq: int) -> None:
        """Erase the processes that have an erased value in one of these lines."""
        found: dict[str, set[str]] = {}
        self._con.register("accepted", validated.accepted)
        self._con.register("rejected", validated.rejected)
        try:
            for attribute, query in self._queries.items():
                parameters = {
                    "key": self._erased.key,
                    "hashes": sorted(self._erased.values[attribute]),
                }
                for hash_, id_ in self._con.execute(query, parameters).fetchall():
                    if not self._is_whole("process", id_):
                        found.setdefault(hash_, set()).add(id_)
        finally:
            self._con.unregister("accepted")
            self._con.unregister("rejected")
        for hash_, ids in found.items():
            query = "select min(erasure_no) from raw.erased where kind = 'value' and hash = $hash"
            ((erasure_no,),) = self._con.execute(query, {"hash": hash_}).fetchall()
            remember(self._con, erasure_no, "process", [sha256(id_) for id_ in ids])
            earlier = Subject("process", tuple(sorted(ids)))
            changes = find_changes(self._con, self._known, earlier, by_value=False)
            write_changes(self._con, changes, self._erased, batch_seq=batch_seq)
            new = {("process", sha256(id_)): None for id_ in ids}
            self._erased = replace(self._erased, ids={**self._erased.ids, **new})

    def _until(self, ids: Iterable[str]) -> dict[str, datetime | None]:
        """The erased processes among these, with the instant up to which their versions are."""
        known = self._erased.ids
        hashes = {id_: ("process", sha256(id_)) for id_ in ids} if known else {}
        return {id_: known[hash_] for id_, hash_ in hashes.items() if hash_ in known}

    def _is_whole(self, kind: Kind, id_: str) -> bool:
        return self._erased.ids.get((kind, sha256(id_)), EPOCH) is None

    def _value_queries(self, procedures: Procedures) -> Iterable[tuple[str, str]]:
        """By attribute with an erased value: the query for (keyed hash, process) in new lines."""
        for attribute in self._erased.values:
            parts: list[str] = []
            for place in places_of(procedures, attribute):
                if place.is_of_record:
                    continue
                value = value_sql(place)
                hash_ = f"sha256(concat($key, ':', {literal(attribute)}, ':', {value}))"
                parts += [
                    part.format(
                        value=value, hash=hash_, procedure=literal(place.procedure.id.lower())
                    )
                    for part in (_IN_ACCEPTED, _IN_REJECTED)
                ]
            if parts:
                query = " union ".join(parts)
                yield attribute, f"from ({query}) as f where list_contains($hashes, f.hash)"


def _without(violations: pl.DataFrame, lines: AbstractSet[int], known: KnownKeys) -> pl.DataFrame:
    """The violations, without values that may be personal in these lines."""
    columns = ("line", "value", "column_name", "procedure_id")
    values = [
        None
        if value is not None and line in lines and may_be_personal(value, column, procedure, known)
        else value
        for line, value, column, procedure in violations.select(columns).iter_rows()
    ]
    return violations.with_columns(value=pl.Series(values, dtype=pl.String))


_STRIP = f"""
    select
        a.* replace (
            coalesce(s.stripped, a.data) as data,
            coalesce(s.stripped_derived, a.derived_data) as derived_data,
            if(s.line is null, a.data_hash, {KEYED.format("a.data_hash")}) as data_hash,
            if(s.line is null, a.derived_data_hash, {KEYED.format("a.derived_data_hash")})
                as derived_data_hash
        ),
        s.line is not null as is_erased
    from accepted as a
    left join stripped as s using (line)
    order by line
"""

_IN_ACCEPTED = """
    select {hash} as hash, process_id from accepted
    where procedure_id = {procedure} and {value} is not null
"""

_IN_REJECTED = """
    select {hash} as hash, lower(process_id) as process_id
    from (
        select
            process_id,
            json_extract(raw_text, '/data') as data,
            json_extract(raw_text, '/derivedData') as derived_data
        from rejected
        where json_valid(raw_text) and process_id is not null
            and lower(procedure) = {procedure}
    )
    where {value} is not null
"""
