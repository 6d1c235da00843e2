"""High dynamic range and interlaced video is looked at as a screen shows it."""

from __future__ import annotations

import av
import numpy as np
import pytest
import skimage.data
from hypothesis import given
from hypothesis import strategies as st

from media.codec import decode
from media.codec.tone import HLG, PQ, toned

WHITE = 203.0


def pq_of(picture):
    """An ordinary picture, at most 0.75 of white, as PQ: the inverse of SMPTE ST 2084, written down here again."""
    light = (picture / 255.0) ** 2.4 * WHITE / 10000
    raised = light ** (2610 / 16384)
    return ((3424 / 4096 + 2413 / 128 * raised) / (1 + 2392 / 128 * raised)) ** (2523 / 32)


def hlg_of(picture):
    light = (picture / 255.0) ** 2.4 * WHITE / 1000
    luminance = np.maximum(light @ [0.2627, 0.6780, 0.0593], 1e-9)[..., None]
    scene = light * luminance ** (-0.2 / 1.2)
    return np.where(
        scene <= 1 / 12, np.sqrt(3 * scene), 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    )


def dim(picture):
    return (picture.astype(float) * 0.85).astype(np.uint8)


@pytest.mark.parametrize(("transfer", "coded"), [(PQ, pq_of), (HLG, hlg_of)])
def test_what_is_not_brighter_than_white_comes_back_as_it_was(transfer, coded):
    picture = dim(skimage.data.coffee())
    code = np.rint(255 * np.clip(coded(picture), 0, 1)).astype(np.uint8)

    shown = toned(code, transfer, 1)

    off = np.abs(shown.astype(int) - picture.astype(int))
    assert off.mean() < 3
    assert np.percentile(off, 99) < 12, "8 bits are coarse in the shadows"
    assert np.abs(code.astype(int) - picture.astype(int)).mean() > 3 * off.mean(), "without it the picture is grey"


@given(st.lists(st.integers(0, 255), min_size=2, max_size=2), st.sampled_from([PQ, HLG]))
def test_brighter_stays_brighter_and_nothing_is_cut(pair, transfer):
    low, high = (toned(np.full((1, 1, 3), value, np.uint8), transfer, 1)[0, 0, 0] for value in sorted(pair))

    assert low <= high <= 255


def test_wide_colours_are_brought_to_narrow_ones_and_grey_stays_grey():
    grey = np.full((1, 1, 3), 120, np.uint8)
    red = np.array([[[150, 60, 60]]], np.uint8)

    assert np.ptp(toned(grey, PQ, 9).astype(int)) <= 1
    wide, narrow = toned(red, PQ, 9)[0, 0].astype(int), toned(red, PQ, 1)[0, 0].astype(int)
    assert wide[0] - wide[1] > narrow[0] - narrow[1], "the same red is further from grey in BT.709"


def test_an_ordinary_frame_is_left_as_it_is():
    picture = skimage.data.coffee()

    assert toned(picture, 1, 1) is picture


def write(path, frames, options, **colours):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=8)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt, stream.options = "yuv420p", {"crf": "8", **options}
        for name, value in colours.items():
            setattr(stream.codec_context, name, value)
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            container.mux(stream.encode(picture.reformat(format="yuv420p", dst_colorspace=1)))
        container.mux(stream.encode())


def test_a_file_that_says_pq_is_decoded_as_a_screen_shows_it(tmp_path):
    picture = dim(skimage.data.coffee()[:256, :320])
    code = np.rint(255 * np.clip(pq_of(picture), 0, 1)).astype(np.uint8)
    write(tmp_path / "pq.mp4", [code] * 3, {}, color_trc=PQ, color_primaries=1, colorspace=1, color_range=1)
    write(tmp_path / "not.mp4", [code] * 3, {}, color_trc=1, color_primaries=1, colorspace=1, color_range=1)

    shown = next(decode(tmp_path / "pq.mp4"))[1].astype(int)
    flat = next(decode(tmp_path / "not.mp4"))[1].astype(int)

    assert np.abs(shown - picture).mean() < 8
    assert np.abs(flat - picture).mean() > 3 * np.abs(shown - picture).mean()


def combs(frame):
    """How much more neighbouring lines differ than every second one does."""
    rows = frame.astype(float).mean(axis=2)
    return np.abs(np.diff(rows, axis=0)).mean() / max(np.abs(rows[2:] - rows[:-2]).mean(), 0.1)


def test_interlaced_frames_have_no_combs(tmp_path):
    picture = skimage.data.coffee()
    moments = [picture[:256, 12 * at : 12 * at + 320] for at in range(12)]
    woven = []
    for at in range(0, 12, 2):
        frame = moments[at].copy()
        frame[1::2] = moments[at + 1][1::2]
        woven.append(frame)
    write(tmp_path / "woven.mp4", woven, {"flags": "+ildct+ilme", "x264-params": "interlaced=1:tff=1"})

    shown = [frame for _, frame in decode(tmp_path / "woven.mp4")]

    assert len(shown) == 6
    assert all(frame.shape == (256, 320, 3) for frame in shown)
    assert np.mean([combs(frame) for frame in woven]) > 1.5 * np.mean([combs(frame) for frame in shown])
    assert np.abs(shown[2].astype(int) - moments[4].astype(int)).mean() < 12, "one moment, not two"
