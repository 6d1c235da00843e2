"""Which Decision a job stands at: that of the last gate it reached, or of the reviewer who superseded it.

output, or else the strictest about its references, or else the prompt's
"""

from __future__ import annotations

from safety.domain import Checkpoint, Decision
from safety.lookup.record import MAX_PAGE, LedgerReader


def in_force(ledger: LedgerReader, job: str) -> Decision | None:
    """Return the Decision that a job stands at; None where nothing was decided yet."""
    output = ledger.effective(job, Checkpoint.OUTPUT)
    return output or strictest_input(ledger, job) or ledger.effective(job, Checkpoint.PROMPT)


def strictest_input(ledger: LedgerReader, job: str) -> Decision | None:
    """Return the strictest Decision in force about a job's references; None where it has none."""
    standing = inputs_in_force(ledger, job)
    return max(standing, key=lambda decision: decision.verdict.action, default=None)


def inputs_in_force(ledger: LedgerReader, job: str) -> list[Decision]:
    """Return the Decisions in force about a job's references, oldest first."""
    found = ledger.decisions(job=job, checkpoint=Checkpoint.INPUT, limit=MAX_PAGE)
    replaced = {each.supersedes for each in found}
    return [each for each in reversed(found) if each.id not in replaced]
