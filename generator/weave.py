"""How each capability is made of runs of the pipeline: one function each, from a request to delivered frames.

A run makes 17 frames. Longer clips go on from their last five; of what was sampled only these are kept, so memory
holds the delivered frames and one run. What was there before a clip is made by playing time backwards; a loop goes
there and back; pictures are filled in by changing a cross-fade between them; an edit changes the clip itself.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from generator.base import Capability, GenerationRequest, Picture
from generator.delivery import FloatFrames, at_rate, deliver, fit, to_delivered, to_sampled
from generator.scene import STEADY, Scene
from media.clip import Clip, Frames

if TYPE_CHECKING:
    from generator.sampling import Condition

FPS = 8.0
CHUNK = 17
"""Frames sampled at once: 4k+1, as trained."""

OVERLAP = 5
"""Frames of the previous run that the next one starts from: two latent frames, so that it knows the velocity."""

FILL_STRENGTH = 0.6
"""How far a cross-fade is changed: the given pictures must still be recognised, the double images must not."""

BACKWARD = MappingProxyType(
    {
        "moving to the left": "moving to the right",
        "moving to the right": "moving to the left",
        "rising": "falling",
        "falling": "rising",
        "the camera pans left": "the camera pans right",
        "the camera pans right": "the camera pans left",
        "the camera zooms in": STEADY,
    }
)
"""What a motion looks like when time runs backwards; all others look the same."""


@dataclass
class Studio:
    """Runs the pipeline for one request, counting runs so that each has a seed of its own."""

    run: Callable[..., FloatFrames]
    """Called with `scene`, `frames`, `seed`, `given`, `source` and `strength`."""

    condition: type[Condition]
    size: tuple[int, int]
    scene: Scene
    seed: int
    done: int = field(default=0)

    def chunk(
        self,
        frames: int,
        beginning: FloatFrames | None = None,
        *,
        source: FloatFrames | None = None,
        strength: float = 1.0,
    ) -> FloatFrames:
        """Sample one run that starts with `beginning`."""
        given = () if beginning is None else (self.condition(beginning),)
        seed = int(np.random.SeedSequence((self.seed % (1 << 63), self.done)).generate_state(1, np.uint64)[0]) >> 1
        made = self.run(scene=self.scene, frames=frames, seed=seed, given=given, source=source, strength=strength)
        self.done += 1
        return made

    def go_on(self, beginning: FloatFrames | None) -> Iterator[FloatFrames]:
        """Sample without end; each part is what is new after the one before (and after `beginning`)."""
        while True:
            made = self.chunk(CHUNK, beginning)
            yield made if beginning is None else made[len(beginning) :]
            beginning = made[-OVERLAP:]


def runs(request: GenerationRequest) -> int:
    """Return how many runs a request takes."""
    wanted, capability = frames_of(request), request.capability
    if capability is Capability.IMAGE:
        return 1
    if capability is Capability.LOOP:
        wanted = wanted // 2 + 1
    first = CHUNK - OVERLAP if capability in (Capability.EXTEND, Capability.EXTEND_BACKWARD) else CHUNK
    return 1 + max(0, math.ceil((wanted - first) / (CHUNK - OVERLAP)))


def frames_of(request: GenerationRequest) -> int:
    """Return how many frames are made: of an edit as many as its source has."""
    if request.capability is Capability.EDIT and request.source is not None:
        return len(at_rate(request.source, FPS))
    return max(1, round(request.seconds * FPS))


def weave(studio: Studio, request: GenerationRequest) -> Clip:
    """Make what is asked for."""
    frames = WEAVERS[request.capability](studio, request)
    return Clip(frames, np.arange(len(frames)) / FPS, FPS)


def _text(studio: Studio, request: GenerationRequest) -> Frames:
    picture = request.keyframes[0].picture if request.keyframes else None
    beginning, pinned = None, None
    if picture is not None:
        beginning = to_sampled(picture[None], studio.size)
        pinned = to_delivered(fit(picture, request.width, request.height))
    return _collect(studio, request, beginning, pinned, frames_of(request))


def _collect(
    studio: Studio, request: GenerationRequest, beginning: FloatFrames | None, pinned: Picture | None, wanted: int
) -> Frames:
    """Sample and deliver `wanted` frames, the given ones included; `pinned` is the picture of the last given one."""
    delivered = np.empty((wanted, request.height, request.width, 3), np.uint8)
    done = 0
    anchor = None if beginning is None else beginning[-1:]
    if pinned is not None:
        delivered[0], done = pinned, 1
    for part in studio.go_on(beginning):
        taken = part[: wanted - done]
        if anchor is None or pinned is None:
            delivered[done : done + len(taken)] = deliver(taken, request.width, request.height)
        else:
            both = deliver(np.concatenate([anchor, taken]), request.width, request.height, {0: pinned})
            delivered[done : done + len(taken)] = both[1:]
        done += len(taken)
        if done >= wanted:
            break
    return delivered


def _image(studio: Studio, request: GenerationRequest) -> Frames:
    picture = deliver(studio.chunk(1), request.width, request.height)
    return np.repeat(picture, frames_of(request), axis=0)


def _extend(studio: Studio, request: GenerationRequest) -> Frames:
    given = _given(request)
    wanted = frames_of(request)
    known = given[-OVERLAP:]
    if len(known) < OVERLAP:
        known = known[-1:]
    made = _collect(studio, request, to_sampled(known, studio.size), given[-1], wanted + 1)
    return np.concatenate([given, made[1:]])


def _extend_backward(studio: Studio, request: GenerationRequest) -> Frames:
    source = _source(request)
    turned = Clip(at_rate(source, FPS)[::-1], np.arange(len(at_rate(source, FPS))) / FPS, FPS)
    before = replace(
        studio.scene,
        motion=BACKWARD.get(studio.scene.motion, studio.scene.motion),
        camera=BACKWARD.get(studio.scene.camera, studio.scene.camera),
    )
    made = _extend(replace(studio, scene=before), replace(request, source=turned))
    return np.ascontiguousarray(made[::-1])


def _loop(studio: Studio, request: GenerationRequest) -> Frames:
    wanted = frames_of(request)
    there = _text(studio, replace(request, seconds=(wanted // 2 + 1) / FPS))
    back = there[-1:0:-1] if wanted % 2 else there[-2:0:-1]
    return np.concatenate([there, back])[:wanted]


def _fill(studio: Studio, request: GenerationRequest) -> Frames:
    wanted = frames_of(request)
    given = {min(wanted - 1, round(each.at_s * FPS)): each.picture for each in request.keyframes}
    places = sorted(given)
    small = dict(
        zip(places, to_sampled(np.stack([_cover(given[p], studio.size) for p in places]), studio.size), strict=True)
    )
    fade = np.stack([_between(small, places, number) for number in range(wanted)])
    made = _changed(studio, fade, FILL_STRENGTH, fade[:1] if places[0] == 0 else None)
    pinned = {at: to_delivered(fit(picture, request.width, request.height)) for at, picture in given.items()}
    return deliver(made, request.width, request.height, pinned)


def _edit(studio: Studio, request: GenerationRequest) -> Frames:
    source = to_sampled(at_rate(_source(request), FPS), studio.size)
    return deliver(_changed(studio, source, request.strength, None), request.width, request.height)


def _changed(studio: Studio, source: FloatFrames, strength: float, beginning: FloatFrames | None) -> FloatFrames:
    """Change a clip run by run; each run starts with the last changed frames of the one before."""
    parts: list[FloatFrames] = []
    done = 0
    while done < len(source):
        known = 0 if beginning is None else len(beginning)
        start = done - known if parts else 0
        piece = source[start : start + CHUNK]
        frames = CHUNK if len(piece) > 1 else 1
        piece = (
            np.concatenate([piece, np.repeat(piece[-1:], frames - len(piece), axis=0)])
            if len(piece) < frames
            else piece
        )
        made = studio.chunk(frames, beginning, source=piece, strength=strength)
        fresh = made[known if parts else 0 :][: len(source) - done]
        parts.append(fresh)
        done += len(fresh)
        beginning = made[-OVERLAP:]
    return np.concatenate(parts)


def _between(given: Mapping[int, FloatFrames], places: list[int], number: int) -> FloatFrames:
    """Return the cross-fade of the given frames at a frame; the first and last of them stand outside."""
    if number <= places[0]:
        return given[places[0]]
    for before, after in itertools.pairwise(places):
        if number <= after:
            share = np.float32((number - before) / (after - before))
            return np.asarray(given[before] * (1 - share) + given[after] * share, np.float32)
    return given[places[-1]]


def _cover(picture: Picture, size: tuple[int, int]) -> Picture:
    return to_delivered(fit(picture, *size))


def _source(request: GenerationRequest) -> Clip:
    if request.source is None:
        raise ValueError(f"{request.capability} without a source passed the check")
    return request.source


def _given(request: GenerationRequest) -> Frames:
    """Return the given clip at our rate and the delivered size."""
    frames = at_rate(_source(request), FPS)
    return np.stack([to_delivered(fit(frame, request.width, request.height)) for frame in frames])


WEAVERS: Mapping[Capability, Callable[[Studio, GenerationRequest], Frames]] = MappingProxyType(
    {
        Capability.TEXT: _text,
        Capability.ANIMATE: _text,
        Capability.IMAGE: _image,
        Capability.EXTEND: _extend,
        Capability.EXTEND_BACKWARD: _extend_backward,
        Capability.LOOP: _loop,
        Capability.FILL: _fill,
        Capability.EDIT: _edit,
    }
)
