"""The report about pictures and clips as one JSON object: where it comes from, figures over all and by source, errors.

The schema is described in docs/how-to/evaluate-frames.md; `SCHEMA` counts up when a field changes its meaning. It names
files and never shows them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from safety.domain import Checkpoint
from safety.errors import SafetyError
from safety.evaluate.frame_judging import FrameBench, FrameOutcome
from safety.evaluate.frame_labels import signals_of_label
from safety.evaluate.frame_rows import MediaSet
from safety.evaluate.frame_tally import FrameTally
from safety.evaluate.margin import margin
from safety.evaluate.report import digest_of, framegate_version
from safety.evaluate.tally import Figures

SCHEMA = 1

SCORES_SHOWN = 4
"""Strongest scores listed with an error."""


def frame_report(
    bench: FrameBench, given: MediaSet, outcomes: Sequence[FrameOutcome], *, at: datetime, how: Mapping[str, Any]
) -> Figures:
    """Return the report.

    `how` says what else the figures depend on: classifiers left out, a sample, processes.
    """
    sources: dict[str, list[FrameOutcome]] = {}
    for each in outcomes:
        sources.setdefault(each.row.source, []).append(each)
    offered = frozenset(signal for each in bench.instruments.clip for signal in each.signals)
    tally = FrameTally(bench.policy, [each for each in outcomes if each.row.benign], offered)
    return {
        "schema": SCHEMA,
        "kind": "evaluate.frames",
        "at": at.isoformat(timespec="seconds"),
        "framegate": framegate_version(),
        "policy": {"name": bench.policy.name, "digest": bench.policy.digest},
        "classifiers": {each.name: each.version for each in bench.instruments.clip},
        "absent": {each.signal: each.reason for each in bench.instruments.absent},
        "sampling": asdict(bench.plan),
        "table": None if given.table is None else {"name": given.table.name, "sha256": digest_of(given.table)},
        "left_out": given.left_out,
        "how": dict(how),
        "all": tally.figures(outcomes),
        "sources": {name: tally.figures(group) for name, group in sources.items()},
    }


def worst_frames(bench: FrameBench, outcomes: Sequence[FrameOutcome], limit: int) -> Figures:
    """Return violating rows that no signal of their labels found, lowest first, and benign rows that are stopped."""
    rules = bench.policy.rules_at(Checkpoint.OUTPUT)

    def nearness(outcome: FrameOutcome) -> float:
        own = frozenset(s for label in outcome.row.labels for s in signals_of_label(label, bench.policy))
        concerned = [rule for rule in rules if outcome.row.benign or own & {each.signal for each in rule.conditions}]
        return margin(concerned, outcome.scores)

    missed = [
        each
        for each in outcomes
        if not each.row.benign
        and not any(each.signals & signals_of_label(label, bench.policy) for label in each.row.labels)
    ]
    stopped = [each for each in outcomes if each.row.benign and each.stopped]
    stopped.sort(key=lambda each: (-each.action, -nearness(each)))
    return {
        "missed": [_error(each, nearness(each)) for each in sorted(missed, key=nearness)[:limit]],
        "over_blocked": [_error(each, nearness(each)) for each in stopped[:limit]],
    }


def _error(outcome: FrameOutcome, near: float) -> Figures:
    strongest = sorted(outcome.scores.items(), key=lambda pair: -pair[1])[:SCORES_SHOWN]
    return {
        "id": outcome.row.id,
        "source": outcome.row.source,
        "labels": list(outcome.row.labels),
        "kind": outcome.row.kind,
        "action": outcome.action.word,
        "margin": round(near, 3),
        "rules": [finding.rule for finding in outcome.findings],
        "scores": {signal: round(value, 4) for signal, value in strongest if value > 0},
        "unreadable": outcome.unreadable,
    }


def write_frame_scores(path: Path, outcomes: Sequence[FrameOutcome]) -> None:
    """Write one JSON line a row: what it is, what the gate does with it, and the strongest score of every signal.

    Raises:
        SafetyError: the file cannot be written.
    """
    try:
        with path.open("w", encoding="utf-8") as file:
            for each in outcomes:
                line = {
                    "id": each.row.id,
                    "source": each.row.source,
                    "benign": each.row.benign,
                    "labels": list(each.row.labels),
                    "kind": each.row.kind,
                    "scope": None if each.row.scope is None else sorted(each.row.scope),
                    "action": each.action.word,
                    "categories": sorted(each.categories),
                    "unreadable": each.unreadable,
                    "scores": {signal: round(value, 6) for signal, value in sorted(each.scores.items())},
                    "unmeasured": sorted({gap.signal for gap in each.unmeasured}),
                    "coverage": None if each.coverage is None else vars(each.coverage),
                }
                file.write(json.dumps(line, separators=(",", ":")) + "\n")
    except OSError as error:
        raise SafetyError(f"{path} cannot be written: {error.strerror}; name a file in a folder that exists") from error
