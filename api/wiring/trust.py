"""What credentials of strangers are read under: our own anchors and the trust packs, as they are at that moment."""

from __future__ import annotations

from datetime import UTC, datetime, time

from api.keys import Anchors, anchors_pem
from api.settings import Settings
from api.wiring.trust_packs import PacksInForce
from provenance.isolated import IsolatedReader


class Trusted:
    """Our anchors and the packs in force of one process."""

    def __init__(self, settings: Settings) -> None:
        """Read both for the first time; raises SignerUnusable or TrustPackError."""
        self._settings = settings
        self._packs = PacksInForce(settings)
        self.reader = IsolatedReader(Anchors(settings), packs=self._packs)
        """Reads credentials of strangers' files, in a limited child process."""

    def state(self) -> str:
        """Return what changes when something else is believed."""
        return f"{anchors_pem(self._settings)} {self._packs.state()}"

    def dated(self) -> dict[str, float]:
        """Return the Unix time of the day that each pack in force is dated, by name."""
        return {each.name: datetime.combine(each.dated, time(), UTC).timestamp() for each in self._packs()}

    def damaged(self) -> bool:
        """Say whether the packs cannot be read now, so that fewer or none count."""
        return self._packs.damaged()
