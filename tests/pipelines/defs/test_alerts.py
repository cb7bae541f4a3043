"""Alerts of failed runs and red checks, received by a server of the test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.defs import alerts
from pipelines.defs.alerts import Alert, alert_sensors, send
from pipelines.defs.copies import copied_assets
from pipelines.settings import Settings, from_environment
from schemas.errors import OperationError
from tests.support.receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def tick(receiver: Receiver, instance: dg.DagsterInstance) -> Callable[[], list[dict[str, Any]]]:
    """Let both sensors look once, as Dagster's daemon does; what they have sent since."""
    sensors = alert_sensors(Settings(alert_url=receiver.url))
    cursors: dict[str, str | None] = {}

    def look() -> list[dict[str, Any]]:
        receiver.bodies.clear()
        for sensor in sensors:
            context = dg.build_sensor_context(
                instance, cursor=cursors.get(sensor.name), sensor_name=sensor.name
            )
            cursors[sensor.name] = sensor.evaluate_tick(context).cursor
        return list(receiver.bodies)

    look()  # they start with the next run
    return look


def run(instance: dg.DagsterInstance, *, check: bool | None = None, **fails: Any) -> str:
    """A run of one asset, with a check of the name of ours; the id of the run."""
    is_blocking = fails.get("is_blocking", False)
    name = "unique_process" if is_blocking else "rejected_share"

    @dg.asset(
        check_specs=[dg.AssetCheckSpec(name, asset="table", blocking=is_blocking)]
        if check is not None
        else []
    )
    def table() -> Iterator[Any]:
        if error := fails.get("error"):
            raise error
        yield dg.MaterializeResult()
        if check is not None:
            severity = dg.AssetCheckSeverity.ERROR if is_blocking else dg.AssetCheckSeverity.WARN
            yield dg.AssetCheckResult(
                passed=check, check_name=name, severity=severity, description="Found 7 of 9."
            )

    result = dg.materialize(
        [table],
        instance=instance,
        raise_on_error=False,
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
    return result.run_id


def test_a_red_check_is_told_once(
    tick: Callable[[], list[dict[str, Any]]], instance: dg.DagsterInstance
) -> None:
    run(instance, check=True)
    run_id = run(instance, check=False)
    (sent,) = tick()
    assert (sent["event"], sent["run_id"]) == ("check_failed", run_id)
    (check,) = sent["checks"]
    assert (check["name"], check["severity"]) == ("rejected_share", "warn")
    assert check["found"] == "Found 7 of 9."
    assert check["action"]
    first, line = sent["text"].splitlines()
    assert first.startswith("leadtime: a check is red in run ")
    assert line == f"- rejected_share: Found 7 of 9. {check['action']}"
    assert tick() == []


def test_a_failed_copy_is_told_as_such(
    tick: Callable[[], list[dict[str, Any]]], instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """Nobody shall think that the database is not there: it was published before."""
    settings = Settings(data=tmp_path, publish_to="postgres://u:secret@h/db")
    dg.materialize(copied_assets(settings), instance=instance, raise_on_error=False)
    (sent,) = tick()
    first, line = sent["text"].splitlines()
    assert first.startswith("leadtime: a copy failed in run ")
    assert first.endswith("; the database itself was published.")
    assert line.startswith("- copies__postgres_leadtime: ")
    assert "there is no published database yet" in line
    assert "secret" not in sent["text"]


def test_a_failed_run_is_told_with_the_check_that_stopped_it(
    tick: Callable[[], list[dict[str, Any]]], instance: dg.DagsterInstance
) -> None:
    run_id = run(instance, check=False, is_blocking=True)
    (sent,) = tick()
    assert (sent["event"], sent["run_id"]) == ("run_failed", run_id)
    assert [(c["name"], c["severity"]) for c in sent["checks"]] == [("unique_process", "error")]
    assert "Nothing was published" in sent["text"]
    assert tick() == []


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            OperationError("data", "is full", "Make room."),
            "- table: data: is full. Make room.",
        ),
        (
            ValueError("ann@example.com is no number"),
            "- table: ValueError. See the run in Dagster's page.",
        ),
        (
            caused(OperationError("data", "is damaged", "Restore it."), OSError("ann@example.com")),
            "- table: data: is damaged. Restore it.",
        ),
    ],
)
def test_only_messages_of_ours_are_told_whole(
    tick: Callable[[], list[dict[str, Any]]],
    instance: dg.DagsterInstance,
    error: Exception,
    line: str,
) -> None:
    run(instance, error=error)
    (sent,) = tick()
    assert sent["text"].splitlines()[1:] == [line]
    assert "example.com" not in json.dumps(sent)


def test_an_alert_is_sent_again_until_it_is_taken(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "_PAUSES_SECONDS", (0, 0))
    receiver.answers = [503, 500]
    send(receiver.url, Alert("run_failed", "1234-5", ()))
    assert len(receiver.bodies) == 1
    receiver.answers = [503, 500, 404]
    with pytest.raises(OperationError, match="LEADTIME_ALERT_URL: the answer is 404") as refused:
        send(receiver.url, Alert("run_failed", "1234-5", ()))
    assert "secret-token" not in str(refused.value)
    receiver.server_close()
    with pytest.raises(OperationError, match="there is no answer"):
        send(receiver.url, Alert("run_failed", "1234-5", ()))


def test_without_an_address_nothing_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    assert alert_sensors(Settings()) == []
    for text in ("hooks.example.com", "ftp://x/secret", "file:///etc/passwd", "https://"):
        monkeypatch.setenv("LEADTIME_ALERT_URL", text)
        with pytest.raises(OperationError, match="LEADTIME_ALERT_URL: is no address") as refused:
            from_environment()
        assert "secret" not in str(refused.value)
    monkeypatch.setenv("LEADTIME_ALERT_URL", "https://hooks.example.com/x")
    settings = from_environment()
    assert settings.alert_url == "https://hooks.example.com/x"
    assert "hooks" not in repr(settings)
