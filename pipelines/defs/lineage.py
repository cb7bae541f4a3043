"""Which asset reads which, worked out from what the SQL of each table reads.

How tables are built does not belong here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import dagster as dg

from schemas.definitions import Procedures
from transforms.tables import Layer, Table, load_tables

AssetLayer = Literal["core", "mart"]
_LAYERS: tuple[AssetLayer, ...] = ("core", "mart")

# The relations of the raw layer, by the names that SQL knows them by.
RAW_RELATIONS = {
    "versions": "process_versions",
    "raw_versions": "process_versions",
    "raw_files": "ingest_files",
    "raw_quarantine": "quarantine",
    "raw_violations": "violations",
    "raw_dimension_rows": "dimension_rows",
}


@dataclass(frozen=True)
class Lineage:
    """The tables that are assets, in an order in which they can be built, and what each reads."""

    order: Mapping[AssetLayer, tuple[str, ...]]
    reads: Mapping[dg.AssetKey, frozenset[dg.AssetKey]]

    def with_upstreams(self, layer: AssetLayer, names: Iterable[str]) -> list[str]:
        """`names` and the tables of the same layer that they read, in order."""
        keys = {dg.AssetKey([layer, name]) for name in names}
        waiting = list(keys)
        while waiting:
            new = {key for key in self.reads[waiting.pop()] if key.path[0] == layer} - keys
            keys |= new
            waiting += new
        return [name for name in self.order[layer] if dg.AssetKey([layer, name]) in keys]


def find_lineage(procedures: Procedures) -> Lineage:
    """The lineage of every core and mart table."""
    tables = load_tables(procedures)
    finder = _Finder(tables)
    names = {layer: _names(tables, layer) for layer in _LAYERS}
    reads = {
        dg.AssetKey([layer, name]): frozenset(finder.assets_read_by(tables[layer, name]))
        for layer in _LAYERS
        for name in names[layer]
    }
    return Lineage({layer: _in_order(layer, names[layer], reads) for layer in _LAYERS}, reads)


class _Finder:
    """Looks through history and derived tables, which are no assets of their own."""

    def __init__(self, tables: Mapping[tuple[Layer, str], Table]) -> None:
        self._tables = tables

    def assets_read_by(self, table: Table) -> set[dg.AssetKey]:
        found = {key for name in table.reads for key in self._assets(table, name)}
        if ("history", table.name) in self._tables and table.layer == "core":
            found |= self.assets_read_by(self._tables["history", table.name])
        return found - {dg.AssetKey([table.layer, table.name])}

    def _assets(self, reader: Table, name: str) -> set[dg.AssetKey]:
        if name in RAW_RELATIONS:
            return {dg.AssetKey(["raw", RAW_RELATIONS[name]])}
        if name == "primary_keys":
            # They come from the latest attribute values of every process.
            attributes = [t for t in self._tables.values() if t.name.endswith("_attributes")]
            return set().union(*(self.assets_read_by(table) for table in attributes))
        if name.startswith("history_") or reader.layer == "history":
            return self._history(name.removeprefix("history_"))
        if ("derived", name) in self._tables:
            return self.assets_read_by(self._tables["derived", name])
        return {dg.AssetKey([layer, name]) for layer in _LAYERS if (layer, name) in self._tables}

    def _history(self, name: str) -> set[dg.AssetKey]:
        if ("core", name) in self._tables:
            return {dg.AssetKey(["core", name])}
        table = self._tables.get(("history", name))
        return self.assets_read_by(table) if table else set()


def _names(tables: Mapping[tuple[Layer, str], Table], layer: AssetLayer) -> list[str]:
    return [table.name for table in tables.values() if table.layer == layer]


def _in_order(
    layer: AssetLayer,
    names: Iterable[str],
    reads: Mapping[dg.AssetKey, frozenset[dg.AssetKey]],
) -> tuple[str, ...]:
    done: dict[str, None] = {}

    def visit(name: str) -> None:
        for key in sorted(reads[dg.AssetKey([layer, name])]):
            if key.path[0] == layer and key.path[1] not in done:
                visit(key.path[1])
        done[name] = None

    for name in names:
        if name not in done:
            visit(name)
    return tuple(done)
