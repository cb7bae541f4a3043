"""The assets of copies in other engines, one for each address in the settings."""

from collections import Counter

import dagster as dg

from pipelines.export.engines.address import Address, PostgresAddress, addresses_of
from pipelines.export.engines.copied import Copied
from pipelines.export.engines.copy import copy_generation
from pipelines.settings import Settings

_GROUP = "copies"
OF_COPIES = f"{_GROUP}__"
"""What the names of their steps have."""


def copied_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """An asset for each address of LEADTIME_PUBLISH_TO, after `analytics`; none without one.

    Raises `OperationError` when one is no address.
    """
    assets: list[dg.AssetsDefinition] = []
    names = Counter[str]()
    for address in addresses_of(settings):
        names[address.name] += 1
        number = names[address.name]
        name = address.name if number == 1 else f"{address.name}_{number}"
        assets.append(_copied_asset(settings, address, name))
    return assets


def _copied_asset(settings: Settings, address: Address, name: str) -> dg.AssetsDefinition:
    @dg.asset(
        key=[*settings.asset_prefix, _GROUP, name],
        deps=[[*settings.asset_prefix, "analytics"]],
        group_name=_GROUP,
        kinds={"postgres" if isinstance(address, PostgresAddress) else "delta"},
        owners=["team:analysts"],
        description=f"The tables of the published database in {address.shown}. Readers there see "
        "the former generation until the new one is whole.",
    )
    def copied() -> dg.MaterializeResult:
        """Copy the published generation; one that is there already is not copied again."""
        return dg.MaterializeResult(metadata=_metadata(copy_generation(settings, address)))

    return copied


def _metadata(copied: Copied) -> dict[str, int | float | str | bool]:
    """Counts of a copy: no values of processes, and no password."""
    return {
        "address": copied.address,
        "generation": copied.generation,
        "is_new": copied.is_new,
        "tables": copied.tables,
        "rows": copied.rows,
        "seconds": round(copied.seconds, 3),
        **({"notes": ". ".join(copied.notes)} if copied.notes else {}),
    }
