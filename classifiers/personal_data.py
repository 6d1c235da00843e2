"""Finds what identifies a private person in writing: e-mail addresses, telephone and bank numbers, street addresses.

By form and check digits, without lists: it knows no names, and not whose data it is. Numbers that are examples by
convention (example.com, 555-01xx) are none. In a prompt it says that such data stands there; shown or said in a video
it is what the policy calls private data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from classifiers.base import Score, TextSpan
from classifiers.weights import version_of

SIGNAL: Final = "text.personal_data"

MAX_PLACES: Final = 16

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}\s?@\s?(?:[a-z0-9-]{1,63}\s?\.\s?)+[a-z]{2,24}\b", re.I)
_EXAMPLE_HOST = re.compile(r"@\s?(?:[\w-]+\.)*(?:example\.(?:com|org|net)|[\w-]+\.(?:test|example|invalid))$", re.I)
_PHONE = re.compile(r"(?<![\w.,/-])(?:\+|00)?\(?\d[\d\s().\-/]{6,20}\d(?![\w%€$£]|[.,]\d)")
_EXAMPLE_PHONE = re.compile(r"555\D?01\d\d$")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:\s?[A-Z0-9]{4}){2,7}(?:\s?[A-Z0-9]{1,3})?\b")
_CARD = re.compile(r"(?<![\w-])(?:\d[ -]?){12,18}\d(?![\w-])")
_STREET = re.compile(
    r"\b\d{1,5}[a-z]?,?\s+(?:[A-Z][\w'.-]*\s+){1,3}(?:Street|St\.?|Road|Rd\.?|Avenue|Ave\.?|Lane|Ln\.?|Drive|Dr\.?|Court"
    r"|Way|Boulevard|Blvd\.?|Square|Terrace|Place)(?!\w)"
    r"|\b[A-ZÄÖÜ][\wäöüß-]*(?:straße|strasse|str\.|weg|platz|allee|gasse)\s+\d{1,4}\s?[a-z]?\b"
    r"|\b\d{1,4}\s?(?:bis|ter)?,?\s+(?:rue|avenue|boulevard|place|impasse|chemin|allée|quai)\s+(?:de\s|du\s|des\s|la\s|le\s|d')*"
    r"[A-ZÀ-Ý][\w'-]*"
    r"|\b(?:Calle|Avenida|Via|Viale|Piazza|Rua|Paseo|Plaza)(?:\s+d[aeio]l?l?a?)?(?:\s+[A-ZÀ-Ý][\w'.-]*){1,3},?\s+\d{1,4}\b"
)

_PHONE_DIGITS = range(9, 16)
"""ITU-T E.164 allows 15; with less than nine a number is a date, a price or a score as often."""


class _Form(NamedTuple):
    kind: str
    pattern: re.Pattern[str]
    value: float
    """How surely something of this form is personal data: checked by digits, by form, or by habit."""

    holds: Callable[[str], bool]


def _digits(text: str) -> str:
    return "".join(character for character in text if character in "0123456789")


def _is_iban(text: str) -> bool:
    """ISO 13616: the first four characters at the end, letters as numbers, remainder 1 of 97."""
    compact = "".join(text.split())
    if not 15 <= len(compact) <= 34:
        return False
    turned = compact[4:] + compact[:4]
    return int("".join(str(int(character, 36)) for character in turned)) % 97 == 1


def _is_card(text: str) -> bool:
    """ISO/IEC 7812: the digit sum of Luhn."""
    digits = [int(digit) for digit in _digits(text)]
    if len(set(digits)) < 2:
        return False
    doubled = (2 * digit - 9 * (digit > 4) if at % 2 else digit for at, digit in enumerate(reversed(digits)))
    return sum(doubled) % 10 == 0


def _is_phone(text: str) -> bool:
    digits = _digits(text)
    international = text.lstrip("( ").startswith(("+", "00"))
    grouped = len(re.findall(r"\d+", text)) >= 2 or text.startswith("0")
    is_date = re.fullmatch(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}.*", text.strip()) is not None
    if len(digits) not in _PHONE_DIGITS or len(set(digits)) < 3 or is_date:
        return False
    return (international or grouped) and not _EXAMPLE_PHONE.search(text.strip())


def _is_email(text: str) -> bool:
    return _EXAMPLE_HOST.search(text) is None


_FORMS: Final = (
    _Form("iban", _IBAN, 0.95, _is_iban),
    _Form("card", _CARD, 0.9, _is_card),
    _Form("email", _EMAIL, 0.9, _is_email),
    _Form("phone", _PHONE, 0.8, _is_phone),
    _Form("address", _STREET, 0.7, lambda _: True),
)
"""In this order: what is a bank number is no telephone number."""


class PersonalDataClassifier:
    """One Score a place, with the kind as its detail."""

    name = "personal_data"
    accepts = str
    signals = frozenset({SIGNAL})

    def __init__(self) -> None:
        """Nothing is loaded."""
        self.version = version_of(*(f"{form.kind} {form.pattern.pattern} {form.value}" for form in _FORMS))

    def score(self, content: str) -> list[Score]:
        """Return a Score for each of up to 16 places, the surest first, or one 0.0."""
        scores = sorted(self._found(content), key=lambda score: -score.value)[:MAX_PLACES]
        return scores or [Score(SIGNAL, 0.0)]

    def _found(self, content: str) -> Iterator[Score]:
        taken: list[tuple[int, int]] = []
        for form in _FORMS:
            for match in form.pattern.finditer(content):
                start, end = match.span()
                if form.holds(match[0]) and all(end <= first or last <= start for first, last in taken):
                    taken.append((start, end))
                    yield Score(SIGNAL, form.value, TextSpan(start, end), f"personal_data:{form.kind}")
