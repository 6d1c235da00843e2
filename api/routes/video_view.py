"""A job as OpenAI's Video object, and a refusal as its `moderation_blocked` error. Reads the record only."""

from __future__ import annotations

from typing import Any

from api.finding_views import finding_rows
from api.release_views import withdrawn_view
from api.views import Json, drawn_view, grade_view, unmeasured_rows
from api.wiring import House
from generator.base import Capability
from safety.domain import Action, Checkpoint, Decision, Job, JobStatus
from safety.in_force import in_force

STATUSES = {
    JobStatus.QUEUED: "queued",
    JobStatus.RUNNING: "in_progress",
    JobStatus.HELD: "queued",
    JobStatus.REFUSED: "failed",
    JobStatus.RELEASED: "completed",
    JobStatus.FAILED: "failed",
    JobStatus.CANCELLED: "failed",
}
"""The four words of that API. `x_framegate.status` has ours."""

JUDGED, SCREENED = 10, 80
"""Percent done when the prompt, and when the output, has its Decision: progress is read from the record."""

BLOCKED = "moderation_blocked"

REFUSED = {
    Checkpoint.PROMPT: ("prompt", "prompt"),
    Checkpoint.INPUT: ("picture or video to start from", "input_reference"),
    Checkpoint.OUTPUT: ("generated video", None),
    Checkpoint.UPLOAD: ("uploaded video", None),
}
"""What a refusal is about, and the field of the request to blame."""


def video_view(house: House, job: Job) -> Json:
    """A job as a Video object, without its prompt. What that shape has no word for stands in `x_framegate`."""
    decision = in_force(house.ledger, job.id)
    release = house.ledger.release_of_job(job.id) if job.status is JobStatus.RELEASED else None
    return {
        "id": job.id,
        "object": "video",
        "model": house.framegate.desk.generator if job.task.made else house.generator.name,
        "status": STATUSES[job.status],
        "progress": _progress(job, decision),
        "created_at": int(job.created_at.timestamp()),
        "completed_at": int(release.at.timestamp()) if release else None,
        "expires_at": None,
        "error": _error(job, decision),
        "prompt": None,
        "remixed_from_video_id": job.parent if job.task.capability is Capability.EDIT else None,
        "seconds": f"{job.seconds:g}",
        "size": f"{job.width}x{job.height}",
        "x_framegate": {
            "status": job.status.value,
            "seed": job.seed,
            "capability": "made" if job.task.made else job.task.capability.value,
            "release": release.id if release else None,
            "withdrawn": withdrawn_view(house.withdrawals.of(release.id)) if release else None,
            "conditions": list(release.conditions) if release else [],
            **drawn_view(job),
            **(decided_view(decision) if decision else {}),
        },
    }


def decided_view(decision: Decision) -> Json:
    """The decision in force, with what a person needs to understand or appeal it."""
    return {
        "decision": decision.id,
        "checkpoint": decision.checkpoint.value,
        "action": decision.verdict.action.word,
        "policy": decision.verdict.policy,
        "findings": finding_rows(decision.verdict),
        **grade_view(decision.verdict),
        "unmeasured": unmeasured_rows(decision.verdict.unmeasured),
    }


def refusal(decision: Decision) -> Json:
    """A refusal as an error object: what rule, in the policy's words, and which decision to quote."""
    clauses = {finding.clause for finding in decision.verdict.findings if finding.action is Action.BLOCK}
    words = " ".join(sorted(clauses)) or decision.reason
    what, param = REFUSED[decision.checkpoint]
    if decision.checkpoint is Checkpoint.PROMPT and (decision.parent or "").startswith("dec_"):
        what = "caption that was made of the prompt"
    return {
        "message": f"The {what} was refused. {words} To appeal, quote decision {decision.id}.",
        "type": "invalid_request_error",
        "param": param,
        "code": BLOCKED,
        "x_framegate": decided_view(decision),
    }


def _progress(job: Job, decision: Decision | None) -> int:
    if job.status is JobStatus.RELEASED:
        return 100
    if decision is None or job.status is JobStatus.QUEUED:
        return 0
    return SCREENED if decision.checkpoint is Checkpoint.OUTPUT else JUDGED


def _error(job: Job, decision: Decision | None) -> dict[str, Any] | None:
    if job.status is JobStatus.REFUSED and decision is not None:
        return refusal(decision)
    if job.status is JobStatus.CANCELLED:
        return {"code": "cancelled", "message": "The job was cancelled; nothing was released."}
    if job.status is JobStatus.FAILED:
        kind = job.error.partition(":")[0]
        return {"code": "generation_failed", "message": f"Could not be done ({kind}); nothing was released. Ask again."}
    return None
