"""Reads and writes banks of hashes in the forms that hash-sharing programmes use. Pure: text in, items out.

    csv             a header with `indicator` (or signal, hash, pdq) and, if need be, `type`, `id`, `status`; or bare
                    lines `pdq HASH` and `HASH`, as ThreatExchange's own tools write them
    threatexchange  JSON of threat indicators: {"data": [{"id", "indicator", "type": "HASH_PDQ", "status"}]}
    hma             JSON of Hasher-Matcher-Actioner: {"content": [{"id", "signals": {"pdq": …, "vpdq": …}}]}

A video's signal is vPDQ's: a JSON list of "hash,quality,seconds". MD5 and others say nothing about pixels that were
changed: they are passed over and counted, never taken for a match.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from media.known_frames import KnownFrame
from safety.banks import BankItem, NewItem
from safety.errors import InvalidContent

FORMATS = ("csv", "threatexchange", "hma")

PICTURE_TYPES = frozenset({"pdq", "hash_pdq"})
VIDEO_TYPES = frozenset({"vpdq", "video_vpdq", "hash_video_vpdq"})
_VALUE_COLUMNS = ("indicator", "signal", "hash", "pdq", "signal_value", "value")
_HARMLESS = frozenset({"non_malicious"})
"""ThreatExchange's status for what somebody looked at and found harmless."""

_HASH = re.compile(r"[0-9a-fA-F]{64}")
_LONGEST_S = 1e6
_MOST_FRAMES = 200_000
"""Of one video: twelve hours at four a second, and some."""


@dataclass
class Reading:
    """What stood in a file."""

    items: list[NewItem] = field(default_factory=list)
    other_types: int = 0
    """Signals of types that are not looked for here."""

    harmless: int = 0
    """Indicators whose owner says that they are not malicious, or should be deleted."""


def read_items(text: str) -> Reading:
    """Read a file of any of the forms, told apart by its content.

    Raises:
        InvalidContent: it is none of them, or a hash is malformed; says where. Nothing may be taken from it.
    """
    begins = text.lstrip("\ufeff \t\r\n")
    reading = Reading()
    rows = _json_rows(begins) if begins[:1] in ("{", "[") else _csv_rows(begins)
    for place, type_, value, source, status in rows:
        if status in _HARMLESS:
            reading.harmless += 1
        elif type_ in PICTURE_TYPES:
            reading.items.append(NewItem(source, (KnownFrame(_hash(value, place)),)))
        elif type_ in VIDEO_TYPES:
            reading.items.append(NewItem(source, _video(value, place)))
        else:
            reading.other_types += 1
    if not reading.items and not reading.other_types and not reading.harmless:
        raise InvalidContent("the file holds no signal: send PDQ hashes as CSV, ThreatExchange JSON or HMA JSON")
    return reading


def write_items(items: Iterable[BankItem], format_: str) -> Iterator[str]:
    """Yield a bank's items as lines of a file in one of FORMATS; `read_items` reads each of them back.

    Raises:
        InvalidContent: no such format.
    """
    if format_ not in FORMATS:
        raise InvalidContent(f"{format_!r} is no exchange format; there are {', '.join(FORMATS)}")
    if format_ == "csv":
        yield "id,type,indicator,source\n"
        for item in items:
            type_, value = _signal(item)
            line = io.StringIO()
            csv.writer(line, lineterminator="\n").writerow(
                (item.id, "HASH_PDQ" if type_ == "pdq" else "HASH_VIDEO_VPDQ", value, _not_a_formula(item.source))
            )
            yield line.getvalue()
        return
    yield '{"data": [' if format_ == "threatexchange" else '{"content": ['
    for number, item in enumerate(items):
        yield ",\n" if number else "\n"
        yield json.dumps(_entry(item, format_))
    yield "\n]}\n"


def _entry(item: BankItem, format_: str) -> dict[str, object]:
    type_, value = _signal(item)
    if format_ == "threatexchange":
        indicator_type = "HASH_PDQ" if type_ == "pdq" else "HASH_VIDEO_VPDQ"
        return {"id": item.id, "indicator": value, "type": indicator_type, "status": "MALICIOUS", "source": item.source}
    return {"id": item.id, "signals": {type_: value}, "metadata": {"content_id": item.source}}


def _signal(item: BankItem) -> tuple[str, str]:
    if len(item.frames) == 1 and item.frames[0].time_s is None:
        return "pdq", item.frames[0].hash_hex
    return "vpdq", json.dumps([f"{each.hash_hex},{each.quality},{each.time_s or 0.0:.3f}" for each in item.frames])


def _not_a_formula(cell: str) -> str:
    """What a spreadsheet would run as a formula is marked as text."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@") else cell


Found = tuple[str, str, str, str, str]
"""Where it stood, type, value, source, status; type and status in lower case."""


def _csv_rows(text: str) -> Iterator[Found]:
    rows = csv.reader(io.StringIO(text))
    header: list[str] | None = None
    try:
        for number, row in enumerate(rows, start=1):
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            named = [cell.lower() for cell in cells]
            if header is None and number == 1 and any(name in named for name in _VALUE_COLUMNS):
                header = named
                continue
            yield _named_row(number, header, cells) if header else _bare_row(number, cells)
    except csv.Error as error:
        raise InvalidContent(f"line {rows.line_num}: not CSV: {error}") from error


def _named_row(number: int, header: Sequence[str], cells: Sequence[str]) -> Found:
    if len(cells) != len(header):
        raise InvalidContent(f"line {number}: {len(cells)} cells under {len(header)} columns")
    row = dict(zip(header, cells, strict=True))
    value = next(row[name] for name in _VALUE_COLUMNS if name in row)
    type_ = row.get("type") or row.get("signal_type") or ("vpdq" if value.startswith("[") else "pdq")
    source = row.get("source") or row.get("id") or ""
    return f"line {number}", type_.lower(), value, source, row.get("status", "").lower()


def _bare_row(number: int, cells: Sequence[str]) -> Found:
    type_, _, value = ",".join(cells).partition(" ")
    return f"line {number}", type_.lower() if value else "pdq", (value or type_).strip(), "", ""


def _json_rows(text: str) -> Iterator[Found]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise InvalidContent("the file begins like JSON and is none") from error
    entries = document
    if isinstance(document, dict):
        entries = next((document[name] for name in ("data", "content") if name in document), [document])
    if not isinstance(entries, list):
        raise InvalidContent("the file holds no list of signals under `data` or `content`")
    for number, entry in enumerate(entries, start=1):
        place = f"entry {number}"
        if not isinstance(entry, dict):
            raise InvalidContent(f"{place}: not an object")
        yield from _json_entry(place, entry)


def _json_entry(place: str, entry: Mapping[str, Any]) -> Iterator[Found]:
    if isinstance(entry.get("indicator"), str):
        status = "non_malicious" if entry.get("should_delete") is True else str(entry.get("status", "")).lower()
        source = str(entry.get("source") or entry.get("id") or "")
        yield place, str(entry.get("type", "pdq")).lower(), entry["indicator"], source, status
        return
    signals = entry.get("signals", {name: entry[name] for name in ("pdq", "vpdq") if name in entry})
    if not isinstance(signals, dict) or not signals:
        raise InvalidContent(f"{place}: neither an `indicator` nor `signals`")
    metadata = entry.get("metadata")
    given = metadata.get("content_id") if isinstance(metadata, dict) else None
    source = str(given or entry.get("id") or "")
    for type_, value in signals.items():
        yield place, str(type_).lower(), value if isinstance(value, str) else json.dumps(value), source, ""


def _hash(value: str, place: str) -> str:
    if not _HASH.fullmatch(value):
        raise InvalidContent(f"{place}: a PDQ hash has 64 hex digits")
    return value.lower()


def _video(value: str, place: str) -> tuple[KnownFrame, ...]:
    try:
        parts = [str(part).split(",") for part in json.loads(value)]
        frames = tuple(
            KnownFrame(_hash(hash_hex, place), float(time_s), int(quality)) for hash_hex, quality, time_s in parts
        )
    except (ValueError, TypeError) as error:
        raise InvalidContent(f'{place}: a vPDQ signal is a JSON list of "hash,quality,seconds"') from error
    if not 1 <= len(frames) <= _MOST_FRAMES:
        raise InvalidContent(f"{place}: a video has 1 to {_MOST_FRAMES} frames; this one has {len(frames)}")
    for frame in frames:
        sound_time = frame.time_s is not None and math.isfinite(frame.time_s) and 0 <= frame.time_s <= _LONGEST_S
        if not sound_time or not 0 <= frame.quality <= 100:
            raise InvalidContent(f"{place}: quality lies in 0 to 100, seconds from 0 on")
    return frames
