"""Patterns of documents in which no rule finds anything: declared keys, values of plain forms."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from schemas.definitions.attribute_types import BY_NAME
from schemas.definitions.plain_forms import list_of
from schemas.definitions.procedure import Procedure
from schemas.records.attribute_values import DOCUMENTS, Source, Value, values_of
from schemas.records.limits import MAX_KEYS
from schemas.records.record import UUID_PATTERN


def plain_keys(value: Value) -> list[str]:
    """The keys a value may be under in a plain document, as they are usually written."""
    return list(dict.fromkeys((value.id, value.short_id, *value.aliases)))


def plain_documents(procedure: Procedure) -> Mapping[Source, str] | None:
    """For each document a pattern (RE2) of text with declared keys and plain values only.

    Whether a key occurs twice, or one is missing, a pattern does not tell. None where a key could
    mean two attributes, is rewritten before attributes are looked up, or is empty, which DuckDB
    does not take in a structure.
    """
    patterns: dict[Source, str] = {}
    for document in DOCUMENTS:
        values = [value for value in values_of(procedure) if value.source == document]
        keys = [key for value in values for key in plain_keys(value)]
        are_distinct = len({key.lower() for key in keys}) == len(keys) <= MAX_KEYS
        if not (are_distinct and all(keys)) or any(map(_is_upper_case_id, keys)):
            return None
        members = [f"(?:{_names(value)}):(?:{_form(value)})" for value in values]
        some = rf"|\{{(?:(?:{'|'.join(members)})[,}}])+" if members else ""
        patterns[document] = rf"\{{\}}{some}"
    return patterns


def _is_upper_case_id(key: str) -> bool:
    return key != key.lower() and re.fullmatch(UUID_PATTERN, key) is not None


def _names(value: Value) -> str:
    return "|".join(re.escape(json.dumps(k, ensure_ascii=False)) for k in plain_keys(value))


def _form(value: Value) -> str:
    """The forms of text of a value that break no rule, as alternatives."""
    kind = BY_NAME[value.type]
    form = kind.conversion.plain
    if value.options:
        names = [name for name in value.names if name.isascii()]
        texts = [json.dumps(option, ensure_ascii=False) for option in (*value.options, *names)]
        if kind.shape == "list":
            plain = [re.escape(text) for text in texts if re.fullmatch(form, f"[{text}]")]
            form = list_of(f"(?:{'|'.join(plain)})")
        else:
            form = "|".join(re.escape(text) for text in texts if re.fullmatch(form, text))
    return form if value.required else f'{form}|null|""'
