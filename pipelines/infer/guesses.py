"""Guesses the type of an attribute from counts over all of its values."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipelines.infer.proposal import is_id, words_of
from pipelines.terminal.text import counted
from schemas.definitions.values import Option
from schemas.privacy import Privacy

# A type is proposed when this share of the values converts to it: a few are always dirty.
MOST = 0.95
# An enum: few options, each in several processes, which together are nearly all values.
MOST_OPTIONS = 25
OPTION_SHARE = 0.001
_COVERED_BY_OPTIONS = 0.98
_PROCESSES_PER_OPTION = 10
_CATEGORY_SHARE = 0.2
_LONG_TEXT = 80
_MAX_SCALE = 10

_PERSONAL_WORDS = frozenset({
    "name", "names", "firstname", "lastname", "fullname", "surname", "nickname", "username",
    "login", "email", "mail", "phone", "mobile", "tel", "telephone", "fax", "address", "street",
    "birth", "birthday", "birthdate", "dob", "gender", "ssn", "iban", "passport", "salary",
    "comment", "comments", "note", "notes", "remark", "remarks", "description", "message",
    "subject", "text", "summary", "title", "contact", "customer", "client", "caller", "user",
    "person", "people", "owner", "author", "reporter", "assignee", "agent", "employee", "patient",
    "signature", "ip",
})  # fmt: skip
# `contact_type` is about the contact, but is none.
_HARMLESS_LAST_WORDS = frozenset({
    "type", "kind", "channel", "status", "state", "category", "class", "level", "group", "code",
    "count", "number", "no", "id", "score", "rating", "segment", "tier", "size",
})  # fmt: skip


_KEY_WORDS = frozenset({
    "id", "ids", "uuid", "guid", "key", "no", "nr", "number", "ref", "reference", "code", "sku",
    "ean", "isbn", "iban", "zip", "postcode", "plz", "version", "build",
})  # fmt: skip
_AMOUNT_WORDS = frozenset({
    "amount", "price", "cost", "costs", "total", "sum", "value", "budget", "revenue", "fee", "fees",
    "salary", "balance", "discount", "tax", "vat", "net", "gross", "quantity", "qty", "weight",
    "duration", "hours", "rate", "share", "percent", "income", "margin",
})  # fmt: skip


@dataclass(frozen=True)
class Profile:
    """Counts over the values of one key, weighted by versions unless the name says otherwise.

    `converts` counts by type. `options` are the values (elements, for lists) that several processes
    have, with their counts, most frequent first. `id` is the other key of the same values, where
    some versions have them by id.
    """

    key: str
    versions: int
    processes: int
    distinct: int
    shapes: Mapping[str, int]
    converts: Mapping[str, int]
    marks: Mapping[str, int]
    length: float = 0
    is_unique: bool = False
    options: Sequence[tuple[Option, int]] = ()
    elements: int = 0
    id: str | None = None


@dataclass(frozen=True)
class Guess:
    """A type and why; `note` never shows a value."""

    type: str
    note: str
    options: tuple[Option, ...] = ()
    personal: Privacy = "no"
    unique: bool = False


@dataclass(frozen=True)
class _Shares:
    """Counts of a profile as shares of its values."""

    profile: Profile
    n: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", max(self.profile.versions, 1))

    def shape(self, *names: str) -> float:
        return sum(self.profile.shapes.get(name, 0) for name in names) / self.n

    def converts(self, name: str) -> float:
        return self.profile.converts.get(name, 0) / self.n

    def mark(self, name: str) -> float:
        return self.profile.marks.get(name, 0) / self.n


def guess(profile: Profile) -> Guess:
    """The narrowest type that nearly all values of a key have."""
    if not profile.versions:
        return Guess("string", "never has a value", personal=_level(profile.key))
    shares = _Shares(profile)
    if shares.shape("list") >= MOST:
        return _list(profile)
    if shares.shape("list", "object") > 1 - MOST:
        return Guess("json", _rest("objects or lists", shares.shape("list", "object"), profile))
    if shares.shape("boolean") >= 1 - MOST and shares.converts("boolean") >= MOST:
        return _typed("boolean", profile)
    if shares.shape("number") >= MOST / 2:
        found = _number(profile, shares)
        if found:
            return found
    return _text(profile, shares)


def _level(key: str) -> Privacy:
    return "direct" if is_personal_key(key) else "no"


def is_personal_key(key: str) -> bool:
    """Whether a key sounds like something about a person."""
    words = words_of(key)
    return (
        bool(words)
        and words[-1] not in _HARMLESS_LAST_WORDS
        and not (_PERSONAL_WORDS.isdisjoint(words))
    )


def _sounds_like(key: str, words: str) -> bool:
    return re.search(words, key, re.IGNORECASE) is not None


def _number(profile: Profile, shares: _Shares) -> Guess | None:
    if shares.mark("epoch") >= MOST:
        return Guess("datetime", _rest("epoch milliseconds", shares.mark("epoch"), profile))
    if shares.converts("integer") >= MOST:
        scale = _options(profile, int)
        is_scale = sorted(scale) == list(range(1, len(scale) + 1)) and len(scale) <= _MAX_SCALE
        if scale and is_scale and sum(n for _, n in profile.options) == profile.versions:
            note = f"always 1 to {len(scale)}"
            return Guess("integerEnum", note, options=tuple(range(1, len(scale) + 1)))
        return _typed("integer", profile)
    if shares.converts("decimal") >= MOST and shares.mark("many_decimals") < 1 - MOST:
        return _typed("decimal", profile)
    return _typed("float", profile) if shares.converts("float") >= MOST else None


def _text(profile: Profile, shares: _Shares) -> Guess:
    name = _text_type(profile, shares)
    if name is not None:
        return _typed(name, profile)
    personal = is_personal_key(profile.key) or shares.mark("person") >= MOST / 2
    if profile.is_unique and shares.mark("code") >= MOST:
        note = "unique per process"
        return Guess("stringId", note, personal="direct" if personal else "no", unique=not personal)
    if not personal and (options := _options(profile, str)):
        return _enum("stringEnum", profile, options)
    kind = "text" if profile.length > _LONG_TEXT else "string"
    note = f"{profile.distinct:,} different in {counted(profile.processes, 'process')}"
    if personal:
        return Guess(kind, f"{note}; may be about a person", personal="direct")
    # Words under a key that says nothing may be anything; other values that come back are labels.
    is_label = shares.mark("words") < MOST / 2 or not is_id(profile.key)
    if is_label and profile.distinct <= _CATEGORY_SHARE * profile.processes:
        return Guess(kind, note)
    return Guess(kind, f"{note}; free text may be about a person", personal="indirect")


def _text_type(profile: Profile, shares: _Shares) -> str | None:
    """A type with a recognisable form that nearly all values have."""
    if shares.mark("epoch") >= MOST and not sounds_like_key(profile.key):
        return "datetime"
    if _is_amount(profile, shares):
        return "decimal"
    for name in ("email", "date", "time", "datetime"):
        # Many numbers could also be days or instants.
        if shares.converts(name) >= MOST and shares.mark("digits") < MOST / 2:
            is_zoned = name == "datetime" and shares.mark("zoned") >= MOST
            return "datetimeISO8601" if is_zoned else name
    # Many values that are not links or phone numbers have their form.
    for name, mark, words in (
        ("url", "link", r"url|web|link|homepage"),
        ("phone", "plus", r"phone|mobile|fax|tel\b"),
    ):
        is_marked = shares.mark(mark) >= MOST / 2 or _sounds_like(profile.key, words)
        if is_marked and shares.converts(name) >= MOST:
            return name
    if shares.mark("yes_no") >= MOST and profile.distinct > 1:
        return "booleanText"
    is_month = _sounds_like(profile.key, r"month") and shares.converts("monthOfYear") >= MOST
    return "monthOfYear" if is_month else None


def _is_amount(profile: Profile, shares: _Shares) -> bool:
    """Whether text is numbers to calculate with: with fractions, or under a key that says so."""
    if shares.converts("decimal") < MOST or shares.mark("leading_zero") > 0:
        return False
    says_so = not _AMOUNT_WORDS.isdisjoint(words_of(profile.key))
    has_fractions = shares.mark("fraction") >= MOST / 2
    return (has_fractions or says_so) and not sounds_like_key(profile.key)


def sounds_like_key(key: str) -> bool:
    """Whether a key sounds like one that identifies something."""
    return not _KEY_WORDS.isdisjoint(words_of(key)[-1:])


def _list(profile: Profile) -> Guess:
    kinds: tuple[tuple[str, str, tuple[type, ...]], ...] = (
        ("text", "multiStringEnum", (str,)),
        ("integer", "multiIntegerEnum", (int,)),
        ("number", "multiFloatEnum", (int, float)),
    )
    for mark, name, python_types in kinds:
        if profile.marks.get(f"{mark}_list", 0) >= MOST * profile.versions:
            options = _options(profile, *python_types)
            if options and not is_personal_key(profile.key):
                return _enum(name, profile, options)
    return Guess("json", _rest("lists", _Shares(profile).shape("list"), profile))


def _options(profile: Profile, *kinds: type) -> tuple[Option, ...]:
    """The options of an enum, where these few are nearly all values; else none."""
    mine = [(option, n) for option, n in profile.options if isinstance(option, kinds)]
    total = profile.elements or profile.versions
    are_enough = sum(n for _, n in mine) >= _COVERED_BY_OPTIONS * total
    are_few = 1 < len(mine) <= MOST_OPTIONS
    are_frequent = profile.processes >= _PROCESSES_PER_OPTION * len(mine)
    return tuple(o for o, _ in mine) if are_enough and are_few and are_frequent else ()


def _enum(name: str, profile: Profile, options: Sequence[Option]) -> Guess:
    total = profile.elements or profile.versions
    note = f"few distinct values: {len(options)} options"
    if rare := total - sum(n for option, n in profile.options if option in options):
        note += f", {rare:,} of {total:,} values left out as too rare"
    return Guess(name, note, options=tuple(options))


def _typed(name: str, profile: Profile) -> Guess:
    key = {"datetimeISO8601": "datetime"}.get(name, name)
    good = profile.converts.get(key, 0)
    bad = profile.versions - good
    note = "all values convert" if not bad else f"{bad:,} of {profile.versions:,} do not convert"
    personal = "direct" if name in ("email", "phone") else _level(profile.key)
    return Guess(name, note, personal="no" if name in ("boolean", "booleanText") else personal)


def _rest(what: str, share: float, profile: Profile) -> str:
    return f"{share:.0%} of {profile.versions:,} values are {what}".replace("%", " %")
