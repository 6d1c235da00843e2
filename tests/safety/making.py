"""Decisions and Releases for tests of the record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from classifiers.base import Score, TextSpan, TimeSpan
from media.clip import Coverage
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
