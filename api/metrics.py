"""Counts for Prometheus: requests as they happen, decisions as they stand in the record, jobs as they are now.

Decisions are read from the ledger, entry by entry since this process started, so those of workers and of the command
line count too. Every process of the API counts all of them: take the maximum over replicas, not the sum. One registry
for each app; nothing is global.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from safety.domain import JobStatus
from safety.drift import Drift
from safety.ledger import Ledger
from safety.projections import DECISION, RELEASE
from safety.records import decision_from_record, decode
from safety.trials import Lineup

MAX_ENTRIES = 20_000
"""Entries read for one scrape: about two seconds. The rest is counted by the next ones."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
GATE_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0)


class Metrics:
    """The counts of one app."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._requests = Counter(
            "framegate_requests", "HTTP requests answered.", ("route", "method", "status"), registry=registry
        )
        self._request_s = Histogram(
            "framegate_request_seconds",
            "Seconds until a request was answered.",
            ("route",),
            buckets=REQUEST_SECONDS,
            registry=registry,
        )
        self._decisions = Counter(
            "framegate_decisions", "Decisions recorded.", ("checkpoint", "action", "actor"), registry=registry
        )
        self._gate_s = Histogram(
            "framegate_gate_seconds",
            "Seconds that the classifiers of a gate took.",
            ("checkpoint",),
            buckets=GATE_SECONDS,
            registry=registry,
        )
        self._unmeasured = Counter(
            "framegate_unmeasured",
            "Verdicts in which a signal went unmeasured.",
            ("checkpoint", "signal"),
            registry=registry,
        )
        self._releases = Counter("framegate_releases", "Releases recorded.", registry=registry)
        self._jobs = Gauge("framegate_jobs", "Jobs by where they stand.", ("status",), registry=registry)
        self._entries = Gauge("framegate_ledger_entries", "Entries in the ledger.", registry=registry)
        self._not_after = Gauge(
            "framegate_certificate_not_after_seconds",
            "Unix time at which the certificate of this role that expires first does so.",
            ("role",),
            registry=registry,
        )
        self._packs = Gauge(
            "framegate_trust_pack_dated_seconds",
            "Unix time of the day that a trust pack in force is dated.",
            ("pack",),
            registry=registry,
        )
        self._damaged = Gauge(
            "framegate_trust_packs_damaged",
            "1 where the trust packs cannot be read, so that after a minute none counts.",
            registry=registry,
        )
        self._drift = Gauge(
            "framegate_score_drift",
            "Population stability index of a signal's scores: the last day against the 28 days before.",
            ("signal",),
            registry=registry,
        )
        self._drifting = Gauge(
            "framegate_score_drifting",
            "1 where the index reaches FRAMEGATE_DRIFT_ALERT: somebody should look.",
            ("signal",),
            registry=registry,
        )
        self._trials = Counter(
            "framegate_policy_trials",
            "Verdicts of policies that are tried, beside what the policy in force said.",
            ("policy", "part", "action", "in_force"),
            registry=registry,
        )
        self._policies = Gauge(
            "framegate_policy_share",
            "Share of what is judged on which a policy acts; shadows have 0.",
            ("policy", "state"),
            registry=registry,
        )
        self._position: int | None = None
        self._turn = threading.Lock()

    def observe_request(self, route: str, method: str, status: int, took_s: float) -> None:
        """Count one answered request; status 0 means that the client went away first."""
        known = method if method in METHODS else "other"  # a client may invent methods; each would be a new series
        self._requests.labels(route, known, str(status)).inc()
        self._request_s.labels(route).observe(took_s)

    def start(self, ledger: Ledger) -> None:
        """Count what is recorded from now on."""
        self._position = ledger.size()

    def watch(self, not_after: Mapping[str, float]) -> None:
        """Take note of when certificates expire: role -> Unix time."""
        for role, seconds in not_after.items():
            self._not_after.labels(role).set(seconds)

    def watch_packs(self, dated: Mapping[str, float], *, damaged: bool) -> None:
        """Take note of the trust packs in force: name -> Unix time of their date; and whether they can be read."""
        self._damaged.set(damaged)
        self._packs.clear()
        for name, seconds in dated.items():
            self._packs.labels(name).set(seconds)

    def watch_drift(self, found: Iterable[Drift], alert: float) -> None:
        """Take note of how far signals moved; what was measured on too few contents has no value, not a calm one."""
        for gauge in (self._drift, self._drifting):
            gauge.clear()
        for each in found:
            if each.psi is not None:
                self._drift.labels(each.signal).set(each.psi)
                self._drifting.labels(each.signal).set(each.psi >= alert)

    def watch_policies(self, lineup: Lineup | None) -> None:
        """Take note of which policies judge; None: nobody can say."""
        self._policies.clear()
        if lineup is None:
            return
        self._policies.labels(lineup.live.digest, "live").set(1 - lineup.share)
        if lineup.canary is not None:
            self._policies.labels(lineup.canary.digest, "canary").set(lineup.share)
        for shadow in lineup.shadows:
            self._policies.labels(shadow.digest, "shadow").set(0)

    def exposition(self, ledger: Ledger, jobs: dict[JobStatus, int]) -> bytes:
        """Return everything in Prometheus' text format.

        Raises:
            DatabaseError, LedgerError: the record cannot be read.
        """
        with self._turn:
            self._read_on(ledger)
            self._entries.set(ledger.size())
            for status in JobStatus:
                self._jobs.labels(status.value).set(jobs.get(status, 0))
            return generate_latest(self.registry)

    def _read_on(self, ledger: Ledger) -> None:
        position = ledger.size() if self._position is None else self._position
        end = position + MAX_ENTRIES
        while position < end and (page := ledger.entries(position)):
            for entry in page:
                self._count(entry.kind, entry.body)
            position = page[-1].position + 1
        self._position = position

    def _count(self, kind: str, body: bytes) -> None:
        if kind == RELEASE:
            self._releases.inc()
        if kind != DECISION:
            return
        decision = decision_from_record(decode(body)[1])
        checkpoint = decision.checkpoint.value
        self._decisions.labels(checkpoint, decision.verdict.action.word, decision.actor.kind).inc()
        for trial in decision.trials:
            self._trials.labels(trial.policy, trial.part, trial.action.word, trial.in_force.word).inc()
        if decision.actor.kind == "policy":
            self._gate_s.labels(checkpoint).observe(sum(ms for _, ms in decision.measurement.took_ms) / 1000)
            for signal in {gap.signal for gap in decision.verdict.unmeasured}:
                self._unmeasured.labels(checkpoint, signal).inc()
