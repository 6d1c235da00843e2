"""A statement of reasons for a restriction: what was restricted, why, by whom, how to object (DSA, Article 17).

    restriction_of   a Decision that restricts something, or None
    statement_of     the same for the DSA Transparency Database: no prompt, no person's words, no requester
    letter           the same for the person who is restricted, in words

What a hold delays is no restriction yet; a remedy (label, age gate) is one. Pure. Batches are
`safety.exports.statement_batches`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from safety.domain import Action, Checkpoint, Decision, Finding, Remedy
from safety.exports.dsa_schema import OTHER_CATEGORY, OTHER_KEYWORD, Statement, dsa_schema
from safety.review import REASON_CODES

CONTENT = {
    Checkpoint.PROMPT: ("a text that asks for a video", ["CONTENT_TYPE_TEXT"]),
    Checkpoint.INPUT: (
        "a picture or video that a video was to start from",
        ["CONTENT_TYPE_IMAGE", "CONTENT_TYPE_VIDEO"],
    ),
    Checkpoint.OUTPUT: ("a generated video", ["CONTENT_TYPE_SYNTHETIC_MEDIA", "CONTENT_TYPE_VIDEO"]),
    Checkpoint.UPLOAD: ("an uploaded video", ["CONTENT_TYPE_VIDEO"]),
}
"""What was restricted, in words and in the database's."""

REFUSED = {
    Checkpoint.PROMPT: "No video was generated for this request.",
    Checkpoint.INPUT: "It was not used, and no video was generated for this request.",
    Checkpoint.OUTPUT: "It was not handed out.",
    Checkpoint.UPLOAD: "It was refused.",
}


@dataclass(frozen=True)
class Terms:
    """What a provider says about itself in every statement."""

    url: str = ""
    """Where the terms that the policy states are published."""

    countries: tuple[str, ...] = ()
    """ISO codes of where the restriction holds; none: the whole Union."""

    with_reasons: bool = False
    """Quote what reviewers wrote. They may name people, so it is left out unless it is asked for."""


@dataclass(frozen=True)
class Restriction:
    """A Decision that restricts, and what lifted it."""

    decision: Decision
    findings: tuple[Finding, ...]
    """Those that it rests on, the gravest first."""

    lifted_at: datetime | None = None
    """When a later Decision let the same content pass."""


def restriction_of(decision: Decision, replacement: Decision | None = None) -> Restriction | None:
    """Return what a Decision restricts, or None. `replacement`: the Decision that superseded it."""
    verdict = decision.verdict
    if verdict.action is Action.BLOCK:
        resting = [each for each in verdict.findings if each.action is Action.BLOCK] or list(verdict.findings)
    elif verdict.action is Action.ALLOW:
        resting = [each for each in verdict.findings if each.remedy in {Remedy.LABEL, Remedy.AGE_GATE}]
        if not resting:
            return None
    else:
        return None
    lifted = replacement is not None and replacement.verdict.action is Action.ALLOW
    ordered = tuple(sorted(resting, key=lambda each: -(each.severity or 0)))
    return Restriction(decision, ordered, replacement.at if replacement is not None and lifted else None)


def statement_of(restriction: Restriction, terms: Terms) -> Statement:
    """Write a restriction with the fields of the DSA Transparency Database; `Schema.problems` checks them."""
    schema, decision = dsa_schema(), restriction.decision
    what, kinds = CONTENT[decision.checkpoint]
    visibility, other = _visibility(restriction)
    categories = list(dict.fromkeys(each.category for each in restriction.findings))
    filings = [schema.filing(each) for each in categories]
    first = filings[0].category if filings else OTHER_CATEGORY
    more = list(dict.fromkeys(each.category for each in filings[1:] if each.category != first))
    keywords = list(dict.fromkeys(word for each in filings for word in each.keywords)) or [OTHER_KEYWORD]
    day = decision.at.date().isoformat()
    statement: Statement = {
        "decision_visibility": visibility,
        "decision_ground": "DECISION_GROUND_INCOMPATIBLE_CONTENT",
        "incompatible_content_ground": _fitted(_ground(restriction), 500),
        "incompatible_content_explanation": _fitted(_explanation(restriction), 2000),
        "content_type": kinds,
        "category": first,
        "category_specification": keywords,
        "territorial_scope": list(terms.countries or schema.european_union),
        "content_date": day,
        "application_date": day,
        "decision_facts": _fitted(_facts(restriction, what, terms), 5000),
        "source_type": "SOURCE_VOLUNTARY",
        "automated_detection": "Yes" if decision.measurement.scores else "No",
        "automated_decision": _automation(decision),
        "puid": decision.id,
    }
    if other:
        statement["decision_visibility_other"] = other
    if more:
        statement["category_addition"] = more
    if OTHER_KEYWORD in keywords:
        statement["category_specification_other"] = _fitted(", ".join(categories) or "no category", 500)
    if terms.url:
        statement["decision_ground_reference_url"] = terms.url
    if restriction.lifted_at is not None:
        statement["end_date_visibility_restriction"] = restriction.lifted_at.date().isoformat()
    return statement


def letter(restriction: Restriction, *, appeal_days: int) -> str:
    """Write a restriction for the person who is restricted (Article 17(3)). It may go to that person only.

    `appeal_days`: how long our own complaint procedure takes at most.
    """
    decision = restriction.decision
    what, _ = CONTENT[decision.checkpoint]
    lines = [
        f"Decision {decision.id} of {decision.at:%Y-%m-%d %H:%M} UTC restricts {what}.",
        "",
        f"What is restricted: {_measure(restriction)}",
        f"On which ground: {_ground(restriction)}",
        f"Facts: {_facts(restriction, what, Terms())}",
        f"Automated means: {_AUTOMATION_WORDS[_automation(decision)]}",
    ]
    if decision.reason:
        lines.append(f"Reason given by the reviewer: {decision.reason}")
    if restriction.lifted_at is not None:
        lines.append(f"Lifted on {restriction.lifted_at:%Y-%m-%d}.")
    return "\n".join([
        *lines,
        "",
        f"How to object: appeal the decision (`POST /v1/decisions/{decision.id}/appeals`, or write to us and name it); "
        f"somebody who did not make it answers within {appeal_days} days. You may also turn to a certified body of "
        "out-of-court dispute settlement, or to a court.",
    ])  # fmt: skip


_AUTOMATION_WORDS = {
    "AUTOMATED_DECISION_FULLY": "it was found and decided automatically.",
    "AUTOMATED_DECISION_PARTIALLY": "it was found automatically; a person decided.",
    "AUTOMATED_DECISION_NOT_AUTOMATED": "none; a person decided.",
}


def _automation(decision: Decision) -> str:
    if decision.actor.kind == "policy":
        return "AUTOMATED_DECISION_FULLY"
    measured = decision.measurement.scores or decision.verdict.findings
    return "AUTOMATED_DECISION_PARTIALLY" if measured else "AUTOMATED_DECISION_NOT_AUTOMATED"


def _visibility(restriction: Restriction) -> tuple[list[str], str]:
    decision = restriction.decision
    if decision.verdict.action is Action.ALLOW:
        remedies = {each.remedy for each in restriction.findings}
        names = {
            Remedy.AGE_GATE: "DECISION_VISIBILITY_CONTENT_AGE_RESTRICTED",
            Remedy.LABEL: "DECISION_VISIBILITY_CONTENT_LABELLED",
        }
        return [name for remedy, name in names.items() if remedy in remedies], ""
    if decision.checkpoint in {Checkpoint.OUTPUT, Checkpoint.UPLOAD}:
        return ["DECISION_VISIBILITY_CONTENT_DISABLED"], ""
    # Nothing was published that could be removed: the service declined to make something of it.
    return ["DECISION_VISIBILITY_OTHER"], REFUSED[decision.checkpoint]


def _measure(restriction: Restriction) -> str:
    decision = restriction.decision
    if decision.verdict.action is Action.BLOCK:
        return REFUSED[decision.checkpoint]
    remedies = {each.remedy for each in restriction.findings}
    told = {
        Remedy.AGE_GATE: "It is shown to adults only.",
        Remedy.LABEL: "It is shown with a label that says what it holds.",
    }
    return " ".join(words for remedy, words in told.items() if remedy in remedies)


def _ground(restriction: Restriction) -> str:
    clauses = list(dict.fromkeys(each.clause for each in restriction.findings))
    return " ".join(clauses) or "A reviewer refused it; no rule of the policy was found broken."


def _explanation(restriction: Restriction) -> str:
    decision, lines = restriction.decision, []
    for finding in restriction.findings:
        missing = any(each.score is None for each in finding.evidence)
        how = "something that the rule asks for could not be measured" if missing else "its thresholds were reached"
        lines.append(f"Rule {finding.rule} of category {finding.category}: {how}.")
    if decision.code:
        lines.append(f"Reason code of the reviewer: {decision.code} ({REASON_CODES.get(decision.code, 'unknown')}).")
    return " ".join(lines) or "No rule was found broken; a person decided."


def _facts(restriction: Restriction, what: str, terms: Terms) -> str:
    decision = restriction.decision
    measured = [
        f"{each.signal} {'unmeasured' if each.score is None else f'{each.score:.2f}'} (threshold {each.threshold:.2f})"
        for finding in restriction.findings
        for each in finding.evidence
    ]
    who = "automatically" if decision.actor.kind == "policy" else "by a reviewer"
    lines = [
        f"Content: {what}, at the checkpoint {decision.checkpoint}.",
        f"It was decided {who} under policy {decision.verdict.policy}.",
        f"Measured: {'; '.join(_once(measured)) or 'nothing'}.",
    ]
    if terms.with_reasons and decision.reason:
        lines.append(f"Reason: {decision.reason}")
    return " ".join(lines)


def _once(lines: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(lines))


def _fitted(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
