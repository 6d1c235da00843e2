"""What a released video was made from: kept still while it is judged and signed, and refused early where it cannot be
named.

Judges nothing: that is `safety.reference`. Writes no manifest: that is `provenance.manifest`.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from media.errors import UnreadableMedia
from media.kinds import HEAD_BYTES, media_type_of
from provenance.base import ClaimInput, InputRelation
from safety.errors import InvalidContent

MOST_INPUTS = 8
"""Ingredients of one release: each is judged, and each may bring a manifest store of its own."""


def keep_inputs(inputs: Sequence[ClaimInput], folder: Path) -> tuple[ClaimInput, ...]:
    """Return the inputs as copies in `folder`: what is judged is what is signed, whatever happens to the originals.

    Raises:
        InvalidContent: too many, two parents, or one of a kind that no manifest can refer to.
        UnreadableMedia: one cannot be read.
    """
    refuse_too_many(len(inputs))
    if sum(each.relation is InputRelation.PARENT for each in inputs) > 1:
        raise InvalidContent("a release has one parent at most: what else was used is an input")
    return tuple(replace(each, path=_kept(each, folder / f"{number}")) for number, each in enumerate(inputs))


def refuse_too_many(count: int) -> None:
    """Refuse more inputs than a release may name; raises InvalidContent."""
    if count > MOST_INPUTS:
        raise InvalidContent(f"a release names {MOST_INPUTS} inputs at most, not {count}")


def refuse_unnameable(path: Path, name: str) -> None:
    """Refuse a file that no manifest can refer to; `name` is what the message calls it.

    Raises:
        InvalidContent: it is of another kind.
        UnreadableMedia: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            kind = media_type_of(file.read(HEAD_BYTES))
    except OSError as error:
        raise UnreadableMedia(f"the input {name} cannot be read: {error.strerror}") from error
    if kind is None:
        raise InvalidContent(
            f"the input {name} is of a kind that no manifest can refer to; use mp4, mov, png, jpeg or webp"
        )


def _kept(each: ClaimInput, place: Path) -> Path:
    try:
        shutil.copyfile(each.path, place)
    except OSError as error:
        raise UnreadableMedia(f"the input {each.path.name} cannot be read: {error.strerror}") from error
    refuse_unnameable(place, each.path.name)
    return place
