"""Says whether this process can decide and record, and what it can measure at each checkpoint. Judges nothing."""

from __future__ import annotations

import threading
import time

from api.errors import PROBLEMS
from api.views import Json
from api.wiring import House, now
from classifiers.base import Classifier
from media.clip import Clip
from safety.domain import Checkpoint
from safety.measure import ORIGIN_SIGNALS
from safety.policy import Policy

FRESH_S = 5.0
"""Seconds for which an answer about the ledger stands: anybody may ask, and asking takes the writer's turn."""

NOBODY = ""
"""Executor id that no worker has: who asks does not work."""

AHEAD_S = 3600.0
"""Seconds by which another machine's clock may be ahead of ours, and its worker still counts."""


class Readiness:
    """Looks at one house."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._turn = threading.Lock()
        self._looked_at = float("-inf")
        self._fault = ""
        self._workers: int | None = None

    def report(self) -> tuple[bool, Json]:
        """Return whether the process is ready, and what it can and cannot measure."""
        fault = self._ledger_fault()
        view: Json = {"ready": not fault, "ledger": fault or "ok", "workers": self._workers}
        try:
            policy = self._house.policy_in_force
            checkpoints = {checkpoint.value: self._checkpoint(policy, checkpoint) for checkpoint in Checkpoint}
            view |= {"policy": policy.digest, "checkpoints": checkpoints}
        except tuple(PROBLEMS) as error:  # which policy judges stands in the database, too
            why = f"not usable ({type(error).__name__})"
            view |= {"ready": False, "policy": None, "policy_fault": why, "checkpoints": {}}
        return view["ready"], view

    def _ledger_fault(self) -> str:
        """Prove that the record can be written: its newest head is checked against its signature and signed again."""
        with self._turn:
            if time.monotonic() - self._looked_at > FRESH_S:
                try:
                    self._house.ledger.checkpoint()
                    self._fault = ""
                    self._workers = self._living_workers()
                except tuple(PROBLEMS) as error:
                    self._workers = None
                    self._fault = f"not usable ({type(error).__name__})"
                self._looked_at = time.monotonic()
            return self._fault

    def _living_workers(self) -> int:
        """Count the workers that were heard of within their lease, in any process. None is no fault: work waits."""
        from safety.jobs import Heartbeats  # with the queue: the app starts without it

        heartbeats = Heartbeats(self._house.engine, NOBODY, now)
        signed_in = heartbeats.silent(-AHEAD_S)
        return len(set(signed_in) - set(heartbeats.silent(self._house.settings.worker_lease_s)))

    def _checkpoint(self, policy: Policy, checkpoint: Checkpoint) -> Json:
        asked = policy.signals_at(checkpoint)
        measured = self._measured(checkpoint)
        reasons = {gap.signal: gap.reason for gap in policy.gaps if gap.checkpoint is checkpoint}
        reasons |= dict.fromkeys(asked - measured, "no classifier in service reports it")
        absent = {gap.signal: gap.reason for gap in self._house.gate.instruments.absent}
        reasons |= {signal: absent[signal] for signal in asked - measured if signal in absent}
        return {
            "measured": sorted(asked & measured),
            "unmeasured": [{"signal": signal, "reason": reason} for signal, reason in sorted(reasons.items())],
        }

    def _measured(self, checkpoint: Checkpoint) -> frozenset[str]:
        instruments = self._house.gate.instruments
        text = frozenset(signal for each in instruments.text for signal in each.signals)
        clip = frozenset(signal for each in instruments.clip for signal in each.signals)
        if checkpoint is Checkpoint.PROMPT:
            return text
        if checkpoint is Checkpoint.UPLOAD:
            return _seen_by_scans(self._house.scanner.forensics)
        return text | clip if checkpoint is Checkpoint.INPUT else clip


def _seen_by_scans(forensics: Classifier[Clip] | None) -> frozenset[str]:
    estimate = frozenset({"origin.likely_synthetic"})
    return ORIGIN_SIGNALS | forensics.signals if forensics else ORIGIN_SIGNALS - estimate
