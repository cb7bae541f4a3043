"""Requests to the API: tried again, paced, refused; and never with the token in a message."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from pipelines.ingest.pull.api import Api, ApiFailed, TokenRefused, open_api
from pipelines.ingest.pull.listed import Listed
from pipelines.ingest.pull.token import Token
from pipelines.settings import Settings
from schemas.errors import OperationError
from tests.support.fake_platform import FAULTS, PERSONAL, TOKEN, Clock, Platform, process

SECRET = Token(TOKEN, "LEADTIME_API_TOKEN")
ORDERS = Listed.of_procedure("order", "order")


def list_once(settings: Settings, clock: Clock, waits: list[str] | None = None) -> int:
    """The number of records on the first page."""
    said = waits if waits is not None else []
    with open_api(settings, SECRET, waits=clock.waits, on_wait=said.append) as api:
        return len(api.list_page(ORDERS.path, {}, 0).records or [])


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_passes_costs_a_wait(
    platform: Platform, settings: Settings, clock: Clock, fault: str
) -> None:
    platform.processes["order"] = [process(1)]
    platform.faults = [fault, fault]
    waits: list[str] = []
    assert list_once(settings, clock, waits) == 1
    assert len(clock.slept) == len(waits) == 2
    # The date is over when the second answer comes.
    least = {"429": [7, 7], "429 date": [11, 1.5]}.get(fault, [0.75, 1.5])
    for seconds, at_least, at_most in zip(clock.slept, least, (1.25, 2.5), strict=True):
        assert at_least <= seconds <= max(at_least, at_most)
    assert all("trying again in" in text and PERSONAL not in text for text in waits)


def test_waits_grow_and_end(platform: Platform, settings: Settings, clock: Clock) -> None:
    platform.faults = ["500"] * 6
    with pytest.raises(ApiFailed, match="the API answers 500, 6 times in a row") as failed:
        list_once(settings, clock)
    assert failed.value.status == 500
    assert len(clock.slept) == 5
    for seconds, base in zip(clock.slept, (1, 2, 4, 8, 16), strict=True):
        assert 0.75 * base <= seconds <= 1.25 * base
    assert len(platform.requests) == 6


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ("html", "an answer (text/html) is not JSON with `_data` to its end"),
        ("short", "an answer (application/json) is not JSON with `_data` to its end"),
        ("cut", "no whole answer came (RemoteProtocolError)"),
        ("null", "an answer has no list in `_data` (INTERNAL)"),
        ("gzip", "an answer does not decompress"),
    ],
)
def test_a_fault_that_stays_is_named(
    platform: Platform, settings: Settings, clock: Clock, fault: str, found: str
) -> None:
    platform.faults = [fault] * 6
    with pytest.raises(ApiFailed) as failed:
        list_once(settings, clock)
    assert found in str(failed.value)
    assert str(failed.value).startswith("POST /v1/ext/procedure/order/process/list: ")


def test_a_long_retry_after_is_left_to_the_operator(
    platform: Platform, settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.ingest.pull.api._LONGEST_RETRY_AFTER_SECONDS", 5.0)
    platform.faults = ["429"]
    with pytest.raises(ApiFailed, match=r"asks to wait 7 s. Run `leadtime pull` again in 7 s"):
        list_once(settings, clock)
    assert clock.slept == []


def test_requests_are_paced(platform: Platform, settings: Settings, clock: Clock) -> None:
    paced = replace(settings, api_requests_per_second=4.0)
    with open_api(paced, SECRET, waits=clock.waits) as api:
        for _ in range(9):
            api.list_page(ORDERS.path, {}, 0)
        assert clock.seconds == pytest.approx(8 / 4)
        clock.seconds += 60  # what was not used is not saved up
        for _ in range(3):
            api.list_page(ORDERS.path, {}, 0)
    assert clock.seconds == pytest.approx(8 / 4 + 60 + 2 / 4)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_named_and_not_shown(
    platform: Platform,
    settings: Settings,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
) -> None:
    monkeypatch.setattr(platform, "faults", [str(status)])
    monkeypatch.setattr(platform, "token", TOKEN if status == 403 else "another")
    with pytest.raises(TokenRefused) as refused:
        list_once(settings, clock)
    text = str(refused.value)
    assert text.startswith(f"LEADTIME_API_TOKEN: the API refuses the token ({status} to POST ")
    assert "run `leadtime pull` again: it continues" in text
    assert TOKEN not in text
    assert PERSONAL not in text
    assert clock.slept == []


def test_a_process_that_is_not_there_is_none(
    platform: Platform, settings: Settings, clock: Clock
) -> None:
    platform.unlisted = {"a": process(1)}
    with open_api(settings, SECRET, waits=clock.waits) as api:
        found = api.fetch_one(ORDERS.one or "", "a")
        assert found is not None
        assert found.one is not None
        assert found.one.id == process(1)["id"]
        assert api.fetch_one(ORDERS.one or "", "b/../c?d") is None
    assert platform.requests[-1][0].endswith("/order/process/b%2F..%2Fc%3Fd")


def test_an_answer_that_does_not_end_is_given_up(
    platform: Platform, settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.ingest.pull.api._MOST_BYTES", 500)
    platform.processes["order"] = [process(n) for n in range(9)]
    with pytest.raises(ApiFailed, match="an answer does not end, 6 times in a row"):
        list_once(settings, clock)


def test_no_proxy_sees_a_token_that_is_not_encrypted(
    platform: Platform, settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert list_once(settings, clock) == 0


def test_a_redirection_is_not_followed(
    platform: Platform, settings: Settings, clock: Clock
) -> None:
    platform.faults = ["302"]
    with pytest.raises(ApiFailed, match=r"answers 302. Set LEADTIME_API_URL to the address itself"):
        list_once(settings, clock)
    assert len(platform.requests) == 1


def test_nobody_there_is_an_error_in_the_end(settings: Settings, clock: Clock) -> None:
    nobody = replace(settings, api_url="http://127.0.0.1:9")
    with pytest.raises(ApiFailed, match=r"no whole answer came \(ConnectError\), 6 times"):
        list_once(nobody, clock)


def test_the_token_shows_nowhere(
    platform: Platform, settings: Settings, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        platform.faults = ["500", None]
        list_once(settings, clock)
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(SECRET)
    with open_api(settings, SECRET, waits=clock.waits) as api:
        assert TOKEN not in f"{api!r}{vars(api)}"
        assert isinstance(api, Api)


def test_there_must_be_an_address(clock: Clock) -> None:
    with (
        pytest.raises(OperationError, match="LEADTIME_API_URL: there is no address"),
        open_api(Settings(), SECRET, waits=clock.waits),
    ):
        pass
