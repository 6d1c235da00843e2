from __future__ import annotations

from safety.advice import Change, would_pass
from safety.domain import Action, Evidence, Finding, TextSpan, TimeSpan, Verdict


def verdict(*findings: Finding) -> Verdict:
    return Verdict(Action.BLOCK, findings, (), "sha256:0")


def finding(*evidence: Evidence, category: str = "x", advice: str = "A field passes.", **fields) -> Finding:
    return Finding("r", category, Action.BLOCK, "No.", evidence, 3, advice=advice, **fields)


NAME = Evidence("names.public_figure", 0.5, 0.9, TextSpan(12, 31), "public_figure:somebody")
WORDS = Evidence("terms.violence", 0.5, 0.9, TextSpan(40, 45), "term:gore")


def test_it_says_what_the_policy_advises_and_which_places_to_change():
    (advice,) = would_pass(verdict(finding(NAME, WORDS, rewrite=True)))

    assert advice.text == "A field passes."
    assert advice.changes == (Change(TextSpan(12, 31), "name"), Change(TextSpan(40, 45), "words"))


def test_of_places_that_overlap_the_wider_one_is_named():
    inner = Evidence("terms.violence", 0.5, 0.9, TextSpan(14, 20), "term:gore")
    ahead = Evidence("terms.violence", 0.5, 0.9, TextSpan(28, 33), "term:gore")
    elsewhere = Evidence("terms.violence", 0.5, 0.9, TextSpan(14, 20, scene=2), "term:gore")

    (advice,) = would_pass(verdict(finding(inner, NAME, ahead, elsewhere, rewrite=True)))

    assert advice.changes == (Change(TextSpan(12, 31), "name"), Change(TextSpan(14, 20, scene=2), "words"))


def test_a_place_in_a_video_is_a_scene():
    seen = Evidence("frame.nudity", 0.5, 0.9, TimeSpan(1.0, 2.0))

    assert would_pass(verdict(finding(seen, rewrite=True)))[0].changes == (Change(TimeSpan(1.0, 2.0), "scene"),)


def test_no_place_is_named_where_the_policy_allows_no_rewrite():
    (advice,) = would_pass(verdict(finding(NAME, advice="")))

    assert (advice.text, advice.changes) == ("", ())


def test_each_category_is_advised_once():
    told = would_pass(verdict(finding(NAME, rewrite=True), finding(WORDS, category="y"), finding(NAME, rewrite=True)))

    assert [each.category for each in told] == ["x", "y"]
    assert told[0].changes == (Change(TextSpan(12, 31), "name"),)


def test_a_modifier_is_named_only_where_nothing_would_have_been_found_without_it():
    near = Evidence("text.violence", 0.5, 0.55, written=0.65)
    far = Evidence("text.violence", 0.5, 0.7, written=0.65)

    assert would_pass(verdict(finding(near, moved_by=("minor_present",))))[0].without == ("minor_present",)
    assert would_pass(verdict(finding(far, moved_by=("minor_present",))))[0].without == ()
    assert would_pass(verdict(finding(near, moved_by=("minor_present",)), finding(WORDS)))[0].without == ()
