"""JSON files that are one document: an array, a page of the platform's API, or objects in a row.

They become lines, one per element, so that everything after this reads lines. An element is cut
out by its brackets alone; whether it is valid JSON is checked when its line is read.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from pipelines.ingest.chunks import BOM, MAX_LINE_BYTES, Chunk, split_lines
from pipelines.ingest.landing_file import LandingFile, UnreadableFile, read_blocks

# Everything up to the next bracket (or comma) outside strings; an unfinished string is left over.
_TO_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
_TO_COMMA = re.compile(rb'(?:[^"\[\]{},]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
_PAGE = re.compile(rb'^\s*\{(?:.*?,)?\s*"_data"\s*:\s*', re.DOTALL)
_HEAD_BYTES = 64 * 2**10
_WHITE = b" \t\r\n"


def read_elements(file: LandingFile) -> Iterator[Chunk]:
    """The elements of a `.json` file as chunks of lines; the line number is the element's number.

    `[...]` gives its elements, `{"_data": [...], ...}` those of `_data`, anything else its
    top-level values. Text where no element is allowed becomes a separate line, for
    quarantine. Raises `UnreadableFile` when a page has no list of data, an element has no end, or
    the file does not decompress.
    """
    position = 0

    def blocks() -> Iterator[bytes]:
        nonlocal position
        for block, read in read_blocks(file):
            position = read
            yield block

    def lines() -> Iterator[bytes]:
        waiting: list[bytes] = []
        size = 0
        for element in split_elements(blocks()):
            waiting.append(_one_line(element))
            size += len(element)
            if size > 2**20:
                yield b"\n".join(waiting) + b"\n"
                waiting, size = [], 0
        if waiting:
            yield b"\n".join(waiting) + b"\n"

    for chunk in split_lines(lines(), lambda: position):
        yield replace(chunk, content=file.content)


def split_elements(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Blocks of a JSON document -> the bytes of each element, in order."""
    buffer = b""
    for block in blocks:
        buffer += block
        if len(buffer) >= _HEAD_BYTES:
            break
    buffer = buffer.removeprefix(BOM).lstrip(_WHITE)
    base = 0
    if buffer.startswith(b"["):
        base, buffer = 1, buffer[1:]
    elif page := _PAGE.match(buffer[:_HEAD_BYTES]):
        buffer = buffer[page.end() :]
        if not buffer.startswith(b"["):
            raise UnreadableFile("it is a page of the API without a list of records in `_data`")
        base, buffer = 2, buffer[1:]
    yield from _scan(buffer, blocks, base)


def _scan(buffer: bytes, blocks: Iterator[bytes], base: int) -> Iterator[bytes]:
    depth, start, at = base, 0, 0
    while depth >= base:
        skipped = (_TO_COMMA if depth == base else _TO_BRACKET).match(buffer, at)
        at = skipped.end() if skipped else at
        token = buffer[at : at + 1]
        if token in (b"", b'"'):
            # The block ends here, perhaps inside a string: go on from the same place with more.
            more = next(blocks, None)
            if more is None:
                break
            buffer, at, start = buffer[start:] + more, at - start, 0
            if len(buffer) > MAX_LINE_BYTES + len(more):
                raise UnreadableFile(f"an element is longer than {MAX_LINE_BYTES:,} bytes")
            continue
        at += 1
        if token in (b"{", b"["):
            if depth == 0 and (stray := buffer[start : at - 1].strip(_WHITE)):
                yield stray
                start = at - 1
            depth += 1
        elif token == b",":
            yield buffer[start : at - 1].strip(_WHITE)
            start = at
        else:
            depth -= 1
            if base == 0 and depth <= 0:
                yield buffer[start:at].strip(_WHITE)
                depth, start = 0, at
            elif depth < base and (element := buffer[start : at - 1].strip(_WHITE)):
                yield element
    if depth < base:
        yield from _after_the_list(buffer[at:], blocks, depth)
    elif (rest := buffer[start:].strip(_WHITE)) or base:
        yield rest or b"]"  # the document ended inside an element, or between two of them


def _after_the_list(buffer: bytes, blocks: Iterator[bytes], depth: int) -> Iterator[bytes]:
    """The text after the list and the `depth` brackets around it, which should be empty.

    A second document would: it is not read, but it does not vanish either.
    """
    at = 0
    while depth:
        skipped = _TO_BRACKET.match(buffer, at)
        at = skipped.end() if skipped else at
        token = buffer[at : at + 1]
        if token in (b"", b'"'):
            more = next(blocks, None)
            if more is None:
                yield b"}"
                return
            buffer, at = buffer[at:] + more, 0
            continue
        at += 1
        depth += 1 if token in (b"{", b"[") else -1
    rest = buffer[at:].lstrip(_WHITE)
    for block in blocks:
        # Of what is too long to be a line, its start is enough.
        if len(rest) <= MAX_LINE_BYTES:
            rest = (rest + block).lstrip(_WHITE)
    if rest := rest.strip(_WHITE):
        yield rest


def _one_line(element: bytes) -> bytes:
    """An element without line breaks. In a string a line break is not JSON, and stays not JSON."""
    if b"\n" not in element and b"\r" not in element:
        return element
    pieces: list[bytes] = []
    end = 0
    for string in re.finditer(rb'"(?:[^"\\]|\\.)*"?', element, re.DOTALL):
        pieces.append(re.sub(rb"[\r\n]", b" ", element[end : string.start()]))
        pieces.append(re.sub(rb"[\r\n]", b"\x01", string[0]))
        end = string.end()
    pieces.append(re.sub(rb"[\r\n]", b" ", element[end:]))
    return b"".join(pieces)
