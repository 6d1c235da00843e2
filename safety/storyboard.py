"""A prompt of several scenes: where each begins, and which texts must be measured so that none hides behind another.

    scenes ─▶ each alone · every two neighbours · all together · all together without a gap at the seams

A harmless scene beside a harmless scene can be harm, and a word can be split over two scenes; so the strictest of all
these readings counts. Every scene is read at most five times. Finds scenes and maps spans; measures nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from classifiers.base import Score, TextSpan

EXCUSING = "context."
"""Prefix of signals that can soften a judgement. One scene's excuse is no excuse for another: of a storyboard they
count as far as the scene has them that has least of it."""

_WORD = r"scene|shot|clip|szene|einstellung|escena|toma|scène|cena|scena|sahne|сцена|кадр|दृश्य|مشهد"
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2})?(?:\.\d{1,3})?"
_MARKER = re.compile(
    rf"\b(?:{_WORD})\s{{0,3}}[#№]?\s?\d{{1,3}}\s?[:.)–—-]"
    r"|(?:第\s?(?:\d{1,3}|[一二三四五六七八九十]{1,3})\s?[幕场場]|(?:场景|場景|镜头|シーン)\s?\d{1,3})\s?[:：、.]?"
    rf"|[\[(]\s?{_CLOCK}(?:\s?[-–—]\s?{_CLOCK})?\s?[\])]",
    re.IGNORECASE,
)
"""`Scene 2:`, `Shot 3 -`, `Szene 1.`, `场景 2：`, `[0:05]`, `(0:05 - 0:10)`: only numbers, so nothing hides there."""


@dataclass(frozen=True)
class Scene:
    """One scene, and where its text stands in what the requester gave."""

    number: int
    """From 1; 0 is what stands before the first marker."""

    text: str
    offset: int
    """Code points before it in the one text that was given; 0 where scenes were given one by one."""


@dataclass(frozen=True)
class Reading:
    """A text made of pieces of scenes, in order, to be measured as one."""

    text: str
    pieces: tuple[tuple[int, Scene, int, int], ...]
    """(where the piece begins in `text`, its scene, where the piece begins and ends in the scene)."""

    def place(self, score: Score) -> Iterator[Score]:
        """Yield the Score once for each scene that its span touches, with the span as the requester counts it."""
        if not isinstance(score.span, TextSpan):
            yield replace(score, span=None)
            return
        found = False
        for start, scene, begin, end in self.pieces:
            first = max(score.span.start, start)
            last = min(score.span.end, start + end - begin)
            if first < last:
                found = True
                shift = scene.offset + begin - start
                yield replace(score, span=TextSpan(first + shift, last + shift, scene.number))
        if not found:
            yield replace(score, span=None)


@dataclass(frozen=True)
class Storyboard:
    """The scenes of one prompt, in order."""

    scenes: tuple[Scene, ...]

    def alone(self) -> tuple[Reading, ...]:
        """Each scene by itself."""
        return tuple(_joined([scene]) for scene in self.scenes)

    def together(self) -> tuple[Reading, ...]:
        """All scenes as one text, with and without a gap at the seams, and every two neighbours as one text."""
        pairs = [_joined(pair) for pair in zip(self.scenes, self.scenes[1:], strict=False)]
        readings = (_joined(self.scenes), _glued(self.scenes), *pairs)
        return tuple({reading.text: reading for reading in readings}.values())


def read_storyboard(text: str, scenes: Sequence[str] = ()) -> Storyboard | None:
    """Return the scenes of a prompt: those given one by one, or those marked in its text; None: it is one scene.

    With `scenes`, a `text` beside them is about all of them, and becomes scene 0.
    """
    if scenes:
        given = ([Scene(0, text, 0)] if text.strip() else []) + [
            Scene(number, scene, 0) for number, scene in enumerate(scenes, start=1)
        ]
        return Storyboard(tuple(given)) if len(given) > 1 else read_storyboard(scenes[0])
    marks = list(_MARKER.finditer(text))
    if not marks:
        return None
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    found = [Scene(0, text[: marks[0].start()], 0)]
    found += [
        Scene(number, text[mark.end() : end], mark.end())
        for number, (mark, end) in enumerate(zip(marks, ends, strict=True), start=1)
    ]
    told = tuple(scene for scene in found if scene.text.strip())
    return Storyboard(told) if len(told) > 1 else None


def write_storyboard(text: str, scenes: Sequence[str]) -> str:
    """Return one text with a marker before each scene: what a generator is given, and whose digest is recorded."""
    lines = [text] if text.strip() else []
    return "\n".join([*lines, *(f"Scene {number}: {scene}" for number, scene in enumerate(scenes, start=1))])


def merge(alone: Sequence[Sequence[Score]], together: Iterable[Sequence[Score]]) -> tuple[Score, ...]:
    """Return the scores of a storyboard: of every signal the strongest at each place, of excuses the weakest scene's.

    `alone` and `together`: the scores of each reading, already placed.
    """
    strongest: dict[tuple[str, object, str], Score] = {}
    excuses: dict[str, list[float]] = {}
    for reading in alone:
        for signal in {score.signal for score in reading if score.signal.startswith(EXCUSING)}:
            excuses.setdefault(signal, []).append(max(score.value for score in reading if score.signal == signal))
    for score in (each for reading in (*alone, *together) for each in reading):
        if score.signal.startswith(EXCUSING):
            continue
        key = (score.signal, score.span, score.detail)
        if key not in strongest or score.value > strongest[key].value:
            strongest[key] = score
    weakest = [Score(signal, min(values)) for signal, values in excuses.items() if len(values) == len(alone)]
    weakest += [Score(signal, 0.0) for signal, values in excuses.items() if len(values) < len(alone)]
    return (*strongest.values(), *weakest)


def _joined(scenes: Iterable[Scene]) -> Reading:
    """One scene after another, on lines of their own."""
    return _assembled([(scene, 0, len(scene.text)) for scene in scenes], "\n")


def _glued(scenes: Iterable[Scene]) -> Reading:
    """One scene after another without a gap: a word that was cut at a seam is whole again."""
    stripped = [(scene, scene.text.rstrip()) for scene in scenes]
    return _assembled([(scene, len(text) - len(text.lstrip()), len(text)) for scene, text in stripped], "")


def _assembled(pieces: Sequence[tuple[Scene, int, int]], separator: str) -> Reading:
    text, placed = "", list[tuple[int, Scene, int, int]]()
    for scene, begin, end in pieces:
        text += separator if placed else ""
        placed.append((len(text), scene, begin, end))
        text += scene.text[begin:end]
    return Reading(text, tuple(placed))
