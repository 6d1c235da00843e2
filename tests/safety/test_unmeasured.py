"""No configuration makes an unmeasured signal look clean: each default signal is taken away, in every way there is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from classifiers import catalog
from classifiers.base import MeasurementError, Score, TimeSpan
from media.clip import Clip, Coverage
from media.codec import encode_mp4
from media.limits import DEFAULT_LIMITS
from media.sampling import SamplingPlan
from safety.domain import Action, Checkpoint, Measurement, Unmeasured
from safety.judge import judge
from safety.measure import measure_video
from safety.policy import load_policy

POLICY = load_policy()
SEEN = Coverage(100, 100, 4.0, 0.1, 4, 4)
OF_FRAMES = [Checkpoint.OUTPUT, Checkpoint.INPUT]
ASKED = [(checkpoint, signal) for checkpoint in OF_FRAMES for signal in sorted(POLICY.signals_at(checkpoint))]


def harmless(checkpoint, *, without=()):
    """A zero for every signal that the policy asks for there, but for some."""
    return tuple(Score(signal, 0.0) for signal in sorted(POLICY.signals_at(checkpoint)) if signal not in without)


@pytest.mark.parametrize("checkpoint", OF_FRAMES)
def test_everything_measured_and_nothing_found_passes(checkpoint):
    """So that what is stopped below is stopped for what is missing."""
    assert judge(POLICY, checkpoint, Measurement(harmless(checkpoint), coverage=SEEN)).action is Action.ALLOW


def could_matter(checkpoint, signal):
    """Whether its absence could hide a rule's harm: not where another condition of each rule is measured as absent."""
    return any(
        all(condition.signal == signal for condition in rule.conditions)
        for rule in POLICY.rules_at(checkpoint)
        if signal in {condition.signal for condition in rule.conditions}
    )


@pytest.mark.parametrize(("checkpoint", "signal"), ASKED)
def test_a_signal_that_nobody_reports_is_named_and_never_clean(checkpoint, signal):
    verdict = judge(POLICY, checkpoint, Measurement(harmless(checkpoint, without={signal}), coverage=SEEN))

    assert signal in {gap.signal for gap in verdict.unmeasured}
    if could_matter(checkpoint, signal):
        assert verdict.action is not Action.ALLOW


@pytest.mark.parametrize(("checkpoint", "signal"), ASKED)
def test_a_signal_that_failed_in_one_window_is_named_and_never_clean(checkpoint, signal):
    missed = (Unmeasured(signal, "window 7 was too dark"),)
    verdict = judge(POLICY, checkpoint, Measurement(harmless(checkpoint), missed, SEEN))

    assert signal in {gap.signal for gap in verdict.unmeasured}
    if could_matter(checkpoint, signal):
        assert verdict.action is not Action.ALLOW


def test_signals_that_only_count_together_cannot_both_be_missing():
    for checkpoint in OF_FRAMES:
        for rule in POLICY.rules_at(checkpoint):
            missing = {condition.signal for condition in rule.conditions}
            verdict = judge(POLICY, checkpoint, Measurement(harmless(checkpoint, without=missing), coverage=SEEN))
            assert verdict.action is not Action.ALLOW, rule.id


class Stand:
    """Stands where a classifier stands: the same name and signals, harmless or without its weights."""

    version = "1"
    accepts = Clip

    def __init__(self, row, *, broken):
        self.name, self.signals, self._broken = row.name, row.signals, broken

    def score(self, content):
        if self._broken:
            raise MeasurementError(f"the weights of {self.name} are gone")
        return [Score(signal, 0.0, TimeSpan(content.start_s, content.end_s)) for signal in self.signals]


CLIP_ROWS = [row for row in catalog.BUILT_IN if row.accepts is Clip]


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "v.mp4"
    encode_mp4([np.full((64, 64, 3), 90, np.uint8)] * 8, path, fps=8)
    return path


@pytest.mark.parametrize("row", CLIP_ROWS, ids=lambda row: row.name)
@pytest.mark.parametrize("how", ["broken", "left out", "absent"])
def test_each_default_classifier_that_cannot_work_leaves_its_signals_unmeasured(video, row, how):
    broken = how == "broken"
    stands = [Stand(each, broken=broken and each is row) for each in CLIP_ROWS if broken or each is not row]
    absent = [Unmeasured(signal, "its package is not installed") for signal in row.signals] if how == "absent" else []
    seen = measure_video(stands, absent, video, limits=DEFAULT_LIMITS, plan=SamplingPlan(min_frames=1)).measurement

    verdict = judge(POLICY, Checkpoint.OUTPUT, seen)

    asked = row.signals & POLICY.signals_at(Checkpoint.OUTPUT)
    assert asked <= {gap.signal for gap in verdict.unmeasured}
    if any(could_matter(Checkpoint.OUTPUT, signal) for signal in asked):
        assert verdict.action is not Action.ALLOW


@pytest.mark.parametrize("checkpoint", OF_FRAMES)
@pytest.mark.parametrize("coverage", [None, replace(SEEN, longest_gap_s=0.76), replace(SEEN, stopped_s=4.0)])
def test_what_was_not_looked_at_is_never_clean(checkpoint, coverage):
    verdict = judge(POLICY, checkpoint, Measurement(harmless(checkpoint), coverage=coverage))

    assert verdict.action is not Action.ALLOW
    assert "coverage" in {gap.signal for gap in verdict.unmeasured}
