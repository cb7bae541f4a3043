"""Requests to the platform's API: paced, tried again where that may help, and the token unseen."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, NoReturn
from urllib.parse import quote

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from pipelines.ingest.pull.answers import Answer, error_codes, parse_answer
from pipelines.ingest.pull.token import Token
from pipelines.settings import Settings
from schemas.errors import OperationError

PAGE_LIMIT = 100
"""The most records that a page may have."""
_TRIES = 6
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 60.0
_LONGEST_RETRY_AFTER_SECONDS = 900.0
_TIMEOUT = httpx.Timeout(60, connect=20)
_MOST_BYTES = 2**28
_LONGEST_ANSWER_SECONDS = 600.0
_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_ABSENT = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_PASSING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)


class TokenRefused(OperationError):
    """The API refused the token: nothing else that a pull asks for can succeed."""


class ApiFailed(OperationError):
    """The API gave no usable answer to a request; `status` is that of the last answer, if any."""

    def __init__(self, place: str, found: str, action: str, status: int | None = None) -> None:
        super().__init__(place, found, action)
        self.status = status


class _Passing(Exception):
    """A fault that may be over at the next try; `after` is how long the API asks to wait."""

    def __init__(self, found: str, status: int | None = None, after: float | None = None) -> None:
        super().__init__(found)
        self.found, self.status, self.after = found, status, after


@dataclass(frozen=True)
class Waits:
    """How a pull waits: tests wait in no time."""

    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))


class Api:
    """The API at the address of the settings; `open_api` makes one."""

    def __init__(
        self,
        client: httpx.Client,
        token: Token,
        *,
        per_second: float,
        waits: Waits,
        on_wait: Callable[[str], None],
    ) -> None:
        self._client = client
        self._token = token
        self._interval = 1 / per_second if per_second else 0.0
        self._waits = waits
        self._on_wait = on_wait
        self._next_at = waits.clock()

    def list_page(self, path: str, where: Mapping[str, Any], skip: int) -> Answer:
        """A page of a list, from the `skip`-th object, in an order nobody promises.

        Raises `TokenRefused`, and `ApiFailed` when there is no page to be had.
        """
        body = {"where": dict(where), "skip": skip, "limit": PAGE_LIMIT}
        return self._ask("POST", path, path, body=body, check=_require_page)

    def fetch_one(self, path: str, id_: str) -> Answer | None:
        """The object below a path; None when the API has none of this id that the token may see."""
        one = f"{path}/{quote(id_, safe='')}"
        try:
            return self._ask("GET", one, f"{path}/...", refusals=(HTTPStatus.UNAUTHORIZED,))
        except ApiFailed as error:
            if error.status in _ABSENT:
                return None
            raise

    def get_list(self, path: str, query: Mapping[str, int] | None = None) -> Answer:
        """The answer to a GET of a list. Raises `TokenRefused` and `ApiFailed`."""
        return self._ask("GET", path, path, query=query, check=_require_page)

    def get_object(self, path: str) -> Answer:
        """The answer to a GET of one object. Raises `TokenRefused` and `ApiFailed`."""
        return self._ask("GET", path, path, check=_require_object)

    def _ask(
        self,
        method: str,
        path: str,
        shown: str,
        *,
        query: Mapping[str, int] | None = None,
        body: object = None,
        check: Callable[[Answer], None] = lambda _: None,
        refusals: Sequence[int] = _REFUSED,
    ) -> Answer:
        place = f"{method} {shown}"
        request = self._client.build_request(method, path, params=query, json=body)

        def once() -> Answer:
            self._pace()
            answer = self._send(request, place, refusals)
            check(answer)
            return answer

        try:
            return self._retrying(place)(once)
        except _Passing as fault:
            found = f"{fault.found}, {_TRIES} times in a row"
            action = "Run `leadtime pull` again later: it continues. See also LEADTIME_API_URL."
            raise ApiFailed(place, found, action, fault.status) from None

    def _send(self, request: httpx.Request, place: str, refusals: Sequence[int]) -> Answer:
        try:
            response = self._client.send(request, stream=True)
            with closing(response):
                body = self._read(response)
        except httpx.TransportError as error:
            raise _Passing(f"no whole answer came ({type(error).__name__})") from None
        except httpx.DecodingError:
            raise _Passing("an answer does not decompress", HTTPStatus.OK) from None
        status = response.status_code
        if status in refusals:
            self._refuse(status, place)
        if status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise self._passing(response, place)
        if not response.is_success:
            codes = ", ".join(error_codes(body))
            found = f"the API answers {status}{f' ({codes})' if codes else ''}"
            raise ApiFailed(place, found, _action(status), status)
        try:
            return parse_answer(body)
        except ValueError:
            kind = response.headers.get("content-type", "").partition(";")[0].strip()[:40]
            found = f"an answer ({kind or 'of no kind'}) is not JSON with `_data` to its end"
            raise _Passing(found, status) from None

    def _read(self, response: httpx.Response) -> bytes:
        """The body of an answer, which may neither be huge nor drip for ever."""
        began, size, blocks = self._waits.clock(), 0, list[bytes]()
        for block in response.iter_bytes():
            blocks.append(block)
            size += len(block)
            if size > _MOST_BYTES or self._waits.clock() - began > _LONGEST_ANSWER_SECONDS:
                raise _Passing("an answer does not end", response.status_code)
        return b"".join(blocks)

    def _refuse(self, status: int, place: str) -> NoReturn:
        why = "is not valid, or no longer" if status == _REFUSED[0] else "lacks the permission"
        found = f"the API refuses the token ({status} to {place}): it {why}"
        action = "Put a valid token there, then run `leadtime pull` again: it continues."
        raise TokenRefused(self._token.origin, found, action)

    def _passing(self, response: httpx.Response, place: str) -> _Passing:
        found = f"the API answers {response.status_code}"
        after = _retry_after(response.headers.get("retry-after", ""), self._waits.wall())
        if after is not None and after > _LONGEST_RETRY_AFTER_SECONDS:
            action = f"Run `leadtime pull` again in {after:,.0f} s: it continues."
            found = f"{found} and asks to wait {after:,.0f} s"
            raise ApiFailed(place, found, action, response.status_code)
        return _Passing(found, response.status_code, after)

    def _retrying(self, place: str) -> Retrying:
        def pause(state: RetryCallState) -> float:
            fault = _fault(state)
            backoff = _FIRST_PAUSE_SECONDS * 2 ** (state.attempt_number - 1)
            # At random: several clients that failed together do not come back together.
            backoff = min(backoff, _LONGEST_PAUSE_SECONDS) * random.uniform(0.75, 1.25)  # noqa: S311
            return max(backoff, fault.after or 0.0)

        def tell(state: RetryCallState) -> None:
            seconds = state.next_action.sleep if state.next_action else 0.0
            self._on_wait(f"{place}: {_fault(state).found}; trying again in {seconds:.0f} s")

        return Retrying(
            retry=retry_if_exception_type(_Passing),
            stop=stop_after_attempt(_TRIES),
            wait=pause,
            sleep=self._waits.sleep,
            before_sleep=tell,
            reraise=True,
        )

    def _pace(self) -> None:
        early = self._next_at - self._waits.clock()
        if early > 0:
            self._waits.sleep(early)
        self._next_at = max(self._next_at, self._waits.clock()) + self._interval


@contextmanager
def open_api(
    settings: Settings,
    token: Token,
    *,
    waits: Waits | None = None,
    on_wait: Callable[[str], None] = lambda _: None,
) -> Iterator[Api]:
    """The API for the length of the block; `on_wait` gets a sentence before each further try.

    Raises `OperationError` when the settings name no address.
    """
    require_address(settings)
    headers = {"Authorization": f"Bearer {token.text}", "Accept": "application/json"}
    with httpx.Client(
        base_url=settings.api_url,
        headers=headers,
        timeout=_TIMEOUT,
        follow_redirects=False,
        # Without encryption, which is for this machine only, no proxy gets the token.
        trust_env=settings.api_url.startswith("https:"),
    ) as client:
        yield Api(
            client,
            token,
            per_second=settings.api_requests_per_second,
            waits=waits or Waits(),
            on_wait=on_wait,
        )


def require_address(settings: Settings) -> None:
    """Raise `OperationError` when the settings name no address of the API."""
    if not settings.api_url:
        action = "Set it to the address that precedes /v1/ext (schemas/docs/pull.md)."
        raise OperationError("LEADTIME_API_URL", "there is no address of the API", action)


def _require_page(answer: Answer) -> None:
    """A page is a list; one without records is the last one."""
    if answer.records is None:
        raise _Passing(f"an answer has no list in `_data`{_shown(answer)}", HTTPStatus.OK)
    if not answer.records and answer.has_more:
        raise _Passing("a page without records says that more follow", HTTPStatus.OK)


def _require_object(answer: Answer) -> None:
    if answer.one is None:
        raise _Passing(f"an answer has no object in `_data`{_shown(answer)}", HTTPStatus.OK)


def _shown(answer: Answer) -> str:
    return f" ({', '.join(answer.errors)})" if answer.errors else ""


def _action(status: int) -> str:
    if status == HTTPStatus.NOT_FOUND:
        return "Check LEADTIME_API_URL, and that the platform has this procedure."
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return "Set LEADTIME_API_URL to the address itself: a pull follows no redirection."
    return "Check LEADTIME_API_URL; if it is right, ask the owner of the platform."


def _fault(state: RetryCallState) -> _Passing:
    fault = state.outcome.exception() if state.outcome else None
    assert isinstance(fault, _Passing)
    return fault


def _retry_after(text: str, at: datetime) -> float | None:
    """The seconds that a Retry-After asks for: a number, or the time until an instant."""
    if text.strip().isdecimal():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max((until - at).total_seconds(), 0.0)
