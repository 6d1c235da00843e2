from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.expand import FILLERS, PLAIN_MOTION, SceneExpander, expand, vocabulary
from generator.scene import SLOTS, WORDS, Scene, choices

SCENES = st.builds(Scene, **{slot: st.sampled_from(choices(slot)) for slot in SLOTS})


@given(SCENES, st.integers())
def test_a_canonical_caption_is_read_back_whole(scene: Scene, seed: int) -> None:
    assert expand(scene.caption, seed).scene == scene


@settings(max_examples=200)
@given(st.text(), st.integers())
def test_any_text_gives_a_scene_and_the_same_one_again(prompt: str, seed: int) -> None:
    first = expand(prompt, seed)
    assert first == expand(prompt, seed)
    assert all(getattr(first.scene, slot) in choices(slot) for slot in SLOTS)


@given(SCENES, st.integers())
def test_capitals_change_nothing(scene: Scene, seed: int) -> None:
    assert expand(scene.caption.upper(), seed) == expand(scene.caption, seed)


@given(st.text(alphabet="abcdefghij klmnopqrstuvwxyz,.", max_size=80), st.integers(0, 9))
def test_every_word_is_understood_or_ignored_or_filler_and_never_two_of_them(prompt: str, seed: int) -> None:
    result = expand(prompt, seed)
    words = prompt.replace(",", " ").replace(".", " ").split()
    for word in words:
        if word not in FILLERS:
            assert word in result.understood or word in result.ignored
    assert len(result.understood) + len(result.ignored) <= len(words)
    assert len(result.understood) <= len(SLOTS) + 1  # a pan is two words


@pytest.mark.parametrize(
    ("prompt", "slot", "value"),
    [
        ("a crimson balloon", "colour", "red"),
        ("a crimson balloon", "shape", "ball"),
        ("Two HEARTS in Tokyo", "shape", "heart"),
        ("Two HEARTS in Tokyo", "place", "in a city"),
        ("a trianlge at the beach", "shape", "triangle"),
        ("on a green meadow, a red ball", "colour", "red"),
        ("a red ball on a green meadow", "place", "over a meadow"),
        ("a cube is rolling to the left", "motion", "moving to the left"),
        ("a cube is rolling", "motion", "moving to the right"),
        ("a star among the stars", "shape", "star"),
        ("a star among the stars", "place", "in space"),
        ("a red ball, the camera slowly pans to the left", "camera", "the camera pans left"),
        ("a red ball rising while panning right", "motion", "rising"),
        ("the camera moves right, a cube is rolling to the left", "motion", "moving to the left"),
        ("the camera moves right, a cube is rolling to the left", "camera", "the camera pans right"),
        ("zoom in on a heart", "camera", "the camera zooms in"),
        ("zoom out", "camera", "steady"),
        ("a ball in a frying pan", "camera", "steady"),
        ("a ball moves left", "camera", "steady"),
    ],
)
def test_the_prompt_decides(prompt: str, slot: str, value: str) -> None:
    assert {getattr(expand(prompt, seed).scene, slot) for seed in range(5)} == {value}


def test_what_the_prompt_leaves_open_is_drawn_from_the_seed() -> None:
    scenes = {expand("a red ball", seed).scene for seed in range(30)}
    assert {scene.colour for scene in scenes} == {"red"}
    assert len({scene.place for scene in scenes}) > 1
    assert len({scene.motion for scene in scenes}) > 1


def test_unknown_words_are_reported_as_ignored() -> None:
    result = expand("a red zeppelin made of cheese over the ocean", 0)
    assert result.understood == ("red", "ocean")
    assert result.ignored == ("zeppelin", "made", "cheese")


def test_no_word_means_two_things() -> None:
    everything = [word for values in WORDS.values() for value, others in values.items() for word in (value, *others)]
    assert len(everything) == len(set(everything))
    assert not (vocabulary().keys() & (FILLERS | PLAIN_MOTION))


def test_a_scene_refuses_values_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="colour 'beige' is not one of red"):
        Scene("big", "beige", "ball", "rising", "in space", "by day")


def test_expanding_a_caption_again_changes_nothing():
    """What was judged is what is drawn: the caption, not another reading of it."""
    for seed in range(200):
        first = SceneExpander().revise("a heart dancing under the moonlight while the camera zooms in", seed)
        again = expand(first.prompt, seed + 1)

        assert again.caption == first.prompt
        assert again.ignored == ()


def test_the_expander_says_what_it_took_and_what_it_did_not():
    revision = SceneExpander().revise("a crimson ball and a grumpy accountant", 3)

    assert "red ball" in revision.prompt
    assert revision.understood == ("crimson", "ball")
    assert revision.ignored == ("grumpy", "accountant")
