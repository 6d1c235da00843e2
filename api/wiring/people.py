"""Opens what recognises: the gallery of known persons and whoever looks for them, and the reader of visible labels."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from api.keys import gallery_key
from api.wiring.records import Records
from classifiers.face_finder import FOLDER
from classifiers.faces import FaceReader
from classifiers.known_persons import SIGNALS, KnownPersonClassifier, PersonDirectory
from classifiers.normalize import normalize
from classifiers.phrases import words_of
from classifiers.registered_names import first_word
from classifiers.visible_label import VisibleLabelClassifier
from classifiers.weights import EMBEDDED
from media.clip import Clip
from media.limits import Limits
from safety.domain import Unmeasured
from safety.enrolling import photos_of
from safety.known_people import KnownPeople
from safety.lookup import PersonStore
from safety.upload_persons import PersonSearch

if TYPE_CHECKING:
    from classifiers.base import Classifier
    from safety.people import Person

Looking = tuple[Sequence["Classifier[Clip]"], Sequence[Unmeasured]]
"""Who looks for persons, and what nobody can measure because the networks are not there."""


class Recognisers(Records):
    """What recognises, made on first use."""

    @cached_property
    def limits(self) -> Limits:
        """The largest video that is decoded."""
        return Limits(
            max_pixels=self.settings.video_max_pixels,
            max_duration_s=self.settings.video_max_duration_s,
            max_file_bytes=max(self.settings.upload_max_bytes, 1),
        )

    @cached_property
    def gallery(self) -> PersonStore:
        """Everybody enrolled, sealed."""
        return PersonStore(
            self.engine, self._append_event, lambda in_use: gallery_key(self.settings, in_use=in_use), first_word
        )

    @cached_property
    def faces(self) -> FaceReader:
        """The networks that find and compare faces."""
        return FaceReader()

    @cached_property
    def standing(self) -> KnownPeople:
        """What the registry of consents says about names and about persons; who is enrolled."""
        recogniser = self.faces.recogniser if faces_are_there() else ""
        return KnownPeople(self.gallery, self.likeness, folded, recogniser)

    @cached_property
    def person_instruments(self) -> Looking:
        """Who looks for known persons here."""
        return looking_for(self.standing)

    @cached_property
    def upload_persons(self) -> PersonSearch:
        """Looks for known persons in uploads, where a policy asks."""
        return PersonSearch(lambda: self.person_instruments, self._who_counts)

    def _who_counts(self) -> str:
        """Everybody who is enrolled and everybody who opted out, as one digest."""
        ids = (*self.gallery.living(), *(each.id for each in self.likeness.opt_outs()))
        return hashlib.sha256(" ".join(sorted(ids)).encode()).hexdigest()[:16]

    def enrol(self, names: Sequence[str], photos: Sequence[Path], *, actor: str) -> Person:
        """Look for a person from now on, from photos that are read in isolation and not kept.

        Raises:
            WeightsError: the networks are not there.
            MediaError, InvalidContent: a photo cannot be read, or shows no face or several; a name cannot be used.
            GalleryLocked, LedgerError: as `PersonStore.enrol`.
        """
        descriptors = photos_of(photos, self.limits, self.faces.enrol)
        return self.gallery.enrol(names, descriptors, self.faces.recogniser, actor=actor)

    @cached_property
    def label_reader(self) -> Classifier[Clip]:
        """Reads labels about origin in the picture."""
        return VisibleLabelClassifier()


def faces_are_there() -> bool:
    """Say whether the networks for faces are installed; an operator who may not recognise people removes them."""
    return (EMBEDDED / FOLDER).is_dir()


def looking_for(directory: PersonDirectory) -> Looking:
    """Return who looks for the persons of this directory.

    Raises:
        WeightsError: the networks are there, and one is missing or altered.
    """
    if not faces_are_there():
        reason = "the networks for faces are not installed (classifiers/weights/faces): nobody can be recognised"
        return (), [Unmeasured(signal, reason) for signal in sorted(SIGNALS)]
    return (KnownPersonClassifier(directory, FaceReader()),), ()


def folded(name: str) -> tuple[str, ...]:
    """Return a name as the words by which names are compared: as registered names are found in texts."""
    return tuple(word.folded for word in words_of(normalize(name).text))
