"""What is done at certain times, whoever asks: erase what is due, finish erasures, seal what is not, sign checkpoints.

Every worker has a thread for it; of many, one takes each chore (`safety.lookup.chores`). A chore that fails is told to
the log and done again when it is due again. `framegate retention apply` does the erasing by hand.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from api.erasing import discard_files, erase, erasure_of, finish, reapply
from api.errors import ApiError
from api.webhooks import webhook_of
from api.wiring import House, now
from safety.lookup.chores import Chores
from safety.lookup.due import Due
from safety.retention import BY_AGE, DEFAULT_RETENTION, Retention, load_retention
from safety.work import HOUSE_ERRORS

log = logging.getLogger(__name__)

SCHEDULE = "schedule"
"""Actor of what nobody asked for."""

LOOK_EVERY_S = 5.0
"""Seconds after which it is looked whether something is due."""


@dataclass(frozen=True)
class Chore:
    """Something that is due again and again."""

    name: str
    every: timedelta
    do: Callable[[], object]


def retention_of(house: House) -> Retention:
    """Return what erases what is due in this house.

    Raises:
        PolicyError: the retention file cannot be used.
    """
    return Retention(
        load_retention(house.settings.retention or DEFAULT_RETENTION),
        erasure_of(house),
        Due(house.engine),
        house.stills,
        lambda id_: erase(house, house.subjects.find(id_), actor=SCHEDULE, reason=BY_AGE),
        lambda job: discard_files(house, job),
        now,
    )


def chores_of(house: House) -> Sequence[Chore]:
    """Return what is to be done in this house, and how often."""
    hourly = timedelta(hours=1)
    checkpoints = timedelta(seconds=house.settings.checkpoint_every_s)
    webhook = webhook_of(house)
    telling = () if webhook is None else (Chore("webhook", timedelta(seconds=LOOK_EVERY_S), webhook.deliver),)
    return (
        Chore("checkpoint", checkpoints, house.ledger.checkpoint),
        Chore("search", timedelta(minutes=1), house.search.catch_up),
        Chore("erasures", hourly, lambda: (finish(house), reapply(house))),
        Chore("seal", hourly, lambda: _until_none(house.jobs.seal_plain, house.scans.seal_plain)),
        Chore("retention", hourly, lambda: retention_of(house).apply(SCHEDULE)),
        *telling,
    )


class Housekeeping:
    """A thread that does what is due."""

    def __init__(self, house: House, chores: Sequence[Chore] | None = None) -> None:
        self._chores = chores_of(house) if chores is None else chores
        self._taken = Chores(house.engine, now)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Begin; what is overdue is done at once."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the chore at hand, and no other."""
        self._stopping.set()
        self._thread.join()

    def do_what_is_due(self) -> list[str]:
        """Do every chore that is due and that nobody else took; return the names of those that were done."""
        done = []
        for chore in self._chores:
            if self._stopping.is_set():
                break
            try:
                if self._taken.take(chore.name, chore.every):
                    chore.do()
                    done.append(chore.name)
            except (*HOUSE_ERRORS, ApiError) as error:
                log.error("the chore %s failed and is tried again when it is due: %s", chore.name, error)
            except Exception:
                log.exception("the chore %s was stopped by a fault that nobody foresaw", chore.name)
        return done

    def _run(self) -> None:
        while True:
            self.do_what_is_due()
            if self._stopping.wait(LOOK_EVERY_S):
                return


def _until_none(*works: Callable[[], int]) -> None:
    for work in works:
        while work():
            pass
