"""What is one thing for a reader is one row, and nothing that was found is left out of the rows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.finding_views import finding_rows, grouped
from safety.domain import (
    Action,
    Checkpoint,
    Evidence,
    Finding,
    Measurement,
    Still,
    TextSpan,
    TimeSpan,
    Unmeasured,
    Verdict,
)
from safety.judge import judge
from safety.policy import load_policy
from safety.verdict_records import verdict_from_record, verdict_to_record

UNHEARD = "nobody listens here: configure a transcriber"


def finding(rule, *evidence, category="violence", action=Action.REVIEW):
    return Finding(rule, category, action, "No.", tuple(evidence))


def verdict(*findings, unmeasured=()):
    return Verdict(Action.REVIEW, tuple(findings), tuple(unmeasured), "sha256:0")


def at(start_s, score, signal="frame.weapon", detail=""):
    return Evidence(signal, 0.5, score, TimeSpan(start_s, start_s + 1, peak_s=start_s + 0.5), detail)


def test_one_unheard_sound_is_one_row_however_many_rules_ask_for_it():
    signals = [f"audio.speech.{number}" for number in range(34)]
    found = [
        finding(f"rule.{signal}", Evidence(signal, 0.5, None), category="hate" if at % 2 else "violence")
        for at, signal in enumerate(signals)
    ]

    (row,) = finding_rows(verdict(*found, unmeasured=[Unmeasured(signal, UNHEARD) for signal in signals]))

    assert row["count"] == 34
    assert row["score"] is None
    assert row["signals"] == signals
    assert row["categories"] == ["violence", "hate"]
    assert row["rules"] == [f"rule.{signal}" for signal in signals]


def test_the_gravest_category_stands_for_a_row_and_every_rule_keeps_its_clause():
    found = [
        replace(finding("r.spam", Evidence("a", 0.5, None), category="spam"), clause="No spam.", base=2),
        replace(finding("r.minors", Evidence("b", 0.3, None), category="minors"), clause="No minors.", base=7),
        replace(finding("r.hate", Evidence("a", 0.7, None), category="hate"), clause="No hate.", base=5),
    ]

    (row,) = finding_rows(verdict(*found, unmeasured=[Unmeasured(signal, UNHEARD) for signal in "ab"]))

    assert (row["category"], row["rule"], row["signal"], row["clause"]) == ("minors", "r.minors", "b", "No minors.")
    assert row["categories"] == ["minors", "hate", "spam"]
    assert row["each"] == [
        {"category": "minors", "rule": "r.minors", "signal": "b", "clause": "No minors.", "threshold": 0.3},
        {"category": "hate", "rule": "r.hate", "signal": "a", "clause": "No hate.", "threshold": 0.7},
        {"category": "spam", "rule": "r.spam", "signal": "a", "clause": "No spam.", "threshold": 0.5},
    ]


def test_the_shipped_policy_says_which_of_the_unmeasured_is_gravest():
    policy = load_policy()
    signals = sorted(policy.signals_at(Checkpoint.OUTPUT))
    nothing = Measurement(unmeasured=tuple(Unmeasured(signal, UNHEARD) for signal in signals))
    told = judge(policy, Checkpoint.OUTPUT, nothing)

    rows = [row for row in finding_rows(told) if row["count"] > 1]

    assert rows
    for row in rows:
        graveness = [policy.categories[each].severity for each in row["categories"]]
        assert graveness == sorted(graveness, reverse=True)
        assert row["category"] == row["categories"][0]
        assert {each["rule"] for each in row["each"]} == set(row["rules"])
        assert all(each["clause"] == policy.categories[each["category"]].clause for each in row["each"])
    assert verdict_from_record(verdict_to_record(told)) == told


def test_another_reason_or_another_action_is_another_row():
    a, b, c = (Evidence(signal, 0.5, None) for signal in "abc")
    found = [finding("a", a), finding("b", b), finding("c", c, action=Action.BLOCK)]
    gaps = [Unmeasured("a", UNHEARD), Unmeasured("b", "broken"), Unmeasured("c", UNHEARD)]

    assert [row["signal"] for row in finding_rows(verdict(*found, unmeasured=gaps))] == ["a", "b", "c"]


def test_places_in_a_video_are_one_row_of_the_strongest_that_names_each():
    stills = (Still(2.5, "aa"), Still(9.5, "bb"))

    (row,) = finding_rows(verdict(finding("weapon", at(9, 0.95), at(2, 0.7))), stills)

    assert (row["count"], row["score"], row["span"]["start_s"], row["still"]) == (2, 0.95, 9, "bb")
    assert [(each["start_s"], each["end_s"], each["score"], each["still"]) for each in row["spans"]] == [
        (2, 3, 0.7, "aa"),
        (9, 10, 0.95, "bb"),
    ]


def test_different_things_of_one_signal_stay_apart():
    rows = finding_rows(verdict(finding("person", at(1, 0.9, detail="person:a"), at(4, 0.9, detail="person:b"))))

    assert [(row["detail"], row["count"]) for row in rows] == [("person:a", 1), ("person:b", 1)]


def test_characters_of_a_text_stay_apart():
    spans = [Evidence("terms.violence", 0.5, 0.9, TextSpan(start, start + 4)) for start in (0, 20)]

    rows = finding_rows(verdict(finding("terms", *spans)))

    assert [row["span"] for row in rows] == [{"start": 0, "end": 4}, {"start": 20, "end": 24}]
    assert all("spans" not in row for row in rows)


evidence = st.one_of(
    st.builds(at, st.integers(0, 50), st.floats(0.5, 1)),
    st.builds(lambda signal: Evidence(signal, 0.5, None), st.sampled_from(["audio.a", "audio.b", "frame.c"])),
    st.builds(lambda start: Evidence("terms.x", 0.5, 0.8, TextSpan(start, start + 1)), st.integers(0, 50)),
)


@given(st.lists(st.lists(evidence, min_size=1, max_size=5), max_size=6))
def test_rows_stand_for_all_evidence_and_for_each_piece_once(given_evidence):
    found = [finding(f"rule.{at}", *each) for at, each in enumerate(given_evidence)]
    told = verdict(*found, unmeasured=[Unmeasured(signal, UNHEARD) for signal in ("audio.a", "audio.b", "frame.c")])

    rows = finding_rows(told)

    assert sum(row["count"] for row in rows) == sum(map(len, given_evidence))
    pairs = [(pair[0].rule, pair[1]) for group in grouped(told) for pair in group]
    assert sorted(map(repr, pairs)) == sorted(repr((each.rule, one)) for each in found for one in each.evidence)


@pytest.mark.parametrize("count", [1, 3])
def test_the_strongest_place_is_the_row_s_score(count):
    (row,) = finding_rows(verdict(finding("weapon", *(at(3 * n, 0.6 + 0.1 * n) for n in range(count)))))

    assert row["score"] == pytest.approx(0.6 + 0.1 * (count - 1))
