"""How Decisions and Releases are written down: one value, one sequence of bytes, for as long as the ledger lives.

The bytes are JSON as RFC 8785 restricts it, with these rules spelled out:

- UTF-8, no byte order mark, no space between tokens, object keys sorted by code point, no key twice;
- strings are not escaped beyond what JSON demands; U+0000 and lone surrogates are refused (no database takes them);
- integers in decimal; other numbers as Python's `repr`, the shortest digits that read back as the same IEEE 754
  double (RFC 8785 differs here only in where it switches to exponents); no NaN, no infinity;
- times as ISO 8601 in UTC with microseconds: `2025-01-31T12:00:00.000000Z`;
- every record is an object with `kind`, `id` and `at`.

A record never holds the content that was judged, only its digest. How a Verdict stands in it is
`safety.verdict_records`; where the bytes go is `safety.ledger`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from classifiers.base import Score
from media.clip import Coverage
from safety.domain import Actor, Checkpoint, Decision, Measurement, Release, Still, Unmeasured
from safety.errors import LedgerError
from safety.numbers import Odd, number
from safety.verdict_records import (
    span_from_record,
    span_to_record,
    trial_from_record,
    trial_to_record,
    unmeasured_to_record,
    verdict_from_record,
    verdict_to_record,
)

Record = dict[str, Any]
"""JSON as Python has it: what stands inside is described by the functions below."""

LATER_FIELDS = ("requester", "session", "sketch", "parent", "code")
"""Fields of a Decision that the first ledgers did not have: written only when they say something, so that an old entry
reads back and is encoded again to its own bytes."""

LATER_LISTS = ("conditions", "features")
"""The same of a Release."""

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _digits_of_odd(value: object) -> msgspec.Raw:
    if isinstance(value, Odd):
        return msgspec.Raw(float.__repr__(value).encode())
    raise TypeError(type(value).__name__)


_FAST = msgspec.json.Encoder(order="sorted", enc_hook=_digits_of_odd)
"""Writes the same bytes as `_ENCODER` in a fifth of the time, of records whose every float went through `number`: it
writes small and large numbers in other digits, and NaN as null."""

_DECODER = msgspec.json.Decoder()


def encode(kind: str, record: Mapping[str, Any], *, numbers_checked: bool = False) -> bytes:
    """Return the canonical bytes of a record of this kind.

    `numbers_checked`: every float in it is what `safety.numbers.number` returned, as those of `decision_to_record` are.

    Raises:
        LedgerError: something in it has no canonical form (see the module's rules).
    """
    if numbers_checked:
        try:
            body = _FAST.encode({**record, "kind": kind})
        except (TypeError, ValueError, msgspec.MsgspecError):
            pass  # the slow way says what is wrong, or knows how to write it
        else:
            if b"\\u0000" not in body:
                return body
    try:
        text = _ENCODER.encode({**record, "kind": kind})
        body = text.encode()
    except (TypeError, ValueError) as error:
        # The cause may quote a value; the type of the fault says enough.
        raise LedgerError(f"a {kind} record has no canonical form ({type(error).__name__})") from None
    if "\\u0000" in text and _holds_nul(record):
        raise LedgerError(f"a {kind} record holds the character U+0000")
    return body


def decode(body: bytes) -> tuple[str, Record]:
    """Return the kind and the record of canonical bytes.

    Raises:
        LedgerError: the bytes are not a record.
    """
    try:
        try:
            record = _DECODER.decode(body)
        except (ValueError, msgspec.MsgspecError):
            record = json.loads(body)  # what the first ledgers could hold and it cannot read
        kind = record.pop("kind")
    except (ValueError, KeyError, AttributeError, TypeError):
        raise LedgerError("the bytes of an entry are not a record: the ledger was damaged") from None
    if not isinstance(kind, str):
        raise LedgerError("the bytes of an entry name no kind: the ledger was damaged")
    return kind, record


def time_to_text(at: datetime) -> str:
    """Write a time in UTC with microseconds.

    Raises:
        LedgerError: the time does not say its zone.
    """
    if at.tzinfo is None:
        raise LedgerError("a recorded time must say its time zone")
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def time_from_text(text: str) -> datetime:
    """Read what `time_to_text` wrote."""
    return datetime.fromisoformat(text)


def decision_to_record(decision: Decision) -> Record:
    """Write a Decision as JSON values."""
    measurement = decision.measurement
    record: Record = {
        "id": decision.id,
        "at": time_to_text(decision.at),
        "checkpoint": decision.checkpoint.value,
        "subject": decision.subject,
        "job": decision.job,
        "supersedes": decision.supersedes,
        "reason": decision.reason,
        "actor": {"kind": decision.actor.kind, "id": decision.actor.id},
        "verdict": verdict_to_record(decision.verdict),
        "measurement": {
            "scores": [
                {"signal": s.signal, "value": number(s.value), "span": span_to_record(s.span), "detail": s.detail}
                for s in measurement.scores
            ],
            "unmeasured": [unmeasured_to_record(each) for each in measurement.unmeasured],
            "coverage": _coverage_to_record(measurement.coverage),
            "classifiers": [[name, version] for name, version in measurement.classifiers],
            "took_ms": [[name, number(took)] for name, took in measurement.took_ms],
            **_stills_to_record(measurement.stills),
        },
    }
    for name in LATER_FIELDS:
        if value := getattr(decision, name):
            record[name] = value
    if decision.trials:
        record["trials"] = [trial_to_record(each) for each in decision.trials]
    return record


def decision_from_record(record: Mapping[str, Any]) -> Decision:
    """Read what `decision_to_record` wrote.

    Raises:
        LedgerError: a field is missing or has a value that a Decision cannot have.
    """
    try:
        measurement = record["measurement"]
        return Decision(
            id=record["id"],
            at=time_from_text(record["at"]),
            checkpoint=Checkpoint(record["checkpoint"]),
            subject=record["subject"],
            verdict=verdict_from_record(record["verdict"]),
            measurement=Measurement(
                scores=tuple(
                    Score(each["signal"], each["value"], span_from_record(each["span"]), each["detail"])
                    for each in measurement["scores"]
                ),
                unmeasured=tuple(Unmeasured(**each) for each in measurement["unmeasured"]),
                coverage=Coverage(**measurement["coverage"]) if measurement["coverage"] else None,
                classifiers=tuple((name, version) for name, version in measurement["classifiers"]),
                took_ms=tuple((name, took) for name, took in measurement["took_ms"]),
                stills=tuple(Still(**each) for each in measurement.get("stills", ())),
            ),
            actor=Actor(**record["actor"]),
            job=record["job"],
            supersedes=record["supersedes"],
            reason=record["reason"],
            **{name: record[name] for name in LATER_FIELDS if name in record},
            trials=tuple(trial_from_record(each) for each in record.get("trials", ())),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise LedgerError(f"a decision record cannot be read ({type(error).__name__}: {error})") from None


def release_to_record(release: Release) -> Record:
    """Write a Release as JSON values."""
    return {
        "id": release.id,
        "at": time_to_text(release.at),
        "job": release.job,
        "decisions": list(release.decisions),
        "sha256": release.sha256,
        "size_bytes": int(release.size_bytes),
        "watermark": release.watermark,
        "watermark_psnr_db": float(release.watermark_psnr_db),
        "watermark_robust": bool(release.watermark_robust),
        "manifest": release.manifest,
        "signer": release.signer,
        "generator": release.generator,
        "fingerprint": list(release.fingerprint),
        **{name: list(value) for name in LATER_LISTS if (value := getattr(release, name))},
    }


def release_from_record(record: Mapping[str, Any]) -> Release:
    """Read what `release_to_record` wrote.

    Raises:
        LedgerError: a field is missing or unknown.
    """
    try:
        lists = {"decisions": tuple(record["decisions"]), "fingerprint": tuple(record["fingerprint"])}
        lists |= {name: tuple(record[name]) for name in LATER_LISTS if name in record}
        return Release(**{**record, "at": time_from_text(record["at"]), **lists})
    except (KeyError, TypeError, ValueError) as error:
        raise LedgerError(f"a release record cannot be read ({type(error).__name__}: {error})") from None


def _coverage_to_record(coverage: Coverage | None) -> Record | None:
    if coverage is None:
        return None
    record: Record = {
        "frames_total": int(coverage.frames_total),
        "frames_seen": int(coverage.frames_seen),
        "duration_s": number(coverage.duration_s),
        "longest_gap_s": number(coverage.longest_gap_s),
    }
    if coverage.seconds_total:
        record |= {"seconds_seen": int(coverage.seconds_seen), "seconds_total": int(coverage.seconds_total)}
    if coverage.stopped_s is not None:
        record["stopped_s"] = number(coverage.stopped_s)
    return record


def _stills_to_record(stills: tuple[Still, ...]) -> Record:
    written = [{"time_s": number(each.time_s), "sha256": each.sha256} for each in stills]
    return {"stills": written} if written else {}


def _holds_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, Mapping):
        return any(_holds_nul(key) or _holds_nul(each) for key, each in value.items())
    return isinstance(value, list | tuple) and any(_holds_nul(each) for each in value)
