"""Finds among many videos those of which a few frames show a part: by votes of single points, then by geometry.

Candidates come from equal 24-bit words of the points' codes, as in hashing for near neighbours (Indyk and Motwani, STOC
1998); the best few are compared point by point (`media.feature_match`). A vote proves nothing, and a copy whose every
word was changed is missed. A frame that is flat but for a bar, a label or a logo is not known at all: strangers have
the same. In memory only: 2 KB a frame. The frames themselves stay where the record is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from media.feature_match import Agreement, agreement, occupied_cells
from media.local_features import FrameFeatures, Points

WORDS = 4
"""Words of a code that are looked up: bytes 0 to 2, 8 to 10, and so on, one of each quarter."""

MOST_ALIKE = 200
"""Points with one word beyond which it says nothing: flat stripes and grids have thousands."""

LEAST_VOTES = 3
"""Equal words from which a pair of frames is worth comparing."""

CANDIDATES = 30
"""Videos that are compared, of all that got votes; of those that are asked for by name as many again."""

PAIRS = 3
"""Kept frames of one candidate with which a frame is compared."""

LEAST_POINTS = 8
LEAST_COVERAGE = 0.5
LEAST_VIEW = 0.15
LEAST_MIDDLE = 0.25
LEAST_EXTENT = 0.4
"""What makes two frames agree: of 1,000s of pairs of strange frames none reached it (docs/evaluation.md, Marks)."""

ALONE_POINTS = 12
ALONE_COVERAGE = 0.55
"""What a picture that stands still must reach, since no second frame can agree."""

TEXTURED_POINTS = 24
"""Points below which a frame proves nothing and does not count."""

LEAST_CELLS = 8
"""Of 24: a kept frame with points in fewer cells is not known. A bar of news fills six, a label of a tenth of the
height three."""

LEAST_SHARE = 0.5
"""Share of the textured frames that must agree with one video."""

_TABLE_GROWTH = 4

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FeatureMatch:
    """A known video of which frames show a part."""

    key: str
    share: float
    """Share in [0, 1] of the textured frames that agree with it."""

    frames: int
    """Textured frames that were asked about."""

    best: Agreement
    mirrored: bool


class _Table(NamedTuple):
    """Words in order, each with the number of the frame that holds it."""

    words: NDArray[np.uint32]
    frames: NDArray[np.int32]


class Candidate(NamedTuple):
    """A known video that got votes and is yet to be compared."""

    key: str
    first: int
    """Number of its first frame."""

    votes: Sequence[_Votes]
    """Of each frame that is asked about, in order."""

    mirrored: bool


class FeatureIndex:
    """Known videos by the points of their key frames. Not safe for concurrent writing; `compared` reads nothing that
    is written.

    `load` gives the frames of a key as they were added, when it is compared.
    """

    def __init__(self, load: Callable[[str], Sequence[FrameFeatures]]) -> None:
        self._load = load
        self._keys: list[str] = []
        self._owners: list[int] = []
        """Of each frame, the number of its key."""

        self._firsts: list[int] = []
        """Of each key, the number of its first frame."""

        self._tables: list[_Table] = []

    def __len__(self) -> int:
        """Frames that are known."""
        return len(self._owners)

    def add(self, key: str, frames: Iterable[FrameFeatures]) -> None:
        """Know a video from now on; a key is added once, whole. One without frames is not known, and of one with
        thin frames only the others are."""
        kept = list(frames)
        if not kept:
            return
        first = len(self._owners)
        self._firsts.append(first)
        self._owners += [len(self._keys)] * len(kept)
        self._keys.append(key)
        indexed = [(first + at, frame.points) for at, frame in enumerate(kept) if is_spread(frame)]
        if indexed:
            words = np.concatenate([_words(points).ravel() for _, points in indexed])
            owners = np.concatenate([np.full(points.size * WORDS, at, np.int32) for at, points in indexed])
            self._put(_Table(words, owners))

    def matches(
        self, frames: Sequence[FrameFeatures], named: Collection[str] = (), *, alone: bool = False
    ) -> list[FeatureMatch]:
        """Return every known video that enough of these frames show, the best first; mirrored ones too. `named` and
        `alone` as of `candidates`."""
        return self.compared(frames, self.candidates(frames, named, alone=alone))

    def candidates(
        self, frames: Sequence[FrameFeatures], named: Collection[str] = (), *, alone: bool = False
    ) -> list[Candidate]:
        """Return the `CANDIDATES` videos with most votes, and as many again of those `named`, so that no number of
        variants of one picture hides them; with `alone` of `named` only."""
        found = []
        for mirrored in (False, True):
            votes = [self._votes(each.mirrored if mirrored else each.points) for each in _textured(frames)]
            sums: dict[int, int] = {}
            for of_frame in votes:
                for number, most in of_frame.best.items():
                    sums[number] = sums.get(number, 0) + most
            ranked = sorted(sums, key=lambda each: (-sums[each], each))
            chosen = [] if alone else ranked[:CANDIDATES]
            chosen += [each for each in ranked[len(chosen) :] if self._keys[each] in named][:CANDIDATES]
            found += [Candidate(self._keys[each], self._firsts[each], votes, mirrored) for each in chosen]
        return found

    def compared(self, frames: Sequence[FrameFeatures], candidates: Sequence[Candidate]) -> list[FeatureMatch]:
        """Return those of the candidates for these frames that they show, the best first."""
        textured, loaded = _textured(frames), dict[str, Sequence[FrameFeatures]]()
        found: dict[str, FeatureMatch] = {}
        for candidate in candidates:
            if candidate.key not in loaded:
                loaded[candidate.key] = self._load(candidate.key)
            agreeing = [
                _agreement(loaded[candidate.key], candidate, each, votes)
                for each, votes in zip(textured, candidate.votes, strict=True)
            ]
            told = _told(candidate.key, agreeing, mirrored=candidate.mirrored)
            if told is not None and (told.key not in found or _rank(told) > _rank(found[told.key])):
                found[told.key] = told
        return sorted(found.values(), key=_rank, reverse=True)

    def _votes(self, points: Points) -> _Votes:
        words = _words(points)
        voted = [np.empty(0, np.int64)]
        for table in self._tables:
            for column in range(WORDS):
                asked = words[:, column]
                start = np.searchsorted(table.words, asked, "left")
                lengths = np.searchsorted(table.words, asked, "right") - start
                lengths[lengths > MOST_ALIKE] = 0
                before = np.cumsum(lengths) - lengths
                places = np.repeat(start - before, lengths) + np.arange(lengths.sum())
                voted.append(table.frames[places].astype(np.int64))
        frames, counts = np.unique(np.concatenate(voted), return_counts=True)
        enough = counts >= LEAST_VOTES
        frames, counts = frames[enough], counts[enough]
        best: dict[int, int] = {}
        for frame, count in zip(frames.tolist(), counts.tolist(), strict=True):
            owner = self._owners[frame]
            best[owner] = max(best.get(owner, 0), count)
        return _Votes(frames, counts, best)

    def _put(self, table: _Table) -> None:
        while self._tables and len(self._tables[-1].words) < _TABLE_GROWTH * len(table.words):
            before = self._tables.pop()
            table = _Table(np.concatenate([before.words, table.words]), np.concatenate([before.frames, table.frames]))
        order = np.argsort(table.words, kind="stable")
        self._tables.append(_Table(table.words[order], table.frames[order]))


class _Votes(NamedTuple):
    frames: Numbers
    counts: Numbers
    best: dict[int, int]
    """Of each key's number, the votes of its best frame."""


def agrees(found: Agreement) -> bool:
    """Say whether two frames show the same picture, or one a part of the other."""
    spread = found.coverage >= LEAST_COVERAGE and found.middle >= LEAST_MIDDLE and found.extent >= LEAST_EXTENT
    return found.points >= LEAST_POINTS and found.view >= LEAST_VIEW and spread


def is_spread(frame: FrameFeatures) -> bool:
    """Say whether a kept frame has enough points, in enough of its cells, that a like one is no accident."""
    return len(frame.points) >= TEXTURED_POINTS and occupied_cells(frame) >= LEAST_CELLS


def _textured(frames: Iterable[FrameFeatures]) -> list[FrameFeatures]:
    return [each for each in frames if len(each.points) >= TEXTURED_POINTS]


def _agreement(
    kept: Sequence[FrameFeatures], candidate: Candidate, asked: FrameFeatures, votes: _Votes
) -> Agreement | None:
    """The best agreement with a kept frame of this candidate, of those with most votes."""
    first = candidate.first
    inside = (votes.frames >= first) & (votes.frames < first + len(kept))
    order = np.argsort(-votes.counts[inside], kind="stable")[:PAIRS]
    tried = [agreement(kept[at - first], asked, mirrored=candidate.mirrored) for at in votes.frames[inside][order]]
    return max((each for each in tried if agrees(each)), key=lambda each: each.points, default=None)


def _told(key: str, agreeing: Sequence[Agreement | None], *, mirrored: bool) -> FeatureMatch | None:
    found = [each for each in agreeing if each is not None]
    if not found:
        return None
    best = max(found, key=lambda each: each.points)
    share = len(found) / len(agreeing)
    alone = len(found) == 1
    if share < LEAST_SHARE or (alone and (best.points < ALONE_POINTS or best.coverage < ALONE_COVERAGE)):
        return None
    return FeatureMatch(key, share, len(agreeing), best, mirrored)


def _rank(match: FeatureMatch) -> tuple[float, int]:
    return match.share, match.best.points


def _words(points: Points) -> NDArray[np.uint32]:
    """(N, WORDS): 24 bits of each quarter of a code, and which quarter it was."""
    quarters = np.arange(WORDS, dtype=np.uint32) << np.uint32(24)
    return np.asarray((points["code"] & np.uint64(0xFFFFFF)).astype(np.uint32) | quarters, np.uint32)
