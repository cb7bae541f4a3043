"""Lineage of assets: which asset reads which, derived from the SQL of each table."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Literal, cast

import dagster as dg

from schemas.definitions.procedure import Procedures
from transforms.builder import tables as relations
from transforms.builder.fingerprints import (
    ENGINE_VERSION,
    Fingerprints,
    digest,
    fingerprint_procedures,
)
from transforms.builder.tables import Key, Table, load_tables, upstreams

AssetLayer = Literal["core", "mart"]
_LAYERS: tuple[AssetLayer, ...] = ("core", "mart")
_VERSION_DIGITS = 12

# The relations of the raw layer, by their names in SQL.
RAW_RELATIONS = {
    "versions": "process_versions",
    "raw_versions": "process_versions",
    "raw_activities": "dimension_rows",
    **relations.RAW_RELATIONS,
}


@dataclass(frozen=True)
class Lineage:
    """The assets of each layer in build order, the assets that each reads, and its code version.

    A code version covers the SQL of a table and of what is not an asset behind it, the macros they
    call, DuckDB, and the definitions of all procedures.
    """

    order: Mapping[AssetLayer, tuple[str, ...]]
    reads: Mapping[dg.AssetKey, frozenset[dg.AssetKey]]
    code_versions: Mapping[dg.AssetKey, str]

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
    fingerprints, definitions = Fingerprints(tables, {}), fingerprint_procedures(procedures)
    code_versions: dict[dg.AssetKey, str] = {}
    for key in reads:
        layer, name = key.path
        statements = finder.statements_of(tables[cast("AssetLayer", layer), name])
        macros = fingerprints.macros_called("\n".join(statements))
        code = digest(ENGINE_VERSION, definitions, *statements, *macros)
        code_versions[key] = code[:_VERSION_DIGITS]
    order: dict[AssetLayer, tuple[str, ...]] = {
        layer: _in_order(layer, names[layer], reads) for layer in _LAYERS
    }
    return Lineage(order, reads, code_versions)


class _Finder:
    """Looks through history tables and steps, which are not assets."""

    def __init__(self, tables: Mapping[Key, Table]) -> None:
        self._tables = tables

    def assets_read_by(self, table: Table) -> set[dg.AssetKey]:
        found = {key for name in table.reads for key in self._assets(table, name)}
        if table.shows:
            found |= self.assets_read_by(self._tables["history", table.shows])
        return found - {dg.AssetKey([table.layer, table.name])}

    def statements_of(self, table: Table) -> list[str]:
        """The SQL of a table, and of all that it reads which is not an asset, each once."""
        waiting, found = [table], dict.fromkeys([table.key], table.sql)
        while waiting:
            reader = waiting.pop()
            shown: list[Key] = [("history", reader.shows)] if reader.shows else []
            keys = [*shown, *upstreams(self._tables, reader)]
            for read in (self._tables[key] for key in keys if key[0] not in _LAYERS):
                if read.key not in found:
                    found[read.key] = read.sql
                    waiting.append(read)
        return [sql for _, sql in sorted(found.items())]

    def _assets(self, reader: Table, name: str) -> set[dg.AssetKey]:
        if name in RAW_RELATIONS:
            return {dg.AssetKey(["raw", RAW_RELATIONS[name]])}
        if name.startswith("history_") or reader.layer == "history":
            return self._history(name.removeprefix("history_"))
        if ("step", name) in self._tables:
            return self.assets_read_by(self._tables["step", name])
        return {dg.AssetKey([layer, name]) for layer in _LAYERS if (layer, name) in self._tables}

    def _history(self, name: str) -> set[dg.AssetKey]:
        if ("core", name) in self._tables:
            return {dg.AssetKey(["core", name])}
        table = self._tables.get(("history", name))
        return self.assets_read_by(table) if table else set()


def _names(tables: Mapping[Key, Table], layer: AssetLayer) -> list[str]:
    return [table.name for table in tables.values() if table.layer == layer]


def _in_order(
    layer: AssetLayer,
    names: Iterable[str],
    reads: Mapping[dg.AssetKey, frozenset[dg.AssetKey]],
) -> tuple[str, ...]:
    graph = {name: sorted(reads[dg.AssetKey([layer, name])]) for name in names}
    order = TopologicalSorter(
        {name: [k.path[1] for k in keys if k.path[0] == layer] for name, keys in graph.items()}
    )
    return tuple(order.static_order())
