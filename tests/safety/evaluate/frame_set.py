"""A small world for tests of evaluating frames: painted pictures and clips, a gate that sees red, and one that sees
bright frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from classifiers.base import MeasurementError, Score, TimeSpan
from media.clip import Clip
from media.codec import encode_mp4
from media.limits import DEFAULT_LIMITS
from media.sampling import DEFAULT_PLAN
from safety.domain import Unmeasured
from safety.evaluate.frame_judging import FrameBench
from safety.measure import Instruments
from safety.policy import parse_policy

RULES = (
    ("weapon.block", "violence", "frame.weapon", 0.9, "block"),
    ("weapon.review", "violence", "frame.weapon", 0.5, "review"),
    ("nudity.review", "sexual", "frame.nudity", 0.5, "review"),
)


def policy_text(**thresholds: float) -> str:
    """The policy; a threshold may be given by the rule's id with `_` for the dot."""
    parts = ['schema = 1\nname = "frames"\n[origin]\nlikely_synthetic = 0.9\n']
    parts += [f'[categories.{name}]\nclause = "No."\n' for name in ("violence", "sexual", "hate", "disturbing")]
    for id_, category, signal, threshold, action in RULES:
        parts.append(
            f'[[rules]]\nid = "{id_}"\ncheckpoint = "output"\ncategory = "{category}"\nsignal = "{signal}"\n'
            f'threshold = {thresholds.get(id_.replace(".", "_"), threshold)}\naction = "{action}"\n'
        )
    for checkpoint, signal in (("prompt", "text.violence"), ("input", "frame.weapon"), ("upload", "origin.synthetic")):
        parts.append(
            f'[[rules]]\nid = "{checkpoint}.other"\ncheckpoint = "{checkpoint}"\ncategory = "violence"\n'
            f'signal = "{signal}"\nthreshold = 0.5\naction = "review"\n'
        )
    parts.append('[[gaps]]\ncheckpoint = "output"\nsignal = "frame.gore"\nreason = "no data"\n')
    return "".join(parts)


@dataclass
class ChannelClassifier:
    """Scores the brightest mean of one colour channel; a frame of exactly this colour cannot be measured."""

    name: str
    channel: int
    signals: frozenset[str]
    version: str = "1"
    accepts: type = Clip
    asked: list[int] = field(default_factory=list)

    def score(self, content: Clip) -> list[Score]:
        self.asked.append(len(content.frames))
        means = content.frames.mean(axis=(1, 2)) / 255
        if (means > 0.99).all():
            raise MeasurementError("blinded")
        at = int(means[:, self.channel].argmax())
        span = TimeSpan(content.start_s, content.end_s, (0.0, 0.0, 0.5, 1.0))
        return [Score(signal, float(means[at, self.channel]), span, "colour") for signal in self.signals]


def open_bench(**thresholds: float) -> FrameBench:
    """The gate; in any process. Red is a weapon, green is nudity."""
    red = ChannelClassifier("reds", 0, frozenset({"frame.weapon"}))
    green = ChannelClassifier("greens", 1, frozenset({"frame.nudity"}))
    policy = parse_policy(policy_text(**thresholds).encode())
    absent = [Unmeasured("frame.text", "not installed")]
    return FrameBench(policy, Instruments(clip=[red, green], absent=absent), DEFAULT_LIMITS, DEFAULT_PLAN)


def picture(path: Path, *colour: int) -> Path:
    """Write a plain picture: red, green, blue of 0 to 255."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 48), colour).save(path)
    return path


def clip(path: Path, *colours: tuple[int, int, int]) -> Path:
    """Write a clip of 8 frames a second, one second a colour."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = [np.full((48, 64, 3), colour, dtype=np.uint8) for colour in colours for _ in range(8)]
    encode_mp4(iter(frames), path, fps=8)
    return path


def table(path: Path, *lines: str) -> Path:
    """Write a table."""
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
