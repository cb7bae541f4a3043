"""Landing lines damaged in the ways that files are: bytes, keys, values, ends of lines.

What must become of them belongs to the tests.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

_ODD_BYTES = (b"\x00", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\r", b"\n", b'"', b"}")
_ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1e400,
    float("nan"),
    123_456_789_012_345_678_901_234,
    "",
    " ",
    "\ud800",
    "\x00",
    "ünïcode \U0001f600",
    "2026-02-30",
    "'; drop table raw.process_versions; --",
    "9" * 400,
    [],
    {},
    [None],
    {"a": {"b": [1]}},
)
_INSTANTS = (0, -1, 1, 946_684_800_000, 1_760_000_000, 1_760_000_000_000, 4_102_444_800_000, 2**63)


def mutated(lines: Sequence[bytes], random: Random, count: int) -> Iterator[bytes]:
    """So many lines, each one of `lines` with one to three mutations; some hold a line feed."""
    for _ in range(count):
        line = random.choice(lines)
        for _ in range(random.choice((1, 1, 1, 2, 3))):
            line = random.choice(_MUTATIONS)(line, random)
        yield line


def _cut(line: bytes, random: Random) -> bytes:
    return line[: random.randint(0, len(line))]


def _insert(line: bytes, random: Random) -> bytes:
    at = random.randint(0, len(line))
    return line[:at] + random.choice(_ODD_BYTES) + line[at:]


def _flip(line: bytes, random: Random) -> bytes:
    if not line:
        return b"\x00"
    at = random.randrange(len(line))
    return line[:at] + bytes([line[at] ^ (1 << random.randrange(8))]) + line[at + 1 :]


def _repeat(line: bytes, random: Random) -> bytes:
    return line + random.choice((b"", b"\n", b"\r\n", b",")) + line


def _blank(line: bytes, random: Random) -> bytes:
    return random.choice((b"", b" ", b"\t", b"\r"))


def _repeat_key(line: bytes, random: Random) -> bytes:
    return line.replace(b"{", b'{"status": "OPEN", ', 1)


def _on_record(
    change: Callable[[dict[str, Any], Random], None],
) -> Callable[[bytes, Random], bytes]:
    def changed(line: bytes, random: Random) -> bytes:
        try:
            record = json.loads(line)
        except ValueError:
            return line
        if isinstance(record, dict) and record:
            change(record, random)
        return json.dumps(record).encode()

    return changed


def _drop(record: dict[str, Any], random: Random) -> None:
    del record[random.choice([*record])]


def _replace(record: dict[str, Any], random: Random) -> None:
    record[random.choice([*record])] = random.choice(_ODD_VALUES)


def _replace_value(record: dict[str, Any], random: Random) -> None:
    data = record.get("data")
    if isinstance(data, dict) and data:
        data[random.choice([*data])] = random.choice(_ODD_VALUES)


def _add(record: dict[str, Any], random: Random) -> None:
    where = random.choice([record, record.get("data")])
    if isinstance(where, dict):
        where[random.choice(("", "x", "id ", "STATUS", "a" * 300, "$.a", "ключ"))] = random.choice(
            _ODD_VALUES
        )


def _as_text(record: dict[str, Any], random: Random) -> None:
    key = random.choice([*record])
    record[key] = json.dumps(record[key])


def _retime(record: dict[str, Any], random: Random) -> None:
    times = [key for key in record if key.endswith("At")]
    if times:
        record[random.choice(times)] = random.choice(_INSTANTS)


_MUTATIONS: tuple[Callable[[bytes, Random], bytes], ...] = (
    _cut,
    _insert,
    _flip,
    _repeat,
    _blank,
    _repeat_key,
    *map(_on_record, (_drop, _replace, _replace, _replace_value, _add, _as_text, _retime, _retime)),
)
