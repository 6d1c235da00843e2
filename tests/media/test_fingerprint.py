"""The hash of a frame: its form, and that flat frames have no quality."""

from __future__ import annotations

import numpy as np
from skimage import data

from media.fingerprint import fingerprint


def test_a_hash_is_64_hex_digits_and_a_quality() -> None:
    one = fingerprint(data.coffee(), mirrored=True)

    assert len(one.hash_hex) == len(one.mirrored_hex) == 64
    assert 50 <= one.quality <= 100
    assert fingerprint(data.coffee()).mirrored_hex == ""


def test_a_flat_frame_has_no_quality() -> None:
    assert fingerprint(np.full((360, 640, 3), 90, np.uint8)).quality < 50
