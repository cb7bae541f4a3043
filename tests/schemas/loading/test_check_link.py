"""The link to a process: an address with its id or key, which must be published in clear."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.order_definition import load, order, problems_of

ADDRESS = "an address with {id} or {primaryKey}, such as https://crm.example/leads/{id}"


def linked(link: str, *replacements: tuple[str, str]) -> str:
    return order(("primaryKey: number\n", f'primaryKey: number\nlink: "{link}"\n'), *replacements)


@pytest.mark.parametrize(
    "link",
    ["https://a.example/{id}", "http://localhost:3000/x?key={primaryKey}&id={id}#top"],
)
def test_a_link_with_places_for_the_process(tmp_path: Path, link: str) -> None:
    assert load(tmp_path, linked(link)).link == link


@pytest.mark.parametrize(
    "link",
    [
        "https://a.example/leads",
        "a.example/{id}",
        "javascript:alert({id})",
        "https://a.example/{email}",
        "https://a.example/{id}{",
        "https://a.example/{ id }",
        "https://{id}",
        "https://a.example/a b/{id}",
    ],
)
def test_what_is_no_link(tmp_path: Path, link: str) -> None:
    assert problems_of(tmp_path, linked(link)) == [("link", f"'{link}'", ADDRESS)]


@pytest.mark.parametrize("hidden", ["personal: true", "personal: indirect", "publish: key"])
def test_a_link_shows_no_personal_key(tmp_path: Path, hidden: str) -> None:
    private = ("type: stringId}", f"type: stringId, {hidden}}}")
    link = "https://a.example/{primaryKey}"
    found = "{primaryKey} with the attribute `number`, which is not published in clear"
    allowed = "{id}, or a `primaryKey` that is not personal"
    assert problems_of(tmp_path, linked(link, private)) == [("link", found, allowed)]
    assert load(tmp_path, linked("https://a.example/{id}", private)).link


def test_a_link_by_key_needs_one(tmp_path: Path) -> None:
    text = order(("primaryKey: number\n", "link: https://a.example/{primaryKey}\n"))
    found = "{primaryKey} with a procedure without a `primaryKey`"
    assert problems_of(tmp_path, text) == [("link", found, "{id}, or a `primaryKey`")]
