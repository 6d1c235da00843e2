"""Says whether a time stamp that was just given can be believed: its clock and ours have to agree."""

from __future__ import annotations

from datetime import datetime, timedelta

CLOCKS_AGREE_WITHIN = timedelta(minutes=5)
"""A stamp that is farther from this machine's time is not taken: it would say for good when something was signed."""


def stamp_fault(stamped: datetime | None, now: datetime) -> str | None:
    """Return what is wrong with a time stamp that was just given, in words; None where nothing is."""
    if stamped is None:
        return "the signed file carries no trusted time stamp; is its root among the anchors?"
    if abs(stamped - now) > CLOCKS_AGREE_WITHIN:
        return (
            f"the time-stamp authority says {stamped:%Y-%m-%d %H:%M:%S}, this machine {now:%Y-%m-%d %H:%M:%S} UTC: "
            "one of the two clocks is wrong"
        )
    return None
