"""A person decides what is held, once, with a name and a reason, and nothing else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety import audit
from safety.domain import Action, Actor, Checkpoint, Decision, Evidence, Job, JobStatus
from safety.errors import Conflict, NotFound
from safety.ledger import Ledger
from safety.lookup import JobStore
from safety.priority import priority
from safety.review import Review
from tests.safety.making import NOON, a_decision

LATER = NOON + timedelta(days=1)


@pytest.fixture
def review(ledger: Ledger) -> Review:
    return Review(ledger, lambda: LATER)


@pytest.fixture
def jobs(ledger: Ledger) -> JobStore:
    return JobStore(ledger.engine)


def hold(ledger: Ledger, jobs: JobStore, number: int) -> Decision:
    """A held job and the decision that holds it."""
    id_ = f"job_{number}"
    jobs.create(Job(id_, "an odd ball", 2.0, 64, 64, 0, "key_1", NOON))
    jobs.set_status(id_, JobStatus.RUNNING)
    decision = ledger.append_decision(a_decision(number, action=Action.REVIEW, job=id_))
    jobs.set_status(id_, JobStatus.HELD)
    return decision


@pytest.mark.parametrize(("allow", "action"), [(True, Action.ALLOW), (False, Action.BLOCK)])
def test_a_review_supersedes_the_hold_and_says_who_and_why(
    review: Review, ledger: Ledger, jobs: JobStore, allow: bool, action: Action
) -> None:
    held = hold(ledger, jobs, 1)

    decided = review.decide(held.id, allow=allow, reviewer="ada", reason=" a toy, not a weapon ")

    assert ledger.decision(decided.id) == decided == ledger.effective("job_1", Checkpoint.PROMPT)
    assert (decided.verdict.action, decided.supersedes, decided.at) == (action, held.id, LATER)
    assert (decided.actor, decided.reason) == (Actor("reviewer", "ada"), "a toy, not a weapon")
    assert (decided.subject, decided.job, decided.checkpoint) == (held.subject, held.job, held.checkpoint)
    assert decided.verdict.findings == held.verdict.findings
    assert ledger.decision(held.id) == held


def test_holds_are_what_nobody_decided_oldest_first(review: Review, ledger: Ledger, jobs: JobStore) -> None:
    first, second, third = (hold(ledger, jobs, number) for number in (1, 2, 3))
    ledger.append_decision(a_decision(4, job="job_4"))
    ledger.append_decision(a_decision(5, action=Action.BLOCK))
    upload = ledger.append_decision(a_decision(6, action=Action.REVIEW, checkpoint=Checkpoint.UPLOAD))
    assert review.holds() == [first, second, third, upload]

    review.decide(second.id, allow=True, reviewer="ada", reason="fine")
    assert review.holds(limit=2) == [first, third]


@pytest.mark.parametrize("status", [JobStatus.CANCELLED, JobStatus.REFUSED, JobStatus.RUNNING])
def test_a_job_that_is_not_held_holds_nothing_and_cannot_be_decided(
    review: Review, ledger: Ledger, jobs: JobStore, status: JobStatus
) -> None:
    held = hold(ledger, jobs, 1)
    jobs.set_status("job_1", status)

    assert review.holds() == []
    with pytest.raises(Conflict, match=f"is {status}, not held"):
        review.decide(held.id, allow=True, reviewer="ada", reason="fine")
    assert ledger.superseding(held.id) is None


@pytest.mark.parametrize("action", [Action.BLOCK, Action.ALLOW])
def test_only_a_review_can_be_decided(review: Review, ledger: Ledger, action: Action) -> None:
    """What a policy blocked, no reviewer releases."""
    ledger.append_decision(a_decision(1, action=action))

    with pytest.raises(Conflict, match="only a review"):
        review.decide("dec_1", allow=True, reviewer="ada", reason="please")
    assert ledger.size() == 1


def test_a_hold_is_decided_once(review: Review, ledger: Ledger, jobs: JobStore) -> None:
    held = hold(ledger, jobs, 1)
    decided = review.decide(held.id, allow=False, reviewer="ada", reason="no")

    with pytest.raises(Conflict, match="superseded already"):
        review.decide(held.id, allow=True, reviewer="bob", reason="yes")
    with pytest.raises(Conflict, match="only a review"):
        review.decide(decided.id, allow=True, reviewer="bob", reason="yes")
    assert ledger.effective("job_1", Checkpoint.PROMPT) == decided


def test_the_same_review_twice_is_one_decision(review: Review, ledger: Ledger, jobs: JobStore) -> None:
    held = hold(ledger, jobs, 1)
    first = review.decide(held.id, allow=True, reviewer="ada", reason="fine")
    jobs.set_status("job_1", JobStatus.RUNNING)

    assert review.decide(held.id, allow=True, reviewer="ada", reason="fine") == first
    assert ledger.size() == 2


def test_of_reviewers_who_disagree_at_once_one_wins(review: Review, ledger: Ledger, jobs: JobStore) -> None:
    held = hold(ledger, jobs, 1)

    def decide(number: int) -> Action | None:
        try:
            return review.decide(held.id, allow=number % 2 == 0, reviewer=f"r{number}", reason="r").verdict.action
        except Conflict:
            return None

    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(decide, range(6)))

    assert [each for each in results if each is not None] == [
        ledger.effective("job_1", Checkpoint.PROMPT).verdict.action  # type: ignore[union-attr]
    ]


@pytest.mark.parametrize(("reviewer", "reason"), [("", "fine"), ("ada", ""), ("ada", " \n"), (" ", "fine")])
def test_a_review_without_name_or_reason_is_refused(
    review: Review, ledger: Ledger, jobs: JobStore, reviewer: str, reason: str
) -> None:
    held = hold(ledger, jobs, 1)

    with pytest.raises(Conflict, match="name of the reviewer and a reason"):
        review.decide(held.id, allow=True, reviewer=reviewer, reason=reason)
    assert review.holds() == [held]


def test_an_unknown_decision_cannot_be_decided(review: Review) -> None:
    with pytest.raises(NotFound, match="dec_9"):
        review.decide("dec_9", allow=True, reviewer="ada", reason="fine")


# --- the queue


def test_the_queue_puts_grave_sure_spread_and_old_holds_first(review: Review, ledger: Ledger, jobs: JobStore) -> None:
    first, second = hold(ledger, jobs, 1), hold(ledger, jobs, 2)
    assert [each.decision for each in review.queue()] == [first, second]

    for number in range(3):  # the second one's content is asked for again and again
        ledger.append_decision(
            replace(second, id=f"again_{number}", verdict=replace(second.verdict, action=Action.BLOCK))
        )
    assert [each.decision for each in review.queue()] == [second, first]
    assert [each.decision for each in review.queue(limit=1)] == [second]


@given(
    st.integers(0, 7), st.integers(0, 7), st.floats(0, 1), st.floats(0, 1), st.integers(1, 99), st.integers(0, 10**6)
)
def test_urgency_never_falls_with_severity_confidence_reach_or_age(
    low: int, more: int, score: float, higher: float, seen: int, waited_s: int
) -> None:
    def urgency(severity: int | None, value: float, times: int, waited: int) -> float:
        decision = a_decision(action=Action.REVIEW)
        evidence = (Evidence("text.violence", 0.5, value),)
        finding = replace(decision.verdict.findings[0], evidence=evidence)
        verdict = replace(decision.verdict, findings=(finding,), severity=severity)
        return priority(replace(decision, verdict=verdict), decision.at + timedelta(seconds=waited), times)

    low, high = sorted((low, more))
    score, higher = sorted((score, higher))
    least = urgency(low, score, seen, waited_s)
    assert least > 0
    assert least <= urgency(high, score, seen, waited_s) <= urgency(None, score, seen, waited_s)
    assert least <= urgency(low, higher, seen, waited_s)
    assert least < urgency(low, score, seen + 1, waited_s)
    assert least < urgency(low, score, seen, waited_s + 3600)


def test_a_claimed_hold_is_nobody_elses_until_the_lease_ends(ledger: Ledger, jobs: JobStore) -> None:
    now = [LATER]
    review = Review(ledger, lambda: now[0])
    first, second = hold(ledger, jobs, 1), hold(ledger, jobs, 2)

    assert review.claim("ada").decision == first.id
    assert review.claim("ada").decision == first.id  # one's own again
    assert review.claim("bob").decision == second.id
    with pytest.raises(NotFound, match="nothing waits"):
        review.claim("cyd")
    with pytest.raises(Conflict, match="ada works on"):
        review.claim("bob", first.id)
    with pytest.raises(Conflict, match="ada works on"):
        review.decide(first.id, allow=True, reviewer="bob", reason="fine")
    assert [each.claim and each.claim.reviewer for each in review.queue()] == ["ada", "bob"]

    now[0] += timedelta(minutes=16)
    assert review.claim("bob", first.id).reviewer == "bob"
    review.put_back(first.id, "ada")  # not hers any more: nothing happens
    with pytest.raises(Conflict, match="bob works on"):
        review.claim("ada", first.id)
    review.put_back(first.id, "bob")
    assert review.claim("ada", first.id).reviewer == "ada"


def test_of_racing_claims_one_wins(review: Review, ledger: Ledger, jobs: JobStore) -> None:
    held = hold(ledger, jobs, 1)

    def claim(name: str) -> str:
        try:
            return review.claim(name, held.id).reviewer
        except Conflict:
            return ""

    with ThreadPoolExecutor(6) as pool:
        winners = [name for name in pool.map(claim, "abcdef") if name]

    assert len(winners) == 1
    assert review.queue()[0].claim.reviewer == winners[0]


def test_what_does_not_wait_cannot_be_claimed(review: Review, ledger: Ledger, jobs: JobStore) -> None:
    held = hold(ledger, jobs, 1)
    review.decide(held.id, allow=False, reviewer="ada", reason="no", code="violation")

    for id_ in (held.id, "dec_none"):
        with pytest.raises(Conflict, match="does not wait"):
            review.claim("bob", id_)
    with pytest.raises(Conflict, match="name of the reviewer"):
        review.claim(" ")


def test_a_code_is_recorded_and_an_unknown_one_refused(review: Review, ledger: Ledger, jobs: JobStore) -> None:
    held = hold(ledger, jobs, 1)
    with pytest.raises(Conflict, match="no reason code: take one of violation"):
        review.decide(held.id, allow=True, reviewer="ada", reason="fine", code="because")

    decided = review.decide(held.id, allow=True, reviewer="ada", reason="fine", code="context")
    assert ledger.decision(decided.id).code == "context"


# --- taking back


def test_a_refusal_is_taken_back_and_waits_again(review: Review, ledger: Ledger, jobs: JobStore) -> None:
    held = hold(ledger, jobs, 1)
    refused = review.decide(held.id, allow=False, reviewer="ada", reason="no")
    jobs.set_status("job_1", JobStatus.REFUSED)

    undone = review.undo(refused.id, reviewer="bob", reason="wrong button")
    jobs.set_status("job_1", JobStatus.HELD)

    assert undone == review.undo(refused.id, reviewer="bob", reason="wrong button")
    assert (undone.supersedes, undone.verdict.action, undone.code) == (refused.id, Action.REVIEW, "mistake")
    assert review.holds() == [undone]
    again = review.decide(undone.id, allow=True, reviewer="bob", reason="fine")
    assert ledger.effective("job_1", Checkpoint.PROMPT) == again
    assert audit.verify(ledger.engine, ledger.public_key).ok


def test_what_went_on_or_no_person_decided_is_not_taken_back(review: Review, ledger: Ledger, jobs: JobStore) -> None:
    held = hold(ledger, jobs, 1)
    with pytest.raises(Conflict, match="not made by a reviewer"):
        review.undo(held.id, reviewer="ada", reason="no")
    allowed = review.decide(held.id, allow=True, reviewer="ada", reason="fine")
    jobs.set_status("job_1", JobStatus.QUEUED)
    with pytest.raises(Conflict, match="is queued: what went on"):
        review.undo(allowed.id, reviewer="ada", reason="no")
    with pytest.raises(NotFound):
        review.undo("dec_none", reviewer="ada", reason="no")
