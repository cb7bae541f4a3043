"""How a text file is written: its encoding, and what separates its cells."""

import codecs
import csv
import re
from collections import Counter

from pipelines.ingest.landing_file import LandingFile, read_blocks
from pipelines.ingest.sources.read_csv import usual_delimiter

_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_DELIMITERS = (",", ";", "\t", "|")
# Bytes without a character in windows-1252.
_NOT_IN_1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
_READ_BYTES = 256 * 2**20
_HEAD_LINES = 50


def find_encoding(file: LandingFile) -> str:
    """`utf-8` where the bytes are such, else the encoding that they most likely have.

    Raises `UnreadableFile` when the file does not decompress.
    """
    decoder, read = codecs.getincrementaldecoder("utf-8")(), 0
    is_utf8 = in_1252 = True
    for block, _ in read_blocks(file):
        if read == 0 and (block.startswith(_UTF16_MARKS) or block.count(b"\0") > len(block) / 4):
            return "utf-16"
        read += len(block)
        in_1252 = in_1252 and not _NOT_IN_1252.search(block)
        try:
            decoder.decode(block)
        except UnicodeDecodeError:
            is_utf8 = False
        if read > _READ_BYTES or not (is_utf8 or in_1252):
            break
    if is_utf8:
        return "utf-8"
    return "windows-1252" if in_1252 else "iso-8859-1"


def find_delimiter(file: LandingFile, encoding: str) -> str:
    """What cuts the first lines into the most cells, the same number in nearly each of them."""
    block, _ = next(read_blocks(file), (b"", 0))
    lines = block.decode(encoding, errors="replace").splitlines()[:-1] or [
        block.decode(encoding, errors="replace")
    ]
    head = [line for line in lines[:_HEAD_LINES] if line.strip()]
    best, most = usual_delimiter(file), (0.0, 0)
    for delimiter in (best, *(d for d in _DELIMITERS if d != best)):
        widths = Counter(len(row) for row in csv.reader(head, delimiter=delimiter))
        if not widths:
            break
        width, rows = widths.most_common(1)[0]
        # Text with commas in it has them in some lines only.
        found = (rows / len(head) if width > 1 else 0.0, width)
        if found > most:
            best, most = delimiter, found
    return best
