"""What is published of each column: a value, its key, or nothing; the one place that decides.

A key is the first 128 bits of HMAC-SHA-256 of the value's text, in hexadecimal, under the pepper of
the data folder. Null has no key. A list, a struct or JSON has one key as a whole, that of its text
in DuckDB (`[a, b]`); values of several columns (`lat`, `lng`) have one key per column.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import duckdb

from schemas.catalogue.model import OutputColumn
from schemas.compiled.masking import MaskedTable, attributes_published_as
from schemas.definitions.procedure import Procedure
from schemas.sql_text import literal, quoted

_BLOCK_BYTES = 64
_DIGITS = 32
_INNER, _OUTER = "key_inner", "key_outer"
_MACRO = f"""
    create or replace temp macro key_of(value) as left(
        sha256(getvariable('{_OUTER}') || unhex(sha256(getvariable('{_INNER}') || encode(value)))),
        {_DIGITS}
    )
"""


@contextmanager
def keys_under(con: duckdb.DuckDBPyConnection, pepper: bytes) -> Iterator[None]:
    """In the block, the macro `key_of` of this connection makes keys of texts.

    The pepper is in no statement: HMAC begins two hashes with it, and these beginnings are
    variables of the connection, which DuckDB keeps in memory only.
    """
    block = pepper.ljust(_BLOCK_BYTES, b"\0")
    for name, mask in ((_INNER, 0x36), (_OUTER, 0x5C)):
        con.execute(f"set variable {name} = $pad", {"pad": bytes(byte ^ mask for byte in block)})
    con.execute(_MACRO)
    try:
        yield
    finally:
        con.execute("drop macro key_of")
        for name in (_INNER, _OUTER):
            con.execute(f"reset variable {name}")


class Masking:
    """The SQL of published columns, for the attributes of some procedures.

    It may be run inside `keys_under` only.
    """

    def __init__(self, procedures: Iterable[Procedure]) -> None:
        defined = list(procedures)
        self._clear, self._key = (
            _is_one_of(attributes_published_as(defined, publish)) for publish in ("clear", "key")
        )

    def select(self, table: MaskedTable, source: str) -> str:
        """The rows of `source`, which has the columns as built, as they are published."""
        columns = ", ".join(
            f"{self._published(built)} as {quoted(published.name)}"
            for built, published in table.columns
        )
        query = f"select {columns} from ({source})"
        # Rows in the order of values would say what stands behind a key.
        is_sorted = table.built.layer == "mart" and any(c.of_attribute for c, _ in table.columns)
        return f"{query} order by all" if is_sorted else query

    def keyed_texts(self, table: MaskedTable, place: str) -> str | None:
        """The query for the texts that have keys in a table as built, which is in `place`.

        None where it has no keys.
        """
        texts = [
            f"{quoted(c.name)}::varchar" if not c.of_attribute else self._keyed(c)
            for c, _ in table.columns
            if c.of_attribute or c.published_as == "key"
        ]
        return f"select unnest([{', '.join(texts)}]) as value from {place}" if texts else None

    def hidden_values(self, table: MaskedTable) -> str:
        """The rows of a table as built that have values which are not published in clear."""
        of_attribute = any(column.of_attribute for column in table.hidden)
        condition = f" where not {self._clear}" if of_attribute else ""
        return f"from {quoted(table.built.name)}{condition}"

    def _published(self, column: OutputColumn) -> str:
        name = quoted(column.name)
        if column.of_attribute:
            return f"if({self._clear}, {name}, key_of({self._keyed(column)}))"
        return f"key_of({name}::varchar)" if column.published_as == "key" else name

    def _keyed(self, column: OutputColumn) -> str:
        """The value of an attribute in the row if its values are published as keys, else null."""
        return f"if({self._key}, {quoted(column.name)}, null)"


def _is_one_of(attributes: Iterable[tuple[str, str]]) -> str:
    """The condition for a row about one of these attributes."""
    pairs = ", ".join(f"({literal(p)}, {literal(a)})" for p, a in attributes)
    return f"((procedure, attribute) in ({pairs}))" if pairs else "false"
