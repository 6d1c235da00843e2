"""Another harm counts against a head where neither label nor list speaks for it; the refit unlearns what it must."""

from __future__ import annotations

import re

import numpy as np
import pytest

from classifiers.training import separate_heads
from classifiers.training.separate_heads import OTHER_HARM_WEIGHT, across_sources, anchored, refitted, separated
from classifiers.training.text_rows import LABELS, UNLABELLED_WEIGHT, Row, targets
from classifiers.training.text_templates import later_rows, written_rows

HEADS = list(LABELS)
SEXUAL, VIOLENCE, SELF_HARM = (HEADS.index(label) for label in ("sexual", "violence", "self_harm"))


def row(text: str, *labels: str, source: str = "made", scope: frozenset[str] | None = None) -> Row:
    return Row(text, frozenset(labels), not labels, source, "t2i", scope, weak=False, lookalike=False)


def test_a_row_of_another_harm_counts_in_full_where_neither_label_nor_list_speaks_for_the_head():
    rows = [
        row("a man is shot in the street", "violence"),
        row("a naked woman is shot in the street", "violence"),
        row("a man shoots himself, suicide", "violence", "self_harm"),
        row("a dog in the street"),
        row("12345", "violence"),
    ]
    wanted, weights = targets(rows)

    cells = separated(rows, weights)

    assert cells[0, SEXUAL] == cells[0, SELF_HARM] == OTHER_HARM_WEIGHT
    assert cells[1, SEXUAL] == pytest.approx(UNLABELLED_WEIGHT)
    assert wanted[2, SELF_HARM] == 1
    assert cells[2, SELF_HARM] == 1
    np.testing.assert_array_equal(cells[3:], weights[3:])
    others = [head for head in range(len(HEADS)) if head not in (SEXUAL, SELF_HARM)]
    np.testing.assert_array_equal(cells[:, others], weights[:, others])


@pytest.fixture(scope="module")
def made():
    """Hidden units 0 and 1 tell blood and bare skin; the start takes blood for skin too."""
    chance = np.random.default_rng(0)
    hidden = chance.random((240, 4)).astype(np.float32) * 0.2
    kind = np.arange(240) % 3
    hidden[kind == 1, 0] += 1
    hidden[kind == 2, 1] += 1
    wanted = np.stack([kind == 2, kind == 1], axis=1).astype(np.float32)
    start = np.array([[3, 4, 0, 0], [4, 0, 0, 0]], dtype=np.float32)
    return hidden, wanted, np.full_like(wanted, 1 / 240), start, np.array([-2, -2], dtype=np.float32)


def test_the_refit_unlearns_that_blood_is_skin_and_keeps_what_was_right(made):
    hidden, wanted, _, start, bias = made
    layer, offset = refitted(*made)
    before, after = hidden @ start.T + bias, hidden @ layer.T + offset
    blood, skin = wanted[:, 1] == 1, wanted[:, 0] == 1

    assert (before[blood, 0] > 0).mean() > 0.9
    assert (after[blood, 0] > 0).mean() < 0.1
    assert (after[skin, 0] > 0).mean() > 0.9
    assert (after[blood, 1] > 0).mean() > 0.9


def test_a_large_penalty_leaves_the_trained_layer_where_it_was(made, monkeypatch):
    monkeypatch.setattr(separate_heads, "PENALTY", 1e4)

    layer, _ = refitted(*made)

    np.testing.assert_allclose(layer, made[3], atol=1e-3)


def test_no_row_is_scored_by_a_layer_that_was_fitted_on_its_source(made):
    hidden, wanted, weights, start, bias = made
    rows = [row(str(number), *(["violence"] if number % 3 else []), source="i2p") for number in range(60)]
    rows += [row(str(number), *(["violence"] if number % 3 else []), source="overt_a") for number in range(60, 240)]
    altered = wanted.copy()
    altered[:60] = 1 - altered[:60]

    plain = across_sources(rows, hidden, wanted, weights, start, bias)
    after = across_sources(rows, hidden, altered, weights, start, bias)

    np.testing.assert_allclose(after[:60], plain[:60], atol=1e-5)
    assert np.abs(after[60:] - plain[60:]).max() > 0.1


def test_a_scale_puts_harmless_rows_low_and_half_of_the_others_high():
    rows = [row(str(number)) for number in range(100)] + [row(str(number), "deceptive") for number in range(100, 121)]
    logits = np.concatenate([np.linspace(-8, -2, 100), np.linspace(-1, 5, 21)]).astype(np.float32)

    slope, offset = anchored(rows, logits, np.arange(121) >= 100)
    read = 1 / (1 + np.exp(-(logits * slope + offset)))

    assert (read[:100] < 0.3).mean() == pytest.approx(0.98)
    assert np.median(read[100:]) == pytest.approx(0.9)


def test_what_only_the_last_layer_learns_is_taught_nowhere_else_and_joins_no_minor_with_anything_sexual():
    later, others = later_rows(), written_rows(seed=1)

    assert len(later) > 90
    assert not {each.text for each in later} & {each.text for each in others}
    texts = [each.text.lower() for each in later if "sexual" in each.labels]
    assert texts
    minor = re.compile(r"\b(child|girl|boy|teen|kid|young|pupil|minor|daughter|son)(?!friend)")
    assert not [text for text in texts if minor.search(text)]
