"""Tells a person of a failed run or a red check: a request to the address in the settings.

The request is a POST of JSON: `text` is the message, which chat programs show as it is; `event`,
`run_id` and `checks` are for programs. It has no values of processes.
"""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Literal, Protocol

import dagster as dg

from pipelines.defs.checks import CHECKS
from pipelines.defs.copies import OF_COPIES
from pipelines.settings import Settings
from schemas.errors import LeadtimeError, OperationError

Event = Literal["run_failed", "check_failed"]

# A sensor has a minute, and Dagster does not ask it again about a run.
_PAUSES_SECONDS = (1, 5)
_TIMEOUT_SECONDS = 10
_DESCRIPTIONS = {check.name: check.description for check in CHECKS}


@dataclass(frozen=True)
class RedCheck:
    """A check that did not pass: what it found, and what to do."""

    name: str
    severity: str
    found: str
    action: str


@dataclass(frozen=True)
class Alert:
    """What happened in a run; `errors` are sentences for errors that are no check's.

    With `is_published` only copies in other engines failed, after the publication.
    """

    event: Event
    run_id: str
    checks: tuple[RedCheck, ...]
    errors: tuple[str, ...] = ()
    is_published: bool = False

    @property
    def text(self) -> str:
        """The message in words, a line per check and error."""
        run = f"run {self.run_id.partition('-')[0]}"
        first = f"leadtime: a check is red in {run}; the rest was published."
        if self.event == "run_failed":
            first = f"leadtime: {run} failed. Nothing was published after the failure."
        if self.event == "run_failed" and self.is_published:
            first = f"leadtime: a copy failed in {run}; the database itself was published."
        checks = [f"- {check.name}: {check.found} {check.action}" for check in self.checks]
        return "\n".join([first, *checks, *(f"- {error}" for error in self.errors)])

    @property
    def body(self) -> bytes:
        """The JSON of the request."""
        checks = [asdict(check) for check in self.checks]
        about = {"text": self.text, "event": self.event, "run_id": self.run_id, "checks": checks}
        return json.dumps(about).encode()


def alert_sensors(settings: Settings) -> list[dg.SensorDefinition]:
    """The sensors of failed runs and of red checks, on from the start; none without an address.

    Dagster shows each the runs since it was turned on, and every run once.
    """
    if not settings.alert_url:
        return []

    @dg.run_failure_sensor(
        name="failed_run",
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Sends an alert to LEADTIME_ALERT_URL when a run fails.",
    )
    def failed_run(context: dg.RunFailureSensorContext) -> None:
        send(settings.alert_url, find_alert(context.instance, context.dagster_run, "run_failed"))

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        name="red_check",
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Sends an alert to LEADTIME_ALERT_URL when a run published although a check "
        "is red.",
    )
    def red_check(context: dg.RunStatusSensorContext) -> None:
        alert = find_alert(context.instance, context.dagster_run, "check_failed")
        if alert.checks:
            send(settings.alert_url, alert)

    return [failed_run, red_check]


def find_alert(instance: dg.DagsterInstance, run: dg.DagsterRun, event: Event) -> Alert:
    """What there is to tell of a run that has ended."""
    checks: list[RedCheck] = []
    errors: list[str] = []
    failed: list[str] = []
    for entry in instance.all_logs(run.run_id):
        found = entry.dagster_event
        if found is None:
            continue
        if found.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            check = found.asset_check_evaluation_data
            if not check.passed:
                name, said = check.check_name, check.description or ""
                todo = _DESCRIPTIONS.get(name, "")
                checks.append(RedCheck(name, check.severity.value.lower(), said, todo))
        elif found.event_type == dg.DagsterEventType.STEP_FAILURE:
            step = found.step_key or "a step"
            failed.append(step)
            if not checks or OF_COPIES in step:
                errors += [f"{step}: {sentence}" for sentence in _sentences(found)]
    is_published = bool(failed) and all(OF_COPIES in step for step in failed)
    return Alert(event, run.run_id, tuple(checks), tuple(errors), is_published)


class Sendable(Protocol):
    """Something to tell."""

    @property
    def body(self) -> bytes:
        """The JSON of the request."""
        ...


def send(url: str, alert: Sendable) -> None:
    """Send an alert, trying again twice.

    Raises `OperationError`, which does not show the address, when there is no answer or a refusal.
    """
    request = urllib.request.Request(  # noqa: S310 - the settings allow http and https only
        url, data=alert.body, headers={"Content-Type": "application/json"}, method="POST"
    )
    reason = ""
    for pause in (*_PAUSES_SECONDS, None):
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS):  # noqa: S310
                return
        except urllib.error.HTTPError as error:
            reason = f"the answer is {error.code}"
        except OSError as error:
            reason = f"there is no answer ({type(error).__name__})"
        if pause is not None:
            time.sleep(pause)
    action = "Check the address; the run itself is under Runs in Dagster's page"
    raise OperationError("LEADTIME_ALERT_URL", reason, action) from None


def _sentences(event: dg.DagsterEvent) -> Iterator[str]:
    """What a failed step says: our own messages whole, and only the kind of other errors, whose
    messages may show values.
    """
    ours = {kind.__name__ for kind in _kinds(LeadtimeError)}
    error, kind = event.step_failure_data.error, ""
    while error is not None:  # from Dagster's own error down to the first cause
        kind = error.cls_name or "an error"
        message = error.message.partition(f"{kind}: ")[2].strip()
        if kind in ours and message:
            yield message
            return
        error = error.cause
    if kind:
        yield f"{kind}. See the run in Dagster's page."


def _kinds(kind: type[LeadtimeError]) -> Iterator[type[LeadtimeError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _kinds(child)
