"""Finds text written in a code that machines read: percent signs, entities, escapes, base64, hexadecimal, binary.

A code is read only where evident text comes out. Pure; it applies nothing and does not judge. Ciphers of letters:
`disguised_ciphers`.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import unquote_to_bytes

from classifiers.disguised_characters import Edit
from classifiers.vocabulary import is_word

_PERCENT: Final = re.compile(r"(?:%(?:25)*[0-9A-Fa-f]{2})+")
_URL: Final = re.compile(r"(?:[a-z]+://|www\.)\S+", re.IGNORECASE)
_ENTITY: Final = re.compile(r"&(?:amp;)*(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,31}\d{0,2});")
_LAYERS: Final = re.compile("&(?:amp;)+")
"""What was encoded many times over is read in one go, so that layers cost nothing."""

_ESCAPE: Final = re.compile(
    r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,6})\})|U\+([0-9A-Fa-f]{4,6})(?![0-9A-Fa-f])"
)
_MIN_URL_WORDS: Final = 3
"""Words in a web address from which it is a sentence; shorter addresses stay as they are."""


def escapes(text: str) -> list[Edit]:
    """Read `%6e`, `&#110;`, `\\u006e` and `U+006E` where a visible character or a space comes out."""
    if not any(sign in text for sign in "%&\\+"):
        return []
    edits = [*_percent(text)]
    for match in _ENTITY.finditer(text):
        plain = html.unescape(_LAYERS.sub("&", match.group()))
        if plain != match.group():
            edits.append(Edit(match.start(), match.end(), plain, "entities" if plain.isalnum() else ""))
    for match in _ESCAPE.finditer(text):
        code = int(next(group for group in match.groups() if group), 16)
        if 0x20 <= code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF and chr(code).isprintable():
            edits.append(Edit(match.start(), match.end(), chr(code), "escapes"))
    return sorted(edits, key=lambda edit: edit.start)


def _percent(text: str) -> Iterator[Edit]:
    if "%" not in text:
        return
    addresses = [match.span() for match in _URL.finditer(text) if not _is_sentence(match.group())]
    for match in _PERCENT.finditer(text):
        if any(start <= match.start() < end for start, end in addresses):
            continue
        try:
            plain = unquote_to_bytes(re.sub("%(?:25)+(?=[0-9A-Fa-f]{2})", "%", match.group())).decode("utf-8")
        except UnicodeDecodeError:
            continue
        if plain.replace("\n", " ").replace("\t", " ").isprintable():
            yield Edit(match.start(), match.end(), plain, "percent")


def _is_sentence(address: str) -> bool:
    plain = unquote_to_bytes(address).decode("utf-8", "replace")
    return (
        sum(is_word(word) for word in re.findall("[a-z]+", plain.lower().partition("?")[2] or plain.lower()))
        > (_MIN_URL_WORDS)
        and " " in plain
    )


_BASE64_LINES: Final = re.compile(r"(?<![\w+/=-])[\w+/-]{40,}(?:\r?\n[\w+/-]{1,})+={0,2}(?![\w+/=-])", re.ASCII)
_BASE64: Final = re.compile(
    r"(?<![\w+/=-])(?=[a-z]*[A-Z0-9+/=_-])(?=[\w+/-]{8}|[\w+/-]{2,7}=)[\w+/-]{2,}={0,2}(?![\w+/=-])", re.ASCII
)
_BASE32: Final = re.compile(r"(?<![\w+/=-])[A-Z2-7]{12,}={0,6}(?![\w+/=-])", re.ASCII)
_HEX: Final = re.compile(r"(?<![\w%&#])(?:0x)?[0-9A-Fa-f]{2}(?:[\s:,-]{0,2}(?:0x)?[0-9A-Fa-f]{2}){3,}(?!\w)")
_BINARY: Final = re.compile(r"(?<!\w)[01]{7,8}(?:[\s,]{0,2}[01]{7,8}){2,}(?!\w)")
_DECIMAL: Final = re.compile(
    r"(?<!\w)(?:3[2-9]|[4-9]\d|1[01]\d|12[0-6])(?:[\s,;]{1,2}(?:3[2-9]|[4-9]\d|1[01]\d|12[0-6])){3,}(?!\w)"
)


def encoded(text: str) -> list[Edit]:
    """Read base64, base32, hexadecimal, binary and decimal codes where evident text comes out."""
    edits: list[Edit] = []
    for pattern, read, transform in (
        (_BINARY, _from_binary, "binary"),
        (_DECIMAL, _from_decimal, "decimal"),
        (_HEX, _from_hex, "hex"),
        (_BASE64_LINES, _from_base64, "base64"),
        (_BASE64, _from_base64, "base64"),
        (_BASE32, _from_base32, "base32"),
    ):
        for match in pattern.finditer(text):
            if any(match.start() < edit.end and edit.start < match.end() for edit in edits):
                continue
            code = match.group()
            plain = read(code)
            if plain is not None and plain != code and _is_text(plain, code):
                edits.append(Edit(match.start(), match.end(), plain, transform))
    if sum(edit.transform == "base64" for edit in edits) >= _CODED_TEXT:
        edits += _short_base64(text, {edit.start for edit in edits})
    return sorted(edits, key=lambda edit: edit.start)


_CODED_TEXT: Final = 3
"""So many words in base64 mean that all are: then short ones, which prove nothing by themselves, are read too."""
_BASE64_SHORT: Final = re.compile(r"(?<![\w+/=-])(?=[a-z]*[A-Z0-9])[\w+/-]{2,}={0,2}(?![\w+/=-])", re.ASCII)


def _short_base64(text: str, taken: set[int]) -> Iterator[Edit]:
    for match in _BASE64_SHORT.finditer(text):
        code = match.group()
        plain = _from_base64(code) if len(code) % 4 == 0 and match.start() not in taken else None
        if plain and plain.isascii() and sum(char.isalpha() for char in plain) * 2 >= len(plain):
            yield Edit(match.start(), match.end(), plain, "base64")


def _decoded(read: Callable[[], bytes]) -> str | None:
    try:
        plain = read().decode("utf-8")
    except (ValueError, binascii.Error):
        return None
    return plain if plain.replace("\n", " ").replace("\t", " ").replace("\r", " ").isprintable() else None


def _from_base64(code: str) -> str | None:
    letters = re.sub(r"\s", "", code).rstrip("=").replace("-", "+").replace("_", "/")
    if len(letters) % 4 == 1 or letters.isdigit() or (code.isalpha() and code.istitle() and len(code) > 4):
        return None
    plain = _decoded(lambda: base64.b64decode(letters + "=" * (-len(letters) % 4), validate=True))
    deeper = _from_base64(plain) if plain and len(plain) >= _SURE and _BASE64.fullmatch(plain) else None
    return deeper if deeper is not None and _is_text(deeper, plain or "") else plain


def _from_base32(code: str) -> str | None:
    letters = code.rstrip("=")
    return _decoded(lambda: base64.b32decode(letters + "=" * (-len(letters) % 8)))


def _from_hex(code: str) -> str | None:
    return _decoded(lambda: bytes.fromhex(re.sub(r"0x|[\s:,-]", "", code)))


def _from_binary(code: str) -> str | None:
    digits = re.sub(r"[\s,]", "", code)
    width = 8 if len(digits) % 8 == 0 else 7
    return _decoded(lambda: bytes(int(digits[place : place + width], 2) for place in range(0, len(digits), width)))


def _from_decimal(code: str) -> str | None:
    return "".join(chr(int(number)) for number in re.findall(r"\d+", code))


_SURE: Final = 12
"""Characters of code from which letters alone are proof: chance makes nine such bytes less than once in ten million."""


def _is_text(plain: str, code: str) -> bool:
    """Whether what came out is language, or letters too many to be chance (a code may hide another code)."""
    letters = sum(char.isalpha() or char == " " for char in plain)
    words = re.findall("[a-z]+", plain.lower())
    known = sum(len(word) for word in words if is_word(word))
    if known >= 0.7 * max(1, len(plain.replace(" ", ""))) and (known >= 4 or code.endswith("=")):
        return True
    looks_plain = letters >= 0.85 * len(plain) or re.fullmatch(r"[\w+/ -]+={0,2}", plain, re.ASCII) is not None
    return len(code) >= _SURE and len(plain) >= 6 and looks_plain
