"""A generation as Delta tables in an object store: a folder for each, and an object that names one.

    PREFIX/current.json        the folder of the current generation, replaced at once
    PREFIX/generation-.../     one Delta table per published table, never changed
        generation.json        written last: a folder without it is not whole

A store has no link and no lock. Each copy has a folder of its own, and `current.json` is replaced
only if it is still the one that was read: of two copies at the same time one gives up.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from pipelines.export.engines.address import DeltaStoreAddress
from pipelines.export.engines.copied import Copied
from pipelines.export.engines.delta_table import (
    FACTS,
    POINTER,
    PREFIX,
    facts_of,
    folder_name,
    no_longer_kept,
    pointer_text,
    write_table,
)
from pipelines.export.engines.source import Source
from pipelines.settings import Settings
from schemas.errors import OperationError, require_module

_CODE = re.compile(r"<Code>(\w+)</Code>")
_STATUS = re.compile(r"status code: (\d{3} [A-Z][A-Za-z ]+)")
# A folder that is not whole is being written, or was left by a copy that was killed.
_ABANDONED_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class _Pointer:
    """What `current.json` said when it was read; `tag` is None when there was none."""

    folder: str = ""
    tag: str | None = None


class _Store:
    """The objects below an address."""

    def __init__(self, address: DeltaStoreAddress) -> None:
        self.address = address
        self._obstore = self._module("obstore")
        self._failures = self._module("obstore.exceptions")
        store = self._module("obstore.store").S3Store
        self._objects = store(address.bucket, prefix=address.prefix)

    @cached_property
    def refused(self) -> tuple[type[Exception], ...]:
        """What the libraries raise when the store cannot be reached or refuses."""
        delta_error = self._module("deltalake.exceptions").DeltaError
        return self._failures.BaseError, delta_error, OSError

    def get(self, path: str) -> tuple[bytes, str | None] | None:
        """The bytes of an object and its tag; None when there is none."""
        try:
            found = self._obstore.get(self._objects, path)
        except FileNotFoundError:
            return None
        return bytes(found.bytes()), found.meta["e_tag"]

    def put(self, path: str, text: str) -> None:
        self._obstore.put(self._objects, path, text.encode())

    def replace(self, path: str, text: str, *, tag: str | None) -> bool:
        """Write an object if it still has this tag, or if there still is none; whether it did."""
        changed = self._failures.PreconditionError, self._failures.AlreadyExistsError
        mode: Any = {"e_tag": tag} if tag else "create"
        try:
            self._obstore.put(self._objects, path, text.encode(), mode=mode)
        except changed:
            return False
        return True

    def names(self) -> tuple[list[str], list[str]]:
        """The names of the folders and of the objects directly below the address."""
        found = self._obstore.list_with_delimiter(self._objects)
        folders = [folder.rpartition("/")[2] for folder in found["common_prefixes"]]
        return folders, [str(item["path"]) for item in found["objects"]]

    def objects(self, folder: str) -> dict[str, datetime]:
        """The objects of a folder, and when each was written."""
        batches = self._obstore.list(self._objects, f"{folder}/")
        return {item["path"]: item["last_modified"] for batch in batches for item in batch}

    def remove(self, paths: list[str]) -> None:
        if paths:
            self._obstore.delete(self._objects, paths)

    def _module(self, name: str) -> Any:
        return require_module(name, extra="s3", place=self.address.shown)


def copy_to_store(source: Source, settings: Settings, address: DeltaStoreAddress) -> Copied:
    """Write the tables of a generation, then point to them; drop generations no longer kept.

    Raises `OperationError` when a library is not installed, the place is used for something else,
    another process copies there at the same time, or the store cannot be reached.
    """
    store = _Store(address)
    with _failures_of(store):
        folders = _require_ours(store)
        pointer = _pointer(store)
        folder, is_new = _current(store, source, pointer, folders)
        if is_new:
            text = pointer_text(folder, _facts(store, folder))
            if not store.replace(POINTER, text, tag=pointer.tag):
                action = "Publish again, when the other run has ended."
                raise OperationError(address.shown, "another process copied there", action)
        _drop_others(store, folder, settings)
    identity = source.identity
    return Copied(address.shown, identity.number, len(source.tables), source.n_rows, is_new=is_new)


def _current(
    store: _Store, source: Source, pointer: _Pointer, folders: list[str]
) -> tuple[str, bool]:
    """The folder with this generation, written where there is none; whether it has to be named."""
    start = folder_name(source.identity)
    whole = [f for f in folders if f.startswith(f"{start}-") and store.get(f"{f}/{FACTS}")]
    if pointer.folder in whole:
        return pointer.folder, False
    return (whole[0] if whole else _write(store, source, start)), True


def _write(store: _Store, source: Source, start: str) -> str:
    folder = f"{start}-{secrets.token_hex(3)}"
    for table in source.tables:
        write_table(source, table, f"{store.address.uri}/{folder}/{table.name}")
    store.put(f"{folder}/{FACTS}", facts_of(source))
    return folder


def _facts(store: _Store, folder: str) -> bytes:
    facts = store.get(f"{folder}/{FACTS}")
    if facts is None:
        action = "Publish again, when the other run has ended."
        raise OperationError(store.address.shown, "another process removed the tables", action)
    return facts[0]


def _pointer(store: _Store) -> _Pointer:
    found = store.get(POINTER)
    if found is None:
        return _Pointer()
    text, tag = found
    try:
        return _Pointer(str(json.loads(text)["folder"]), tag)
    except (ValueError, KeyError, TypeError):
        return _Pointer(tag=tag)  # damaged: it is replaced


def _drop_others(store: _Store, current: str, settings: Settings) -> None:
    now = datetime.now(UTC)
    written: dict[str, datetime] = {}
    objects: dict[str, dict[str, datetime]] = {}
    abandoned: list[str] = []
    for folder in store.names()[0]:
        if folder == current:
            continue
        objects[folder] = found = store.objects(folder)
        if f"{folder}/{FACTS}" in found:
            written[folder] = found[f"{folder}/{FACTS}"]
        elif now - max(found.values(), default=now) > _ABANDONED_AFTER:
            abandoned.append(folder)
    oldest_first = sorted(written, key=lambda folder: (written[folder], folder))
    for folder in [*no_longer_kept(oldest_first, settings), *abandoned]:
        # First of all what says that it is whole.
        facts = f"{folder}/{FACTS}"
        store.remove([facts] if facts in objects[folder] else [])
        store.remove([path for path in objects[folder] if path != facts])


def _require_ours(store: _Store) -> list[str]:
    """The folders of generations that are there."""
    folders, objects = store.names()
    others = [f for f in folders if not f.startswith(PREFIX)]
    others += [path for path in objects if path.rpartition("/")[2] != POINTER]
    if others:
        found = f"has other objects ({min(others)})"
        raise OperationError(store.address.shown, found, "Name a new or an empty prefix.")
    return folders


@contextmanager
def _failures_of(store: _Store) -> Iterator[None]:
    """Report what the store says in one sentence: messages of the libraries have whole requests."""
    try:
        yield
    except store.refused as error:
        text = str(error)
        code = _CODE.search(text) or _STATUS.search(text)
        found = f"the store refuses ({code[1].strip()})" if code else "the store does not answer"
        action = (
            "The former generation stays. Check the bucket and the environment "
            "(AWS_ACCESS_KEY_ID, AWS_REGION, AWS_ENDPOINT_URL, ...), then publish again."
        )
        raise OperationError(store.address.shown, found, action) from None
