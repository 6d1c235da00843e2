"""What the symbol head learns from: every shape is drawn, no two kinds are the same, and chance repeats itself."""

from __future__ import annotations

import numpy as np
import pytest

from classifiers.training.cached_embeddings import Row
from classifiers.training.compose_symbols import Composer, grounds, worn
from classifiers.training.draw_look_alikes import LIKE
from classifiers.training.draw_symbols import HATE
from classifiers.training.strokes import SIDE
from classifiers.training.train_symbol_head import drawn as drawn_picture

SHAPES = {**HATE, **LIKE}


@pytest.fixture(scope="module")
def composer():
    return Composer(grounds(None))


def drawn(name, seed=0):
    return SHAPES[name](np.random.default_rng(seed))


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_is_a_mask_that_fills_a_good_part_of_the_canvas(name):
    masks = [drawn(name, seed) for seed in range(8)]

    for mask in masks:
        assert mask.shape == (SIDE, SIDE)
        assert mask.dtype == np.float32
        assert 0.0 <= mask.min() <= mask.max() <= 1.0
        assert 0.01 < mask.mean() < 0.9
    assert any(not np.array_equal(masks[0], other) for other in masks[1:]), "chance moves its proportions"
    np.testing.assert_array_equal(masks[3], drawn(name, 3))


def test_the_hooked_cross_is_right_facing_and_the_temples_sign_is_not_it():
    """The sum over seeds of the upright ones, arm by arm: what turns right and what turns left differ."""
    left_facing = np.mean([drawn("manji", seed) for seed in range(40)], axis=0)
    mirrored = left_facing[:, ::-1]

    # The upper arm of a left-facing sign points left: more ink in the upper left than in its mirror image.
    corner = slice(SIDE // 16, SIDE // 4), slice(SIDE // 8, SIDE * 3 // 8)
    assert left_facing[corner].mean() > mirrored[corner].mean()


def test_nothing_is_both_a_hate_symbol_and_a_look_alike():
    assert not set(HATE) & set(LIKE)


def test_drawn_pictures_are_half_symbols_and_repeat_with_their_number(composer):
    made = [drawn_picture(composer, number) for number in range(60)]

    assert all((name in HATE) == (number % 2 == 0) for number, (_, name) in enumerate(made))
    names = {name for _, name in made}
    assert {"hook", "manji", "ground"} <= names
    for number in (7, 8):
        np.testing.assert_array_equal(made[number][0], drawn_picture(composer, number)[0])


def test_a_drawn_shape_changes_the_picture_where_it_lies_and_nowhere_else(composer):
    ground = np.full((120, 160, 3), 128, dtype=np.uint8)

    picture = composer.drawn(np.random.default_rng(2), ground, "celtic", share=(0.4, 0.4), wander=0.0)

    changed = (picture != ground).any(axis=2)
    assert changed[40:80, 60:100].any()
    assert not changed[:12].any()
    assert not changed[-12:].any()
    assert (ground == 128).all()


def test_wear_keeps_size_and_range(composer):
    for seed in range(6):
        picture = worn(np.random.default_rng(seed), composer.ground(np.random.default_rng(seed), 64))
        assert picture.shape == (64, 64, 3)
        assert picture.dtype == np.uint8


@pytest.mark.parametrize(
    ("licence", "free"),
    [
        ("MIT", True), ("MIT (repo)", True), ("Apache-2.0 (repo)", True), ("CC-BY-4.0 (repo)", True),
        ("none stated", False), ("GPL-3.0 (repo)", False), ("custom (repo LICENSE)", False), ("", False),
    ],
)  # fmt: skip
def test_shipped_weights_are_learned_from_permissive_rows_only(licence, free):
    assert Row("a.jpg", "x", "s", "r", {"licence": licence}).is_permissive is free


def test_grounds_come_from_permissive_rows_only(tmp_path):
    from PIL import Image

    (tmp_path / "benign").mkdir()
    for name, value in (("free", 201), ("closed", 77)):
        Image.new("RGB", (400, 330), (value, 3, 9)).save(tmp_path / "benign" / f"{name}.png")
    (tmp_path / "MANIFEST.csv").write_text(
        "file,label,source,repo,licence\nbenign/free.png,b,s,r,MIT\nbenign/closed.png,b,s,r,none stated\n"
        "symbols/x.png,hate_hook,s,r,MIT\n"
    )

    found = grounds(tmp_path)

    assert len(found) == len(grounds(None)) + 1
    assert min(found[-1].shape[:2]) == 320
    assert found[-1][0, 0].tolist() == [201, 3, 9]
