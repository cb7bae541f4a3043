"""One pull: configuration, users, the processes of every procedure, tasks and calls, as landing
files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipelines.ingest.pull.api import Api, ApiFailed, Waits, open_api, require_address
from pipelines.ingest.pull.dimensions import (
    CONFIG_PATH,
    dimensions_of,
    keep_config,
    land_dimension,
    objects_of,
    read_users,
)
from pipelines.ingest.pull.listed import Listed
from pipelines.ingest.pull.listing import ListReader
from pipelines.ingest.pull.parts import Arrived, remove_leftovers
from pipelines.ingest.pull.report import OnPage, OnWait, PullReport
from pipelines.ingest.pull.state import State, open_state
from pipelines.ingest.pull.token import read_token
from pipelines.settings import Settings
from pipelines.terminal.text import counted
from pipelines.warehouse.file_errors import require_writable
from pipelines.warehouse.umask import private_files
from schemas.definitions.procedure import Procedures
from schemas.errors import OperationError
from schemas.load import load_procedures


def pull(
    settings: Settings,
    *,
    names: Sequence[str] = (),
    full: bool = False,
    waits: Waits | None = None,
    on_page: OnPage = lambda _: None,
    on_wait: OnWait = lambda _: None,
) -> PullReport:
    """Land what the API has and no earlier pull has landed, of all procedures or those `names`.

    With `full` everything is landed again. A procedure that fails is a problem of the report, and
    the others follow. Files of a pull are readable by its user only.
    Raises `DefinitionError` for the procedure files, `OperationError` when the settings, the token
    or the folders cannot be used, or another pull is at work, and `TokenRefused` when the API
    refuses the token; what came before stays landed.
    """
    waits = waits or Waits()
    require_address(settings)
    token = read_token(settings)
    defined = load_procedures(settings.procedures, settings.sources)
    _require_defined(names, defined)
    require_writable(settings)
    report = PullReport(waits.wall())
    with (
        private_files(),
        open_state(settings) as state,
        open_api(settings, token, waits=waits, on_wait=on_wait) as api,
    ):
        _forget_lost(state, settings, report)
        if full and not names:
            state.forget_contents()
        config = _pull_dimensions(api, state, settings, report)
        listed = [
            Listed.of_procedure(*chosen) for chosen in _chosen(defined, config, names, report)
        ]
        for one in listed if names else [*listed, *_others(settings)]:
            reader = ListReader(
                api,
                state,
                settings,
                listed=one,
                started_at=report.started_at,
                on_page=on_page,
            )
            report.procedures.append(reader.report)
            try:
                reader.read(full=full)
            except ApiFailed as error:
                reader.report.problem = str(error)
    return report


def read_config(
    settings: Settings, *, waits: Waits | None = None, on_wait: OnWait = lambda _: None
) -> Mapping[str, Any]:
    """The configuration of the platform. Raises as `pull` does, and `ApiFailed` without one."""
    require_address(settings)
    with open_api(settings, read_token(settings), waits=waits, on_wait=on_wait) as api:
        return api.get_object(CONFIG_PATH).data


def platform_procedures(config: Mapping[str, Any]) -> dict[str, str]:
    """The shortIds of the platform's procedures by id in lower case; empty if it names none."""
    found: dict[str, str] = {}
    for procedure in objects_of(config.get("procedures")):
        id_, short_id = procedure.get("id"), procedure.get("shortId")
        if isinstance(id_, str) and isinstance(short_id, str):
            found[id_.lower()] = short_id
    return found


def _require_defined(names: Sequence[str], defined: Procedures) -> None:
    for name in names:
        if name not in defined.by_short_id:
            known = ", ".join(defined.by_short_id)
            action = f"Name one of these: {known}; `leadtime pull --propose DIR` defines others."
            raise OperationError("--procedure", f"found {name!r}", action)


def _forget_lost(state: State, settings: Settings, report: PullReport) -> None:
    """Pull again what stood in files that have vanished before a run took them in."""
    remove_leftovers(settings)
    if lost := state.forget_lost_files(Arrived(settings)):
        files = counted(len(lost), "landing file")
        report.notes.append(f"{files} of earlier pulls vanished before a run: pulled again")
    state.commit()


def _pull_dimensions(
    api: Api, state: State, settings: Settings, report: PullReport
) -> Mapping[str, Any]:
    """Land users, pods, teams and entities; returns the configuration, as far as there is one."""
    config: Mapping[str, Any] = {}
    at = report.started_at
    try:
        answer = api.get_object(CONFIG_PATH)
        config = answer.data
        keep_config(state, settings, answer, at)
        for name, records in dimensions_of(config).items():
            report.dimensions[name] = land_dimension(state, settings, name, records, at)
    except ApiFailed as error:
        report.problems.append(str(error))
    try:
        report.dimensions["users"] = land_dimension(state, settings, "users", read_users(api), at)
    except ApiFailed as error:
        report.problems.append(str(error))
    return config


def _chosen(
    defined: Procedures, config: Mapping[str, Any], names: Sequence[str], report: PullReport
) -> Iterator[tuple[str, str]]:
    """The procedures to pull, each with what the platform calls it: those that are defined, and
    that the platform has if it says so.
    """
    platform = platform_procedures(config)
    for procedure in defined:
        short_id = platform.get(procedure.id.lower(), procedure.short_id)
        if names and procedure.short_id not in names:
            continue
        if platform and short_id not in platform.values():
            report.notes.append(f"the platform has no procedure {short_id}: left out")
            if names:
                report.problems.append(f"{short_id}: the platform has no such procedure")
            continue
        if platform and procedure.id.lower() not in platform:
            report.notes.append(
                f"the platform's procedure {short_id} has another id than its definition: a run "
                "rejects its lines; `leadtime pull --propose DIR` writes a definition"
            )
        yield procedure.short_id, short_id


def _others(settings: Settings) -> Iterator[Listed]:
    """Tasks, calls and records, where the settings say where the API lists them."""
    paths = {
        "tasks": settings.api_tasks_path,
        "calls": settings.api_calls_path,
        "records": settings.api_records_path,
    }
    for name, path in paths.items():
        if path:
            yield Listed.of_other(name, path)
