"""Estimates whether a video was made by a generator: a linear head on what a network sees in two frames of a window.

With CLIP's image tower its embedding and three layers inside it are looked at; without that package a small texture
network that ships with framegate stands in. An estimate from texture, learned from generators of 2022 to 2024. It
proves nothing, it never says "real", and it does not look for edited parts or exchanged faces.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from classifiers.base import MeasurementError, Score, TimeSpan, WeightsError
from classifiers.false_alarms import FalseAlarms, read_false_alarms
from classifiers.frame_encoder import PACKAGE, FrameEncoder
from classifiers.frame_encoder import SHA256 as ENCODER_SHA256
from classifiers.linear_head import CONFIG_FILE, load_head
from classifiers.texture_encoder import SHA256 as TEXTURE_SHA256
from classifiers.texture_encoder import TextureEncoder
from classifiers.weights import EMBEDDED, pinned, version_of
from media.clip import Clip
from media.renditions import CROP, SHORT_SIDE, central_crop

SIGNAL = "video.synthetic"

FEWEST_FRAMES = 4
MOST_FRAMES = 2
"""Frames of a window that are looked at, its first and its last, which bounds the cost. Neighbouring frames say nearly
the same, so several short windows over a video say more than many frames of one."""

FALSE_ALARMS_FILE = "false_alarms.json"
"""Beside a head: what it said of real videos of sources that it had not seen."""

SMALLEST_SIDE = 128
"""Pixels of the short side; below, too little texture is left to judge."""


class Looker(Protocol):
    """A network that describes frames by numbers."""

    version: str

    def look(self, frames: Iterable[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Return float32 (T, D), one row a frame, for RGB frames uint8 (H, W, 3)."""


@dataclass(frozen=True)
class HeadFiles:
    """A head that ships, and the network that it was trained on."""

    folder: str
    weights_sha256: str
    config_sha256: str
    network_sha256: str
    false_alarms_sha256: str


LARGE = HeadFiles(
    "forensics",
    "f56ed64ae8545b55baa851deda116735702dd80b8884235d7d458bbec39c213f",
    "b05141b2b6f1b6f58d029cde60a5784135a108353d3fcb9c47bb950c1f80c3e0",
    ENCODER_SHA256,
    "4b666030b3f96374e9d5dfc3e11f32cc989fcbbfb05318b212c09cb468223ce4",
)
SMALL = HeadFiles(
    "forensics_small",
    "2f368b2eff87cb3ff2559cda7a34f0156f9339799c238df14f7460ae813e3d0e",
    "5a5479f44046b293f4339fc84b76ee4bac896482cd51b646e4c66ed490f2fa23",
    TEXTURE_SHA256,
    "c0efb2dffbdcdfd61e910145591040b228ba684bb8566ef449ca84a885796bd0",
)


class ForensicClassifier:
    """Calibrated probability that a window of frames came out of a video generator."""

    name = "forensics"
    accepts = Clip
    signals = frozenset({SIGNAL})

    def __init__(self, network: Looker, folder: Path | None = None, *, head: HeadFiles = LARGE) -> None:
        """Check and read the head.

        Args:
            network: what looks at frames; its own view of the crop is taken, not the shared embedding.
            folder: where the head's files are, if not among the shipped weights.
            head: which of the shipped heads; the one that was trained on this network.

        Raises:
            WeightsError: a file is missing, altered or made for another network.
        """
        self._network = network
        folder = EMBEDDED / head.folder if folder is None else folder
        self._head = load_head(
            folder,
            weights_sha256=head.weights_sha256,
            config_sha256=head.config_sha256,
            encoder_sha256=head.network_sha256,
        )
        config = json.loads(pinned(folder / CONFIG_FILE, head.config_sha256).read_text(encoding="utf-8"))
        self.trained_on = frozenset(map(str, config["trained_on"]))
        """First 16 hex digits of the SHA-256 of each file that the head has learned from."""
        self.false_alarms = _false_alarms(folder, head)
        """How often real videos of unseen sources reach a probability."""
        self.version = version_of(
            network.version,
            head.weights_sha256,
            head.config_sha256,
            f"{MOST_FRAMES} frames, {SHORT_SIDE}, {CROP}, never enlarged",
        )

    def score(self, content: Clip) -> list[Score]:
        """Return one probability for the whole window.

        Raises:
            MeasurementError: fewer than 4 frames, or frames with a short side under 128 pixels.
        """
        count, height, width = content.frames.shape[:3]
        if count < FEWEST_FRAMES:
            raise MeasurementError(
                f"{count} frames are too few to estimate origin: at least {FEWEST_FRAMES} are needed"
            )
        if min(height, width) < SMALLEST_SIDE:
            raise MeasurementError(
                f"frames of {width}x{height} are too small to estimate origin: {SMALLEST_SIDE} pixels are needed"
            )
        chosen = np.unique(np.linspace(0, count - 1, min(count, MOST_FRAMES)).round().astype(int))
        looks = self._network.look(central_crop(content.frames[at]) for at in chosen)
        value = self._head.probability(looks.mean(axis=0, keepdims=True))[0]
        return [Score(SIGNAL, float(value), TimeSpan(content.start_s, content.end_s))]


def _false_alarms(folder: Path, head: HeadFiles) -> FalseAlarms:
    found = read_false_alarms(pinned(folder / FALSE_ALARMS_FILE, head.false_alarms_sha256))
    if found.detector != head.weights_sha256[: len(found.detector)] or not found.detector:
        raise WeightsError(f"{FALSE_ALARMS_FILE} of {head.folder} was measured with another head: measure it again")
    return found


def at_hand(frame_encoder: Callable[[], FrameEncoder]) -> ForensicClassifier:
    """Return the better detector that can work here: on CLIP's tower if its package is installed, else the small one.

    Raises:
        WeightsError: a file is missing or altered; only the package as a whole may be missing.
    """
    return small() if find_spec(PACKAGE) is None else ForensicClassifier(frame_encoder())


def small() -> ForensicClassifier:
    """Return the detector whose network ships with framegate.

    Raises:
        WeightsError: a file is missing or altered.
    """
    return ForensicClassifier(TextureEncoder(), head=SMALL)
