"""Whose requests belong together, how alike two of them are, and what they say about the next one.

    refusals of a session ─▶ probing    many refusals, and rewordings of what was refused
    lineage of the content ─▶ derived   it starts from something that was refused

Words are never kept: a refused text leaves a 256-bit sketch (a SimHash over keyed hashes of its words). The key is
mixed with the session, so sketches of two sessions cannot be compared, not even by whoever holds both and asks for
words of their own. A reworded text shares words and is seen; one without a common word is not. What then happens is the
policy's business.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

import numpy as np

from safety.domain import Measurement, Score
from safety.lookup.record import LedgerReader
from safety.lookup.sessions import Refusal, recent_refusals, refusals_behind

SESSION_SIGNALS = frozenset({"session.probing", "session.derived"})
"""What a session adds to the scores of a prompt or of its reference."""

HALF_LIFE_S = 6 * 3600.0
"""After this a refusal weighs half: who waits is forgiven. One refusal of the same every six hours stays below 0.34."""

RESEMBLING = 4.0
"""Weight of a refusal of nearly the same words, against 1 for any other."""

HALF_PROBING = 16.0
"""Weight at which `session.probing` is 0.5: four refusals of the same, or sixteen of anything, within an hour or so."""

UNLIKE, ALIKE = 0.3, 0.7
"""Cosine of two texts' words up to which they have nothing, and from which they have everything in common. The estimate
from 256 bits has a standard deviation of 0.1 (Charikar 2002: P(bits differ) = angle / pi), so 0.3 is three of them."""

STEM = 4
"""Letters by which two words are the same: `killing`, `killed`. Scripts without spaces are read by pairs of letters."""

_WORD = re.compile(r"[^\W\d_]+")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")


class Session(NamedTuple):
    """What is recorded about whose request this is."""

    id: str
    """Keyed digest of the requester and the person they named; empty: nobody's."""

    sketch: str


NOBODYS = Session("", "")
"""For a request of which nobody said whose it is."""


@dataclass(frozen=True)
class Sessions:
    """Remembers nothing itself: reads the record."""

    record: LedgerReader
    secret_of: Callable[[str], bytes]
    """Returns at least 32 bytes for each person, always the same for one (`SubjectKeys.secret_of`): when they are gone,
    nobody can tell any more whose session it was, or try words on what was refused in it."""

    plain: Callable[[str], str] = str
    """Undoes disguises (`classifiers.normalize`), so that a disguised word is the same word."""

    def begin(self, who: str, text: str) -> Session:
        """Return the session of `who` (empty: nobody's) and the sketch of what they ask for."""
        if not who:
            return NOBODYS
        secret = self.secret_of(who)
        id_ = hmac.digest(secret, f"session {who}".encode(), "sha256").hex()[:32]
        key = hmac.digest(secret, f"words {id_}".encode(), "sha256")
        return Session(id_, sketch(self.plain(text), key))

    def measure(self, measurement: Measurement, session: Session, parent: str | None, now: datetime) -> Measurement:
        """Add the session's scores. Nobody's session has no refusals, and what starts from nothing is not derived.

        Raises:
            DatabaseError: the record cannot be read.
        """
        refusals = recent_refusals(self.record, session.id) if session.id else []
        behind = refusals_behind(self.record, parent) if parent else 0
        return _with(measurement, probing(now, session.sketch, refusals), derived(behind))


def of_nobody(measurement: Measurement) -> Measurement:
    """Return the measurement of a text that is looked at for itself: outside any session, nothing stands behind it."""
    return _with(measurement, 0.0, 0.0)


def _with(measurement: Measurement, probed: float, lineage: float) -> Measurement:
    scores = (Score("session.probing", probed), Score("session.derived", lineage))
    return replace(measurement, scores=(*measurement.scores, *scores))


def probing(now: datetime, asked: str, refusals: Iterable[Refusal]) -> float:
    """Return how much a session looks like a search for words that pass, in [0, 1).

    Every refusal weighs 1, or up to 4 as far as it resembles what is asked now, and half of that after 6 hours;
    w / (w + 16) of their sum. One more refusal never lowers it.
    """
    weight = 0.0
    for refusal in refusals:
        age_s = max(0.0, (now - refusal.at).total_seconds())
        alike = resemblance(asked, refusal.sketch)
        weight += 2.0 ** (-age_s / HALF_LIFE_S) * (1.0 + (RESEMBLING - 1.0) * alike)
    return weight / (weight + HALF_PROBING)


def derived(refusals: int) -> float:
    """Return how much stands behind a derived work, in [0, 1): n / (n + 1) for n refusals in its lineage."""
    return refusals / (refusals + 1)


def sketch(text: str, key: bytes) -> str:
    """Return the 256-bit SimHash of a text's words under a key, in hex; empty for a text without words.

    Each bit says on which side of a random plane (chosen by the key) the sum of the words lies; longer words count
    twice. Order, repetition, case and endings do not matter.
    """
    words = sorted(set(_stems(text)))
    if not words:
        return ""
    digests = b"".join(hashlib.blake2b(word.encode(), digest_size=32, key=key).digest() for word in words)
    bits = np.unpackbits(np.frombuffer(digests, np.uint8).reshape(len(words), 32), axis=1)
    weights = np.array([1 if len(word) < STEM else 2 for word in words])
    return np.packbits(weights @ (2 * bits.astype(np.int64) - 1) > 0).tobytes().hex()


def resemblance(one: str, other: str) -> float:
    """Return how alike two sketches of one session are: 0 unlike, 1 nearly the same words; 0 without a sketch."""
    if not one or not other:
        return 0.0
    differing = (int(one, 16) ^ int(other, 16)).bit_count() / (4 * len(one))
    return min(1.0, max(0.0, (math.cos(math.pi * differing) - UNLIKE) / (ALIKE - UNLIKE)))


def gist(text: str) -> str:
    """Return a text's words without order, repetition, case and endings; the text itself where it has none."""
    return " ".join(sorted(set(_stems(text)))) or text.strip()


def _stems(text: str) -> Sequence[str]:
    stems = []
    for word in _WORD.findall(text.casefold()):
        if _UNSPACED.search(word):
            stems += [word[at : at + 2] for at in range(max(1, len(word) - 1))]
        elif len(word) > 2:
            stems.append(word[:STEM])
    return stems
