"""A build of a warehouse that makes only what is read of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from schemas.definitions.procedure import Procedures
from transforms.builder.builder import Builder
from transforms.builder.tables import Key, Layer, load_tables, upstreams

_LAYERS: tuple[Layer, ...] = ("step", "core", "mart")


class _Narrow(Builder):
    """A builder that refreshes only the history of these names."""

    history: Collection[str] = ()

    def names(self, layer: Layer) -> list[str]:
        names = super().names(layer)
        return [name for name in names if name in self.history] if layer == "history" else names


class LazyBuild:
    """One build: tables are made, and the history they follow from is refreshed, on demand.

    Builders come from `make`, which takes their class; they are all for the same instant.
    """

    def __init__(
        self, procedures: Procedures, make: Callable[[type[Builder]], Builder], *, whole: bool
    ) -> None:
        self.builder = make(Builder)
        """Of all tables and all history."""
        self._reader = self.builder
        self._make = make
        self._tables = load_tables(procedures)
        self._keys: dict[str, Key] = {
            name: (layer, name) for layer in _LAYERS for name in self.builder.names(layer)
        }
        self._history: set[str] = set()
        self._built: set[Key] = set()
        self._is_complete = False
        if whole:
            self.complete()
            for layer in ("core", "mart"):
                for name in self.builder.names(layer):
                    self.builder.build(layer, name)
                    self._built.add((layer, name))

    def make(self, words: Iterable[str]) -> None:
        """Make the tables that are named among the words of a query."""
        named = {self._keys[word] for word in words if word in self._keys}
        history = self._history.union(*(self._history_of(key) for key in named - self._built))
        if not self._is_complete and history > self._history:
            # Refreshing binds plain names: what a builder has built, another has to bind again.
            narrow = self._make(_Narrow)
            assert isinstance(narrow, _Narrow)
            narrow.history = history
            self._reader, self._history, self._built = narrow, history, set()
        for key in named - self._built:
            self._reader.build(*key)
            self._built.add(key)

    def complete(self) -> None:
        """Refresh the history that nothing was read of."""
        if self._is_complete:
            return
        for name in self.builder.names("history"):
            self.builder.refresh_history(name)
        for key in self._built:
            self.builder.build(*key)
        self._reader, self._is_complete = self.builder, True

    def _history_of(self, key: Key) -> set[str]:
        """The stored history that a table follows from."""
        found: set[str] = set()
        waiting, seen = [key], {key}
        while waiting:
            table = self._tables[waiting.pop()]
            if (table.layer, table.kind) == ("history", "table"):
                found.add(table.name)
            new = {*upstreams(self._tables, table)} - seen
            waiting += new
            seen |= new
        return found
