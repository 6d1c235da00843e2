"""Why something could not be decided or done. A refusal is not an error: it is a Decision.

    SafetyError
    ├── PolicyError         a policy file is unreadable, contradicts itself or asks for what nobody offers
    ├── InvalidContent      the content is nothing that could be judged (empty, not text, too long)
    ├── ReleaseError        a file may not leave: its mark or its signature does not prove itself
    ├── StepFailed          a step of a durable job failed; the message has its own error's name and words
    ├── LedgerError         the record could not be written, or what is written does not hold
    │   └── DatabaseError   the database cannot be reached, is busy for too long or has the wrong schema
    ├── SealBroken          sealed personal data does not open: another key, or it was altered
    ├── GalleryLocked       known persons cannot be opened: their key is missing, or is another one
    ├── NotFound            nothing has this id
    ├── Withdrawn           a release that was recalled: its content is not served any more
    └── Conflict            it exists, but not in a state in which this may happen to it
        └── SecondReviewerNeeded   one of two reviewers allowed it; it still waits

Messages name ids, sizes and what to do; they never hold the text of a prompt.
"""

from __future__ import annotations


class SafetyError(Exception):
    """The base of everything that this floor raises."""


class PolicyError(SafetyError):
    """A policy cannot be used as it is written."""


class InvalidContent(SafetyError):
    """The content is nothing that could be judged."""


class ReleaseError(SafetyError):
    """A file may not leave; nothing was released."""


class StepFailed(SafetyError):
    """A step of a durable job failed, in this process or in one that died since."""


class LedgerError(SafetyError):
    """The record could not be written, or what is written does not hold."""


class DatabaseError(LedgerError):
    """The database cannot be reached, is busy for too long or has the wrong schema."""


class SealBroken(SafetyError):
    """Sealed personal data does not open."""


class GalleryLocked(SafetyError):
    """The gallery of known persons cannot be opened: its key is missing, too short or not the one that sealed it."""


class NotFound(SafetyError):
    """Nothing has this id."""


class Withdrawn(SafetyError):
    """A release was withdrawn: its content is not served any more; its record stays."""


class Conflict(SafetyError):
    """It exists, but not in a state in which this may happen to it."""


class Occupied(SafetyError):
    """It is done for one at a time, and somebody else has it now: ask again in a while."""


class SecondReviewerNeeded(Conflict):
    """One of two reviewers allowed it, which is recorded; it waits for the other."""
