"""Column lineage: the columns that each column comes from, derived from the SQL.

Columns that only select rows (`where`, `join ... on`) are not sources of a value.
"""

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from threading import Timer

import duckdb

from pipelines.defs.lineage import RAW_RELATIONS
from pipelines.warehouse.open import RAW_TABLES
from schemas.compiled.derivations import plan_derivations
from schemas.definitions.procedure import Procedures
from transforms.builder.fingerprints import digest
from transforms.builder.tables import Key, Layer, Table, load_tables, load_versions
from transforms.config.tables import config_frames
from transforms.per_procedure.derived_tables import base_table, derived_table

Column = tuple[str, str]
"""An asset as `layer/table`, and one of its columns."""
Sources = Mapping[str, Mapping[str, list[Column]]]
"""For each asset as `layer/table`: the columns that each of its columns comes from, in order."""

_KEPT = "column_lineage.json"
_HISTORY = "history_"
_VERSIONS = "versions"
# A name that a definition gives to an id has that id as its source.
_NAMING = ("states", "procedures")
_RAW = {name: table for name, table in RAW_RELATIONS.items() if name != _VERSIONS}
_DELAY_SECONDS = 20.0  # by then Dagster's processes have started
_TYPE = "varchar"  # names are enough to trace columns; types do not matter


def find_column_lineage(procedures: Procedures, *, home: Path) -> Sources:
    """The sources of the columns of every core and mart table.

    It takes seconds, so the result is stored in the folder `home` until the SQL changes.
    """
    tables = load_tables(procedures)
    of = _fingerprint(procedures, tables)
    known = _read(home / _KEPT, of)
    if known is not None:
        return known
    sources = _Tracer(procedures, tables).sources()
    home.mkdir(parents=True, exist_ok=True)
    waiting = home / f".{_KEPT}"
    waiting.write_text(json.dumps({"of": of, "sources": sources}))
    waiting.replace(home / _KEPT)
    return sources


def known_column_lineage(procedures: Procedures, *, home: Path) -> Sources | None:
    """The stored sources in `home`; without them None, and a thread finds them a little later.

    So Dagster's page opens without waiting, and shows lineage once it has loaded definitions again.
    """
    known = _read(home / _KEPT, _fingerprint(procedures, load_tables(procedures)))
    if known is None:
        options = {"home": home}
        later = Timer(_DELAY_SECONDS, find_column_lineage, args=[procedures], kwargs=options)
        later.daemon = True
        later.start()
    return known


def _fingerprint(procedures: Procedures, tables: Mapping[Key, Table]) -> str:
    texts = (table.sql for table in tables.values())
    return digest(procedures.fingerprint, load_versions().sql, *texts)


def _read(place: Path, of: str) -> Sources | None:
    """The stored result, if it was made from the same SQL."""
    try:
        kept = json.loads(place.read_text())
        return kept["sources"] if kept["of"] == of else None
    except (OSError, ValueError, LookupError):
        return None


class _Tracer:
    """Traces columns through history tables and steps, which are not assets, to those that are."""

    def __init__(self, procedures: Procedures, tables: Mapping[Key, Table]) -> None:
        self._procedures = procedures
        self._tables = tables
        self._columns: dict[str, list[str]] = {**self._raw_columns}
        frames = config_frames(list(procedures), [], calendars=procedures.calendars)
        self._columns |= {name: frame.columns for name, frame in frames.items()}
        self._columns["build"] = ["as_of", "time_zone"]
        self._direct: dict[str, dict[str, set[Column]]] = {}
        self._done: dict[Column, frozenset[Column]] = {}

    def sources(self) -> dict[str, dict[str, list[Column]]]:
        """The sources of each column, by asset (`layer/table`) and column."""
        self._trace(load_versions(), _VERSIONS)
        self._read_history()
        for (layer, name), table in self._tables.items():
            if layer == "history":
                continue
            if table.kind == "computed table":
                self._take_computed(name)
            else:
                self._trace(table, name)
        return {
            f"{layer}/{name}": {
                column: sorted(self._of_asset(layer, name, column)) for column in self._direct[name]
            }
            for layer, name in self._tables
            if layer in ("core", "mart")
        }

    @cached_property
    def _raw_columns(self) -> dict[str, list[str]]:
        found = raw_columns()
        return {name: list(found[table]) for name, table in _RAW.items()}

    def _read_history(self) -> None:
        for (layer, name), table in self._tables.items():
            if layer == "history":
                self._trace(table, _HISTORY + name)

    def _trace(self, table: Table, name: str) -> None:
        """Find the columns of relations that each column of a table reads directly."""
        # Takes long to load, and a stored result needs none.
        from sqlglot import exp  # noqa: PLC0415
        from sqlglot.lineage import lineage  # noqa: PLC0415

        known = self._columns
        if table.layer == "history":
            own = {n.removeprefix(_HISTORY): c for n, c in known.items() if n.startswith(_HISTORY)}
            known = {**known, **own}
        schema = {relation: dict.fromkeys(columns, _TYPE) for relation, columns in known.items()}
        nodes = lineage(None, table.sql, schema, dialect="duckdb", trim_selects=False)
        found: dict[str, set[Column]] = {}
        for column, node in nodes.items():
            found[column] = set()
            for part in node.walk():
                if part.downstream or not isinstance(part.expression, exp.Table):
                    continue
                relation = part.expression.name
                if table.layer == "history" and _HISTORY + relation in self._direct:
                    relation = _HISTORY + relation
                found[column].add((relation, exp.to_column(part.name).name))
        self._direct[name] = found
        self._columns[name] = list(found)

    def _take_computed(self, name: str) -> None:
        """Add the computed attributes of a procedure, whose plan has what they read."""
        (procedure,) = [p for p in self._procedures if derived_table(p) == name]
        found: dict[str, set[Column]] = {"process_id": {(base_table(procedure), "process_id")}}
        bases = {p.short_id: (base_table(p), derived_table(p)) for p in self._procedures}
        for derivation in plan_derivations(self._procedures).of(procedure.short_id):
            read: set[Column] = set()
            for owner, column in derivation.depends_on:
                base, derived = bases[owner]
                is_given = column in self._columns[base]
                read.add((base if is_given else derived, column))
            found[derivation.attribute.column] = read
        self._direct[name] = {**found, "failed": set()}
        self._columns[name] = list(self._direct[name])

    def _of_asset(self, layer: Layer, name: str, column: str) -> frozenset[Column]:
        found: set[Column] = set()
        for source in self._direct[name][column]:
            # A core table shows history as of an instant, and has the sources of that history.
            twin = source[0] == _HISTORY + name and layer == "core"
            found |= self._inside(source) if twin else self._assets(source)
        return frozenset(c for c in found if c[0] != f"{layer}/{name}")

    def _assets(self, source: Column) -> frozenset[Column]:
        """The columns of assets that a column of any relation comes from."""
        relation, column = source
        if relation in _RAW:
            return frozenset({(f"raw/{_RAW[relation]}", column)})
        name = relation.removeprefix(_HISTORY)
        for layer in ("core", "mart"):
            if (layer, name) in self._tables and column in self._direct.get(name, {column: set()}):
                return frozenset({(f"{layer}/{name}", column)})
        return self._inside(source)

    def _inside(self, source: Column) -> frozenset[Column]:
        """The columns of assets behind a column of a relation that is not an asset."""
        if source not in self._done:
            self._done[source] = frozenset()  # a table may read itself, which adds no source
            relation, column = source
            read = self._direct.get(relation, {}).get(column, set())
            ids = {
                "procedure_id" if name.startswith("procedure") else "state_id"
                for table, name in read
                if table in _NAMING
            }
            named = {("raw/process_versions", name) for name in ids}
            self._done[source] = frozenset(named).union(*map(self._assets, read))
        return self._done[source]


def raw_columns() -> dict[str, dict[str, str]]:
    """The columns of each raw table with their DuckDB types."""
    with duckdb.connect() as con:
        con.execute(RAW_TABLES)
        rows = con.execute(
            "select table_name, column_name, data_type from duckdb_columns() "
            "where schema_name = 'raw' order by table_name, column_index"
        ).fetchall()
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        found.setdefault(table, {})[column] = kind
    return found
