"""Draws the companies that are the records of leads and tickets."""

from __future__ import annotations

from math import log

import polars as pl

from pipelines.simulator.draws import Draws
from pipelines.simulator.members import decimal_text, json_object, number_member, text_member

PROCESSES_PER_COMPANY = 6
_MIN_COMPANIES = 12
# Shares of companies missing from the file of records, and without a size.
_UNKNOWN_SHARE, _NO_SIZE_SHARE = 0.02, 0.05
_MAX_SIZE = 4_000

_FIRST_WORDS = (
    "amber", "birch", "cobalt", "delta", "ember", "fjord", "granite", "harbour", "indigo",
    "juniper", "kestrel", "lumen",
)  # fmt: skip
_INDUSTRIES = {
    "logistics": "Transport", "foods": "Food", "energy": "Energy", "dental": "Health",
    "studio": "Media", "shipping": "Transport", "build": "Construction", "hotels": "Travel",
    "labs": "Health", "retail": "Retail", "media": "Media", "optics": "Health",
}  # fmt: skip
_STREETS = ("Garden Row", "Harbour Street", "Mill Lane", "Station Road", "Town Square")
# City, postal code, country, and its south-western corner in units of 0.0001 degrees.
_CITIES = (
    ("Berlin", "10115", "DE", 524_900, 133_200),
    ("Hamburg", "20095", "DE", 535_200, 99_600),
    ("Vienna", "1010", "AT", 481_800, 163_200),
    ("Zurich", "8001", "CH", 473_500, 85_000),
    ("Utrecht", "3511", "NL", 520_700, 50_900),
    ("Lyon", "69001", "FR", 457_400, 48_100),
)
_CITY_SPAN = 600


def draw_companies(draws: Draws, *, processes: int) -> pl.DataFrame:
    """One row per company, one for about six processes.

    `slug` is its name in web addresses. `address` and `place` (latitude, longitude) are JSON texts.
    Companies with `is_known` are in the file of records; `size` (people) may be null.
    """
    n = max(_MIN_COMPANIES, processes // PROCESSES_PER_COMPANY)
    words, trades = pl.Series(_FIRST_WORDS), pl.Series(list(_INDUSTRIES))
    number = pl.int_range(n, dtype=pl.Int32, eager=True)
    turn = number // (words.len() * trades.len())
    trade = number // words.len() % trades.len()
    suffix = pl.select(pl.when(turn > 0).then("-" + (turn + 1).cast(pl.String))).to_series()
    size = (draws.uniform("size", n) * log(_MAX_SIZE)).exp().cast(pl.Int64)
    city = draws.below("city", n, len(_CITIES))
    columns = ("city", "postal_code", "country", "south", "west")
    drawn = pl.DataFrame(
        {
            "id": draws.uuids("records", n),
            "slug": words.gather(number % words.len()) + "-" + trades.gather(trade)
            + suffix.fill_null(""),
            "industry": pl.Series(list(_INDUSTRIES.values())).gather(trade),
            "size": size.set(draws.uniform("no size", n) < _NO_SIZE_SHARE, None),
            "street": (draws.below("house", n, 120) + 1).cast(pl.String) + " "
            + draws.pick("street", n, _STREETS),
            "is_known": draws.uniform("unknown record", n) >= _UNKNOWN_SHARE,
            "north": draws.below("north", n, _CITY_SPAN),
            "east": draws.below("east", n, _CITY_SPAN),
        }
        | {
            name: pl.Series(values).gather(city)
            for name, values in zip(columns, zip(*_CITIES, strict=True), strict=True)
        }
    )  # fmt: skip
    lat, lng = (
        decimal_text(pl.col(corner) + pl.col(offset), digits=4)
        for corner, offset in (("south", "north"), ("west", "east"))
    )
    town = pl.format("{} {}", "postal_code", "city")
    return drawn.select(
        "id",
        "slug",
        "industry",
        "country",
        "size",
        "is_known",
        name=pl.col("slug").str.replace_all("-", " ", literal=True).str.to_titlecase(),
        place=pl.format("[{},{}]", lat, lng),
        address=json_object(
            text_member("formatted_address", pl.format("{}, {}", "street", town)),
            *(text_member(name, pl.col(name)) for name in ("street", "postal_code", "city")),
            text_member("country", pl.col("country")),
            pl.format(',"lat":{},"lng":{}', lat, lng),
        ),
    )


def record_details() -> pl.Expr:
    """The `data` of a company's record, as a JSON object."""
    return json_object(
        text_member("industry", pl.col("industry")),
        text_member("country", pl.col("country")),
        number_member("size", pl.col("size"), absent=None),
    )
