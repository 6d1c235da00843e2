"""The scale of the origin detector in use: the shipped measurement, or an operator's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.settings import Settings
from api.wiring.bench import OriginBench
from api.wiring.origin_scale import keep_false_alarms, known_false_alarms
from classifiers.base import ConfigurationError
from classifiers.false_alarms import FalseAlarms, write_false_alarms
from classifiers.forensics import small
from safety.errors import InvalidContent, PolicyError
from safety.evaluate.origin_rows import LabelledClip
from safety.evaluate.origin_scores import MeasuredClip
from safety.policy import DEFAULT_POLICY, load_policy


class Foreign:
    """A detector whose false alarms nobody measured."""

    name = "foreign"
    version = "f1"


def measured(source, score, *, made=False, sha256="0" * 64, condition="as_is"):
    row = LabelledClip(Path("x.mp4"), "x.mp4", made, source, source, "camera")
    return MeasuredClip(row, sha256, scores={} if score is None else {condition: score})


def test_the_shipped_measurement_counts_unless_the_settings_name_another(tmp_path):
    detector = small()
    own = tmp_path / "own.json"
    write_false_alarms(own, FalseAlarms({"my cameras": [0.0] * 200}, detector.version))

    assert known_false_alarms(Settings(), detector) is detector.false_alarms
    assert known_false_alarms(Settings(), None) is None
    assert known_false_alarms(Settings(), Foreign()) is None
    found = known_false_alarms(Settings(origin_false_alarms=own), detector)
    assert found.threshold(0.01) == pytest.approx(0.5, abs=1e-3)


def test_a_measurement_of_another_detector_or_version_is_refused(tmp_path):
    own = tmp_path / "own.json"
    write_false_alarms(own, FalseAlarms({"my cameras": [0.0] * 200}, "older"))

    with pytest.raises(ConfigurationError, match=r"own\.json was measured with version older .* foreign here is f1"):
        known_false_alarms(Settings(origin_false_alarms=own), Foreign())


def test_what_is_kept_is_real_unseen_and_as_decoded(tmp_path):
    seen = "ab" * 32
    clips = [
        measured("road", 0.5),
        measured("road", 0.25),
        measured("lab", 0.75),
        measured("lab", 0.9, sha256=seen),
        measured("gen", 0.99, made=True),
        measured("lab", None),
        measured("lab", 0.8, condition="encoded"),
    ]

    kept = keep_false_alarms(tmp_path / "kept.json", clips, Foreign(), frozenset({seen[:16]}))

    assert {name: len(values) for name, values in kept.of_source.items()} == {"road": 2, "lab": 1}
    known = known_false_alarms(Settings(origin_false_alarms=tmp_path / "kept.json"), Foreign())
    assert known.share(0.6) == pytest.approx(kept.share(0.6))


def test_a_measurement_of_nothing_is_refused(tmp_path):
    with pytest.raises(InvalidContent, match="no real clip could be measured"):
        keep_false_alarms(tmp_path / "kept.json", [measured("gen", 0.9, made=True)], Foreign(), frozenset())
    with pytest.raises(InvalidContent, match="cannot be written"):
        keep_false_alarms(tmp_path / "no" / "kept.json", [measured("lab", 0.9)], Foreign(), frozenset())


def test_the_default_policy_has_a_threshold_for_every_detector():
    """Each of its own: the share of false alarms for the shipped ones, a probability where nobody measured any."""
    policy = load_policy(DEFAULT_POLICY)
    detector = small()

    assert OriginBench(detector, None).threshold(Settings()) == detector.false_alarms.threshold(policy.false_alarms)
    assert OriginBench(Foreign(), None).threshold(Settings()) == policy.likely_synthetic
    assert OriginBench(None, None).threshold(Settings()) == policy.likely_synthetic


def test_a_share_that_no_measurement_can_tell_is_refused(tmp_path, monkeypatch):
    text = DEFAULT_POLICY.read_text(encoding="utf-8").replace("false_alarms = 0.02", "false_alarms = 0.0001")
    (tmp_path / "policy.toml").write_text(text, encoding="utf-8")

    with pytest.raises(PolicyError, match="cannot be told from 515 real videos"):
        OriginBench(small(), None).threshold(Settings(policy=tmp_path / "policy.toml"))
