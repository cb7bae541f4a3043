"""The entry point of Dagster: everything that it can show and run."""

import dagster as dg

from pipelines.defs.alerts import alert_sensors
from pipelines.defs.assets import build_assets
from pipelines.defs.column_lineage import Sources, known_column_lineage
from pipelines.defs.copies import copied_assets
from pipelines.defs.indicator_alerts import indicator_sensors
from pipelines.defs.jobs import REFRESH_JOB, nightly_schedule
from pipelines.defs.landing_sensor import landing_sensor
from pipelines.defs.month_ends import month_ends_job
from pipelines.defs.pull import PULL_JOB, pull_schedule, pulled_asset
from pipelines.defs.resources import WarehouseResource
from pipelines.defs.sla_alerts import sla_sensors
from pipelines.settings import Settings, from_environment
from schemas.definitions.procedure import Procedures
from schemas.load import load_procedures


@dg.definitions
def defs() -> dg.Definitions:
    """The definitions for the settings in the environment, which need no warehouse.

    Raises `DefinitionError` when the procedure files have problems.
    """
    settings = from_environment()
    procedures = load_procedures(settings.procedures, settings.sources)
    home = settings.dagster_home
    # `dg check defs` and tests have no instance, and must leave no folder behind.
    sources = known_column_lineage(procedures, home=home) if home.is_dir() else None
    return define(settings, procedures, sources)


def define(
    settings: Settings, procedures: Procedures, column_lineage: Sources | None = None
) -> dg.Definitions:
    """The definitions for these procedures; without `column_lineage` none is shown.

    Where the settings name an API, what pulls from it is among them; where they name addresses to
    copy to, an asset for each.
    """
    pulls = bool(settings.api_url)
    zone = settings.time_zone
    return dg.Definitions(
        assets=[
            *([pulled_asset(settings)] if pulls else []),
            *build_assets(procedures, column_lineage, prefix=settings.asset_prefix),
            *copied_assets(settings),
        ],
        jobs=[
            REFRESH_JOB,
            *([PULL_JOB] if pulls else []),
            *([month_ends_job(settings)] if settings.month_ends else []),
        ],
        schedules=[nightly_schedule(zone), *([pull_schedule(zone)] if pulls else [])],
        sensors=[
            landing_sensor(settings, procedures.file_sources),
            *alert_sensors(settings),
            *indicator_sensors(settings, procedures),
            *sla_sensors(settings, procedures),
        ],
        resources={"warehouse": WarehouseResource()},
        executor=dg.in_process_executor,
    )
