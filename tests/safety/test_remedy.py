"""Remedies: passing under a condition, and passing without what was found. What blocks, blocks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from classifiers.base import Score, TextSpan, TimeSpan
from media.clip import Clip, Coverage
from media.codec import decode
from safety.domain import Action, Checkpoint, JobStatus, Measurement, Unmeasured
from safety.errors import PolicyError
from safety.judge import judge
from safety.measure import Instruments
from safety.policy import parse_policy
from safety.remedy import to_redact
from tests.fakes import FrameRedness
from tests.world import World

TEXT = """schema = 1
name = "remedies"
[origin]
likely_synthetic = 0.9
[categories.violence]
clause = "No violence."
[categories.sexual]
clause = "No nudity."
[categories.ncii]
clause = "Never."
[coverage.output]
longest_gap_s = 1.0
[[rules]]
id = "p"
checkpoint = "prompt"
category = "violence"
signal = "text.violence"
threshold = 0.5
action = "block"
[[rules]]
id = "i"
checkpoint = "input"
category = "violence"
signal = "frame.red"
threshold = 0.5
action = "block"
[[rules]]
id = "u"
checkpoint = "upload"
category = "violence"
signal = "origin.likely_synthetic"
threshold = 1.0
action = "review"
"""


def rule(id_, signal, action, category="violence", threshold=0.5, checkpoint="output", more=""):
    return f"""[[rules]]
id = "{id_}"
checkpoint = "{checkpoint}"
category = "{category}"
signal = "{signal}"
threshold = {threshold}
action = "{action}"
{more}
"""


def policy(*rules):
    return parse_policy((TEXT + "".join(rules)).encode())


LABEL, GATE = rule("l", "a", "label"), rule("g", "a", "age_gate", category="sexual", threshold=0.8)
REDACT, BLOCK = rule("r", "a", "redact"), rule("b", "a", "block", threshold=0.9)
PLACE = TimeSpan(1.0, 1.5, (0.1, 0.1, 0.4, 0.4), 1.2)


def verdict(rules, *scores, unmeasured=(), coverage=None):
    seen = coverage or Coverage(10, 10, 2.0, 0.2)
    return judge(policy(*rules), Checkpoint.OUTPUT, Measurement(scores, unmeasured, seen))


def test_a_label_and_an_age_gate_let_pass_under_a_condition():
    passed = verdict([LABEL, GATE], Score("a", 0.85, PLACE))

    assert passed.action is Action.ALLOW
    assert passed.conditions == ("age_gate:sexual", "label:violence")
    assert verdict([LABEL, GATE], Score("a", 0.4)).conditions == ()


def test_the_strictest_finding_decides():
    assert verdict([LABEL, REDACT], Score("a", 0.7, PLACE)).action is Action.REVIEW
    assert verdict([LABEL, REDACT, BLOCK], Score("a", 0.95, PLACE)).action is Action.BLOCK


@pytest.mark.parametrize("one", [LABEL, GATE, REDACT])
def test_what_was_not_measured_passes_under_no_condition(one):
    held = verdict([one], unmeasured=(Unmeasured("a", "the lamp went out"),))

    assert held.action is Action.REVIEW
    assert held.conditions == ()
    assert to_redact(held) == ()


def test_what_holds_for_redactable_reasons_alone_can_be_redacted():
    (place,) = to_redact(verdict([REDACT, LABEL], Score("a", 0.7, PLACE)))

    assert (place.start_s, place.end_s, place.box) == (1.0, 1.5, (0.1, 0.1, 0.4, 0.4))


@pytest.mark.parametrize(
    "stopped",
    [
        verdict([REDACT, BLOCK], Score("a", 0.95, PLACE)),
        verdict([REDACT, rule("h", "b", "review")], Score("a", 0.7, PLACE), Score("b", 0.7, PLACE)),
        verdict([REDACT, rule("h", "b", "review")], Score("a", 0.7, PLACE)),  # b is unmeasured
        verdict([REDACT], Score("a", 0.7, PLACE), coverage=Coverage(10, 2, 9.0, 4.0)),
        verdict([REDACT], Score("a", 0.7)),  # nobody knows where
        verdict([REDACT], Score("a", 0.7, TextSpan(0, 3))),
        verdict([REDACT], Score("a", 0.2, PLACE)),
    ],
)
def test_nothing_else_is_redacted(stopped):
    assert to_redact(stopped) == ()


@pytest.mark.parametrize("action", ["label", "age_gate", "redact"])
def test_a_remedy_is_for_outputs_and_never_for_what_nothing_excuses(action):
    with pytest.raises(PolicyError, match="checkpoint output"):
        policy(BLOCK, rule("x", "a", action, checkpoint="input"))
    with pytest.raises(PolicyError, match="ncii"):
        policy(BLOCK, rule("x", "a", action, category="ncii"))


class PatchGenerator:
    """Makes a green clip in which a patch of red and cyan stripes stands for a while: averaged, it is gray."""

    def __init__(self, generator, planted):
        self._generator, self._planted = generator, planted
        self.name, self.version, self.check = generator.name, generator.version, generator.check
        self.fps = generator.fps

    def generate(self, request, progress=None):
        clip = self._generator.generate(request, progress)
        frames = clip.frames.copy()
        for left in range(100, 180, 8):
            frames[self._planted, 140:200, left : left + 4] = (230, 20, 20)
            frames[self._planted, 140:200, left + 4 : left + 8] = (20, 230, 230)
        return Clip(frames, clip.times_s, clip.fps)


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    world.redness = FrameRedness()
    yield world
    world.close()


def run(world, *rules, planted=slice(8, 13)):
    gate = replace(world.gate, policy=policy(*rules), instruments=Instruments([world.words], [world.redness]))
    pipeline = replace(world.pipeline, gate=gate, generator=PatchGenerator(world.generator, planted))
    return pipeline.run(world.job("a green field", seconds=3.0))


def reds(path):
    """Times of frames in which anything is red."""
    seen = [(time_s, frame.astype(int)) for time_s, frame in decode(path)]
    return [time_s for time_s, frame in seen if (frame[..., 0] - frame[..., 1:].max(axis=-1) > 64).any()]


def test_a_redacted_video_leaves_without_what_was_found_and_the_record_says_so(world):
    outcome = run(world, rule("r", "frame.red", "redact"), rule("l", "frame.red", "label", category="sexual"))

    assert outcome.status is JobStatus.RELEASED
    released, before = world.blobs.path(outcome.release.sha256), outcome.outputs["mark"]["sha256"]
    assert len(reds(world.blobs.path(before))) == 5
    assert reds(released) == []
    first, second = sorted(
        world.ledger.decisions(job="video_1", checkpoint=Checkpoint.OUTPUT), key=lambda each: each.supersedes or ""
    )
    assert (first.verdict.action, second.verdict.action) == (Action.REVIEW, Action.ALLOW)
    assert second.supersedes == first.id
    assert outcome.release.decisions[1] == second.id
    assert world.ledger.release_of_job("video_1") == outcome.release


def test_a_condition_stands_in_the_release(world):
    outcome = run(world, rule("l", "frame.red", "label"))

    assert outcome.status is JobStatus.RELEASED
    assert world.ledger.release_of_job("video_1").conditions == ("label:violence",)


def test_what_is_still_there_after_redaction_is_held(world):
    """A classifier that sees red where there was some before: redaction does not convince it."""

    class Stubborn(FrameRedness):
        def _score(self, frame, time_s):
            return Score(self.signal, 0.9, TimeSpan(time_s, time_s))

    world.redness = Stubborn()

    outcome = run(world, rule("r", "frame.red", "redact"))

    assert outcome.status is JobStatus.HELD
    assert world.ledger.release_of_job("video_1") is None
    assert len(world.ledger.decisions(job="video_1", checkpoint=Checkpoint.OUTPUT)) == 2


def test_a_redacted_job_goes_on_where_it_stopped(world):
    """A crash after every single step, then again from the start: the same release."""
    whole = run(world, rule("r", "frame.red", "redact"))
    steps = list(whole.outputs)

    assert steps == ["prompt", "mark", "screen", "redact", "rescreen", "sign"]
    for count in range(len(steps)):
        gate = replace(
            world.gate,
            policy=policy(rule("r", "frame.red", "redact")),
            instruments=Instruments([world.words], [world.redness]),
        )
        kept = {name: whole.outputs[name] for name in steps[:count]}
        pipeline = replace(world.pipeline, gate=gate, generator=PatchGenerator(world.generator, slice(8, 13)))
        again = pipeline.run(world.job("a green field", seconds=3.0, outputs=kept))
        assert again.release.sha256 == whole.release.sha256


def test_no_frame_is_altered_where_nothing_was_found(world):
    outcome = run(world, rule("r", "frame.red", "redact"), planted=slice(0, 0))

    assert outcome.status is JobStatus.RELEASED
    assert "redact" not in outcome.outputs
