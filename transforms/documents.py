"""The documents of one procedure's versions -> their fingerprints, and the rules they break.

The rules are in `schemas/attribute_rules.py`; what a broken rule does to its version is decided in
`validation.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import duckdb
import pandera.polars as pa
import polars as pl

from schemas.attribute_rules import attribute_rules, attribute_schema, undeclared_rule
from schemas.attribute_values import DOCUMENTS, Source, Value, raw, values_of
from schemas.definitions import Procedure
from schemas.rule_book import REPEATED_KEY
from schemas.rules import Rule, find_failures
from transforms.attributes import read_content
from transforms.tables import MACROS

MASK = "***"
HASHES = tuple(f"{document}_hash" for document in DOCUMENTS)
VIOLATIONS = {
    "line": pl.Int64,
    "rule": pl.String,
    "severity": pl.String,
    "column_name": pl.String,
    "value": pl.String,
}
_LONGEST_SHOWN = 200


@dataclass(frozen=True)
class _Keys:
    """Keys that stand together in the documents of some lines."""

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
    visible = pl.lit(MASK) if is_personal else text.str.slice(0, _LONGEST_SHOWN)
    return pl.select(pl.when(text.is_not_null()).then(visible)).to_series()


@dataclass(frozen=True)
class DocumentJudge:
    """The values of one procedure, ready to judge documents; make one with `of`."""

    procedure: Procedure
    values: list[Value]
    rules: list[Rule]
    schema: pa.DataFrameSchema
    queries: dict[tuple[frozenset[str], frozenset[Source]], str] = field(
        default_factory=dict[tuple[frozenset[str], frozenset[Source]], str]
    )

    @classmethod
    def of(cls, procedure: Procedure) -> DocumentJudge:
        rules = attribute_rules(procedure)
        return cls(procedure, values_of(procedure), rules, attribute_schema(procedure, rules))

    def judge(
        self, con: duckdb.DuckDBPyConnection, documents: pl.DataFrame
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """(`line` and the fingerprints, `VIOLATIONS` of any severity) of `documents`.

        `documents` has one row per version: `line` and both documents as JSON objects.
        """
        with _bound(con, documents):
            rows = con.execute(_KINDS_OF_KEYS).fetchall()
        kinds = [_Keys(dict(zip(DOCUMENTS, keys, strict=True)), lines) for *keys, lines in rows]
        with _bound(con, documents.with_columns(is_strange=self._is_strange(kinds))):
            content = con.sql(self._query(kinds)).pl()
        failures = with_rules(find_failures(content, self.schema, self.rules), self.rules)
        strange = pl.DataFrame(list(self._strange(kinds)), schema=VIOLATIONS, orient="row")
        found = [strange, *self._violations(content, failures)]
        return content.select("line", *HASHES), pl.concat(found)

    def _query(self, kinds: Sequence[_Keys]) -> str:
        # Building the query takes as long as running it on a small file: most chunks share it.
        present = {d: {key for kind in kinds for key in kind.keys[d]} for d in DOCUMENTS}
        declared = frozenset(key for d in DOCUMENTS for key in present[d] & self._known[d])
        strange: frozenset[Source] = frozenset(d for d in DOCUMENTS if present[d] - self._known[d])
        if (declared, strange) not in self.queries:
            query = read_content(
                self.values,
                source="documents",
                keep=["line", "is_strange"],
                time_zone=self.procedure.timezone,
                present=declared,
                strange=strange,
            )
            self.queries[declared, strange] = query.sql(dialect="duckdb")
        return self.queries[declared, strange]

    @property
    def fingerprint(self) -> str:
        """sha256 of all that judging follows from: the conversions, the values, the rules."""
        query = read_content(
            self.values,
            source="documents",
            keep=["line", "is_strange"],
            time_zone=self.procedure.timezone,
            present={key for value in self.values for key in value.keys},
            strange=DOCUMENTS,
        )
        # The column of the wide table is none of the judge's business.
        values = [replace(value, target="") for value in self.values]
        rules = [(rule.id, rule.severity, rule.names, rule.sentence) for rule in self.rules]
        text = repr((MACROS, query.sql(dialect="duckdb"), values, rules))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def _known(self) -> Mapping[Source, frozenset[str]]:
        return {
            document: frozenset(key for v in self.values if v.source == document for key in v.keys)
            for document in DOCUMENTS
        }

    def _is_strange(self, kinds: Sequence[_Keys]) -> pl.Expr:
        """Whether a line has an undeclared key, as the query asks."""
        known = self._known
        strange = [kind for kind in kinds if any(set(kind.keys[d]) - known[d] for d in DOCUMENTS)]
        return pl.col("line").is_in([line for kind in strange for line in kind.lines])

    def _strange(self, kinds: Sequence[_Keys]) -> Iterator[tuple[int, str, str, str, str | None]]:
        """Violations for undeclared keys, and rejections for keys that stand twice."""
        known = self._known
        for kind in kinds:
            for document, keys in kind.keys.items():
                rule = undeclared_rule(document)
                for key in sorted(set(keys) - known[document]):
                    shown_key = key[:_LONGEST_SHOWN]
                    yield from ((n, rule.id, rule.severity, shown_key, MASK) for n in kind.lines)
                if len(set(keys)) < len(keys):
                    rule = REPEATED_KEY
                    yield from ((n, rule.id, rule.severity, document, None) for n in kind.lines)

    def _violations(self, content: pl.DataFrame, failures: pl.DataFrame) -> Iterator[pl.DataFrame]:
        values = {column: v for v in self.values for column in (v.column, raw(v.column))}
        value_of = {rule.id: values[rule.column] for rule in self.rules}
        for (rule,), mine in failures.group_by("rule", maintain_order=True):
            value = value_of[str(rule)]
            text = content[raw(value.column)][mine["row"]]
            yield mine.select(
                content["line"][mine["row"]].alias("line"),
                "rule",
                "severity",
                pl.lit(value.short_id).alias("column_name"),
                shown(text, is_personal=value.is_personal).alias("value"),
            )


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
