"""Decisions and Releases for tests of the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from classifiers.base import Score, TextSpan, TimeSpan
from media.clip import Clip, Coverage
from safety.domain import (
    Action,
    Actor,
    Checkpoint,
    Decision,
    Evidence,
    Finding,
    Measurement,
    Release,
    Unmeasured,
    Verdict,
)
from safety.ledger import Ledger
from safety.policy import Policy, parse_policy
from safety.policy_book import NO_BAR, Bar, PolicyBook
from safety.release import fingerprints_of, packed_features_of

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
POLICY = "sha256:" + "ab" * 32


def a_decision(
    number: int = 0,
    *,
    action: Action = Action.ALLOW,
    job: str | None = None,
    checkpoint: Checkpoint = Checkpoint.PROMPT,
    category: str = "violence",
    supersedes: str | None = None,
    policy: str = POLICY,
    id: str = "",
) -> Decision:
    findings = ()
    if action is not Action.ALLOW:
        evidence = (Evidence(f"text.{category}", 0.5, 0.75, TextSpan(0, 4)), Evidence("frame.nudity", 0.3, None))
        findings = (Finding(f"{category}_rule", category, action, "Not here.", evidence),)
    return Decision(
        id=id or f"dec_{number}",
        at=NOON + timedelta(seconds=number),
        checkpoint=checkpoint,
        subject=f"sha256:{number:064x}",
        verdict=Verdict(action, findings, (Unmeasured("frame.nudity", "no classifier"),), policy),
        measurement=Measurement(
            scores=(Score(f"text.{category}", 0.75, TextSpan(0, 4)), Score("frame.gore", 0.25, TimeSpan(0.0, 1.5))),
            unmeasured=(Unmeasured("frame.nudity", "no classifier"),),
            coverage=Coverage(10, 5, 1.0, 0.25),
            classifiers=(("text_encoder", "sha256:12"),),
            took_ms=(("text_encoder", 1.25),),
        ),
        actor=Actor("policy", policy),
        job=job,
        supersedes=supersedes,
    )


def allowed(ledger: Ledger, *, job: str | None = None) -> tuple[str, str]:
    """Record the two decisions that every release needs, and return their ids."""
    prompt = ledger.append_decision(a_decision(900, job=job))
    output = ledger.append_decision(a_decision(901, checkpoint=Checkpoint.OUTPUT, job=job))
    return prompt.id, output.id


def a_release(number: int = 0, *, decisions: tuple[str, ...], job: str | None = None, watermark: str = "") -> Release:
    return Release(
        id=f"rel_{number}",
        at=NOON + timedelta(minutes=number),
        job=job,
        decisions=decisions,
        sha256=f"{number:064x}",
        size_bytes=1000 + number,
        watermark=watermark or f"{number:012x}",
        watermark_psnr_db=41.5,
        watermark_robust=True,
        signer="1:test",
        manifest=f"urn:c2pa:{number}",
        generator="embedded",
        fingerprint=(f"{number:064x}", "ff" * 32),
    )


def a_release_of(frames: Sequence[NDArray[np.uint8]], number: int = 0, *, decisions: tuple[str, ...]) -> Release:
    """A release that shows these frames, four a second."""
    clip = Clip(np.stack(frames), np.arange(len(frames)) / 4, 4.0)
    made = a_release(number, decisions=decisions)
    return replace(made, fingerprint=tuple(fingerprints_of(clip)), features=packed_features_of(clip))


FILE = b"""schema = 1
name = "by setting"
[origin]
likely_synthetic = 0.9
[categories.violence]
clause = "No violence."
[categories.extremism]
clause = "No extremism."
""" + b"".join(
    f"""[[rules]]
id = "{checkpoint}.{category}"
checkpoint = "{checkpoint}"
category = "{category}"
signal = "text.{category}"
threshold = 0.5
action = "block"
if_unmeasured = "review"
""".encode()
    for checkpoint in Checkpoint
    for category in ("violence", "extremism")
)
"""A policy that guards every checkpoint by the signals `text.violence` and `text.extremism`."""


def a_policy_file(name: str = "tried", *, threshold: float = 0.5, action: str = "block") -> bytes:
    """A policy of another name whose rules against violence are others; those against extremism stay."""
    head, *rules = FILE.replace(b"by setting", name.encode()).split(b"[[rules]]")
    ours = [
        rule.replace(b"0.5", str(threshold).encode()).replace(b'"block"', f'"{action}"'.encode())
        if b'"violence"' in rule
        else rule
        for rule in rules
    ]
    return b"[[rules]]".join([head, *ours])


def a_book(ledger: Ledger, *, bar: Bar = NO_BAR, configured: Policy | None = None) -> PolicyBook:
    """A book of policies over this ledger in which every signal is offered."""
    in_force = configured or parse_policy(FILE)
    return PolicyBook(ledger.engine, ledger.append_event, lambda: in_force, lambda _: None, lambda: b"k" * 32, bar)
