"""What does not change about a process: its ids, its people, its parent, and where its data starts.

How these facts and the changing ones become text does not belong here (see `records`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from uuid import UUID

import polars as pl

from pipelines.simulator.behaviour import BEHAVIOURS
from pipelines.simulator.draws import Draws
from schemas.definitions import Attribute, Procedure

LEAD, TICKET = range(len(BEHAVIOURS))

_TEAMS = 4
_PARENT_TICKET_SHARE, _PARENT_LEAD_SHARE = 0.1, 0.06
_SHARED_EMAIL_SHARE = 0.005
_NO_PHONE_SHARE = _NO_WEBSITE_SHARE = 0.3

_FIRST_NAMES = (
    "Ada", "Ahmed", "Aiko", "Ana", "Björn", "Carla", "Chen", "Dilek", "Elif", "Emre", "Fatima",
    "Femi", "Freya", "Giulia", "Hana", "Hugo", "Ines", "Ivan", "Jamal", "João", "José", "Kaja",
    "Lars", "Leila", "Linh", "Malik", "Mara", "Nadia", "Nils", "Noor", "Olga", "Paweł", "Priya",
    "Rosa", "Sami", "Sofia", "Tomás", "Uta", "Wanjiru", "Yuki", "Zoë",
)  # fmt: skip
_LAST_NAMES = (
    "Adeyemi", "Bauer", "Becker", "Costa", "Dubois", "Eriksen", "Fischer", "García", "Haddad",
    "Hoffmann", "Ito", "Jansen", "Kaya", "Kowalski", "Krüger", "Lindgren", "Moreau", "Müller",
    "Nguyen", "Novák", "O'Connor", "Okafor", "Patel", "Petrov", "Rossi", "Sato", "Schäfer",
    "Silva", "Singh", "Smith", "Torres", "Vogel", "Weber", "Yildirim", "Zhang",
)  # fmt: skip
_COMPANIES = (
    "amber-logistics", "birch-foods", "cobalt-energy", "delta-dental", "ember-studio",
    "fjord-shipping", "granite-build", "harbour-hotels", "indigo-labs", "juniper-retail",
    "kestrel-media", "lumen-optics",
)  # fmt: skip
_CAMPAIGNS = ("spring", "summer fair", "webinar", "partner day", "newsletter")
_MEDIA = ("cpc", "email", "social", "print")
_PROBLEMS = (
    "Cannot sign in",
    'Export says "access denied"',
    "Invoice shows the wrong address",
    "App is slow since the last update",
    "Übersetzung fehlt auf der Startseite",
    "Please add a second user",
    "Printer on floor 3 offline",
    "Report C:\\temp\\q3.xlsx does not open",
    "Sync stops after 10 minutes",
    "Two charges for one order",
)
_CIRCUMSTANCES = ("", " again", " (urgent)", " on mobile", " after migration", " for our branch")


def draw_facts(
    processes: pl.DataFrame, procedures: Sequence[Procedure], draws: Draws
) -> pl.DataFrame:
    """One row per process, in the order of `processes` (grain: process).

    Parents are always created earlier than their children. `base_...` columns are where changing
    attributes start from. Text columns hold plain text, not yet JSON.
    """
    n = processes.height
    names = (
        draws.pick("first name", n, _FIRST_NAMES) + " " + draws.pick("last name", n, _LAST_NAMES)
    )
    company = draws.pick("company", n, _COMPANIES)
    numbered = processes.with_columns(
        number=pl.col("created_at").rank("ordinal").over("procedure_no").cast(pl.Int32) - 1
    )
    identified = numbered.with_columns(
        id=_uuids(draws.generator("ids"), n),
        record=_uuids(draws.generator("records"), n),
        team=draws.pick("team", n, _uuids(draws.generator("teams"), _TEAMS)),
        pod=draws.pick("pod", n, _uuids(draws.generator("pods"), 2 * _TEAMS)),
        created_by=draws.pick("creator", n, _uuids(draws.generator("creators"), 60)),
        full_name=names,
        website="https://www." + company + ".example/",
        phone=_phones(draws, n),
        subject=draws.pick("problem", n, _PROBLEMS) + draws.pick("how", n, _CIRCUMSTANCES),
        utm=draws.pick("utm", n, _campaigns()),
        consent=draws.uniform("consent", n) < 0.7,
        base_1=draws.below("base 1", n, 60),
        base_2=draws.below("base 2", n, 3_000_000),
        base_3=draws.below("base 3", n, 120),
        has_phone=draws.uniform("has phone", n) >= _NO_PHONE_SHARE,
        has_website=draws.uniform("has website", n) >= _NO_WEBSITE_SHARE,
        email=_emails(draws, n, company),
        **_choices(procedures[LEAD], ("source", "interests"), draws, n),
        **_choices(procedures[TICKET], ("category", "channel", "tags"), draws, n),
    )
    return _with_parents(identified, draws)


def draw_people(draws: Draws) -> pl.DataFrame:
    """Whom processes are assigned to: `procedure_no, assignee` (number within it), `person`."""
    return pl.concat(
        pl.DataFrame(
            {"person": _uuids(draws.generator(f"people {b.procedure}"), b.team_size)}
        ).select(
            procedure_no=pl.lit(number, dtype=pl.Int32),
            assignee=pl.int_range(pl.len(), dtype=pl.Int32),
            person="person",
        )
        for number, b in enumerate(BEHAVIOURS)
    )


def attribute(procedure: Procedure, short_id: str) -> Attribute:
    """The attribute of that shortId."""
    return next(a for a in procedure.attributes if a.short_id == short_id)


def _uuids(generator: Random, n: int) -> pl.Series:
    uuids = (UUID(int=generator.getrandbits(128), version=4) for _ in range(n))
    return pl.Series([str(uuid) for uuid in uuids], dtype=pl.String)


def _phones(draws: Draws, n: int) -> pl.Series:
    """Numbers reserved in Germany for films and books."""
    last = draws.below("phone", n, 1000).cast(pl.String).str.zfill(3)
    return "+493023125" + last


def _emails(draws: Draws, n: int, company: pl.Series) -> pl.Series:
    """One address each, but a few people turn up twice: duplicate primary keys are part of life."""
    own = pl.int_range(n, dtype=pl.Int32, eager=True)
    is_shared = draws.uniform("shared email", n) < _SHARED_EMAIL_SHARE
    address = "contact" + own.cast(pl.String) + "@" + company + ".example"
    return address.gather((own - is_shared.cast(pl.Int32)).clip(lower_bound=0))


def _campaigns() -> list[str]:
    return [
        json.dumps(
            {"campaign": campaign, "medium": medium, "touches": touches}, separators=(",", ":")
        )
        for campaign in _CAMPAIGNS
        for medium in _MEDIA
        for touches in (1, 2, 5)
    ]


def _choices(
    procedure: Procedure, short_ids: Sequence[str], draws: Draws, n: int
) -> dict[str, pl.Series]:
    """A constant choice among the options of each attribute, as JSON text (multi-enums: lists)."""
    columns: dict[str, pl.Series] = {}
    for short_id in short_ids:
        declared = attribute(procedure, short_id)
        options = list(declared.options)
        if declared.type.startswith("multi"):
            options = [[], options[:1], options[1:3], options[-1:], options[::2]]
        texts = [json.dumps(option, ensure_ascii=False) for option in options]
        columns[short_id] = draws.pick(short_id, n, texts)
    return columns


def _with_parents(identified: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    """Adds `parent` (uuid or null) and `parent_procedure_no`; only tickets have parents."""
    n = identified.height
    leads = identified.filter(pl.col("procedure_no") == LEAD).sort("number")
    tickets = identified.filter(pl.col("procedure_no") == TICKET).sort("number")
    u = draws.uniform("parent", n)
    back = draws.below("parent distance", n, 150)
    own = identified["number"]
    # Leads created before the ticket come first in the order of their numbers.
    leads_before = leads["created_at"].search_sorted(identified["created_at"]).cast(pl.Int32)
    is_ticket = identified["procedure_no"] == TICKET
    of_ticket = is_ticket & (u < _PARENT_TICKET_SHARE) & (own > back)
    of_lead = (
        is_ticket
        & (u >= _PARENT_TICKET_SHARE)
        & (u < _PARENT_TICKET_SHARE + _PARENT_LEAD_SHARE)
        & (leads_before > back)
    )
    ticket_rows = (own - 1 - back).set(~of_ticket, None)
    lead_rows = (leads_before - 1 - back).set(~of_lead, None)
    return identified.with_columns(
        parent=pl.coalesce(tickets["id"].gather(ticket_rows), leads["id"].gather(lead_rows)),
        parent_procedure_no=pl.when(of_ticket).then(TICKET).when(of_lead).then(LEAD),
    )
