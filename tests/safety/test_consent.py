"""What a registration changes about a measurement: an opt-out refuses, a consent excuses its own person alone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.base import Score, TextSpan
from safety.consent import (
    CONSENTED,
    LIKENESS_SIGNALS,
    OPTED_OUT,
    REGISTERED,
    apply_registrations,
    nobody_registered,
)
from safety.domain import Measurement, Unmeasured

FIGURE = "names.public_figure"


@dataclass(frozen=True)
class Registry:
    """Answers from two sets."""

    out: frozenset[str] = frozenset()
    may: frozenset[tuple[str, str]] = frozenset()

    def opted_out(self, ids: Collection[str]) -> frozenset[str]:
        return self.out & frozenset(ids)

    def consented(self, ids: Collection[str], requester: str) -> frozenset[str]:
        return frozenset(id_ for id_ in ids if (id_, requester) in self.may)


SWIFT = TextSpan(0, 12)
OTHER = TextSpan(20, 30)
MAY = Registry(may=frozenset({("con_1", "key_ada")}))


def measured(*scores: Score) -> Measurement:
    return Measurement((Score("text.violence", 0.1), *scores))


def at(signal: str, span: TextSpan, value: float = 0.95, detail: str = "") -> Score:
    return Score(signal, value, span, detail)


def values(measurement: Measurement) -> dict[str, float]:
    strongest: dict[str, float] = {}
    for score in measurement.scores:
        strongest[score.signal] = max(strongest.get(score.signal, 0.0), score.value)
    return strongest


def test_a_consent_turns_the_persons_score_into_consented_for_the_requester_who_has_it() -> None:
    prompt = measured(at(FIGURE, SWIFT), at(REGISTERED, SWIFT, 1.0, "registered:con_1"))

    told = values(apply_registrations(prompt, "key_ada", MAY))

    assert (told[FIGURE], told[CONSENTED], told[OPTED_OUT]) == (0.0, 0.95, 0.0)


@pytest.mark.parametrize("requester", ["key_bob", "", "local"])
def test_it_changes_nothing_for_anybody_else(requester: str) -> None:
    prompt = measured(at(FIGURE, SWIFT), at(REGISTERED, SWIFT, 1.0, "registered:con_1"))

    told = values(apply_registrations(prompt, requester, MAY))

    assert (told[FIGURE], told[CONSENTED]) == (0.95, 0.0)


def test_a_second_person_in_the_same_prompt_is_not_excused() -> None:
    prompt = measured(
        at(FIGURE, SWIFT),
        at(FIGURE, OTHER),
        Score("text.public_figure", 0.9),
        at(REGISTERED, SWIFT, 1.0, "registered:con_1"),
    )

    told = values(apply_registrations(prompt, "key_ada", MAY))

    assert (told[FIGURE], told[CONSENTED], told["text.public_figure"]) == (0.95, 0.95, 0.9)


def test_a_longer_listed_name_is_not_excused_by_a_shorter_registered_one() -> None:
    prompt = measured(at(FIGURE, TextSpan(0, 15)), at(REGISTERED, SWIFT, 1.0, "registered:con_1"))

    assert values(apply_registrations(prompt, "key_ada", MAY))[FIGURE] == 0.95


def test_the_encoders_score_without_a_place_is_excused_where_everybody_is() -> None:
    prompt = measured(
        at(FIGURE, SWIFT), Score("text.public_figure", 0.9), at(REGISTERED, SWIFT, 1.0, "registered:con_1")
    )

    assert values(apply_registrations(prompt, "key_ada", MAY))["text.public_figure"] == 0.0


def test_who_opted_out_is_named_so_whoever_asks_listed_or_not() -> None:
    prompt = measured(at(REGISTERED, SWIFT, 1.0, "registered:out_1"))

    told = apply_registrations(prompt, "key_ada", Registry(out=frozenset({"out_1"})))

    (score,) = [score for score in told.scores if score.signal == OPTED_OUT]
    assert (score.value, score.span, score.detail) == (1.0, SWIFT, "registered:out_1")


def test_an_opt_out_is_stronger_than_a_consent() -> None:
    prompt = measured(
        at(FIGURE, SWIFT),
        at(REGISTERED, SWIFT, 1.0, "registered:con_1"),
        at(REGISTERED, TextSpan(7, 12), 1.0, "registered:out_1"),
    )

    told = values(apply_registrations(prompt, "key_ada", Registry(frozenset({"out_1"}), MAY.may)))

    assert (told[OPTED_OUT], told[FIGURE], told[CONSENTED]) == (1.0, 0.95, 0.0)


def test_where_nobody_looked_nothing_is_claimed() -> None:
    unlooked = measured(at(FIGURE, SWIFT))
    failed = Measurement(unlooked.scores, (Unmeasured(REGISTERED, "no directory"),))

    for prompt in (unlooked, failed):
        assert apply_registrations(prompt, "key_ada", MAY) == prompt


def test_a_data_set_is_judged_as_if_nobody_were_registered() -> None:
    told = values(nobody_registered(measured(at(FIGURE, SWIFT))))

    assert {told[signal] for signal in LIKENESS_SIGNALS} == {0.0}
    assert told[FIGURE] == 0.95


SPANS = st.tuples(st.integers(0, 20), st.integers(1, 10)).map(lambda pair: TextSpan(pair[0], pair[0] + pair[1]))
SCORES = st.lists(
    st.builds(
        lambda signal, span, id_: Score(signal, 1.0, span, f"registered:{id_}" if signal == REGISTERED else ""),
        st.sampled_from([FIGURE, "names.person", REGISTERED, "text.sexual"]),
        SPANS,
        st.sampled_from(["con_1", "out_1", "out_2", "con_9"]),
    ),
    max_size=8,
)


@given(SCORES, st.sampled_from(["key_ada", "key_bob", ""]))
def test_no_signal_is_lost_and_no_other_harm_is_excused(scores: list[Score], requester: str) -> None:
    prompt = measured(*scores)
    registry = Registry(frozenset({"out_1"}), MAY.may)

    told = apply_registrations(prompt, requester, registry)

    assert {score.signal for score in prompt.scores} <= {score.signal for score in told.scores}
    for untouched in ("text.sexual", "text.violence", REGISTERED):
        assert values(told).get(untouched) == values(prompt).get(untouched)
    if any(score.detail == "registered:out_1" for score in scores):
        assert values(told)[OPTED_OUT] == 1.0
    if requester != "key_ada":
        assert values(told).get(CONSENTED, 0.0) == 0.0
