"""The lines of landing files that belong to a subject, and what is left of them."""

from __future__ import annotations

import re
from datetime import datetime

from pipelines.ingest.chunks import BLANK, BOM
from pipelines.ingest.erasing.activities import is_as_old, strip_activity, subjects_of
from pipelines.ingest.erasing.documents import (
    NO_KEYS,
    KnownKeys,
    members,
    strip_dimension_line,
    strip_line,
)
from pipelines.ingest.erasing.subject import Subject, epoch_ms
from pipelines.warehouse.search import Needles
from schemas.records.activities import ACTIVITIES
from schemas.records.dimensions import PROCESSES
from schemas.records.record import UUID_IN_TEXT, UUID_PATTERN

_UUIDS = re.compile(UUID_IN_TEXT.encode())
_ID = re.compile(UUID_PATTERN)


class Lines:
    """The lines of a subject: which they are, and what they are without personal values."""

    def __init__(self, subject: Subject, own: Needles, known: KnownKeys) -> None:
        self._ids = {
            PROCESSES: {id_.encode() for id_ in subject.processes},
            "records": {id_.encode() for id_ in subject.records},
            "users": {id_.encode() for id_ in subject.users},
        }
        # A task or call is of what it is about.
        self._ids |= dict.fromkeys(ACTIVITIES, self._ids[PROCESSES] | self._ids["records"])
        self._own = own
        self._known = known

    def hold(self, line: bytes, content: str) -> bool:
        """Whether a line is the subject's, by its ids or by its values where it has none, and has
        something to erase.
        """
        ids = self._ids.get(content, set())
        mentions = bool(ids) and any(id_.lower() in ids for id_ in _UUIDS.findall(line))
        if not mentions and not self._own.count_in_bytes(line):
            return False
        mine = _own_ids(line, content)
        is_own = not mine or not mine.isdisjoint(ids)
        return is_own and self.erased(line, content) != line

    def erased(self, line: bytes, content: str) -> bytes:
        """The line without personal values; blank where nothing can be told apart."""
        end = line[len(line.rstrip(BLANK)) :]
        try:
            text = _decoded(line)
        except UnicodeDecodeError:
            return end
        if content == PROCESSES:
            stripped = strip_line(text, self._known)
        elif content in ACTIVITIES:
            stripped = strip_activity(text, content)
        else:
            keys = self._known.records if content == "records" else NO_KEYS
            stripped = strip_dimension_line(text, keys)
        if stripped is None:
            return end
        return line if stripped.text == text else stripped.text.encode() + end


class AgedLines(Lines):
    """The lines about processes that are as old as an instant, or older."""

    def __init__(self, until: datetime, known: KnownKeys) -> None:
        super().__init__(Subject("retention", until=until), Needles(), known)
        self._until_ms = epoch_ms(until)

    def hold(self, line: bytes, content: str) -> bool:
        """Whether a version in a line is old enough, and has something to erase."""
        if content in ACTIVITIES:
            is_old = is_as_old(_text_or_nothing(line), self._until_ms)
            return is_old and self.erased(line, content) != line
        if content != PROCESSES:
            return False
        times = [value for key, value in _members(line) if key == "updatedAt"]
        is_old = any(t.isdecimal() and int(t) <= self._until_ms for t in times)
        return is_old and self.erased(line, content) != line


def _decoded(line: bytes) -> str:
    return line.strip(BLANK).removeprefix(BOM).decode()


def _text_or_nothing(line: bytes) -> str:
    try:
        return _decoded(line)
    except UnicodeDecodeError:
        return ""


def _members(line: bytes) -> list[tuple[str, str]]:
    """The members of the object in a line; none where it is no object."""
    return members(_text_or_nothing(line)) or []


def _own_ids(line: bytes, content: str) -> set[bytes]:
    """The id that a line has, of a task or call those of what it is about; none where it is no
    object or has no readable one.
    """
    if content in ACTIVITIES:
        return {id_.encode() for _, id_ in subjects_of(_text_or_nothing(line))}
    ids = [value.strip('"').lower() for key, value in _members(line) if key == "id"]
    return {ids[0].encode()} if len(ids) == 1 and _ID.fullmatch(ids[0]) else set()
