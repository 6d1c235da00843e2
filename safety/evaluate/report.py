"""The report of an evaluation as one JSON object: where it comes from, figures over all and by source, worst errors.

The schema is described in docs/how-to/evaluate-the-gate.md; `SCHEMA` counts up when a field changes its meaning. Pages
for people are made from this object alone (`safety.evaluate.pages`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from safety.errors import InvalidContent, SafetyError
from safety.evaluate.judging import Bench, Outcome
from safety.evaluate.margin import margin, rules_of
from safety.evaluate.tally import Figures, Tally

SCHEMA = 1

SCORES_SHOWN = 6
"""Strongest scores listed with an error."""


def report(
    bench: Bench, files: Sequence[Path], outcomes: Sequence[Outcome], *, at: datetime, how: Mapping[str, Any]
) -> Figures:
    """Return the report.

    `how` says what else the figures depend on: sample, seed, languages, processes.
    """
    sources: dict[str, list[Outcome]] = {}
    for each in outcomes:
        sources.setdefault(each.row.source, []).append(each)
    tally = Tally(bench.policy, [each for each in outcomes if each.row.benign])
    return {
        "schema": SCHEMA,
        "kind": "evaluate.prompts",
        "at": at.isoformat(timespec="seconds"),
        "framegate": framegate_version(),
        "policy": {"name": bench.policy.name, "digest": bench.policy.digest},
        "classifiers": {each.name: each.version for each in bench.instruments.text},
        "files": [{"name": path.name, "sha256": digest_of(path)} for path in files],
        "how": dict(how),
        "all": tally.figures(outcomes),
        "sources": {name: tally.figures(group) for name, group in sources.items()},
    }


def worst_errors(bench: Bench, outcomes: Sequence[Outcome], limit: int, *, show_text: bool) -> Figures:
    """Return unsafe rows that pass, those first that look safest, and benign rows that are stopped, surest first.

    Texts stand in it only with `show_text`.
    """
    everything = rules_of(bench.policy, bench.policy.categories)

    def nearness(outcome: Outcome) -> float:
        return margin(everything, outcome.scores)

    misses = [each for each in outcomes if not each.row.benign and not each.stopped]
    refused = [each for each in outcomes if each.row.benign and each.stopped]
    refused.sort(key=lambda each: (-each.action, -nearness(each)))
    return {
        "misses": [_error(each, nearness(each), show_text) for each in sorted(misses, key=nearness)[:limit]],
        "over_refusals": [_error(each, nearness(each), show_text) for each in refused[:limit]],
    }


def _error(outcome: Outcome, near: float, show_text: bool) -> Figures:
    strongest = sorted(outcome.scores.items(), key=lambda pair: -pair[1])[:SCORES_SHOWN]
    shown: Figures = {
        "id": outcome.row.id,
        "source": outcome.row.source,
        "labels": list(outcome.row.labels),
        "action": outcome.action.word,
        "margin": round(near, 3),
        "rules": [finding.rule for finding in outcome.findings],
        "scores": {signal: round(value, 4) for signal, value in strongest if value > 0},
        "unreadable": outcome.unreadable,
    }
    return {**shown, "text": outcome.row.whole} if show_text else shown


def write_scores(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Write one JSON line a row: what it is, what the gate does with it, and every score; never the text.

    Raises:
        SafetyError: the file cannot be written.
    """
    try:
        with path.open("w", encoding="utf-8") as file:
            for each in outcomes:
                line = {
                    "id": each.row.id,
                    "source": each.row.source,
                    "lang": each.row.lang,
                    "benign": each.row.benign,
                    "labels": list(each.row.labels),
                    "scope": None if each.row.scope is None else sorted(each.row.scope),
                    "action": each.action.word,
                    "categories": sorted(each.categories),
                    "unreadable": each.unreadable,
                    "scores": {signal: round(value, 6) for signal, value in sorted(each.scores.items())},
                    "unmeasured": sorted({gap.signal for gap in each.unmeasured}),
                }
                file.write(json.dumps(line, separators=(",", ":")) + "\n")
    except OSError as error:
        raise SafetyError(f"{path} cannot be written: {error.strerror}; name a file in a folder that exists") from error


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file in hex.

    Raises:
        InvalidContent: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InvalidContent(f"{path} cannot be read: {error.strerror}") from error


def framegate_version() -> str:
    """Return the installed version, or that this is a source tree."""
    try:
        return version("framegate")
    except PackageNotFoundError:
        return "source tree"
