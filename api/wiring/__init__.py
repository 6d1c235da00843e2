"""Builds the house from settings: the only place where concrete classes are chosen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from api.keys import anchors_pem, ledger_key, subject_key, watermark_key
from api.settings import Settings
from api.wiring.house import House, now
from api.wiring.offered import offered_signals
from api.wiring.outgoing import personal_data_scan
from api.wiring.plugins import configured_rows
from api.wiring.policies import policy_named
from safety.database import migrate, open_engine, schema_is_current
from safety.framegate import Framegate

__all__ = [
    "House",
    "configured_rows",
    "now",
    "offered_signals",
    "open_framegate",
    "open_house",
    "personal_data_scan",
    "policy_named",
    "prepare",
]


def prepare(settings: Settings, *, queue: bool = True) -> None:
    """Create the home folder, the database schema and, in development, keys and certificates. Safe to repeat.

    `queue`: also the tables of the durable job queue, which the one-shot commands do not need.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    engine = open_engine(settings.database)
    try:
        if not schema_is_current(engine):
            migrate(engine)
        if queue:
            from safety.jobs import prepare_queue

            prepare_queue(engine)
    finally:
        engine.dispose()
    ledger_key(settings)
    subject_key(settings)
    watermark_key(settings)
    anchors_pem(settings)


@contextmanager
def open_house(settings: Settings | None = None) -> Iterator[House]:
    """Open the house, prepared where the embedded default is used, and close it at the end."""
    settings = settings or Settings()
    if not settings.database_url:
        prepare(settings, queue=False)
    house = House(settings)
    try:
        yield house
    finally:
        house.close()


@contextmanager
def open_framegate(settings: Settings | None = None) -> Iterator[Framegate]:
    """Open framegate as a library; see `safety.framegate`."""
    with open_house(settings) as house:
        yield house.framegate
