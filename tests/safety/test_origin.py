from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.domain import Origin, OriginEvidence, Strength
from safety.origin import fuse, fuse_windows

links = st.lists(
    st.builds(
        OriginEvidence,
        kind=st.sampled_from(["credential", "watermark", "fingerprint", "metadata", "forensics"]),
        points_to=st.sampled_from([o for o in Origin if o is not Origin.UNKNOWN]),
        strength=st.sampled_from(Strength),
        summary=st.just("seen"),
    ),
    max_size=5,
)

RANK = [Origin.UNKNOWN, Origin.LIKELY_SYNTHETIC, Origin.CAPTURED, Origin.SYNTHETIC, Origin.OURS]


def link(origin: Origin, strength: Strength = Strength.PROOF) -> OriginEvidence:
    return OriginEvidence("credential", origin, strength, "seen")


def test_nothing_found_is_unknown_and_says_that_this_is_not_real():
    report = fuse([], None)

    assert report.origin is Origin.UNKNOWN
    assert "does not mean that the video is real" in report.summary


def test_a_hint_alone_carries_no_origin():
    assert fuse([link(Origin.SYNTHETIC, Strength.HINT)], None).origin is Origin.UNKNOWN


def test_proof_of_our_own_release_comes_first():
    assert fuse([link(Origin.SYNTHETIC), link(Origin.OURS)], 0.9).origin is Origin.OURS


def test_an_estimate_does_not_overrule_a_trusted_camera():
    report = fuse([link(Origin.LIKELY_SYNTHETIC, Strength.ESTIMATE), link(Origin.CAPTURED)], 0.99)

    assert report.origin is Origin.CAPTURED


@given(links, links)
def test_more_evidence_never_weakens_the_answer(some, more):
    assert RANK.index(fuse([*some, *more], None).origin) >= RANK.index(fuse(some, None).origin)


@given(links, st.randoms())
def test_the_order_of_evidence_does_not_matter(some, random):
    shuffled = list(some)
    random.shuffle(shuffled)

    assert fuse(some, None).origin is fuse(shuffled, None).origin


def test_no_window_gives_no_score():
    assert fuse_windows([]) is None


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_a_fused_score_lies_between_its_windows(windows):
    fused = fuse_windows(windows)

    assert min(windows) - 1e-5 <= fused <= max(windows) + 1e-5


def test_windows_are_averaged_in_log_odds():
    assert fuse_windows([0.9, 0.1]) == pytest.approx(0.5)
    assert fuse_windows([0.8, 0.8]) == pytest.approx(1 / (1 + math.exp(-math.log(4))))
