"""The job that writes the database as at the end of a month: one file a month, for backfills."""

from calendar import monthrange
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from pipelines.defs.jobs import REFRESH_ASSETS
from pipelines.settings import Settings, end_of_day

MONTH_ENDS = "month_ends"
_FIRST = "2015-01"
_MONTH = "%Y-%m"


def month_ends_job(settings: Settings) -> UnresolvedAssetJobDefinition:
    """The partitioned job over the assets of `refresh`; only with LEADTIME_MONTH_ENDS.

    Its partitions are the months that are over in the reporting time zone.
    """
    months = dg.MonthlyPartitionsDefinition(_FIRST, timezone=settings.time_zone, fmt=_MONTH)

    def config_of(month: str) -> Mapping[str, Any]:
        out = f"{settings.month_ends}/{month}.duckdb"
        as_of = end_of_month(month, settings.time_zone).isoformat()
        return {"resources": {"warehouse": {"config": {"as_of": as_of, "out": out}}}}

    return dg.define_asset_job(
        MONTH_ENDS,
        selection=REFRESH_ASSETS,
        config=dg.PartitionedConfig(months, run_config_for_partition_key_fn=config_of),
        description="Writes the database as at the end of a month into LEADTIME_MONTH_ENDS, as "
        "`leadtime run --as-of` with `--out` does; the published one does not change. Backfill the "
        "months that a report needs. A later run of a month replaces its file.",
        executor_def=dg.in_process_executor,
    )


def end_of_month(month: str, time_zone: str) -> datetime:
    """The last millisecond of a month (2026-03) in a time zone."""
    first, zone = date.fromisoformat(f"{month}-01"), ZoneInfo(time_zone)
    last = first.replace(day=monthrange(first.year, first.month)[1])
    return end_of_day(last, zone).astimezone(zone)
