"""Lists the processes of a procedure until nothing is missing, and lands their new versions.

The pages have no order that the API promises, and they move while they are read: a process may be
shown twice, or by no page. So pages overlap. A pass over all pages in which every overlap was the
same twice, and nothing else came twice, has missed nothing; after any other one the next pass
begins, until one shows no process that is new to the pull.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from pipelines.ingest.pull.answers import Record
from pipelines.ingest.pull.api import Api, ApiFailed, TokenRefused
from pipelines.ingest.pull.listed import Listed
from pipelines.ingest.pull.parts import Part, part_name
from pipelines.ingest.pull.report import OnPage, ProcedurePull
from pipelines.ingest.pull.state import Listing, Seen, State, is_uuid
from pipelines.settings import Settings
from pipelines.terminal.text import counted

_OVERLAP = 10
_MAX_PASSES = 4
_PAGES_OF_A_PART = 1_000
# So many pages in a row without a process that is new to the pass: `skip` has no effect.
_MOST_IDLE_PAGES = 50
_MOST_FETCHED = 1_000
_LONGEST_BREAK_MS = 24 * 3_600_000
_MARK_OVERLAP_MS = 24 * 3_600_000
# A process that was created later need not be in this listing; the clocks may differ by so much.
_CLOCKS_DIFFER_MS = 600_000
_BAD_FILTER = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)


@dataclass
class _Pass:
    """A pass over the pages, `is_whole` if it began with the first one. In a steady one no page
    moved. `tail` are the keys that the next page should begin with; `missed` counts processes older
    than the listing that no page of the pull had shown.
    """

    is_whole: bool
    is_steady: bool = True
    tail: list[str] = field(default_factory=list[str])
    missed: int = 0
    idle_pages: int = 0
    is_over: bool = False


@dataclass
class _Segment:
    """Pages whose records count together, once `part` is complete; its number is `file`."""

    part: Part
    file: int


class ListReader:
    """Pulls what is listed in one place."""

    def __init__(
        self,
        api: Api,
        state: State,
        settings: Settings,
        *,
        listed: Listed,
        started_at: datetime,
        on_page: OnPage,
    ) -> None:
        self._api = api
        self._state = state
        self._settings = settings
        self._listed = listed
        self._key = listed.key
        self._started_at = started_at
        self._started_ms = int(started_at.timestamp() * 1000)
        self._on_page = on_page
        self._usernames = 0
        self.report = ProcedurePull(listed.name)

    def read(self, *, full: bool = False) -> None:
        """List everything, and land what is new; `full` takes all that is listed for new.

        What was landed before an error stays, and the next call goes on from there. Raises
        `TokenRefused`, `ApiFailed`, and `OperationError` when a file cannot be written.
        """
        if full:
            self._state.forget(self._key)
            self._state.commit()
        where = {} if full else self._changed_where()
        try:
            is_filtered = bool(where) and self._list(where)
        except ApiFailed as error:
            if error.status not in _BAD_FILTER or not where:
                raise
            self._note("the API does not accept the filter by updatedAt")
            is_filtered = False
        if not is_filtered:
            self._list({})
        self._state.commit()
        if self._usernames:
            self._note(
                f"{counted(self._usernames, 'new version')} with an assignee who is not a uuid, "
                "which a run leaves out: schemas/docs/pull.md has a source for them"
            )
        mark = self._state.mark(self._key)
        self.report.processes = self._state.number_of_processes(self._key)
        self.report.updated_to = _instant(mark) if mark is not None else None

    def _changed_where(self) -> Mapping[str, Any]:
        """The condition for what has changed since the last pull; none where all is listed."""
        mark = self._state.mark(self._key)
        is_filtered = self._settings.api_filters_updated_at and self._listed.are_processes
        if not is_filtered or mark is None:
            return {}
        since = _instant(mark - _MARK_OVERLAP_MS).isoformat(timespec="milliseconds")
        return {"updatedAt": {">=": since}}

    def _list(self, where: Mapping[str, Any]) -> bool:
        """List in as many passes as it takes; False when a filter let nothing through.

        The process with the latest `updatedAt` should pass it: one that does not is not trusted.
        """
        listing = self._resumed(where) or self._state.begin_listing(
            self._key, where, started_ms=self._started_ms
        )
        before = self.report.records
        is_settled = False
        while not is_settled and listing.number <= _MAX_PASSES:
            passed = self._pass(listing)
            is_quiet = passed.is_steady or (listing.number > 1 and not passed.missed)
            is_settled = is_quiet and passed.is_whole
            if not is_settled:
                listing.number, listing.skip = listing.number + 1, 0
        if not is_settled:
            listing.updated_ms = None  # a filter by it would hide what was missed
            self._note(
                f"the list still moved in pass {_MAX_PASSES}: what it has not shown comes with "
                "the next pull"
            )
        if self.report.problem:
            listing.updated_ms = None
        if where and self.report.records == before:
            self._note("the filter by updatedAt let nothing through: everything was listed")
            return False
        if not where:
            self._fetch_unlisted(listing)
        self._state.end_listing(self._key, listing)
        return True

    def _resumed(self, where: Mapping[str, Any]) -> Listing | None:
        """The listing that an earlier pull could not end, unless it is too old."""
        listing = self._state.unfinished_listing(self._key)
        if listing is None or listing.where != where or listing.number > _MAX_PASSES:
            return None
        is_fresh = 0 <= self._started_ms - listing.started_ms <= _LONGEST_BREAK_MS
        return listing if is_fresh else None

    def _pass(self, listing: Listing) -> _Pass:
        """Read all pages from where the listing stands; what came before a break is unknown."""
        passed = _Pass(is_whole=not listing.skip)
        self.report.passes += 1
        while not passed.is_over:
            with self._segment(listing) as segment:
                for _ in range(_PAGES_OF_A_PART):
                    self._page(listing, passed, segment)
                    if passed.is_over:
                        break
        return passed

    def _page(self, listing: Listing, passed: _Pass, segment: _Segment) -> None:
        answer = self._api.list_page(self._listed.path, listing.where, listing.skip)
        records = answer.records or []
        seen = [self._see(record, listing, segment) for record in records]
        keys = [self._state.key(record) for record in records]
        expected = len(passed.tail)
        if keys[:expected] != passed.tail or not all(s.is_new_to_pass for s in seen[expected:]):
            passed.is_steady = False
        passed.missed += sum(
            shown.is_new_to_pull and _is_older(record, listing)
            for record, shown in zip(records, seen, strict=True)
        )
        passed.idle_pages = 0 if any(s.is_new_to_pass for s in seen) else passed.idle_pages + 1
        passed.is_over = not (len(keys) > expected if answer.has_more is None else answer.has_more)
        overlap = min(_OVERLAP, len(keys) // 2)
        passed.tail = keys[len(keys) - overlap :]
        listing.skip += len(keys) - overlap
        self.report.pages += 1
        self.report.records += len(records)
        if answer.errors:
            self.report.problem = f"answers have `_errors`: {', '.join(answer.errors)}"
        self._on_page(self.report)
        if passed.idle_pages >= _MOST_IDLE_PAGES:
            found = f"{_MOST_IDLE_PAGES} pages in a row show nothing new, and more follow"
            action = "Ask the owner of the platform whether lists take `skip` into account."
            raise ApiFailed(f"the list of {self._listed.name}", found, action)

    def _see(
        self, record: Record, listing: Listing, segment: _Segment, *, is_gone: bool = False
    ) -> Seen:
        """Note a record, and land it if it is a new version."""
        seen = self._state.see(self._key, record, listing, file=segment.file, is_gone=is_gone)
        if seen.is_new_version:
            segment.part.write(record.line)
            self.report.versions += 1
            self._usernames += self._listed.are_processes and _has_username(record)
        updated_ms = record.updated_ms
        # One in the future would hide what changes until then.
        if updated_ms is not None and updated_ms <= self._started_ms:
            listing.updated_ms = max(updated_ms, listing.updated_ms or 0)
        return seen

    def _fetch_unlisted(self, listing: Listing) -> None:
        """Ask one by one for known processes that were not listed: deleted, merged, or missed.

        Tasks, calls and records cannot be asked for.
        """
        keys = self._state.unlisted(self._key, listing)
        if not keys:
            return
        place = self._listed.one
        if place is None:
            for key in keys:
                self._state.mark_gone(self._key, key)
            known = counted(len(keys), f"known {self._listed.name.removesuffix('s')}")
            self._note(f"{known} no longer listed: what was landed of them stays")
            return
        fetched = 0
        try:
            with self._segment(listing) as segment:
                for key in keys[:_MOST_FETCHED]:
                    answer = None
                    if not key.startswith("#"):
                        answer = self._api.fetch_one(place, key)
                    self._state.mark_gone(self._key, key)
                    if answer is not None and (record := answer.one) is not None:
                        self._see(record, listing, segment, is_gone=True)
                        fetched += 1
        except ApiFailed as error:
            self._note(f"known processes that are no longer listed could not be fetched: {error}")
        left = len(keys) - _MOST_FETCHED
        more = f"; {left:,} more are asked for by later pulls" if left > 0 else ""
        self._note(
            f"{counted(len(keys), 'known process')} no longer listed, of which {fetched:,} could "
            f"be fetched by id{more}"
        )

    @contextmanager
    def _segment(self, listing: Listing) -> Iterator[_Segment]:
        """Pages that count at the end of the block, also when the API fails in it.

        First their lines are on the disk, then the state has them: what is lost between the two
        comes again.
        """
        name = part_name(self._listed.files, self._started_at, len(self.report.files) + 1)
        segment = _Segment(Part(self._settings.landing / name), self._state.next_file())
        failure: ApiFailed | TokenRefused | None = None
        with segment.part:
            try:
                yield segment
            except (ApiFailed, TokenRefused) as error:
                failure = error
        if segment.part.lines:
            self._state.add_file(segment.file, name, self._key)
            self.report.files.append(name)
        self._state.save_listing(self._key, listing)
        self._state.commit()
        if failure is not None:
            raise failure

    def _note(self, sentence: str) -> None:
        self.report.notes.append(sentence)


def _has_username(record: Record) -> bool:
    assignee = record.members.get("assignedTo")
    return isinstance(assignee, str) and bool(assignee) and not is_uuid(assignee)


def _is_older(record: Record, listing: Listing) -> bool:
    created_ms = record.created_ms
    return created_ms is None or created_ms < listing.started_ms + _CLOCKS_DIFFER_MS


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=ms)
