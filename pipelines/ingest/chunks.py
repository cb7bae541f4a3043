"""Blocks of bytes as chunks of whole lines."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from schemas.records.dimensions import PROCESSES

# Larger chunks share the fixed costs of validation (0.2 s) among more lines, and take more memory.
CHUNK_BYTES = 48 * 2**20
MAX_CHUNK_LINES = 60_000  # lines that break every rule take the more memory the shorter they are
MAX_LINE_BYTES = 32 * 2**20
TOO_LONG_KEPT_BYTES = 64 * 2**10
# Around a line these mean nothing.
BLANK = b" \t\r\n\v\f"
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Chunk:
    """Some whole lines of a file.

    `body` holds the lines with a newline each, `lines` their number and `first_line` the number of
    the first, from 1. `too_long` has the start of lines that are longer than
    `MAX_LINE_BYTES`; in `body` such a line is empty. `position` says how many bytes of the
    file have been read, `content` what its lines are.
    """

    body: bytes
    first_line: int
    lines: int
    position: int
    too_long: dict[int, bytes]
    content: str = PROCESSES

    @cached_property
    def texts(self) -> list[bytes]:
        """The bytes of each line, in order."""
        return self.body.split(b"\n")[:-1]


def split_lines(
    blocks: Iterator[bytes], position: Callable[[], int], chunk_bytes: int = CHUNK_BYTES
) -> Iterator[Chunk]:
    """Blocks of bytes -> chunks of whole lines. A last line needs no newline."""
    collected: list[bytes] = []  # whole lines
    collected_bytes = 0
    rest = b""  # the start of a line
    skipping = False  # inside a line that is too long
    first_line, lines = 1, 0
    too_long: dict[int, bytes] = {}
    is_start = True
    for incoming in blocks:
        block = incoming.removeprefix(BOM) if is_start else incoming
        is_start = False
        if skipping:
            end = block.find(b"\n")
            if end < 0:
                continue
            block, skipping = block[end:], False
        end = block.rfind(b"\n") + 1
        if end:
            collected.append(rest + block[:end])
            collected_bytes += len(rest) + end
            lines += block.count(b"\n", 0, end)
            rest = block[end:]
        else:
            rest += block
        if len(rest) > MAX_LINE_BYTES:
            too_long[first_line + lines] = rest[:TOO_LONG_KEPT_BYTES]
            rest, skipping = b"", True
        if collected_bytes >= chunk_bytes or lines >= MAX_CHUNK_LINES:
            yield Chunk(b"".join(collected), first_line, lines, position(), too_long)
            first_line, lines = first_line + lines, 0
            collected, collected_bytes, too_long = [], 0, {}
    if rest or skipping:
        collected.append(rest + b"\n")
        lines += 1
    if lines:
        yield Chunk(b"".join(collected), first_line, lines, position(), too_long)
