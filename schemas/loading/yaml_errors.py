"""Explains syntax errors of YAML to the author of a definition."""

from __future__ import annotations

import re
from collections.abc import Sequence

_INDENTED = "an indentation that fits nothing above it"
_BRACKETS = "a list or a mapping in brackets without its `,` or its closing bracket"
# By what the reader of YAML says; of a text that fits several the first counts.
_WORDS: Sequence[tuple[str, str]] = (
    (r"expected <block end>, but found '(<block (mapping|sequence) start>|-)'", _INDENTED),
    (
        r"expected <block end>, but found",
        "a line that does not go on with what began above it: look at its indentation, and at the "
        "`-` or the quotes of the line before",
    ),
    (
        r"mapping values are not allowed here",
        "a `:` where no key can stand: look at the indentation, and put text that has `: ` in it "
        "into quotes",
    ),
    (r"could not find expected ':'", "a line before this one without a `:` after its key"),
    (r"found character '(\\t|\t)'", "a tab: indent with spaces"),
    (
        r"found character '(.)' that cannot start any token",
        r"text that begins with \1: put it into quotes",
    ),
    (r"expected ',' or|expected the node content, but found '[,\]}]'", _BRACKETS),
    (r"found unexpected end of stream", "a quote that is never closed"),
    (r"found undefined alias", "text that begins with *: put it into quotes"),
    (r"but found another document", "a second document (after `---`)"),
    (r"expected '<document start>'", "a second value after the first"),
    (r"unknown escape character", "a backslash between double quotes: use single quotes"),
)


def in_plain_words(problem: str) -> str:
    """What the reader of YAML found, plainly where we know how."""
    for pattern, words in _WORDS:
        if match := re.search(pattern, problem):
            return match.expand(words) if match.groups() else words
    return problem
