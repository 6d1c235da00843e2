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
    if len(inputs) > MOST_INPUTS:
        raise InvalidContent(f"a release names {MOST_INPUTS} inputs at most, not {len(inputs)}")
    if sum(each.relation is InputRelation.PARENT for each in inputs) > 1:
        raise InvalidContent("a release has one parent at most: what else was used is an input")
    return tuple(replace(each, path=_kept(each, folder / f"{number}")) for number, each in enumerate(inputs))


def _kept(each: ClaimInput, place: Path) -> Path:
    try:
        shutil.copyfile(each.path, place)
        with place.open("rb") as file:
            kind = media_type_of(file.read(HEAD_BYTES))
    except OSError as error:
        raise UnreadableMedia(f"the input {each.path.name} cannot be read: {error.strerror}") from error
    if kind is None:
        raise InvalidContent(
            f"the input {each.path.name} is of a kind that no manifest can refer to; use mp4, mov, png, jpeg or webp"
        )
    return place
