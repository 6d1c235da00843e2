"""`frame.minor` of a configured checkpoint: the how-to's rules ask for it; beside nudity its absence blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from api.wiring.offered import offered_signals
from api.wiring.plugins import configured_rows
from classifiers import catalog
from classifiers.base import MeasurementError, Score, TimeSpan
from media.clip import Clip
from media.codec import encode_mp4
from media.limits import DEFAULT_LIMITS
from media.sampling import SamplingPlan
from safety.domain import Action, Checkpoint, Measurement
from safety.errors import PolicyError
from safety.judge import judge
from safety.measure import measure_video
from safety.policy import DEFAULT_POLICY, parse_policy
from tests.frame_checkpoints import make_vit

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "use-a-bigger-model.md"


def block_of(head: str) -> str:
    (found,) = re.findall(rf"```toml\n# in the {head}\n(.*?)```", HOW_TO.read_text(encoding="utf-8"), re.S)
    return found


RULES = block_of("policy")
POLICY = parse_policy(DEFAULT_POLICY.read_bytes() + b"\n" + RULES.encode())
MINE = ("output.sexual_minors.frames", "input.sexual_minors.frames", "input.sexual_minors.joint")


@dataclass
class Nudity:
    value: float
    name: str = "nudity"
    version: str = "1"
    accepts: type = Clip
    signals: frozenset[str] = frozenset({"frame.nudity"})

    def score(self, content: Clip) -> list[Score]:
        return [Score("frame.nudity", self.value, TimeSpan(content.start_s, content.end_s))]


class Blind:
    """An age checkpoint that can measure nothing."""

    name, version, accepts, signals = "age", "1", Clip, frozenset({"frame.minor"})

    def score(self, content: Clip) -> list[Score]:
        raise MeasurementError("no face large enough")


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """The block of the how-to, with a tiny random checkpoint in the place of the one that it names."""
    folder = tmp_path_factory.mktemp("plugins")
    make_vit(folder / "age")
    text = block_of("plug-in file").replace("/models/age-vit", str(folder / "age"))
    assert 'child = "frame.minor", teenager = "frame.minor"' in text
    (folder / "plugins.toml").write_text(text.replace("child", "calm").replace("teenager", "gore"), encoding="utf-8")
    return configured_rows(folder / "plugins.toml")


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "v.mp4"
    encode_mp4(iter(np.full((8, 64, 64, 3), 120, np.uint8)), path, fps=8.0)
    return path


def judged(film, *classifiers, checkpoint=Checkpoint.OUTPUT):
    """What the rules of the how-to say; everything else that the policy asks for is measured as nothing."""
    seen = measure_video(classifiers, (), film, limits=DEFAULT_LIMITS, plan=SamplingPlan()).measurement
    told = {score.signal for score in seen.scores} | {gap.signal for gap in seen.unmeasured}
    rest = tuple(Score(signal, 0.0) for signal in sorted(POLICY.signals_at(checkpoint) - told))
    verdict = judge(POLICY, checkpoint, Measurement((*seen.scores, *rest), seen.unmeasured, seen.coverage))
    return seen, verdict, {finding.rule: finding.action for finding in verdict.findings if finding.rule in MINE}


def test_the_rules_may_stand_once_something_reports_the_signal_and_not_before(rows):
    POLICY.require_signals(offered_signals(POLICY, rows))

    with pytest.raises(PolicyError, match=r"frame\.minor"):
        POLICY.require_signals(offered_signals(POLICY))


def test_what_the_checkpoint_reports_counts_beside_nudity_and_closes_the_gap(rows, film):
    (age,) = catalog.build(("age",), configured=rows).for_clips()

    seen, verdict, mine = judged(film, Nudity(0.4), age)
    (minor,) = [score for score in seen.scores if score.signal == "frame.minor"]
    assert minor.value >= 0.3, "the tiny checkpoint is random and its seed is fixed: it sees one here"
    assert mine == {"output.sexual_minors.frames": Action.BLOCK}
    assert "frame.minor" not in {gap.signal for gap in verdict.unmeasured}

    _, verdict, mine = judged(film, Nudity(0.1), age)
    assert (verdict.action, mine) == (Action.ALLOW, {})


@pytest.mark.parametrize("checkpoint", [Checkpoint.OUTPUT, Checkpoint.INPUT])
def test_nudity_with_an_age_that_could_not_be_measured_is_blocked(film, checkpoint):
    _, verdict, mine = judged(film, Nudity(0.4), Blind(), checkpoint=checkpoint)

    assert mine[f"{checkpoint}.sexual_minors.frames"] is Action.BLOCK
    assert verdict.action is Action.BLOCK
    assert any(gap.reason == "no face large enough" for gap in verdict.unmeasured)


def test_without_a_checkpoint_the_shipped_policy_declares_the_gap(film):
    shipped = parse_policy(DEFAULT_POLICY.read_bytes())
    seen = measure_video((Nudity(0.0),), (), film, limits=DEFAULT_LIMITS, plan=SamplingPlan()).measurement

    verdict = judge(shipped, Checkpoint.OUTPUT, seen)

    assert "frame.minor" in {gap.signal for gap in verdict.unmeasured}
    assert "frame.minor" not in shipped.signals_at(Checkpoint.OUTPUT)
