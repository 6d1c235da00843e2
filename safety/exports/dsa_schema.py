"""The fields of a statement of reasons in the DSA Transparency Database, as data, and what is wrong with a statement.

`dsa_schema.json` holds names, allowed values, lengths and dates as the Commission publishes them, and, apart from that,
our own choice of its category and keywords for each of our categories. Pure but for reading that file. It checks form
only: whether a statement carries personal data is `safety.exports.statement_batches`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

Statement = dict[str, Any]
"""Field -> value, ready to be sent as JSON."""

OTHER_CATEGORY = "STATEMENT_CATEGORY_OTHER_VIOLATION_TC"
OTHER_KEYWORD = "KEYWORD_OTHER"


@dataclass(frozen=True)
class Filing:
    """Where one of our categories belongs in the database."""

    category: str
    keywords: tuple[str, ...]


@dataclass(frozen=True)
class Schema:
    """What the database takes."""

    source: str
    statements_a_call: int
    one_of: tuple[str, ...]
    """At least one of these fields says what the restriction is."""

    european_union: tuple[str, ...]
    """Country codes of the whole Union, for `territorial_scope`."""

    fields: Mapping[str, Mapping[str, Any]]
    categories: Mapping[str, Filing]

    def filing(self, category: str) -> Filing:
        """Where a category belongs; one of your own policy's is `other`, and its id says what it is."""
        return self.categories.get(category, Filing(OTHER_CATEGORY, (OTHER_KEYWORD,)))

    def problems(self, statement: Mapping[str, Any]) -> list[str]:
        """Return what the database would refuse in a statement; messages name fields, never their text."""
        found = [f"{name}: is no field of a statement" for name in sorted(statement.keys() - self.fields.keys())]
        if not any(statement.get(name) for name in self.one_of):
            found.append(f"{', '.join(self.one_of)}: one of them must say what the restriction is")
        for name, field in self.fields.items():
            value = statement.get(name)
            if value is None or value in ("", []):
                if field.get("required") or self._demanded(field, statement):
                    found.append(f"{name}: is missing")
                continue
            found += [f"{name}: {what}" for what in _faults(field, value, statement)]
        return found

    def _demanded(self, field: Mapping[str, Any], statement: Mapping[str, Any]) -> bool:
        for other, wanted in field.get("required_if", {}).items():
            value = statement.get(other)
            if wanted == value or (isinstance(value, list) and wanted in value):
                return True
        return False


def _faults(field: Mapping[str, Any], value: object, statement: Mapping[str, Any]) -> Iterator[str]:
    kind = field["kind"]
    if kind == "choices":
        if not isinstance(value, list):
            yield "is no list"
            return
        yield from (f"{each!r} is no allowed value" for each in value if each not in field["values"])
        if len(set(map(str, value))) != len(value):
            yield "names a value twice"
        return
    if not isinstance(value, str):
        yield "is no text"
    elif kind == "choice" and value not in field["values"]:
        yield f"{value!r} is no allowed value"
    elif kind in {"text", "url"} and len(value) > field["max"]:
        yield f"has {len(value)} characters, {field['max']} are allowed"
    elif kind == "url" and not (urlsplit(value).scheme in {"http", "https"} and urlsplit(value).hostname):
        yield "is no http or https address"
    elif kind == "pattern" and not re.fullmatch(field["pattern"], value):
        yield f"does not have the form {field['pattern']}"
    elif kind == "date":
        yield from _date_faults(field, value, statement)


def _date_faults(field: Mapping[str, Any], value: str, statement: Mapping[str, Any]) -> Iterator[str]:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", value) or not _is_date(value):
        yield "is no date like 2026-01-31"
    elif not field["since"] <= value <= field["until"]:
        yield f"lies outside {field['since']} to {field['until']}"
    elif (other := field.get("not_before")) and value < str(statement.get(other, "")):
        yield f"lies before {other}"


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


@cache
def dsa_schema() -> Schema:
    """Read the schema."""
    told = json.loads(files("safety.exports").joinpath("dsa_schema.json").read_text(encoding="utf-8"))
    return Schema(
        source=told["source"],
        statements_a_call=told["statements_a_call"],
        one_of=tuple(told["one_of"]),
        european_union=tuple(told["european_union"]),
        fields=told["fields"],
        categories={
            name: Filing(each["category"], tuple(each["keywords"])) for name, each in told["categories"].items()
        },
    )
