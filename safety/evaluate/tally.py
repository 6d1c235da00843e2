"""Counts and ranks a group of judged rows: one source, or all. JSON values out; unrounded but for milliseconds.

Two questions are kept apart: was an unsafe row stopped for whatever reason, and was it stopped by a finding of its own
category. Benign rows count for a label only where they are known not to deserve it (`scope`). Draws and prints nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from safety.domain import Action, Finding, Unmeasured
from safety.evaluate.judging import Outcome
from safety.evaluate.labels import ANY, META, categories_of, categories_of_all
from safety.evaluate.margin import margin, rules_of, signals_of
from safety.figures import Calibration, Ranking, Share, calibrate, quantile, rank
from safety.policy import Policy

Figures = dict[str, Any]
"""JSON values; docs/how-to/evaluate-the-gate.md describes them."""


class Judged(Protocol):
    """What is counted of any outcome, of a prompt or of frames."""

    @property
    def action(self) -> Action:
        """What the gate would do."""

    @property
    def stopped(self) -> bool:
        """Whether that is REVIEW or BLOCK."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Rules that fired."""

    @property
    def categories(self) -> frozenset[str]:
        """Categories of the findings."""

    @property
    def unmeasured(self) -> tuple[Unmeasured, ...]:
        """What nobody could measure."""

    @property
    def took_ms(self) -> float | None:
        """Milliseconds; None for what was not measured."""


@dataclass(frozen=True)
class Tally:
    """Counts groups of rows under one policy, ranking them against all benign rows of the evaluation."""

    policy: Policy
    benign: Sequence[Outcome]
    """Every benign row of the evaluation: the negatives of rankings."""

    def figures(self, outcomes: Sequence[Outcome]) -> Figures:
        """Return the figures of one group of rows."""
        unsafe = [each for each in outcomes if not each.row.benign]
        benign = [each for each in outcomes if each.row.benign]
        labels = dict.fromkeys(label for each in unsafe for label in each.row.labels)
        by_label = {label: self.label(label, unsafe, benign) for label in sorted(labels)}
        return {
            "rows": len(outcomes),
            "unsafe": {
                "not_unsafe": share(count(unsafe, stopped=True)),
                "blocked": share(blocked(unsafe)),
                "in_category": share(Share(sum(self.in_category(each) for each in unsafe), len(unsafe))),
            },
            "benign": {
                "not_overrefuse": share(count(benign, stopped=False)),
                "not_blocked": share(blocked(benign).rest),
                "not_overrefuse_in_scope": share(Share(sum(self.passes_in_scope(e) for e in benign), len(benign))),
            },
            "mean_over_labels": _means(by_label),
            "labels": by_label,
            "over_refusal": over_refusal(benign),
            "unmeasured": unmeasured(outcomes),
            "unreadable": sum(each.unreadable for each in outcomes),
            "took_ms": took_ms(outcomes),
        }

    def label(self, label: str, unsafe: Sequence[Outcome], benign: Sequence[Outcome]) -> Figures:
        """Return the figures of one label: what of it is stopped, and what its rules stop by mistake."""
        categories = categories_of(label, self.policy)
        mine = [each for each in unsafe if label in each.row.labels]
        negatives = [each for each in benign if each.row.is_negative_for(label)]
        hit = sum(bool(each.categories & categories) for each in mine)
        clean = sum(not each.categories & categories for each in negatives)
        rules = rules_of(self.policy, categories)
        return {
            "categories": sorted(categories),
            "not_unsafe": share(count(mine, stopped=True)),
            "blocked": share(blocked(mine)),
            "in_category": share(Share(hit, len(mine))),
            "not_overrefuse": share(Share(clean, len(negatives))),
            "ranking": ranking(
                rank(
                    [margin(rules, each.scores) for each in mine if not each.unreadable],
                    [margin(rules, each.scores) for each in self.negatives(label)],
                )
            ),
            "signals": {} if label == ANY else {name: self.signal(name, label, mine) for name in signals_of(rules)},
        }

    def signal(self, signal: str, label: str, mine: Sequence[Outcome]) -> Figures:
        """Return how well one signal alone ranks rows of a label, and whether it is calibrated on them."""
        present = [each.scores[signal] for each in mine if signal in each.scores]
        absent = [each.scores[signal] for each in self.negatives(label) if signal in each.scores]
        return {"ranking": ranking(rank(present, absent)), "calibration": calibration(calibrate(present, absent))}

    def negatives(self, label: str) -> list[Outcome]:
        """Return the benign rows of the whole evaluation that are known not to deserve a label."""
        return [each for each in self.benign if not each.unreadable and each.row.is_negative_for(label)]

    def in_category(self, outcome: Outcome) -> bool:
        """Say whether a row was stopped by a finding of one of its own categories."""
        return bool(outcome.categories & categories_of_all(outcome.row.labels, self.policy))

    def passes_in_scope(self, outcome: Outcome) -> bool:
        """Say whether a benign row passes, or is stopped only for what nobody says it is free of."""
        if outcome.row.scope is None:
            return not outcome.stopped
        wrong = META | categories_of_all(outcome.row.scope, self.policy)
        return not outcome.unreadable and not outcome.categories & wrong


def over_refusal(benign: Sequence[Judged]) -> Figures:
    """Return how many stopped benign rows each rule, signal and category has a part in, and how many it stops alone."""
    causes: dict[str, tuple[Counter[str], Counter[str]]] = {
        kind: (Counter(), Counter()) for kind in ("rules", "signals", "categories")
    }
    for each in benign:
        names = {
            "rules": {finding.rule for finding in each.findings},
            "signals": {evidence.signal for finding in each.findings for evidence in finding.evidence},
            "categories": set(each.categories),
        }
        for kind, (rows, alone) in causes.items():
            rows.update(names[kind])
            if len(names[kind]) == 1:
                alone.update(names[kind])
    return {
        kind: {name: {"rows": count, "alone": alone[name]} for name, count in rows.most_common()}
        for kind, (rows, alone) in causes.items()
    }


def share(counted: Share) -> Figures:
    """Write a share as JSON values: N, k, value and interval."""
    low, high = counted.interval
    return {"n": counted.n, "k": counted.k, "value": counted.value, "low": low, "high": high}


def ranking(ranked: Ranking | None) -> Figures | None:
    """Write a ranking as JSON values."""
    if ranked is None:
        return None
    low, high = ranked.interval
    counts = {"positives": ranked.positives, "negatives": ranked.negatives}
    return {**counts, "auroc": ranked.auroc, "low": low, "high": high, "auprc": ranked.auprc}


def calibration(compared: Calibration | None) -> Figures | None:
    """Write a calibration as JSON values."""
    if compared is None:
        return None
    return {"n": compared.n, "ece": compared.ece, "brier": compared.brier, "bins": [vars(b) for b in compared.bins]}


def count(outcomes: Sequence[Judged], *, stopped: bool) -> Share:
    """Return how many are stopped, or pass."""
    return Share(sum(each.stopped is stopped for each in outcomes), len(outcomes))


def blocked(outcomes: Sequence[Judged]) -> Share:
    """Return how many are blocked."""
    return Share(sum(each.action is Action.BLOCK for each in outcomes), len(outcomes))


def _means(labels: Mapping[str, Figures]) -> Figures:
    means: Figures = {}
    for name in ("not_unsafe", "in_category", "not_overrefuse"):
        values = [each[name]["value"] for each in labels.values() if each[name]["value"] is not None]
        means[name] = sum(values) / len(values) if values else None
    return means


def unmeasured(outcomes: Sequence[Judged]) -> Figures:
    """Return in how many something was unmeasured, and what and why."""
    counts = Counter((gap.signal, gap.reason) for each in outcomes for gap in each.unmeasured)
    found: Figures = {"rows": sum(bool(each.unmeasured) for each in outcomes), "signals": {}}
    for (signal, reason), count in sorted(counts.items()):
        found["signals"].setdefault(signal, {})[reason] = count
    return found


def took_ms(outcomes: Sequence[Judged]) -> Figures:
    """Return median and 95th percentile of the milliseconds."""
    times = [each.took_ms for each in outcomes if each.took_ms is not None]
    p50, p95 = (quantile(times, each) for each in (0.5, 0.95))
    return {"n": len(times), "p50": p50 and round(p50, 2), "p95": p95 and round(p95, 2)}
