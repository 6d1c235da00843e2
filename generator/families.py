"""What public checkpoints can do, by the pipeline class that their folder names, and how it is asked of them.

A table: a new family is a row. Nothing is loaded here; `generator.pipelines` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from generator.base import Capability, GenerationRequest
from generator.delivery import at_rate, fit, to_delivered
from media.clip import Frames


@dataclass(frozen=True)
class Sampled:
    """What is sampled for a request."""

    width: int
    height: int
    frames: int
    fps: float
    known: int = 0
    """Frames at the beginning that are given by an extended clip."""


Arguments = Callable[[GenerationRequest, Sampled], dict[str, Any]]
"""From a request to what the pipeline is called with beside prompt, size and length."""


@dataclass(frozen=True)
class Family:
    """What a kind of pipeline can sample, and how it is told what it starts from."""

    side_step: int
    """Width and height are sampled in multiples of this many pixels."""

    frame_step: int
    """Clips have k * frame_step + 1 frames."""

    fps: float
    max_seconds: float
    capabilities: frozenset[Capability]
    arguments: Arguments


def _nothing(request: GenerationRequest, sampled: Sampled) -> dict[str, Any]:
    del request, sampled
    return {}


def _image(request: GenerationRequest, sampled: Sampled) -> dict[str, Any]:
    return {"image": pictures(request.keyframes[0].picture[None], sampled)[0]}


def _video(request: GenerationRequest, sampled: Sampled) -> dict[str, Any]:
    if request.source is None:
        return {}
    frames = at_rate(request.source, sampled.fps)[: sampled.frames]
    missing = np.repeat(frames[-1:], sampled.frames - len(frames), axis=0)
    return {"video": pictures(np.concatenate([frames, missing]), sampled), "strength": request.strength}


def _conditions(request: GenerationRequest, sampled: Sampled) -> dict[str, Any]:
    """LTX's conditions: pictures at frames, or the frames that a clip goes on from."""
    from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXVideoCondition  # noqa: PLC0415 - heavy

    given = []
    if request.source is not None:
        last = pictures(at_rate(request.source, sampled.fps)[-sampled.known :], sampled)
        given.append(LTXVideoCondition(video=last, frame_index=0))
    for each in request.keyframes:
        place = min(sampled.frames - 1, round(each.at_s * sampled.fps))
        given.append(LTXVideoCondition(image=pictures(each.picture[None], sampled)[0], frame_index=place))
    return {"conditions": given, "image_cond_noise_scale": 0.0} if given else {}


def pictures(frames: Frames, sampled: Sampled) -> list[Any]:
    """Return uint8 frames at the sampled size as the pictures that diffusers takes."""
    from PIL import Image  # noqa: PLC0415

    return [Image.fromarray(to_delivered(fit(frame, sampled.width, sampled.height))) for frame in frames]


def _row(
    side_step: int,
    frame_step: int,
    fps: float,
    max_seconds: float,
    *capabilities: Capability,
    arguments: Arguments = _nothing,
) -> Family:
    return Family(side_step, frame_step, fps, max_seconds, frozenset(capabilities), arguments)


_T, _I, _A = Capability.TEXT, Capability.IMAGE, Capability.ANIMATE

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "LTXPipeline": _row(32, 8, 24.0, 10.0, _T, _I),
        "LTXImageToVideoPipeline": _row(32, 8, 24.0, 10.0, _A, arguments=_image),
        "LTXConditionPipeline": _row(
            32, 8, 24.0, 10.0, _T, _I, _A, Capability.EXTEND, Capability.FILL, arguments=_conditions
        ),
        "WanPipeline": _row(16, 4, 16.0, 5.0, _T, _I),
        "WanImageToVideoPipeline": _row(16, 4, 16.0, 5.0, _A, arguments=_image),
        "WanVideoToVideoPipeline": _row(16, 4, 16.0, 5.0, Capability.EDIT, arguments=_video),
        "CogVideoXPipeline": _row(16, 8, 8.0, 6.0, _T),
        "CogVideoXImageToVideoPipeline": _row(16, 8, 8.0, 6.0, _A, arguments=_image),
        "CogVideoXVideoToVideoPipeline": _row(16, 8, 8.0, 6.0, Capability.EDIT, arguments=_video),
        "MochiPipeline": _row(16, 6, 30.0, 5.4, _T),
        "HunyuanVideoPipeline": _row(16, 4, 24.0, 5.4, _T, _I),
    }
)
"""Class in model_index.json -> what it can do, from the pipelines' own argument checks and defaults."""
