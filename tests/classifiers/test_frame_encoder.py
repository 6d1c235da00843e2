"""The frame encoder: pinned weights, one pass a clip, and embeddings that mean something."""

from __future__ import annotations

import gc
import shutil
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import skimage.data

from classifiers.base import MeasurementError, WeightsError
from classifiers.frame_encoder import DIMENSIONS, LOOK_DIMENSIONS, PACKAGE, SHA256, WEIGHTS, FrameEncoder
from classifiers.weights import from_package
from media.clip import Clip


def clip_of(*frames):
    return Clip(np.stack(frames), np.arange(len(frames), dtype=np.float64), fps=1.0)


@pytest.fixture(scope="module")
def encoder():
    return FrameEncoder()


def test_embeddings_have_unit_length_and_the_promised_shape(encoder):
    embeddings = encoder.encode(clip_of(skimage.data.coffee(), skimage.data.coffee()[:, ::-1]))

    assert embeddings.shape == (2, 512)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1.0, atol=1e-5)


def test_views_of_one_scene_are_closer_than_two_scenes(encoder):
    """Guards against a wrong channel order, scale or output: such an embedding still has the right shape."""
    cat, mirrored, smaller = skimage.data.cat(), skimage.data.cat()[:, ::-1], skimage.data.cat()[::2, ::2]
    rocket, page = skimage.data.rocket(), np.repeat(skimage.data.page()[:, :, None], 3, axis=2)
    rows = encoder.embed([cat, mirrored, smaller, rocket, page])

    same = min(rows[0] @ rows[1], rows[0] @ rows[2])
    other = max(rows[at] @ rows[to] for at in (0, 1, 2) for to in (3, 4))

    assert same > 0.8
    assert other < same - 0.15


def test_an_embedding_does_not_depend_on_its_neighbours(encoder):
    cat, coffee = skimage.data.cat(), skimage.data.coffee()

    alone, together = encoder.embed([coffee]), encoder.embed([cat, coffee])

    np.testing.assert_array_equal(alone[0], together[1])


def test_a_clip_is_encoded_once_for_all_heads_even_when_they_ask_at_once():
    encoder = CountingEncoder()
    clip = clip_of(skimage.data.coffee())

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: encoder.encode(clip), range(4)))

    assert encoder.passes == 1
    assert all(answer is answers[0] for answer in answers)


def test_threads_that_ask_for_one_clip_share_its_frames():
    together = threading.Barrier(2, timeout=60)

    class MeetingEncoder(FrameEncoder):
        """Embeds a frame only while another thread embeds one."""

        def embed(self, frames):
            together.wait()
            return np.full((1, DIMENSIONS), frames[0][0, 0, 0], np.float32)

    encoder = MeetingEncoder()
    clip = clip_of(*(np.full((64, 64, 3), level, np.uint8) for level in (10, 90, 170, 250)))

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: encoder.encode(clip), range(2)))

    assert answers[0] is answers[1]
    assert answers[0][:, 0].tolist() == [10, 90, 170, 250]


def test_who_waits_for_a_frame_that_fails_for_another_is_told():
    waiting = threading.Event()

    class HalfBroken(FrameEncoder):
        """Fails at the first frame once somebody else has taken the second, which then takes its time no longer."""

        def embed(self, frames):
            if frames[0][0, 0, 0] == 10:
                waiting.wait(60)
                raise OSError("no memory")
            waiting.set()
            return np.ones((1, DIMENSIONS), np.float32)

    encoder = HalfBroken()
    clip = clip_of(*(np.full((64, 64, 3), level, np.uint8) for level in (10, 90)))

    with ThreadPoolExecutor(2) as pool:
        errors = [asked.exception(60) for asked in [pool.submit(encoder.encode, clip) for _ in range(2)]]

    assert {type(error) for error in errors} == {OSError, MeasurementError}


def test_what_a_frame_shows_again_is_not_embedded_again(encoder):
    counting = CountingEncoder()
    coffee = skimage.data.coffee()

    embeddings = counting.encode(clip_of(coffee, coffee, coffee[:, ::-1], coffee))

    assert counting.passes == 3
    np.testing.assert_array_equal(embeddings[1], embeddings[0])
    np.testing.assert_array_equal(embeddings, encoder.embed([coffee, coffee, coffee[:, ::-1], coffee]))


def test_what_heads_share_cannot_be_changed_by_one_of_them(encoder):
    embeddings = encoder.encode(clip_of(skimage.data.coffee()))

    with pytest.raises(ValueError, match="read-only"):
        embeddings[0, 0] = 0.0


def test_the_memo_keeps_no_clip_alive():
    encoder = CountingEncoder()
    clip = clip_of(skimage.data.coffee())
    encoder.encode(clip)
    gone = weakref.ref(clip)

    del clip
    gc.collect()

    assert gone() is None


def test_a_failed_pass_is_told_to_everyone_and_not_remembered():
    encoder = CountingEncoder(failures=1)
    clip = clip_of(skimage.data.coffee())

    with pytest.raises(OSError, match="no memory"):
        encoder.encode(clip)

    assert encoder.encode(clip).shape == (1, 512)


def test_an_extremely_long_thin_frame_is_encoded(encoder):
    assert encoder.embed([np.zeros((1, 5000, 3), dtype=np.uint8)]).shape == (1, 512)


def test_altered_weights_are_refused_before_anything_is_measured(tmp_path):
    copy = Path(shutil.copy(from_package(PACKAGE, WEIGHTS, SHA256), tmp_path))
    with copy.open("r+b") as file:
        file.seek(1000)
        file.write(b"\x00\xff")

    with pytest.raises(WeightsError, match="SHA-256"):
        FrameEncoder(copy)


class CountingEncoder(FrameEncoder):
    """The real encoder; counts its passes and fails the first few of them."""

    def __init__(self, failures=0):
        super().__init__()
        self.passes = 0
        self.failures = failures

    def embed(self, frames):
        self.passes += 1
        if self.passes <= self.failures:
            raise OSError("no memory")
        return super().embed(frames)


def test_a_look_is_the_embedding_and_three_layers_inside(encoder):
    frames = [skimage.data.coffee(), skimage.data.cat()]

    looks = encoder.look(frames)

    assert looks.shape == (2, LOOK_DIMENSIONS)
    np.testing.assert_array_equal(looks[:, :DIMENSIONS], encoder.embed(frames))
    assert np.isfinite(looks).all()
    assert not np.allclose(looks[0, DIMENSIONS:], looks[1, DIMENSIONS:])
