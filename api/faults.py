"""Says in the house's words what is wrong with a request's fields: which field, which rule, and what to send instead.

The validator's own words name its types and patterns, which nobody outside can use. Values are never repeated: of what
the validator reports only the rule's own limits are read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

SHOWN: Final = 5
"""Faults told at once."""

_PARTS: Final = ("body", "query", "path", "header")
_FIELD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|\d+")
_BRANCHES: Final = frozenset({"str", "int", "float", "bool", "list", "dict", "constrained"})
"""Names that the validator puts into a place for one reading among several."""

_WORDS: Final[Mapping[str, str]] = {
    "missing": "is missing: send it",
    "extra_forbidden": "is not known here: leave it out, or check how it is spelt",
    "json_invalid": "is not JSON: send one JSON object",
    "string_pattern_mismatch": "is not of the form that is taken here: {form}",
    "string_type": "must be a text",
    "string_too_short": "is too short: send at least {min_length} characters",
    "string_too_long": "is too long: send at most {max_length} characters",
    "list_type": "must be a list",
    "too_short": "holds too few: send at least {min_length}",
    "too_long": "holds too many: send at most {max_length}",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "is too large a number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a number, and finite",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be {le} or less",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "datetime_type": "must be a time, such as 2030-01-31T12:00:00Z",
    "datetime_parsing": "must be a time, such as 2030-01-31T12:00:00Z",
    "datetime_from_date_parsing": "must be a time, such as 2030-01-31T12:00:00Z",
    "timezone_aware": "needs its time zone, such as 2030-01-31T12:00:00Z",
    "union_tag_invalid": "must have one of these as its type: {expected_tags}",
    "union_tag_not_found": "must say its type",
    "model_type": "must be a JSON object with the fields of this request",
    "model_attributes_type": "must be a JSON object with the fields of this request",
    "dict_type": "must be a JSON object",
}
"""What the validator calls a fault -> what we say."""

_FORMS: Final[Mapping[str, str]] = {
    r"^[\x21-\x7e]{1,200}$": "1 to 200 letters, digits and signs of ASCII, without blanks",
}


def explain_validation(faults: Sequence[Any]) -> tuple[str, str | None]:
    """Say which field breaks which rule and what to send, and name the first such field; values are left out."""
    told: dict[str, dict[str, None]] = {}
    for fault in faults:  # a field that may be read in several ways has a fault for each
        words = _words(str(fault["type"]), fault.get("ctx") or {}, str(fault["msg"]))
        told.setdefault(".".join(_place(fault)) or "the body", {})[words] = None
    first = next((part for part in _place(faults[0]) if not part.isdigit()), None) if faults else None
    lines = [f"{place} {', or '.join(words)}" for place, words in list(told.items())[:SHOWN]]
    return "; ".join(lines) or "the request cannot be read", first


def _words(kind: str, limits: Mapping[str, Any], message: str) -> str:
    if kind in ("value_error", "assertion_error"):  # our own validators speak our words
        return "is not taken: " + message.split(", ", 1)[-1]
    form = _FORMS.get(str(limits.get("pattern")), "see the route's description")
    known = {key: value for key, value in limits.items() if isinstance(value, int | float | str)}
    try:
        return _WORDS[kind].format(**{**known, "form": form})
    except KeyError:
        return "cannot be read: see the route's description"


def _place(fault: Mapping[str, Any]) -> list[str]:
    """The path of a fault's field, as the request writes it."""
    parts = [str(part) for part in fault["loc"]]
    if parts and parts[0] in _PARTS:
        parts = parts[1:]
    if fault["type"] == "json_invalid":
        return []  # the place is a number of characters
    return [part for part in parts if _FIELD.fullmatch(part) and part not in _BRANCHES]
