"""Everything that is asked of the database, and the working tables: jobs, scans, API keys, repeated requests.

    record   the ledger, read: decisions, releases, what is effective, whose mark this is
    jobs     jobs and where they stand
    scans    scans asked for over HTTP
    access   API keys and idempotency keys
    consents who may show whose likeness, and who is never shown
    people   the gallery of known persons
    banks    banks of known content
    subjects whose data is sealed with which key
    legal_holds what must not be erased
    search   decisions by anything recorded about them; counts over time beside it

The record itself is only written by `safety.ledger`.
"""

from __future__ import annotations

from safety.lookup.access import ApiKey, ApiKeys, Idempotency
from safety.lookup.appeals import AppealReader
from safety.lookup.banks import BankStore
from safety.lookup.claims import Claim, Claims
from safety.lookup.consents import LikenessRegistry
from safety.lookup.jobs import JobStore
from safety.lookup.legal_holds import LegalHold, LegalHolds
from safety.lookup.people import PersonStore
from safety.lookup.record import Entry, LedgerReader
from safety.lookup.scans import Scan, ScanStatus, ScanStore
from safety.lookup.search import Question, Search
from safety.lookup.subjects import Subject, SubjectKeys

__all__ = [
    "ApiKey",
    "ApiKeys",
    "AppealReader",
    "BankStore",
    "Claim",
    "Claims",
    "Entry",
    "Idempotency",
    "JobStore",
    "LedgerReader",
    "LegalHold",
    "LegalHolds",
    "LikenessRegistry",
    "PersonStore",
    "Question",
    "Scan",
    "ScanStatus",
    "ScanStore",
    "Search",
    "Subject",
    "SubjectKeys",
]
