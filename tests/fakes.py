"""Doubles that behave: small, deterministic, and able to fail the way the real thing fails."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from classifiers.base import MeasurementError, Score, TextSpan, TimeSpan
from generator.base import Capability, GenerationRequest, GeneratorError, UnsupportedRequest, refuse_incapable
from media.clip import Clip
from provenance.base import Claim, Credential, CredentialState, Mark, MarkReading, SigningError

FPS = 8.0


@dataclass
class WordClassifier:
    """Scores each signal 1.0 when its word stands in the prompt, else 0.0; `broken` measures nothing."""

    words: Mapping[str, str]
    broken: bool = False
    name: str = "words"
    version: str = "1"
    accepts: type = str

    @property
    def signals(self) -> frozenset[str]:
        return frozenset(self.words)

    def score(self, content: str) -> list[Score]:
        if self.broken:
            raise MeasurementError("the word list is gone")
        scores = []
        for signal, word in self.words.items():
            start = content.find(word)
            span = TextSpan(start, start + len(word)) if start >= 0 else None
            scores.append(Score(signal, float(start >= 0), span))
        return scores


@dataclass
class RednessClassifier:
    """Scores how red the reddest frame is: a signal that tests can paint."""

    signal: str = "frame.red"
    broken_after_s: float = float("inf")
    name: str = "redness"
    version: str = "1"
    accepts: type = Clip

    @property
    def signals(self) -> frozenset[str]:
        return frozenset({self.signal})

    def score(self, content: Clip) -> list[Score]:
        if content.end_s > self.broken_after_s:
            raise MeasurementError("the lamp went out")
        means = content.frames.astype(np.float64).mean(axis=(1, 2))
        redness = np.clip((means[:, 0] - means[:, 1:].max(axis=1)) / 128, 0, 1)
        peak = int(redness.argmax())
        return [Score(self.signal, float(redness[peak]), TimeSpan(*[float(content.times_s[peak])] * 2))]


@dataclass
class FrameRedness:
    """Scores how red each frame is, with the box of what is red: findings then have a beginning and an end."""

    signal: str = "frame.red"
    lasting_s: float = 0.0
    name: str = "frame_redness"
    version: str = "1"
    accepts: type = Clip
    looked_at: list[float] = field(default_factory=list)

    @property
    def signals(self) -> frozenset[str]:
        return frozenset({self.signal})

    def score(self, content: Clip) -> list[Score]:
        self.looked_at += content.times_s.tolist()
        return [
            self._score(frame, float(time_s)) for frame, time_s in zip(content.frames, content.times_s, strict=True)
        ]

    def _score(self, frame: np.ndarray, time_s: float) -> Score:
        wide = frame.astype(np.int16)
        red = (wide[..., 0] - wide[..., 1:].max(axis=-1)) > 64
        if not red.any():
            return Score(self.signal, 0.0, TimeSpan(time_s, time_s))
        (height, width), rows, columns = red.shape, red.any(axis=1).nonzero()[0], red.any(axis=0).nonzero()[0]
        box = (columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height)
        return Score(self.signal, 0.98, TimeSpan(time_s, time_s, tuple(float(side) for side in box)))


@dataclass
class PaintGenerator:
    """Paints every pixel in the colour that the prompt names, with a moving grey square."""

    name: str = "paint"
    version: str = "1"
    broken: bool = False
    calls: list[GenerationRequest] = field(default_factory=list)
    capabilities: frozenset[Capability] = frozenset(Capability)
    fps: float = FPS

    def check(self, request: GenerationRequest) -> None:
        if request.seconds > 10:
            raise UnsupportedRequest(f"{request.seconds:g} s is too long: at most 10")
        refuse_incapable(self.name, self.capabilities, request)

    def generate(self, request: GenerationRequest, progress=None) -> Clip:
        self.calls.append(request)
        if self.broken:
            raise GeneratorError("out of paint")
        count = max(2, round(request.seconds * FPS))
        colours = {"red": (230, 20, 20), "blue": (20, 20, 220)}
        colour = next((rgb for word, rgb in colours.items() if word in request.prompt), (60, 160, 60))
        frames = np.empty((count, request.height, request.width, 3), np.uint8)
        frames[:] = colour
        for given in request.keyframes:  # what was given shows for a moment, as its mean colour
            frames[min(count - 1, round(given.at_s * FPS))] = given.picture.mean((0, 1))
        for index, frame in enumerate(frames):
            x = (index * 5 + request.seed) % (request.width - 32)
            frame[96:128, x : x + 32] = 128
            if progress:
                progress((index + 1) / count)
        if request.source is not None:
            before = np.stack([cv2.resize(frame, (request.width, request.height)) for frame in request.source.frames])
            frames = np.concatenate([before, frames])
        return Clip(frames, np.arange(len(frames)) / FPS, FPS)


class BlockWatermark:
    """Writes the 48 bits as black and white blocks, 16 across and 3 down of a 16x16 grid: nothing hides, and everything
    survives an encode and a scaled decode."""

    algorithm = "test.blocks"

    def __init__(self, *, forgets: bool = False) -> None:
        self.forgets = forgets

    def embed(self, clip: Clip, id_hex: str, *, overwrite: bool = False) -> tuple[Clip, Mark]:
        frames = clip.frames.copy()
        height, width = (side // 16 for side in frames.shape[1:3])
        for bit in range(48):
            y, x = bit // 16 * height, bit % 16 * width
            frames[:, y : y + height, x : x + width] = 255 if int(id_hex, 16) >> bit & 1 else 0
        marked = clip.frames if self.forgets else frames
        return Clip(marked, clip.times_s, clip.fps), Mark(id_hex, 1.0, 40.0, robust=True)

    def detector(self) -> _BlockDetector:
        return _BlockDetector()


class _BlockDetector:
    def __init__(self) -> None:
        self._grids: list[np.ndarray] = []

    def add(self, frames: np.ndarray) -> None:
        self._grids += [cv2.resize(frame, (16, 16), interpolation=cv2.INTER_AREA) for frame in frames]

    def read(self) -> MarkReading | None:
        if not self._grids:
            return None
        blocks = np.mean(self._grids, axis=(0, 3))[:3].ravel()
        if ((blocks > 40) & (blocks < 215)).any():
            return None
        value = sum(1 << bit for bit, level in enumerate(blocks) if level > 128)
        return MarkReading(f"{value:012x}", 0, len(self._grids), "identity")


@dataclass
class StampSigner:
    """Copies the file and appends a free box: changed bytes, same pixels, no certificate."""

    state: CredentialState = CredentialState.TRUSTED
    broken: bool = False
    name: str = "stamp"
    claims: list[Claim] = field(default_factory=list)

    def sign(self, source: Path, destination: Path, claim: Claim) -> Credential:
        if self.broken:
            raise SigningError("the pen is dry")
        self.claims.append(claim)
        shutil.copyfile(source, destination)
        stamp = claim.release.encode()
        with destination.open("ab") as file:
            file.write((8 + len(stamp)).to_bytes(4, "big") + b"free" + stamp)
        return Credential(
            self.state,
            label=f"urn:test:{claim.release}",
            decision=claim.decision,
            trusted_by=("own",),
            detail={"signer": "1:test"},
        )

    def self_test(self) -> None:
        """Always able."""


@dataclass
class FixedReader:
    """Says the same of every file."""

    credential: Credential = field(default_factory=lambda: Credential(CredentialState.ABSENT))

    def read(self, path: Path) -> Credential:
        return self.credential
