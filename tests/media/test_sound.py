"""The sound of a file arrives with its frames, decoded in isolation: all of it, at its time, or the file is refused."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from media.codec import encode_mp4
from media.errors import MediaLimitExceeded
from media.isolation import open_video
from media.limits import DEFAULT_LIMITS
from media.sampling import SamplingPlan
from media.sound import SAMPLE_RATE, SILENT
from media.sound_track import LONGEST_S, OVERLAP_S, SoundTrack
from tests.films import film_with_sound

LISTEN = SamplingPlan(window_frames=4, min_frames=2, sound=True)


def test_every_second_is_heard_once_and_one_second_twice(tmp_path) -> None:
    film_with_sound(tmp_path / "tone.mp4", 6.0)

    with open_video(tmp_path / "tone.mp4", plan=LISTEN) as video:
        sounds = [clip.sound for clip in video]

    assert len(sounds) > 2
    assert sounds[0].start_s == 0.0
    for before, after in itertools.pairwise(sounds):
        assert after.start_s == pytest.approx(max(0.0, before.end_s - OVERLAP_S), abs=0.01)
    assert sounds[-1].end_s == pytest.approx(6.0, abs=0.1)
    loud = np.zeros(int(6.2 * SAMPLE_RATE))
    for sound in sounds:
        start = round(sound.start_s * SAMPLE_RATE)
        loud[start : start + len(sound.samples)] = np.abs(sound.samples.astype(float))
    assert loud[: int(2.8 * SAMPLE_RATE)].mean() > 3000
    assert loud[int(3.2 * SAMPLE_RATE) :].mean() < 100


def test_a_silent_file_is_silent_and_nobody_listens_unless_asked(tmp_path) -> None:
    film_with_sound(tmp_path / "tone.mp4", 1.0)
    encode_mp4([np.zeros((64, 64, 3), np.uint8)] * 12, tmp_path / "silent.mp4", fps=12.0)

    with open_video(tmp_path / "silent.mp4") as video:
        assert {clip.sound for clip in video} == {SILENT}
    with open_video(tmp_path / "tone.mp4") as video:
        assert {clip.sound for clip in video} == {None}


def test_sound_that_runs_past_the_limit_or_far_past_its_picture_is_refused(tmp_path) -> None:
    film_with_sound(tmp_path / "long.mp4", 1.0, sound_s=LONGEST_S + 5)

    with (
        pytest.raises(MediaLimitExceeded, match="without a picture"),
        open_video(tmp_path / "long.mp4", plan=LISTEN) as video,
    ):
        list(video)
    film_with_sound(tmp_path / "tone.mp4", 1.0, sound_s=4.0)
    limits = replace(DEFAULT_LIMITS, max_duration_s=2.0)
    with pytest.raises(MediaLimitExceeded), open_video(tmp_path / "tone.mp4", limits=limits, plan=LISTEN) as video:
        list(video)


def test_a_track_gives_out_what_it_has_whatever_the_pieces() -> None:
    samples = np.arange(5 * SAMPLE_RATE, dtype=np.int64).astype(np.int16)
    for size in (1000, 7919, len(samples)):
        track = SoundTrack(iter([samples[at : at + size] for at in range(0, len(samples), size)]), "test")
        first, second, rest = track.until(2.0), track.until(2.5), track.until(None)
        assert (first.start_s, first.end_s) == (0.0, 2.0)
        assert (second.start_s, second.end_s) == (1.0, 2.5)
        assert (rest.start_s, rest.end_s) == (1.5, 5.0)
        assert np.array_equal(rest.samples, samples[int(1.5 * SAMPLE_RATE) :])
