"""Turns any prompt into a Scene the embedded checkpoint can draw, and says what it took from it.

Words are looked up in the tables of `generator.scene` (plurals and small misspellings too); what the prompt leaves
open is drawn from the seed. It understands words, not sentences: "no ball" is a ball.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import numpy as np

from generator.base import Revision
from generator.scene import SLOTS, STEADY, WORDS, Scene, choices

PLAIN_MOTION = frozenset(
    ["move", "moves", "moving", "roll", "rolls", "rolling", "drive", "drives", "driving", "sail", "sails", "sailing",
     "drift", "drifts", "drifting", "cross", "crosses", "crossing", "travel", "travels", "travelling", "traveling"]
)  # fmt: skip
"""Words that say that something moves but not where to: taken as "to the right" unless the prompt says more."""

PANS = frozenset(["pan", "pans", "panning"])
ZOOMS = frozenset(["zoom", "zooms", "zooming"])
CAMERA_MOVES = frozenset(["move", "moves", "moving", "turn", "turns", "turning", "swings", "tracks"])
REACH = 4
"""Words after "pan" or "camera moves" among which its direction is looked for."""

FILLERS = frozenset(
    ["a", "an", "and", "the", "of", "in", "on", "at", "over", "by", "to", "with", "is", "are", "it", "its", "from",
     "into", "under", "near", "above", "across", "through", "for", "as", "that", "this", "video", "clip", "film",
     "movie", "shot", "scene", "picture", "show", "me", "please", "make", "generate", "create", "one", "some", "there",
     "while", "where", "his", "her", "their", "them", "then", "which", "who", "was", "were", "be", "being", "been",
     "camera"]
)  # fmt: skip
"""Words that are neither understood nor worth reporting as ignored."""


@dataclass(frozen=True)
class Expansion:
    """What became of a prompt."""

    scene: Scene
    """What will be drawn."""

    understood: tuple[str, ...]
    """Words of the prompt that decided a slot, in order."""

    ignored: tuple[str, ...]
    """Words of the prompt without influence on the clip, in order."""

    @property
    def caption(self) -> str:
        """The full caption handed to the text encoder."""
        return self.scene.caption


def expand(prompt: str, seed: int) -> Expansion:
    """Read a prompt: pure, total, and the same for the same prompt and seed."""
    words = re.findall(r"[^\W\d_]+", prompt.lower())
    meanings = [meaning(word) for word in words]
    taken: dict[str, tuple[str, int]] = {}
    filmed, of_camera = camera(words)
    for place, found in enumerate(meanings):
        if found is None or found[0] in taken or place in of_camera:
            continue
        follower = meanings[place + 1] if place + 1 < len(words) else None
        if found[0] == "colour" and follower is not None and follower[0] == "place":
            continue  # a green meadow says nothing of the ball on it
        taken[found[0]] = (found[1], place)
    for place, word in enumerate(words):
        if word in PLAIN_MOTION and "motion" not in taken and place not in of_camera:
            taken["motion"] = ("moving to the right", place)
    rng = np.random.default_rng(seed % (1 << 63))
    filled = {slot: str(rng.choice(choices(slot))) for slot in SLOTS} | {"camera": filmed}
    used = {place for _, place in taken.values()} | of_camera
    return Expansion(
        scene=Scene(**{slot: taken[slot][0] if slot in taken else filled[slot] for slot in SLOTS}),
        understood=tuple(words[place] for place in sorted(used)),
        ignored=tuple(word for place, word in enumerate(words) if place not in used and word not in FILLERS),
    )


class SceneExpander:
    """`PromptExpander` for the embedded checkpoint: slots that the prompt leaves open are filled by the seed."""

    name = "framegate-scenes"

    def revise(self, prompt: str, seed: int) -> Revision:
        """Return the caption that the checkpoint draws; expanding it again changes nothing."""
        expansion = expand(prompt, seed)
        return Revision(expansion.caption, self.name, expansion.understood, expansion.ignored)


def camera(words: Sequence[str]) -> tuple[str, frozenset[int]]:
    """Return what the camera does and the places of the words that say so; it is steady unless they do."""
    for place, word in enumerate(words):
        turns = word in PANS or (word in CAMERA_MOVES and "camera" in words[max(0, place - 2) : place])
        for beyond in range(place + 1, min(place + 1 + REACH, len(words))):
            if turns and words[beyond] in ("left", "right"):
                return f"the camera pans {words[beyond]}", frozenset({place, beyond})
        if word in ZOOMS and "out" not in words[place + 1 : place + 2]:
            return "the camera zooms in", frozenset({place})
    return STEADY, frozenset()


@cache
def vocabulary() -> Mapping[str, tuple[str, str]]:
    """Return word -> (slot, value) for every known single word."""
    known: dict[str, tuple[str, str]] = {}
    for slot, values in WORDS.items():
        for value, others in values.items():
            for word in (value, *others):
                if " " not in word:
                    known[word] = (slot, value)
    return MappingProxyType(known)


def meaning(word: str) -> tuple[str, str] | None:
    """Return the slot and value a lower-case word stands for; forgives a plural s, and a slip in longer words."""
    known = vocabulary()
    for form in (word, word.removesuffix("s"), word.removesuffix("es")):
        if form in known:
            return known[form]
    if len(word) < 5 or word in FILLERS or word in PLAIN_MOTION:
        return None
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.85)
    return known[close[0]] if close else None
