"""Text files of cells (CSV, TSV) as rows, each with its text and the number of its first line."""

import codecs
import csv
from collections import deque
from collections.abc import Iterator

from pipelines.ingest.chunks import BOM, MAX_LINE_BYTES
from pipelines.ingest.landing_file import LandingFile, UnreadableFile, read_blocks
from pipelines.ingest.sources.rows import Row, table_rows
from schemas.definitions.source import Source
from schemas.records.all_rules import NOT_A_ROW, NOT_DECODED

# A quote that is never closed would take all lines that follow into its cell.
_MAX_ROW_LINES = 1_000
csv.field_size_limit(MAX_LINE_BYTES)


def read_csv(file: LandingFile, source: Source) -> Iterator[Row]:
    """The rows of a file below its header.

    Raises `UnreadableFile` when a column is missing or the file does not decompress.
    """
    rows = csv_rows(file, source.encoding, source.delimiter or usual_delimiter(file))
    yield from table_rows(rows, source, NOT_A_ROW.id)


def usual_delimiter(file: LandingFile) -> str:
    """What separates cells in a file of this name unless its source says otherwise."""
    is_tabbed = any(suffix.lower() == ".tsv" for suffix in file.path.suffixes)
    return "\t" if is_tabbed else ","


def csv_rows(file: LandingFile, encoding: str, delimiter: str) -> Iterator[Row]:
    """All rows with all their cells, the header among them."""
    yield from _rows(_Lines(_lines(file, encoding)), delimiter)


class _RowTooLong(Exception):
    """A row takes more lines than any row does."""


class _Lines(Iterator[str]):
    """Lines that can be put back; `taken` are those since it was emptied."""

    def __init__(self, lines: Iterator[tuple[int, str, bool]]) -> None:
        self._lines = lines
        self._back: deque[tuple[int, str, bool]] = deque()
        self.taken: list[tuple[int, str, bool]] = []

    def __next__(self) -> str:
        if len(self.taken) >= _MAX_ROW_LINES:
            raise _RowTooLong
        line = self._back.popleft() if self._back else next(self._lines)
        self.taken.append(line)
        return f"{line[1]}\n"

    def put_back_all_but_one(self) -> None:
        self._back.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]


def _rows(lines: _Lines, delimiter: str) -> Iterator[Row]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.taken.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, _RowTooLong):
            # Of a row that does not end as a row does, only the first line is lost.
            cells = None
            lines.put_back_all_but_one()
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
        number = lines.taken[0][0]
        text = "\n".join(line for _, line, _ in lines.taken).strip()
        if cells is None:
            yield Row(number, text, None, NOT_A_ROW.id)
        elif not all(is_decoded for *_, is_decoded in lines.taken):
            yield Row(number, text, None, NOT_DECODED.id)
        else:
            yield Row(number, text, [*cells])


def _lines(file: LandingFile, encoding: str) -> Iterator[tuple[int, str, bool]]:
    """The number and text of each line, and whether its bytes are of the encoding."""
    blocks = (block for block, _ in read_blocks(file))
    if encoding == "utf-16":
        blocks, encoding = _as_utf8(blocks), "utf-8"
    rest, number = b"", 0
    for block in blocks:
        *whole, rest = (rest + block).split(b"\n")
        if len(rest) > MAX_LINE_BYTES:
            raise UnreadableFile(f"a line is longer than {MAX_LINE_BYTES:,} bytes")
        for line in whole:
            number += 1
            yield number, *_decoded(line.removeprefix(BOM) if number == 1 else line, encoding)
    if rest:
        number += 1
        yield number, *_decoded(rest.removeprefix(BOM) if number == 1 else rest, encoding)


def _decoded(line: bytes, encoding: str) -> tuple[str, bool]:
    line = line.removesuffix(b"\r")
    try:
        return line.decode(encoding), True
    except UnicodeDecodeError:
        return line.decode(encoding, errors="backslashreplace"), False


def _as_utf8(blocks: Iterator[bytes]) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder("utf-16")()
    try:
        for block in blocks:
            yield decoder.decode(block).encode()
        yield decoder.decode(b"", final=True).encode()
    except UnicodeError as error:
        raise UnreadableFile(f"it is not text in UTF-16: {error.args[-1]}") from error
