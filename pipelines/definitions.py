"""Dagster's way in: everything it can show and run.

The parts are in `defs/`; running the job from the command line is `execute.py`.
"""

import dagster as dg

from pipelines.defs.assets import build_assets
from pipelines.defs.jobs import REFRESH_JOB, nightly_schedule
from pipelines.defs.resources import WarehouseResource
from pipelines.settings import Settings, from_environment
from schemas.definition_files import load_procedures
from schemas.definitions import Procedures


@dg.definitions
def defs() -> dg.Definitions:
    """The definitions for the settings in the environment; needs no warehouse.

    Raises `DefinitionError` when the procedure files have problems.
    """
    settings = from_environment()
    return define(settings, load_procedures(settings.procedures))


def define(settings: Settings, procedures: Procedures) -> dg.Definitions:
    """The definitions for these procedures."""
    return dg.Definitions(
        assets=build_assets(procedures),
        jobs=[REFRESH_JOB],
        schedules=[nightly_schedule(settings.time_zone)],
        resources={"warehouse": WarehouseResource()},
        executor=dg.in_process_executor,
    )
