"""Judges content and keeps the record. Start at `pipeline.py`; to use framegate as a library, at `framegate.py`.

The public words are loaded when asked for, so that judging a prompt does not load a video decoder.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from safety.domain import Action, Checkpoint, Decision, Job, JobStatus, Origin, OriginReport, Release, Verdict
    from safety.errors import SafetyError
    from safety.framegate import Framegate
    from safety.gate import Gate
    from safety.judge import judge
    from safety.pipeline import Outcome
    from safety.policy import Policy, load_policy

__all__ = [
    "Action",
    "Checkpoint",
    "Decision",
    "Framegate",
    "Gate",
    "Job",
    "JobStatus",
    "Origin",
    "OriginReport",
    "Outcome",
    "Policy",
    "Release",
    "SafetyError",
    "Verdict",
    "judge",
    "load_policy",
]

_HOMES = {
    "SafetyError": "errors",
    "Framegate": "framegate",
    "Gate": "gate",
    "judge": "judge",
    "Outcome": "pipeline",
    "Policy": "policy",
    "load_policy": "policy",
}
"""Module of each public word that does not live in `safety.domain`."""


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'safety' has no attribute {name!r}")
    return getattr(import_module(f"safety.{_HOMES.get(name, 'domain')}"), name)
