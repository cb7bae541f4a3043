"""The registry of landing formats."""

import pytest

from pipelines.ingest.formats import ACCEPTED, FORMATS, find_format


@pytest.mark.parametrize(
    ("suffixes", "expected"),
    [
        ([".ndjson"], ("ndjson", None)),
        ([".tar", ".JSONL", ".GZ"], ("ndjson", "gz")),
        ([".json", ".zst"], ("json", "zst")),
        ([".parquet"], ("parquet", None)),
        ([".parquet", ".gz"], None),
        ([".gz"], None),
        ([".json", ".bak"], None),
        ([], None),
    ],
)
def test_a_format_is_found_by_its_suffixes(
    suffixes: list[str], expected: tuple[str, str | None] | None
) -> None:
    found = find_format(suffixes)
    assert (found and (found[0].name, found[1])) == expected


def test_messages_name_every_suffix() -> None:
    assert all(suffix in ACCEPTED for format_ in FORMATS for suffix in format_.suffixes)
