"""The rooms of the reviewers' desk, from settings: the queue, second looks, and how much one person looks at."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from safety.exposure import Budget, Exposure
from safety.lookup.desk import DeskReader
from safety.review import Review

if TYPE_CHECKING:
    from api.settings import Settings
    from safety.ledger import Ledger
    from safety.quality import Quality


def review_desk(settings: Settings, ledger: Ledger) -> Review:
    """What waits for a person."""
    return Review(ledger, two_for=settings.review_two_for.split())


def quality_desk(settings: Settings, ledger: Ledger) -> Quality:
    """What is looked at a second time."""
    from safety.quality import Quality, Shares  # its arithmetic is slow to load

    return Quality(ledger, shares=Shares(settings.review_sample_allowed, settings.review_sample_decided))


def exposure_of_reviewers(settings: Settings, ledger: Ledger) -> Exposure:
    """Who needs a break."""
    budget = Budget(
        looks_a_day=settings.review_looks_a_day,
        stretch=timedelta(minutes=settings.review_stretch_minutes),
        rest=timedelta(minutes=settings.review_break_minutes),
    )
    return Exposure(DeskReader(ledger.engine), budget=budget)
