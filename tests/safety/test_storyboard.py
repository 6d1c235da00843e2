"""A prompt of several scenes is judged scene by scene and as a whole; the strictest counts and says where."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.base import Score, TextSpan
from safety.domain import Action
from safety.errors import InvalidContent
from safety.records import decision_from_record, decision_to_record
from safety.storyboard import merge, read_storyboard, write_storyboard
from tests.world import World

texts = st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=1, max_size=12).filter(str.strip)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


@pytest.mark.parametrize(
    "text",
    [
        "Scene 1: a tree. Scene 2: a house.",
        "scene 1 - a tree\nSCENE 2 - a house",
        "Shot #1. a tree\nShot #2. a house",
        "[0:00] a tree [0:05] a house",
        "(0:00-0:05) a tree (0:05 – 0:10) a house",
        "Szene 1: ein Baum\nSzene 2: ein Haus",
        "сцена 1: дерево сцена 2: дом",
        "场景1：一棵树 场景2：一座房子",
        "第一幕 一棵树 第二幕 一座房子",
    ],
)
def test_marked_scenes_are_found(text: str) -> None:
    storyboard = read_storyboard(text)

    assert storyboard is not None
    assert [scene.number for scene in storyboard.scenes] == [1, 2]
    assert all(text[scene.offset :].startswith(scene.text) for scene in storyboard.scenes)


@pytest.mark.parametrize("text", ["a tree", "the final scene of a play", "Scene 1: a tree", "at 10:30 a train leaves"])
def test_one_scene_is_no_storyboard(text: str) -> None:
    assert read_storyboard(text) is None


def test_what_stands_before_the_first_marker_is_scene_0() -> None:
    storyboard = read_storyboard("in watercolour. [0:01] a tree [0:02] a house")

    assert storyboard is not None
    assert [scene.number for scene in storyboard.scenes] == [0, 1, 2]


@given(st.text(max_size=4), st.lists(texts, min_size=2, max_size=6))
def test_every_scene_is_read_at_most_five_times(about: str, scenes: list[str]) -> None:
    storyboard = read_storyboard(about, scenes)

    assert storyboard is not None
    readings = (*storyboard.alone(), *storyboard.together())
    assert sum(len(reading.pieces) for reading in readings) <= 5 * len(storyboard.scenes)


@given(st.lists(texts, min_size=2, max_size=5), st.data())
def test_a_span_in_any_reading_leads_back_to_the_characters_of_its_scenes(
    scenes: list[str], data: st.DataObject
) -> None:
    storyboard = read_storyboard("", scenes)
    assert storyboard is not None
    reading = data.draw(st.sampled_from((*storyboard.alone(), *storyboard.together())))
    start = data.draw(st.integers(0, len(reading.text) - 1))
    end = data.draw(st.integers(start + 1, len(reading.text)))

    placed = list(reading.place(Score("text.odd", 1.0, TextSpan(start, end))))

    spans = [score.span for score in placed if isinstance(score.span, TextSpan)]
    quoted = "".join(scenes[span.scene - 1][span.start : span.end] for span in spans if span.scene)
    assert quoted == reading.text[start:end].replace("\n", "")


def test_a_span_in_marked_text_counts_in_that_text(world: World) -> None:
    text = "Scene 1: a tree.\nScene 2: a pool of blood.\nScene 3: a house."

    decision = world.gate.check_prompt(text)

    spans = [evidence.span for finding in decision.verdict.findings for evidence in finding.evidence]
    assert [(text[span.start : span.end], span.scene) for span in spans] == [("blood", 2)]


def test_a_span_among_given_scenes_counts_in_its_scene(world: World) -> None:
    scenes = ["a tree", "a pool of blood", "a house"]

    decision = world.gate.check_prompt("in watercolour", scenes=scenes)

    spans = [evidence.span for finding in decision.verdict.findings for evidence in finding.evidence]
    assert [(scenes[span.scene - 1][span.start : span.end], span.scene) for span in spans] == [("blood", 2)]
    assert decision_from_record(decision_to_record(decision)) == decision


@pytest.mark.parametrize("text", ["Scene 1: a pool of bl\nScene 2: ood on the floor", "[0:01] bl [0:02] ood"])
def test_a_word_that_is_split_over_two_scenes_is_read_whole(world: World, text: str) -> None:
    decision = world.gate.check_prompt(text)

    assert decision.verdict.action is Action.BLOCK
    spans = [evidence.span for finding in decision.verdict.findings for evidence in finding.evidence]
    assert [(text[span.start : span.end], span.scene) for span in spans] == [("bl", 1), ("ood", 2)]


def test_harmless_neighbours_that_are_harm_together_are_refused(world: World) -> None:
    world.words.words = {"text.violence": "a man\na knife in him", "text.odd": "odd"}
    harm = ["a house", "a man", "a knife in him", "a meadow"]

    assert all(world.gate.check_prompt(scene).verdict.action is Action.ALLOW for scene in harm)
    assert world.gate.check_prompt("", scenes=harm).verdict.action is Action.BLOCK
    apart = ["a man", "a house", "a meadow", "a knife in him"]
    assert world.gate.check_prompt("", scenes=apart).verdict.action is Action.ALLOW


def test_a_scene_that_nobody_could_measure_holds_the_whole(world: World) -> None:
    world.words.broken = True

    decision = world.gate.check_prompt("", scenes=["a tree", "a house"])

    assert decision.verdict.action is Action.REVIEW
    assert {gap.signal for gap in decision.verdict.unmeasured} == {"text.violence", "text.odd"}


def test_too_many_scenes_are_an_error(world: World) -> None:
    with pytest.raises(InvalidContent, match=r"21 scenes; at most 20"):
        world.gate.check_prompt("", scenes=["a tree"] * 21)
    with pytest.raises(InvalidContent, match=r"21 scenes; at most 20"):
        world.gate.check_prompt(write_storyboard("", ["a tree"] * 21))


def test_an_empty_scene_is_an_error_that_says_which(world: World) -> None:
    with pytest.raises(InvalidContent, match="scene 2 is empty"):
        world.gate.check_prompt("", scenes=["a tree", " "])


def test_the_worker_finds_the_decision_about_given_scenes_again(world: World) -> None:
    scenes = ["a tree", "a house"]
    first = world.gate.check_prompt("in oil", scenes=scenes, job="video_1")

    again = world.gate.check_prompt(world.gate.readable("in oil", scenes), job="video_1")

    assert again == first


def test_the_excuse_of_one_scene_excuses_no_other() -> None:
    news, gore = [Score("context.news", 0.9)], [Score("context.news", 0.1), Score("text.violence", 0.7)]

    merged = {score.signal: score.value for score in merge([news, gore], [[Score("context.news", 0.8)]])}

    assert merged == {"context.news": 0.1, "text.violence": 0.7}
    assert {s.signal: s.value for s in merge([news, []], [])} == {"context.news": 0.0}


@given(st.lists(st.lists(st.floats(0, 1), min_size=1, max_size=3), min_size=1, max_size=5))
def test_a_storyboard_is_as_harmful_as_its_most_harmful_reading(values: list[list[float]]) -> None:
    readings = [
        [Score("text.violence", value, TextSpan(at, at + 1)) for at, value in enumerate(each)] for each in values
    ]

    assert max(score.value for score in merge(readings[:1], readings[1:])) == max(map(max, values))
