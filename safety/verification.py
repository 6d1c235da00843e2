"""What a verification of the ledger says: how much was looked at, and everything that does not hold. Values only.

The looking itself is `safety.audit`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_PROBLEMS = 100
"""Problems listed; more are counted."""


@dataclass(frozen=True)
class Problem:
    """One thing that does not hold."""

    kind: str
    """`entry`, `gap`, `derived`, `subtree`, `root`, `checkpoint`, `head` or `note`."""

    where: str
    """Position and id of the entry, table and key of the row, or size of the checkpoint."""

    what: str


@dataclass(frozen=True)
class VerificationReport:
    """What `verify` looked at, and everything that does not hold."""

    entries: int
    rows: int
    """Rows compared, of the ledger and of the tables derived from it."""

    checkpoints: int
    """Signed checkpoints that the tree was compared with, stored ones and `notes`."""

    after_checkpoint: int
    """Newest entries not yet under a checkpoint: only the signed head covers them."""

    problems: tuple[Problem, ...]
    unlisted: int
    """Problems beyond the first 100."""

    @property
    def ok(self) -> bool:
        """Everything holds."""
        return not self.problems


@dataclass
class Problems:
    """Problems as they are found; beyond the first 100 they are only counted."""

    listed: list[Problem] = field(default_factory=list)
    unlisted: int = 0

    def add(self, kind: str, where: str, what: str) -> None:
        """Take note of one."""
        if len(self.listed) < MAX_PROBLEMS:
            self.listed.append(Problem(kind, where, what))
        else:
            self.unlisted += 1
