"""Copies a published generation to an address."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from pipelines.export.engines.address import Address, DeltaAddress, DeltaStoreAddress
from pipelines.export.engines.copied import Copied
from pipelines.export.engines.delta import copy_to_delta
from pipelines.export.engines.delta_store import copy_to_store
from pipelines.export.engines.postgres import copy_to_postgres
from pipelines.export.engines.source import open_source
from pipelines.settings import Settings
from pipelines.warehouse.file_errors import is_no_space, no_space
from schemas.errors import LeadtimeError


def copy_to_each(
    settings: Settings,
    addresses: Iterable[Address],
    *,
    generation: str | None = None,
    on_start: Callable[[str], None] = lambda _: None,
) -> Iterator[Copied | LeadtimeError]:
    """Copy a generation to each address; one that fails gives its error, and the next follows.

    `on_start` receives a sentence for each. The other arguments are as in `copy_generation`.
    """
    for address in addresses:
        on_start(f"copying to {address.shown}")
        try:
            yield copy_generation(settings, address, generation=generation)
        except LeadtimeError as error:
            yield error


def copy_generation(
    settings: Settings, address: Address, *, generation: str | None = None
) -> Copied:
    """Copy the published generation, or the one with this number or in this file, to an address.

    Its readers see the former generation until the new one is whole. Where the address has it
    already, nothing is done. Raises `OperationError` when nothing is published, a package is
    missing, or the address cannot be written to; the former generation then stays there.
    """
    began = time.perf_counter()
    try:
        with open_source(settings, generation) as source:
            if isinstance(address, DeltaAddress):
                copied = copy_to_delta(source, settings, address)
            elif isinstance(address, DeltaStoreAddress):
                copied = copy_to_store(source, settings, address)
            else:
                copied = copy_to_postgres(source, settings, address)
    except OSError as error:
        if not isinstance(address, DeltaAddress) or not is_no_space(error):
            raise
        action = "Make room there, then publish again."
        raise no_space(error, address.folder, action=action) from error
    return replace(copied, seconds=time.perf_counter() - began)
