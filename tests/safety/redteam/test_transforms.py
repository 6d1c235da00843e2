"""Each disguise is repeatable, changes what a filter reads, and still says the same once it is taken off."""

from __future__ import annotations

import re

import pytest

from classifiers.normalize import normalize
from safety.redteam.transforms import TRANSFORMS, disguise

TEXT = "A young woman walks her brown dog along the quiet beach while dark clouds gather over the sea"
WORDS = re.findall("[a-z]+", TEXT.lower())
READ_AS_IT_IS = {"upper_case", "alternating_case", "word_a_line"}
NOT_UNDONE = {"typos"}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_disguise_changes_the_text_and_is_the_same_for_the_same_seed(name):
    assert disguise(name, TEXT, seed=1) != TEXT
    assert disguise(name, TEXT, seed=1) == disguise(name, TEXT, seed=1)


@pytest.mark.parametrize("name", sorted({"typos", "mixed_script", "torn_by_space"}))
def test_another_seed_gives_another_disguise(name):
    assert len({disguise(name, TEXT, seed=seed) for seed in range(5)}) > 1


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", sorted(set(TRANSFORMS) - NOT_UNDONE))
def test_the_normaliser_takes_the_disguise_off(name, seed):
    found = re.findall("[a-z]+", normalize(disguise(name, TEXT, seed=seed)).text.lower())
    missing = [word for word in WORDS if word not in found]
    # The longest run of letters may be cut at another place (a torn "walks her").
    assert len(missing) <= 1


@pytest.mark.parametrize("name", sorted(set(TRANSFORMS) - NOT_UNDONE - READ_AS_IT_IS - {"underscored"}))
def test_the_normaliser_names_a_disguise(name):
    found = normalize(disguise(name, TEXT))
    assert found.transforms or name == "emoji_between_words"


def test_an_unknown_disguise_is_an_error():
    with pytest.raises(KeyError):
        disguise("invisible ink", TEXT)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_text_without_letters_can_be_disguised(name):
    assert isinstance(disguise(name, "42"), str)
    assert isinstance(disguise(name, "a"), str)
