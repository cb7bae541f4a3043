"""The documents of one procedure's versions -> their fingerprints, and the rules they break."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import duckdb
import pandera.polars as pa
import polars as pl

from schemas.definitions.procedure import Procedure
from schemas.records.all_rules import REPEATED_KEY, TOO_MANY_KEYS
from schemas.records.attribute_rules import attribute_rules, attribute_schema, undeclared_rule
from schemas.records.attribute_values import DOCUMENTS, Source, Value, ignored, values_of
from schemas.records.limits import MASK, MAX_KEYS, raw
from schemas.records.rule import Rule, find_failures
from transforms.frames import fetch_frame
from transforms.macros.load import MACROS
from transforms.per_procedure.attributes import read_content

HASHES = tuple(f"{document}_hash" for document in DOCUMENTS)
VIOLATIONS = {
    "line": pl.Int64,
    "rule": pl.String,
    "severity": pl.String,
    "column_name": pl.String,
    "value": pl.String,
}
_MAX_SHOWN = 200
_MAX_SHOWN_KEYS = 100


class _Question(NamedTuple):
    """What a query of documents depends on, apart from the procedure."""

    declared: frozenset[str]
    with_undeclared: frozenset[Source]
    repeated: tuple[str, ...]


@dataclass(frozen=True)
class _Keys:
    """Keys that occur together in the documents of some lines."""

    keys: Mapping[Source, Sequence[str]]
    lines: Sequence[int]


def with_rules(failures: pl.DataFrame, rules: Iterable[Rule]) -> pl.DataFrame:
    """`failures` (row, rule) with the `severity` and `names` of the rules."""
    known = pl.DataFrame(
        [(rule.id, rule.severity, rule.names) for rule in rules],
        schema=dict.fromkeys(("rule", "severity", "names"), pl.String),
        orient="row",
    )
    return failures.join(known, on="rule", how="left", maintain_order="left")


def shown(text: pl.Series, *, is_personal: bool) -> pl.Series:
    """A bad value as `violations` show it: its start, or a mask when it is about a person."""
    visible = pl.lit(MASK) if is_personal else text.str.slice(0, _MAX_SHOWN)
    return pl.select(pl.when(text.is_not_null()).then(visible)).to_series()


@dataclass(frozen=True)
class DocumentValidator:
    """The values of one procedure, ready to validate documents; make one with `of`."""

    procedure: Procedure
    values: list[Value]
    rules: list[Rule]
    schema: pa.DataFrameSchema
    queries: dict[_Question, str] = field(default_factory=dict["_Question", str])

    @classmethod
    def of(cls, procedure: Procedure) -> DocumentValidator:
        rules = attribute_rules(procedure)
        # Few documents hold a value under two keys: those rules are compiled where one does.
        usual = [rule for rule in rules if not rule.column.startswith(ignored(""))]
        return cls(procedure, values_of(procedure), rules, attribute_schema(procedure, usual))

    def validate(
        self, con: duckdb.DuckDBPyConnection, documents: pl.DataFrame
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """(`line` and the fingerprints, `VIOLATIONS` of any severity) of `documents`.

        `documents` has one row per version: `line` and both documents as JSON objects.
        """
        with _bound(con, documents):
            rows = con.execute(_KINDS_OF_KEYS).fetchall()
        kinds = [_Keys(dict(zip(DOCUMENTS, keys, strict=True)), lines) for *keys, lines in rows]
        repeated = self._repeated(kinds)
        with_undeclared = documents.with_columns(has_undeclared_keys=self._has_undeclared(kinds))
        with _bound(con, with_undeclared):
            content = fetch_frame(con, self._query(kinds, repeated))
        failures = find_failures(content, self.schema, self.rules)
        if repeated:
            columns = {ignored(value.column) for value in repeated}
            rules = [rule for rule in self.rules if rule.column in columns]
            schema = attribute_schema(self.procedure, rules)
            failures = pl.concat([failures, find_failures(content, schema, rules)])
        of_keys = pl.DataFrame(list(self._bad_keys(kinds)), schema=VIOLATIONS, orient="row")
        found = [of_keys, *self._violations(content, with_rules(failures, self.rules))]
        return content.select("line", *HASHES), pl.concat(found)

    def _query(self, kinds: Sequence[_Keys], repeated: Sequence[Value]) -> str:
        # Building the query takes as long as running it on a small file: most chunks share it.
        present = {d: {key for kind in kinds for key in kind.keys[d]} for d in DOCUMENTS}
        question = _Question(
            frozenset(key for d in DOCUMENTS for key in present[d] & self._known[d]),
            frozenset(d for d in DOCUMENTS if present[d] - self._known[d]),
            tuple(value.column for value in repeated),
        )
        if question not in self.queries:
            query = read_content(
                self.values,
                source="documents",
                keep=["line", "has_undeclared_keys"],
                time_zone=self.procedure.timezone,
                present=question.declared,
                with_undeclared=question.with_undeclared,
                repeated=repeated,
            )
            self.queries[question] = query
        return self.queries[question]

    def _repeated(self, kinds: Sequence[_Keys]) -> list[Value]:
        """The values that some document holds under several of their keys."""
        return [
            value
            for value in self.values
            if any(len({*value.keys} & {*kind.keys[value.source]}) > 1 for kind in kinds)
        ]

    @property
    def fingerprint(self) -> str:
        """sha256 of all that the result depends on: conversions, values, rules, procedure."""
        query = read_content(
            self.values,
            source="documents",
            keep=["line", "has_undeclared_keys"],
            time_zone=self.procedure.timezone,
            present={key for value in self.values for key in value.keys},
            with_undeclared=DOCUMENTS,
            repeated=self.values,
        )
        # The column in the wide table does not matter here.
        values = [replace(value, target="") for value in self.values]
        rules = [(rule.id, rule.severity, rule.names, rule.sentence) for rule in self.rules]
        procedure = self.procedure
        states = sorted((state.id, state.short_id, state.kind) for state in procedure.states)
        facts = states, procedure.completed_state, procedure.entity
        text = repr((MACROS, query, values, rules, facts))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def _known(self) -> Mapping[Source, frozenset[str]]:
        return {
            document: frozenset(key for v in self.values if v.source == document for key in v.keys)
            for document in DOCUMENTS
        }

    def _has_undeclared(self, kinds: Sequence[_Keys]) -> pl.Expr:
        """Whether a line has an undeclared key, as the query asks."""
        known = self._known
        having = [kind for kind in kinds if any(set(kind.keys[d]) - known[d] for d in DOCUMENTS)]
        return pl.col("line").is_in([line for kind in having for line in kind.lines])

    def _bad_keys(self, kinds: Sequence[_Keys]) -> Iterator[tuple[int, str, str, str, str | None]]:
        """Violations for undeclared keys, and rejections for keys that occur twice."""
        known = self._known
        for kind in kinds:
            for document, keys in kind.keys.items():
                rule = undeclared_rule(document)
                if len(keys) > MAX_KEYS:
                    rule = TOO_MANY_KEYS
                    yield from ((n, rule.id, rule.severity, document, None) for n in kind.lines)
                    continue
                for key in _shown_keys(set(keys) - known[document]):
                    yield from ((n, rule.id, rule.severity, key, MASK) for n in kind.lines)
                if len(set(keys)) < len(keys):
                    rule = REPEATED_KEY
                    yield from ((n, rule.id, rule.severity, document, None) for n in kind.lines)

    def _violations(self, content: pl.DataFrame, failures: pl.DataFrame) -> Iterator[pl.DataFrame]:
        values = {
            column: v
            for v in self.values
            for column in (v.column, raw(v.column), ignored(v.column))
        }
        columns = {rule.id: rule.column for rule in self.rules}
        for (rule,), mine in failures.group_by("rule", maintain_order=True):
            column = columns[str(rule)]
            value = values[column]
            shown_column = column if column == ignored(value.column) else raw(value.column)
            text = content[shown_column][mine["row"]]
            yield mine.select(
                content["line"][mine["row"]].alias("line"),
                "rule",
                "severity",
                pl.lit(value.short_id).alias("column_name"),
                shown(text, is_personal=value.is_personal).alias("value"),
            )


def _shown_keys(keys: AbstractSet[str]) -> list[str]:
    """Keys as `violations` show them: the start of each, and of very many only their number."""
    shown_keys = [key[:_MAX_SHOWN] for key in sorted(keys)]
    others = len(shown_keys) - _MAX_SHOWN_KEYS
    return [*shown_keys[:_MAX_SHOWN_KEYS], f"... and {others:,} more"] if others > 0 else shown_keys


@contextmanager
def _bound(con: duckdb.DuckDBPyConnection, documents: pl.DataFrame) -> Generator[None]:
    """`documents` as a relation of that name."""
    con.register("documents", documents)
    try:
        yield
    finally:
        con.unregister("documents")


_KINDS_OF_KEYS = """
    select json_keys(data) as data_keys, json_keys(derived_data) as derived_keys, list(line)
    from documents group by all
"""
