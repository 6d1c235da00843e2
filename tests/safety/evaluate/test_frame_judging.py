"""Pictures and clips meet the gate's own measuring and judging; nothing is recorded; a run can stop and go on."""

from __future__ import annotations

import os
from functools import partial

import pytest

from safety.domain import Action
from safety.errors import SafetyError
from safety.evaluate.frame_cache import ScoreCache, sampling_digest
from safety.evaluate.frame_judging import judge_media
from safety.evaluate.frame_rows import LabelledMedia
from tests.safety.evaluate.frame_set import clip, open_bench, picture


def row(path, *labels, **more):
    return LabelledMedia(path, not labels, labels, "test", path.name, **more)


@pytest.fixture
def rows(tmp_path):
    return [
        row(clip(tmp_path / "fight.mp4", (10, 10, 10), (200, 10, 10)), "weapon"),
        row(picture(tmp_path / "gun.png", 255, 0, 0), "weapon"),
        row(picture(tmp_path / "calm.png", 5, 5, 90)),
        row(picture(tmp_path / "white.png", 255, 255, 255)),
    ]


def asked(bench):
    return [len(each.asked) for each in bench.instruments.clip]


def test_a_row_gets_the_verdict_of_the_gate(rows):
    moving, gun, calm, white = judge_media(open_bench, rows)

    assert [each.action for each in (moving, gun, calm)] == [Action.REVIEW, Action.BLOCK, Action.ALLOW]
    assert moving.signals == {"frame.weapon"}
    assert moving.scores["frame.weapon"] == pytest.approx(200 / 255, abs=0.03)
    assert moving.coverage.frames_seen == moving.coverage.frames_total == 16
    assert gun.categories == {"violence"}
    assert {"frame.text", "frame.gore"} <= {gap.signal for gap in calm.unmeasured}
    assert white.action is Action.REVIEW, "what cannot be measured is not clean"
    assert white.signals == frozenset(), "and it is not found either"


def test_a_file_that_cannot_be_decoded_is_stopped_and_says_why(tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"not a video")

    (outcome,) = judge_media(open_bench, [row(broken)])

    assert outcome.action is Action.BLOCK
    assert "broken.mp4" in outcome.unreadable
    assert outcome.took_ms is None


def test_some_classifiers_alone_are_judged_by_the_rules_that_ask_for_nothing_else(rows):
    bench = open_bench().only(["greens"])

    outcomes = judge_media(open_bench, rows[:3], bench=bench)

    assert [each.action for each in outcomes] == [Action.ALLOW] * 3
    assert all(set(each.scores) == {"frame.nudity"} for each in outcomes)
    with pytest.raises(SafetyError, match="no classifier of frames is called 'blues' here: greens, reds"):
        open_bench().only(["blues"])


def test_kept_scores_are_not_measured_again_and_another_policy_judges_them(rows, tmp_path):
    first = judge_media(open_bench, rows, cache=tmp_path / "kept")
    bench = open_bench(weapon_block=0.7)

    again = judge_media(open_bench, rows, bench=bench, cache=tmp_path / "kept")

    assert asked(bench) == [0, 0]
    assert again[0].action is Action.BLOCK
    assert [each.scores for each in again] == [each.scores for each in first]
    assert [each.unmeasured for each in again] == [each.unmeasured for each in first]
    assert again[0].findings[0].evidence[0].span == first[0].findings[0].evidence[0].span
    assert again[0].coverage == first[0].coverage


def test_a_new_version_of_one_classifier_is_asked_again_and_no_other(rows, tmp_path):
    judge_media(open_bench, rows, cache=tmp_path / "kept")
    bench = open_bench()
    bench.instruments.clip[0].version = "2"

    judge_media(open_bench, rows, bench=bench, cache=tmp_path / "kept")

    assert asked(bench) == [len(rows), 0]


def test_the_same_picture_under_two_names_is_measured_once(tmp_path):
    one, two = (picture(tmp_path / name, 9, 9, 9) for name in ("one.png", "two.png"))
    bench = open_bench()

    assert len(judge_media(open_bench, [row(one), row(two)], bench=bench)) == 2
    assert asked(bench) == [1, 1]


def test_an_interrupted_run_goes_on_after_a_torn_line(rows, tmp_path):
    def stop(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge_media(open_bench, rows, cache=tmp_path / "kept", progress=stop)
    for file in (tmp_path / "kept").iterdir():
        file.write_bytes(file.read_bytes()[:-12])
    bench = open_bench()

    judge_media(open_bench, rows, bench=bench, cache=tmp_path / "kept")

    assert asked(bench) == [3, 3]


def test_what_chooses_frames_is_part_of_what_is_kept(rows, tmp_path):
    bench = open_bench()
    watch = bench.watch(bench.instruments.clip[0])

    digest = sampling_digest(bench.plan, bench.limits, watch)

    assert watch == {"frame.weapon": 0.5}
    assert digest == sampling_digest(bench.plan, bench.limits, watch)
    assert digest != sampling_digest(type(bench.plan)(fps=3.0), bench.limits, watch)
    judge_media(open_bench, rows, cache=tmp_path / "kept")
    closer = open_bench(weapon_review=0.3)
    judge_media(open_bench, rows, bench=closer, cache=tmp_path / "kept")
    assert asked(closer)[0] > 0, "from 0.3 on the gate would have looked around frames that it passed over"
    assert asked(closer)[1] == 0


def test_kept_scores_name_no_file(rows, tmp_path):
    judge_media(open_bench, rows, cache=tmp_path / "kept")

    kept = "".join(path.read_text() for path in (tmp_path / "kept").iterdir())
    assert "gun" not in kept


def test_a_cache_that_cannot_be_kept_says_what_to_do(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(SafetyError, match="another folder"):
        ScoreCache(tmp_path / "file", open_bench().instruments.clip, {"reds": "0" * 64, "greens": "0" * 64})


def test_several_processes_answer_as_one_does_and_in_order(rows):
    alone = judge_media(open_bench, rows)
    shared = judge_media(open_bench, rows, workers=2)

    assert [(e.row.id, e.action, e.scores) for e in shared] == [(e.row.id, e.action, e.scores) for e in alone]


def test_a_dead_process_is_an_error_that_says_how_to_go_on(rows):
    with pytest.raises(SafetyError, match="fewer --workers"):
        judge_media(partial(os._exit, 3), rows, bench=open_bench(), workers=2)
