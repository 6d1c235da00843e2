"""Measures what a generator makes of pictures and clips: is what was given kept, does it go on without a jump, does a
loop close, does an edit follow its prompt and its source?

Plain measurements on pixels of rendered scenes that no training saw. What a prompt alone yields is `probe`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from generator.base import Capability, GenerationRequest, Generator, Keyframe
from generator.scene import Scene, choices
from generator.training.measure import object_centre, read
from generator.training.render_clips import Example, example, render
from media.clip import Clip, Frames

SEED = 78
"""Data set of the given scenes; training uses data set 0, the probe of prompts 77."""

SIDE = 128
GIVEN = 17
FPS = 8.0

Figures = dict[str, float | None]


def psnr_db(one: Frames, other: Frames) -> float:
    """Return the peak signal-to-noise ratio of two pictures in dB, at most 99."""
    error = np.square(one.astype(np.float64) - other.astype(np.float64)).mean()
    return 99.0 if error == 0 else float(min(99.0, 10 * np.log10(255**2 / error)))


def steps(frames: Frames) -> NDArray[np.float64]:
    """Return the mean absolute difference between neighbouring frames, in 8-bit steps."""
    pairs = itertools.pairwise(frames)
    return np.array([np.abs(after.astype(np.int16) - before).mean() for before, after in pairs])


def given(number: int) -> tuple[Example, Clip]:
    """Return a rendered scene that no training saw, and its clip."""
    wanted = example(number, SEED)
    frames = render(wanted.scene, wanted.layout, SIDE, SIDE, GIVEN)
    return wanted, Clip(frames, np.arange(GIVEN) / FPS, FPS)


def _request(wanted: Example, number: int, capability: Capability, **more: object) -> GenerationRequest:
    return GenerationRequest(wanted.scene.caption, 2.0, SIDE, SIDE, number, capability=capability, **more)  # type: ignore[arg-type]


def text(generator: Generator, number: int) -> Figures:
    """`jump`: the largest step of a clip over its median one; 1 is perfectly even."""
    made = steps(generator.generate(_request(example(number, SEED), number, Capability.TEXT)).frames)
    return {"jump": float(made.max() / max(np.median(made), 0.05))}


def animate(generator: Generator, number: int) -> Figures:
    """`first_frame_psnr_db`, and `motion`: the mean step after it in 8-bit steps."""
    wanted, clip = given(number)
    keyframes = (Keyframe(0.0, clip.frames[0]),)
    made = generator.generate(_request(wanted, number, Capability.ANIMATE, keyframes=keyframes)).frames
    return {"first_frame_psnr_db": psnr_db(made[0], clip.frames[0]), "motion": float(steps(made)[1:].mean())}


def extend(generator: Generator, number: int) -> Figures:
    """`seam`: the step where the made part meets the given one, over the largest step inside the made part."""
    wanted, clip = given(number)
    made = generator.generate(_request(wanted, number, Capability.EXTEND, source=clip)).frames
    moved = steps(made)
    return {"seam": float(moved[GIVEN - 1] / moved[GIVEN:].max()), "kept_psnr_db": psnr_db(made[:GIVEN], clip.frames)}


def extend_backward(generator: Generator, number: int) -> Figures:
    """As `extend`, in front of the given clip."""
    wanted, clip = given(number)
    made = generator.generate(_request(wanted, number, Capability.EXTEND_BACKWARD, source=clip)).frames
    moved, new = steps(made), len(made) - GIVEN
    return {"seam": float(moved[new - 1] / moved[: new - 1].max()), "kept_psnr_db": psnr_db(made[new:], clip.frames)}


def loop(generator: Generator, number: int) -> Figures:
    """`closing`: the step from the last frame to the first, over the largest inside."""
    made = generator.generate(_request(example(number, SEED), number, Capability.LOOP)).frames
    closing = steps(np.stack([made[-1], made[0]]))[0]
    return {"closing": float(closing / max(steps(made).max(), 0.05))}


def fill(generator: Generator, number: int) -> Figures:
    """`kept_psnr_db` of the given frames; `jump` as `text`; `halfway`: how far the middle is from both, see below.

    `halfway` is the share of clips' object colour found in the middle frame: 1.0 there, 0.0 not.
    """
    wanted, clip = given(number)
    keyframes = (Keyframe(0.0, clip.frames[0]), Keyframe(15 / FPS, clip.frames[15]))
    made = generator.generate(_request(wanted, number, Capability.FILL, keyframes=keyframes)).frames
    kept = min(psnr_db(made[0], clip.frames[0]), psnr_db(made[15], clip.frames[15]))
    moved = steps(made)
    there = read(made[7:9]).colour == wanted.scene.colour
    return {"kept_psnr_db": kept, "jump": float(moved.max() / max(moved.mean(), 0.05)), "halfway": float(there)}


def edit(generator: Generator, number: int) -> Figures:
    """`place`, `colour`: 1.0 where the result shows what the new prompt says; `moved`: how far its object is from the
    source's in the middle of the clip, as a share of the frame (None where no object is found)."""
    wanted, clip = given(number)
    other = _other(wanted.scene)
    made = generator.generate(
        replace(_request(wanted, number, Capability.EDIT, source=clip), prompt=other.caption)
    ).frames
    seen = read(made)
    here, there = (
        object_centre(frames[8], colour)
        for frames, colour in ((clip.frames, wanted.scene.colour), (made, other.colour))
    )
    moved = None if here is None or there is None else float(np.hypot(*(here - there)))
    return {"place": float(seen.place == other.place), "colour": float(seen.colour == other.colour), "moved": moved}


def _other(scene: Scene) -> Scene:
    """Return the scene with another colour and place."""
    colours, places = choices("colour"), choices("place")
    return replace(
        scene,
        colour=colours[(colours.index(scene.colour) + 3) % len(colours)],
        place=places[(places.index(scene.place) + 2) % len(places)],
    )


MEASURES: Mapping[Capability, Callable[[Generator, int], Figures]] = MappingProxyType(
    {
        Capability.TEXT: text,
        Capability.ANIMATE: animate,
        Capability.EXTEND: extend,
        Capability.EXTEND_BACKWARD: extend_backward,
        Capability.LOOP: loop,
        Capability.FILL: fill,
        Capability.EDIT: edit,
    }
)


def abilities(
    generator: Generator, clips: int, tick: Callable[[], None] = lambda: None
) -> dict[str, dict[str, object]]:
    """Return for every capability of the generator the median of its figures over some clips."""
    told: dict[str, dict[str, object]] = {}
    for capability, measure in MEASURES.items():
        if capability not in generator.capabilities:
            continue
        found: dict[str, list[float]] = {}
        for number in range(clips):
            for name, value in measure(generator, number).items():
                if value is not None:
                    found.setdefault(name, []).append(value)
            tick()
        told[capability.value] = {
            name: {
                "median": round(float(np.median(values)), 3),
                "mean": round(float(np.mean(values)), 3),
                "n": len(values),
            }
            for name, values in found.items()
        }
    return told
