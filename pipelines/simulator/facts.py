"""Draws what does not change about a process: its ids, company, parent and initial values."""

from __future__ import annotations

import json
from collections.abc import Sequence

import polars as pl

from pipelines.simulator.directory import FIRST_NAMES, LAST_NAMES, Directory
from pipelines.simulator.draws import Draws
from pipelines.simulator.kinship import LEAD, TICKET, draw_parents
from pipelines.simulator.paths import Histories
from schemas.definitions.procedure import Attribute, Procedure

_SHARED_EMAIL_SHARE = 0.005
# Shares of processes without these values (the columns `has_...`).
_LACKING = {"phone": 0.3, "website": 0.3, "address": 0.6, "manager": 0.4, "visit": 0.7}
_DRIFT_SHARE = 0.01

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
_ONBOARDING = ("Set up accounts", "Import old data", "Train the team", "Connect the shop")
_ONBOARDING_CATEGORY = '"Request"'
# Months and booleans as people enter them.
_MONTHS = ("1", "3", '"March"', "6", '"Sep"', "12", None, None)
_YES_OR_NO = ("yes", "no", "Y", "n")
_PRICES = {"STARTER-1": 19, "TEAM-5": 89, "BUSINESS-20": 349, "TRAINING": 450}


def draw_facts(
    histories: Histories, procedures: Sequence[Procedure], directory: Directory, draws: Draws
) -> pl.DataFrame:
    """One row per process, in the order of the histories' processes.

    A child has the company of its topmost ancestor. `base_...` columns are initial values of
    changing attributes. Choices among options, `utm`, `cart`, `device`, `renewal`, `address` and
    `place` are JSON; other text columns hold plain text.
    """
    processes = histories.processes
    n = processes.height
    kin = draw_parents(processes, histories.steps, draws)
    ids = draws.uuids("ids", n)
    companies = directory.companies
    company = draws.below("company", n, companies.height).gather(kin["family"])
    slug = companies["slug"].gather(company)
    is_onboarding = (kin["parent_procedure_no"] == LEAD).fill_null(value=False)
    people = directory.people.filter(pl.col("procedure_no") == LEAD)["person"]
    return processes.with_columns(
        number=pl.col("created_at").rank("ordinal").over("procedure_no").cast(pl.Int32) - 1,
        id=ids,
        parent=_parent_ids(kin, ids, draws),
        parent_procedure_no=kin["parent_procedure_no"],
        record=companies["id"].gather(company),
        team=draws.pick("team", n, directory.teams),
        pod=draws.pick("pod", n, directory.pods),
        created_by=draws.pick("creator", n, directory.creators),
        full_name=draws.pick("first name", n, FIRST_NAMES)
        + " "
        + draws.pick("last name", n, LAST_NAMES),
        website="https://www." + slug + ".example/",
        email=_emails(draws, n, slug),
        phone=_phones(draws, n),
        callback=_times(draws, n),
        subject=draws.pick("onboarding", n, _ONBOARDING).zip_with(
            is_onboarding,
            draws.pick("problem", n, _PROBLEMS) + draws.pick("how", n, _CIRCUMSTANCES),
        ),
        address=companies["address"].gather(company),
        place=companies["place"].gather(company),
        newsletter=draws.pick("newsletter", n, _YES_OR_NO),
        renewal=draws.pick("renewal", n, _MONTHS),
        manager=draws.pick("manager", n, people),
        utm=draws.pick("utm", n, _campaigns()),
        cart=draws.pick("cart", n, _carts()),
        device=draws.pick("device", n, _devices()),
        consent=draws.uniform("consent", n) < 0.7,
        base_1=draws.below("base 1", n, 60),
        base_2=draws.below("base 2", n, 3_000_000),
        base_3=draws.below("base 3", n, 120),
        has_drift=draws.uniform("drift", n) < _DRIFT_SHARE,
        **{
            f"has_{name}": draws.uniform(f"has {name}", n) >= share
            for name, share in _LACKING.items()
        },
        **_choices(procedures[LEAD], ("source", "interests"), draws, n),
        **_choices(procedures[TICKET], ("category", "channel", "tags"), draws, n),
    ).with_columns(
        category=pl.when(is_onboarding).then(pl.lit(_ONBOARDING_CATEGORY)).otherwise("category")
    )


def attribute(procedure: Procedure, short_id: str) -> Attribute:
    """The attribute of that shortId."""
    return next(a for a in procedure.attributes if a.short_id == short_id)


def _parent_ids(kin: pl.DataFrame, ids: pl.Series, draws: Draws) -> pl.Series:
    """The ids of the parents; those of orphans do not exist."""
    unknown = draws.uuids("unknown parents", kin["is_orphan"].arg_true().len())
    return ids.gather(kin["parent"]).scatter(kin["is_orphan"].arg_true(), unknown)


def _phones(draws: Draws, n: int) -> pl.Series:
    """Phone numbers that are reserved in Germany for fiction."""
    last = draws.below("phone", n, 1000).cast(pl.String).str.zfill(3)
    return "+493023125" + last


def _times(draws: Draws, n: int) -> pl.Series:
    """Quarters of an hour between 08:00 and 18:00."""
    return draws.pick(
        "callback", n, [f"{8 + quarter // 4:02}:{quarter % 4 * 15:02}" for quarter in range(40)]
    )


def _emails(draws: Draws, n: int, company: pl.Series) -> pl.Series:
    """One address per process, except for a few duplicates: primary keys are not always unique."""
    own = pl.int_range(n, dtype=pl.Int32, eager=True)
    is_shared = draws.uniform("shared email", n) < _SHARED_EMAIL_SHARE
    address = "contact" + own.cast(pl.String) + "@" + company + ".example"
    return address.gather((own - is_shared.cast(pl.Int32)).clip(lower_bound=0))


def _campaigns() -> list[str]:
    return [
        _compact({"campaign": campaign, "medium": medium, "touches": touches})
        for campaign in _CAMPAIGNS
        for medium in _MEDIA
        for touches in (1, 2, 5)
    ]


def _carts() -> list[str]:
    return [
        _compact({"items": [{"sku": sku, "quantity": n}], "total": n * price, "currency": "EUR"})
        for sku, price in _PRICES.items()
        for n in (1, 2, 5, 10)
    ]


def _devices() -> list[str]:
    """References to devices of an inventory."""
    known = [{"system": "inventory", "key": f"PC-{number:04}"} for number in range(120)]
    return [_compact(device) for device in known]


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _choices(
    procedure: Procedure, short_ids: Sequence[str], draws: Draws, n: int
) -> dict[str, pl.Series]:
    """A choice among the options of each attribute, as JSON text (multi-enums: lists)."""
    columns: dict[str, pl.Series] = {}
    for short_id in short_ids:
        declared = attribute(procedure, short_id)
        options = list(declared.options)
        if declared.type.startswith("multi"):
            options = [[], options[:1], options[1:3], options[-1:], options[::2]]
        texts = [json.dumps(option, ensure_ascii=False) for option in options]
        columns[short_id] = draws.pick(short_id, n, texts)
    return columns
