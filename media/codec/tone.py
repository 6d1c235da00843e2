"""Brings high dynamic range (PQ, HLG) to what an ordinary screen shows: networks have learned from nothing else.

    code value ─▶ light of the screen ─▶ over diffuse white ─▶ BT.709 colours ─▶ highlights rolled off ─▶ code value

Diffuse white of 203 cd/m² becomes the white of an ordinary screen (ITU-R BT.2408); what is brighter is rolled off and
never cut. Works on 8 bits a channel, which is coarse in deep shadows. Reads no mastering metadata and no Dolby Vision.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

PQ, HLG = 16, 18
"""Transfer characteristics, ITU-T H.273 table 3."""

_BT2020 = 9
"""Colour primaries, ITU-T H.273 table 2."""

_WHITE = 203.0
"""cd/m² of diffuse white, ITU-R BT.2408."""

_PEAK = 1000.0
"""cd/m² of the display that HLG is shown on, ITU-R BT.2100."""

_GAMMA = 2.4
"""Of an ordinary screen, ITU-R BT.1886."""

_KNEE = 0.8
"""Share of white from which highlights are rolled off."""

_LUMINANCE = np.array([0.2627, 0.6780, 0.0593], dtype=np.float32)
_TO_BT709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], dtype=np.float32
)
"""Linear BT.2020 to linear BT.709, ITU-R BT.2087."""

Frame = NDArray[np.uint8]
Floats = NDArray[np.float32]


def is_high_dynamic_range(transfer: int) -> bool:
    """Whether a frame of this transfer characteristic looks flat and grey without `toned`."""
    return transfer in (PQ, HLG)


def toned(frame: Frame, transfer: int, primaries: int) -> Frame:
    """Return uint8 (H, W, 3) RGB as an ordinary screen shows it; of another transfer than PQ and HLG as it is."""
    if not is_high_dynamic_range(transfer):
        return frame
    light = _light(transfer)[frame]
    if transfer == HLG:  # its system gamma of 1.2 works on the brightness of the scene
        light = _PEAK / _WHITE * light * np.maximum(light @ _LUMINANCE, 1e-6)[..., None] ** 0.2
    if primaries == _BT2020:
        light = np.maximum(light @ _TO_BT709.T, 0.0)
    rolled = np.where(light > _KNEE, _KNEE + (1 - _KNEE) * (1 - np.exp((_KNEE - light) / (1 - _KNEE))), light)
    return np.rint(255.0 * rolled ** (1 / _GAMMA)).astype(np.uint8)


@cache
def _light(transfer: int) -> Floats:
    """Return, for each of 256 code values, the light over diffuse white (PQ) or of the scene in [0, 1] (HLG)."""
    code = np.arange(256, dtype=np.float64) / 255
    if transfer == PQ:  # SMPTE ST 2084
        raised = code ** (32 / 2523)
        ratio = np.maximum(raised - 3424 / 4096, 0.0) / (2413 / 128 - 2392 / 128 * raised)
        return np.asarray(10000.0 * ratio ** (16384 / 2610) / _WHITE, dtype=np.float32)
    a = 0.17883277  # ITU-R BT.2100 table 5
    b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
    scene = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
    return np.asarray(scene, dtype=np.float32)
