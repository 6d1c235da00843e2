"""Says whether a prompt, of one text or of scenes, is a text that can be judged, and what is wrong with it if not.

What it accepts is what every judgement of prompts accepts: the gate, evaluations and attacks. It never repeats the text
and knows no policy.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from safety.errors import InvalidContent
from safety.storyboard import read_storyboard, write_storyboard

_HALF_A_PAIR: Final = re.compile("[\ud800-\udfff]")

_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1f]")
"""Control characters but tab, line feed, vertical tab, form feed and carriage return (0x09 to 0x0d)."""


def whole_prompt(text: str, scenes: Sequence[str], max_characters: int, max_scenes: int) -> str:
    """Return a prompt as one text, its scenes marked: what is recorded, kept with the job and generated from.

    Raises:
        InvalidContent: empty, not text, longer than `max_characters`, or of more scenes than `max_scenes`.
    """
    for number, scene in enumerate(scenes, start=1):
        refuse_unreadable(scene, max_characters, f"scene {number}")
    whole = write_storyboard(text, scenes) if scenes else text
    refuse_unreadable(whole, max_characters)
    storyboard = read_storyboard(text, scenes)
    if storyboard is not None and len(storyboard.scenes) > max_scenes:
        raise InvalidContent(
            f"the prompt has {len(storyboard.scenes)} scenes; at most {max_scenes} are judged together"
        )
    return whole


def refuse_unreadable(text: str, max_characters: int, what: str = "the prompt") -> None:
    """Refuse a prompt that is not a text anybody could want to see.

    Raises:
        InvalidContent: says what is wrong and never repeats the text.
    """
    if not text.strip():
        raise InvalidContent(f"{what} is empty: say what the video should show")
    if len(text) > max_characters:
        raise InvalidContent(f"{what} has {len(text)} characters; at most {max_characters} are judged")
    if _HALF_A_PAIR.search(text):
        raise InvalidContent(f"{what} is not valid Unicode text: it holds half of a surrogate pair")
    if _CONTROL.search(text):
        raise InvalidContent(f"{what} holds control characters: it looks like binary data, not text")
