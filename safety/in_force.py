"""Which Decision a job stands at: that of the last gate it reached, or of the reviewer who superseded it.

output, or else the strictest about its references, or else the strictest about its prompt and what was made of it
"""

from __future__ import annotations

from safety.domain import Checkpoint, Decision
from safety.lookup.record import MAX_PAGE, LedgerReader


def in_force(ledger: LedgerReader, job: str) -> Decision | None:
    """Return the Decision that a job stands at; None where nothing was decided yet."""
    output = ledger.effective(job, Checkpoint.OUTPUT)
    return output or strictest(ledger, job, Checkpoint.INPUT) or strictest(ledger, job, Checkpoint.PROMPT)


def strictest(ledger: LedgerReader, job: str, checkpoint: Checkpoint) -> Decision | None:
    """Return the strictest Decision in force about a job at a checkpoint, the oldest of equals; None without one."""
    standing = all_in_force(ledger, job, checkpoint)
    return max(standing, key=lambda decision: decision.verdict.action, default=None)


def all_in_force(ledger: LedgerReader, job: str, checkpoint: Checkpoint) -> list[Decision]:
    """Return the Decisions in force about a job at a checkpoint, oldest first: a job may have several references."""
    found = ledger.decisions(job=job, checkpoint=checkpoint, limit=MAX_PAGE)
    replaced = {each.supersedes for each in found}
    return [each for each in reversed(found) if each.id not in replaced]


def latest(ledger: LedgerReader, decision: Decision) -> Decision:
    """Return the Decision in force in place of one: the last of those that supersede each other, or itself."""
    while (newer := ledger.superseding(decision.id)) is not None:
        decision = newer
    return decision


def first(ledger: LedgerReader, decision: Decision) -> Decision:
    """Return the Decision that a gate made, of which this one is a replacement, or itself."""
    while decision.supersedes is not None and (older := ledger.decision(decision.supersedes)) is not None:
        decision = older
    return decision
