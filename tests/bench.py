"""A gate of prompts for tests of its evaluation: three signals that words switch on, and a small policy."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifiers.base import MeasurementError, Score
from safety.evaluate.judging import Bench
from safety.measure import Instruments
from safety.policy import parse_policy

CLAUSES = {"violence": "No gore.", "sexual": "No nudity.", "likeness": "No likeness.", "evasion": "No disguise."}

RULES = (
    ("violence.block", "prompt", "violence", "text.violence", 0.8, "block"),
    ("violence.review", "prompt", "violence", "text.violence", 0.5, "review"),
    ("sexual.block", "prompt", "sexual", "text.sexual", 0.5, "block"),
    ("likeness.review", "prompt", "likeness", "names.person", 0.5, "review"),
    ("evasion.review", "prompt", "evasion", "text.evasion", 0.5, "review"),
    ("input.block", "input", "violence", "frame.red", 0.5, "block"),
    ("output.block", "output", "violence", "frame.red", 0.5, "block"),
    ("upload.review", "upload", "violence", "origin.synthetic", 1.0, "review"),
)


def policy_text(**thresholds: float) -> str:
    """The policy; a threshold may be given by the rule's id with `_` for the dot."""
    parts = ['schema = 1\nname = "bench"\n[origin]\nlikely_synthetic = 0.9\n']
    parts += [f'[categories.{name}]\nclause = "{clause}"\n' for name, clause in CLAUSES.items()]
    for id_, checkpoint, category, signal, threshold, action in RULES:
        parts.append(
            f'[[rules]]\nid = "{id_}"\ncheckpoint = "{checkpoint}"\ncategory = "{category}"\nsignal = "{signal}"\n'
            f'threshold = {thresholds.get(id_.replace(".", "_"), threshold)}\naction = "{action}"\n'
        )
    return "".join(parts)


@dataclass
class NumberClassifier:
    """Reads its scores from the prompt: `v=0.7 s=0.1 p=1 e=0`; a signal that is not written scores 0.

    `mute` in the prompt cannot be measured. It counts how often it is asked.
    """

    asked: int = 0
    name: str = "numbers"
    version: str = "1"
    accepts: type = str
    signals = frozenset({"text.violence", "text.sexual", "names.person", "text.evasion"})

    def score(self, content: str) -> list[Score]:
        self.asked += 1
        if "mute" in content:
            raise MeasurementError("nothing to hear")
        written = dict(word.split("=", 1) for word in content.split() if "=" in word)
        letters = {"v": "text.violence", "s": "text.sexual", "p": "names.person", "e": "text.evasion"}
        return [Score(signal, float(written.get(letter, 0))) for letter, signal in letters.items()]


def open_bench(**thresholds: float) -> Bench:
    """The gate; in any process."""
    return Bench(parse_policy(policy_text(**thresholds).encode()), Instruments([NumberClassifier()]), 200)


def write_rows(path: Path, *rows: dict[str, Any]) -> Path:
    """Write rows as JSON Lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def unsafe(text: str, *labels: str, **more: Any) -> dict[str, Any]:
    return {"text": text, "benign": False, "labels": list(labels), **more}


def benign(text: str, **more: Any) -> dict[str, Any]:
    return {"text": text, "benign": True, "labels": [], **more}
