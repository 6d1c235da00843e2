"""Looks for enrolled persons in uploads, where a policy has a rule about them at `upload`; elsewhere it costs nothing.

    a policy asks at `upload` ─▶ Footage beside the decode of the scan ─▶ scores of persons, or why nobody could look

What consents and opt-outs say about whom it found is added by the gate, as for every measurement. Frames are those of
the scan: no second, closer look, so a person must show for about a quarter of a second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

from classifiers.base import Classifier
from media.clip import Clip
from safety.domain import Checkpoint, Measurement, Unmeasured
from safety.footage import Footage
from safety.known_people import KNOWN, PERSON_SIGNALS
from safety.trials import Lineup


@dataclass(frozen=True)
class PersonSearch:
    """Who looks, opened when the first policy asks."""

    instruments: Callable[[], tuple[Sequence[Classifier[Clip]], Sequence[Unmeasured]]]
    """Returns who looks for persons, and what nobody can measure here."""

    state: Callable[[], str]
    """Returns a text that changes whenever an answer may: who is enrolled, who opted out."""

    def asked(self, lineup: Lineup) -> bool:
        """Say whether a policy that judges uploads asks for persons."""
        asking = {KNOWN, *PERSON_SIGNALS}
        return any(each.signals_at(Checkpoint.UPLOAD) & asking for each in (lineup.live, *lineup.tried))

    def begin(self, lineup: Lineup) -> AbstractContextManager[Footage | None]:
        """Return what is to see every window, for a `with` statement; None inside it where nobody asks."""
        if not self.asked(lineup):
            return nullcontext(None)
        seers, absent = self.instruments()
        return Footage(seers, absent, alone=False)

    def version(self, lineup: Lineup) -> str:
        """Return what an answer depends on; empty where nobody asks."""
        if not self.asked(lineup):
            return ""
        seers, absent = self.instruments()
        parts = (*(f"{each.name} {each.version}" for each in seers), *(each.reason for each in absent), self.state())
        return " ".join(parts)


def with_persons(measurement: Measurement, persons: Measurement | None) -> Measurement:
    """Return what a scan measured, and what was seen of persons beside it."""
    if persons is None:
        return measurement
    return replace(
        measurement,
        scores=(*measurement.scores, *persons.scores),
        unmeasured=(*measurement.unmeasured, *persons.unmeasured),
        classifiers=(*measurement.classifiers, *persons.classifiers),
    )
