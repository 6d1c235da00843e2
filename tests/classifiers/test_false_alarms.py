"""False alarms of a detector: what a share promises, what so few videos cannot tell, and files of it."""

from __future__ import annotations

import hashlib
import json
import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from classifiers.base import ConfigurationError, WeightsError, false_alarms_of
from classifiers.false_alarms import FalseAlarms, probability, read_false_alarms, write_false_alarms
from classifiers.forensics import LARGE, SMALL, ForensicClassifier, HeadFiles, _false_alarms, small
from classifiers.weights import EMBEDDED

values = st.lists(st.floats(-8, 8, allow_nan=False), min_size=1, max_size=60)
shares = st.floats(0.005, 1.0)


def of_many_cameras(of_videos):
    """Each video of a source of its own: all weigh alike."""
    return FalseAlarms({str(at): [value] for at, value in enumerate(of_videos)})


@given(st.lists(values, min_size=1, max_size=6), shares)
def test_a_threshold_is_the_lowest_that_keeps_the_share(by_source, share):
    known = FalseAlarms({str(at): each for at, each in enumerate(by_source)})
    assume(share >= known.least)

    threshold = known.threshold(share)

    assert known.share(threshold) <= share
    if threshold > 0.0:
        assert known.share(math.nextafter(threshold, 0.0)) > share


@given(st.lists(st.integers(-4000, 4000), min_size=2, max_size=60, unique=True), shares)
def test_a_share_holds_for_the_next_video_whichever_it_is(drawn, share):
    """The law of conformal prediction: ask each video at the threshold of all the others."""
    videos = [value / 500 for value in drawn]
    assume(share >= 1 / len(videos))

    alarms = 0
    for at, value in enumerate(videos):
        others = of_many_cameras(videos[:at] + videos[at + 1 :])
        alarms += bool(probability([value])[0] >= others.threshold(share))

    assert alarms <= share * len(videos) + 1e-9


@given(values, st.floats(0, 1), st.floats(0, 1))
def test_a_higher_probability_is_never_reached_by_more(videos, one, other):
    known = of_many_cameras(videos)

    assert known.share(max(one, other)) <= known.share(min(one, other))
    assert 0.0 < known.least <= known.share(1.0) <= known.share(0.0) == pytest.approx(1.0)


def test_videos_of_one_source_do_not_rule():
    """A hundred clips of a calm camera say less about an unseen source than a hundred sources would."""
    alone = of_many_cameras([3.0, 3.0, *[-3.0] * 100])
    one_camera = FalseAlarms({"a": [3.0], "b": [3.0], "camera": [-3.0] * 100})

    assert alone.share(0.9) == pytest.approx(3 / 103)
    assert one_camera.share(0.9) == pytest.approx((2 + 0.12 / 1.02) / (12 + 0.12 / 1.02), rel=0.01)


def test_so_few_videos_cannot_tell_so_small_a_share():
    known = of_many_cameras([0.0] * 73)

    with pytest.raises(ConfigurationError, match=r"1\.00% of false alarms cannot be told from 73 real videos.*1\.4%"):
        known.threshold(0.01)
    assert 0.5 < known.threshold(0.014) < 0.51


def test_real_videos_of_the_highest_probability_leave_no_threshold():
    known = of_many_cameras([60.0, 60.0, *[-1.0] * 30])

    with pytest.raises(ConfigurationError, match="have probability 1"):
        known.threshold(0.05)


@pytest.mark.parametrize("of_source", [{}, {"a": []}, {"a": [float("nan")]}, {"a": [float("inf")]}])
def test_nothing_and_nonsense_are_no_measurement(of_source):
    with pytest.raises(ConfigurationError, match="at least one real video"):
        FalseAlarms(of_source)


def test_what_was_measured_is_written_and_read(tmp_path):
    found = FalseAlarms({"road": [0.25, -1.5], "lab": [2.0]}, "v1")

    write_false_alarms(tmp_path / "mine.json", found)
    read = read_false_alarms(tmp_path / "mine.json")

    assert (read.videos, read.sources, read.detector) == (3, 2, "v1")
    assert [read.share(p / 20) for p in range(20)] == [found.share(p / 20) for p in range(20)]


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"kind": "x"}', '{"kind": "origin.false_alarms", "schema": 1, "detector": "v", "real": [1]}',
     '{"kind": "origin.false_alarms", "schema": 1, "detector": "v", "real": {"a": ["high"]}}',
     '{"kind": "origin.false_alarms", "schema": 2, "detector": "v", "real": {"a": [1.0]}}'],
)  # fmt: skip
def test_a_file_of_another_shape_is_refused_with_a_remedy(tmp_path, text):
    path = tmp_path / "mine.json"
    path.write_text(text)

    with pytest.raises(ConfigurationError, match=r"mine\.json.*evaluate origin --false-alarms"):
        read_false_alarms(path)
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        read_false_alarms(tmp_path / "nowhere.json")


class Blind:
    """A network whose looks say nothing."""

    version = "1"

    def look(self, frames):
        raise AssertionError("nobody looks")


@pytest.mark.parametrize("head", [LARGE, SMALL], ids=lambda head: head.folder)
@pytest.mark.parametrize("share", [0.01, 0.02, 0.05, 0.1])
def test_each_shipped_detector_tells_the_same_shares_on_a_scale_of_its_own(head, share):
    known = false_alarms_of(ForensicClassifier(Blind(), head=head))

    assert (known.videos, known.sources) == (515, 30)
    assert known.share(known.threshold(share)) <= share


def test_the_shipped_scales_differ():
    large, little = (_false_alarms(EMBEDDED / head.folder, head) for head in (LARGE, SMALL))

    assert large.threshold(0.01) != pytest.approx(little.threshold(0.01), abs=0.02)


def test_false_alarms_of_another_head_are_refused(tmp_path):
    folder = tmp_path / "forensics_small"
    folder.mkdir()
    document = json.loads((EMBEDDED / "forensics_small" / "false_alarms.json").read_text())
    path = folder / "false_alarms.json"
    for detector in ("0123456789abcdef", ""):
        path.write_text(json.dumps({**document, "detector": detector}))
        head = HeadFiles("forensics_small", SMALL.weights_sha256, "", "", hashlib.sha256(path.read_bytes()).hexdigest())

        with pytest.raises(WeightsError, match="measured with another head"):
            _false_alarms(folder, head)
        path.unlink()


def test_a_detector_without_a_measurement_knows_nothing():
    class Plain:
        name = "plain"

    assert false_alarms_of(Plain()) is None
    assert false_alarms_of(small()).videos == 515
