"""What can be done about a held output instead of asking a person: make what was found unrecognisable, judge again.

    REVIEW for redactable findings alone ─▶ redact ─▶ mark ─▶ encode ─▶ decode again ─▶ output gate

Only where every finding that holds is one that the policy lets be redacted, each with a place in time, and nothing is
held for being unmeasured. What blocks, blocks. Pure: the release desk alters pixels.
"""

from __future__ import annotations

from media.redaction import Place
from safety.domain import Action, Remedy, TimeSpan, Verdict


def to_redact(verdict: Verdict) -> tuple[Place, ...]:
    """Return the places to make unrecognisable; none where that would not help."""
    holding = [finding for finding in verdict.findings if finding.action is not Action.ALLOW]
    unseen = any(gap.signal == "coverage" for gap in verdict.unmeasured)
    if verdict.action is not Action.REVIEW or unseen or not holding:
        return ()
    places: dict[Place, None] = {}
    for finding in holding:
        if finding.remedy is not Remedy.REDACT:
            return ()
        for each in finding.evidence:
            if each.score is None or not isinstance(each.span, TimeSpan):
                return ()
            places[Place(each.span.start_s, each.span.end_s, each.span.box)] = None
    return tuple(places)
