"""Answers who is enrolled, and what the registrations of their names say about showing them.

    frame.known_person (somebody enrolled shows) ─▶ opted out?  frame.person_opted_out too, whoever asks
                                                 └─▶ granted to this requester, still in force?
                                                     the person's scores become frame.person_consented

A name binds a person to the registry of consents: a consent counts where it names exactly this person, an opt-out
where its name stands within the person's. Descriptors live in memory while the process does; the database has them
sealed (`safety.lookup.people`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from classifiers.base import MeasurementError, Score
from safety.consent import Standing
from safety.domain import Measurement
from safety.errors import GalleryLocked

if TYPE_CHECKING:
    from safety.lookup.people import PersonStore
    from safety.people import Enrolled

KNOWN = "frame.known_person"
OPTED_OUT = "frame.person_opted_out"
CONSENTED = "frame.person_consented"
PERSON_SIGNALS = frozenset({OPTED_OUT, CONSENTED})
"""What this module adds to the scores of frames."""

DETAIL = "person:"

Fold = Callable[[str], tuple[str, ...]]
"""A name as the words by which names are compared."""


class NameRegistry(Standing, Protocol):
    """Registrations, by id and by name."""

    def directory(self, first_words: frozenset[str]) -> Iterable[tuple[str, str]]:
        """Return (registration, name) for every registered name that begins with one of these words."""


class KnownPeople:
    """Directory and standing of everybody enrolled, for one process; safe for several threads."""

    def __init__(self, store: PersonStore, registry: NameRegistry, fold: Fold, recogniser: str) -> None:
        """Look persons up in this store, and their names in this registry.

        `recogniser`: version of the network whose descriptors can be compared with what is seen.
        """
        self._store = store
        self._registry = registry
        self._fold = fold
        self._recogniser = recogniser
        self._people: dict[str, Enrolled] = {}
        self._rows: tuple[tuple[str, ...], NDArray[np.float32]] = ((), np.zeros((0, 0), np.float32))
        self._lock = threading.Lock()

    def enrolled(self) -> tuple[Sequence[str], NDArray[np.float32]]:
        """Return ids of persons, one for each photo, and the photos' descriptors, float32 (N, 128).

        Raises:
            MeasurementError: the gallery is locked, or holds descriptors of another network.
            DatabaseError: the database is gone: nothing may be called clean.
        """
        with self._lock:
            try:
                self._refresh()
            except GalleryLocked as error:
                raise MeasurementError(f"known persons cannot be looked for: {error}") from error
            strange = sorted(id_ for id_, each in self._people.items() if each.recogniser != self._recogniser)
            if strange:
                raise MeasurementError(
                    f"{len(strange)} persons were enrolled with another network, {strange[0]} for one: enrol them again"
                )
            return self._rows

    def opted_out(self, ids: Collection[str]) -> frozenset[str]:
        """Return those of the ids that stand for somebody who opted out: registrations, or persons by their names."""
        people = self._named(ids)
        held = self._registry.opted_out(
            {*ids, *(each for exact, within in people.values() for each in (*exact, *within))}
        )
        return frozenset(ids) & held | {id_ for id_, (exact, within) in people.items() if held & {*exact, *within}}

    def consented(self, ids: Collection[str], requester: str) -> frozenset[str]:
        """Return those of the ids that this requester may show now: registrations, or persons by their names."""
        people = self._named(ids)
        held = self._registry.consented({*ids, *(each for exact, _ in people.values() for each in exact)}, requester)
        return frozenset(ids) & held | {id_ for id_, (exact, _) in people.items() if held & set(exact)}

    def _named(self, ids: Collection[str]) -> dict[str, tuple[list[str], list[str]]]:
        """Return, for each person among the ids, the registrations of exactly their names, and of names within them."""
        with self._lock:
            people = {id_: self._people[id_] for id_ in ids if id_ in self._people}
        found: dict[str, tuple[list[str], list[str]]] = {}
        for id_, person in people.items():
            names = [self._fold(name) for name in person.names]
            exact, within = [], []
            for registration, name in self._registry.directory(frozenset(word for each in names for word in each)):
                words = self._fold(name)
                if words in names:
                    exact.append(registration)
                elif any(_stands_in(words, each) for each in names):
                    within.append(registration)
            found[id_] = exact, within
        return found

    def _refresh(self) -> None:
        """Bring what is in memory up to date with the database."""
        living = self._store.living()
        if living == self._people.keys():
            return
        people = {id_: each for id_, each in self._people.items() if id_ in living}
        people |= {each.id: each for each in self._store.opened(living - people.keys())}
        ordered = [people[id_] for id_ in sorted(people)]
        ids = tuple(each.id for each in ordered for _ in each.descriptors)
        rows = np.concatenate([each.descriptors for each in ordered]) if ordered else np.zeros((0, 0), np.float32)
        self._people, self._rows = people, (ids, rows)


def apply_consents(measurement: Measurement, requester: str, standing: Standing) -> Measurement:
    """Return the measurement with `frame.person_opted_out` and `frame.person_consented`; applying it twice is applying
    it once.

    What a consent excuses is no longer `frame.known_person`; an opt-out is stronger than any consent. A measurement in
    which nobody looked for persons comes back as it is: then all three are unmeasured.
    """
    found = [score for score in measurement.scores if score.signal == KNOWN]
    signals = {score.signal for score in measurement.scores}
    if not found or signals >= PERSON_SIGNALS or any(gap.signal == KNOWN for gap in measurement.unmeasured):
        return measurement
    ids = {person_of(score) for score in found} - {""}
    out = standing.opted_out(ids) if ids else frozenset()
    may = (standing.consented(ids, requester) if ids and requester else frozenset()) - out
    scores = [
        replace(score, signal=CONSENTED) if score.signal == KNOWN and person_of(score) in may else score
        for score in measurement.scores
    ]
    scores += [replace(score, signal=OPTED_OUT) for score in found if person_of(score) in out]
    lost = {KNOWN, *PERSON_SIGNALS} - {score.signal for score in scores}
    return replace(measurement, scores=(*scores, *(Score(signal, 0.0) for signal in sorted(lost))))


def nobody_known(measurement: Measurement) -> Measurement:
    """Return the measurement as it is judged where there is no registry: for data sets, never for what is released."""
    return apply_consents(measurement, "", _NoRegistry())


class _NoRegistry:
    def opted_out(self, ids: Collection[str]) -> frozenset[str]:
        return frozenset()

    def consented(self, ids: Collection[str], requester: str) -> frozenset[str]:
        return frozenset()


def person_of(score: Score) -> str:
    """Return the id of the person that a score is about; empty: nobody."""
    return score.detail.removeprefix(DETAIL) if score.detail.startswith(DETAIL) else ""


def _stands_in(words: tuple[str, ...], name: tuple[str, ...]) -> bool:
    return bool(words) and any(name[at : at + len(words)] == words for at in range(len(name) - len(words) + 1))
