"""What a reviewer may look at before deciding: the prompt and the file that a decision holds. Every look is recorded.

The only door to content that was not released. It is open while the hold is: what was decided, cancelled, deleted or
is still being worked on is not shown, but for what was drawn for a second look. Who looked at much has to rest. The
record of a look names decision, reviewer and what was shown, never text.
"""

from __future__ import annotations

import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from api.settling import job_behind
from api.wiring import House
from media.blobs import BlobStore
from media.errors import StorageError
from media.softening import soften
from safety.domain import Action, Checkpoint, Decision, Job, JobStatus
from safety.errors import Conflict, NotFound
from safety.projections import REVEAL
from safety.revisions import text_behind


@dataclass(frozen=True)
class Hold:
    """What waits for a person, and what there is to look at."""

    decision: Decision
    has_prompt: bool
    has_file: bool


def hold_of(house: House, decision_id: str) -> Hold:
    """Return an open hold, without its content.

    Raises:
        NotFound: there is no such decision.
        Conflict: it holds nothing, or not any more.
    """
    decision = house.ledger.decision(decision_id)
    if decision is None:
        raise NotFound(f"no decision has the id {decision_id}")
    if decision.verdict.action is not Action.REVIEW or house.ledger.superseding(decision.id) is not None:
        raise Conflict(f"decision {decision_id} does not wait for a reviewer: its content is not shown")
    job = job_behind(house, decision)
    if job is not None and job.status is not JobStatus.HELD:
        raise Conflict(f"job {job.id} is {job.status}, not held: its content is not shown")
    return _what_there_is(house, decision)


def item_of(house: House, decision_id: str, reviewer: str) -> Hold:
    """Return an item that was drawn for a second look by this reviewer, without its content.

    Raises:
        NotFound: there is no such decision.
        Conflict: it was not drawn for this reviewer.
    """
    return _what_there_is(house, house.quality.item(decision_id, reviewer))


def _what_there_is(house: House, decision: Decision) -> Hold:
    job, kept = job_behind(house, decision), _store(house, decision)
    return Hold(decision, bool(_text(job, decision)), kept is not None and kept.contains(_digest(decision)))


def look_at_prompt(house: House, hold: Hold, reviewer: str) -> str | None:
    """Return the held prompt, once the look is recorded; None where there is none to see.

    Raises:
        LedgerError: the look could not be recorded; nothing is shown.
    """
    text = _text(job_behind(house, hold.decision), hold.decision)
    if not text:
        return None
    _record(house, hold, reviewer, "prompt")
    return text


def look_at_file(house: House, hold: Hold, reviewer: str) -> Path:
    """Return the held file, the very one that was judged, once the look is recorded. To be read only.

    Raises:
        NotFound: no file is kept: a prompt is held, or the video stayed with its owner.
        StorageError: it was altered on the disk.
        LedgerError: the look could not be recorded; nothing is shown.
    """
    path = _verified(house, hold)
    _record(house, hold, reviewer, "file")
    return path


def look_at_soft_copy(house: House, hold: Hold, reviewer: str) -> bytes:
    """Return a copy of the held video that is easier to look at (grey, small, out of focus, silent), as MP4.

    Raises:
        NotFound, StorageError, LedgerError: as `look_at_file`.
        MediaError: the held file cannot be decoded within the limits.
    """
    path = _verified(house, hold)
    with tempfile.TemporaryDirectory(prefix="framegate-soft-") as folder:
        soften(path, Path(folder) / "soft.mp4", house.limits)
        data = (Path(folder) / "soft.mp4").read_bytes()
    _record(house, hold, reviewer, "soft copy")
    return data


def write_soft(copy: bytes, out: Path) -> None:
    """Write a soft copy where a reviewer wants it; raises StorageError where that fails."""
    try:
        out.write_bytes(copy)
    except OSError as error:
        raise StorageError(f"{out} cannot be written: {error.strerror}") from error


def _verified(house: House, hold: Hold) -> Path:
    kept = _store(house, hold.decision)
    if kept is None or not hold.has_file:
        raise NotFound(f"decision {hold.decision.id} holds no file that is kept here")
    digest = _digest(hold.decision)
    kept.verify(digest)
    return kept.path(digest)


def look_at_still(house: House, hold: Hold, digest: str, reviewer: str) -> bytes:
    """Return a blurred picture (JPEG) that the decision's record names, once the look is recorded.

    Raises:
        NotFound: the record names no such picture, or it or whose it is was erased.
        StorageError: it was altered on the disk.
        SealBroken: it does not open with the keys of this house.
        LedgerError: the look could not be recorded; nothing is shown.
    """
    named = {each.sha256 for each in hold.decision.measurement.stills}
    if digest not in named or not (house.stills.contains(digest) or house.blobs.contains(digest)):
        raise NotFound(f"decision {hold.decision.id} has no such picture that is kept here")
    jpeg = house.stills.read(digest) if house.stills.contains(digest) else _plain(house, digest)
    _record(house, hold, reviewer, "still")
    return jpeg


def _text(job: Job | None, decision: Decision) -> str:
    """The text that was judged; where a file was judged, the prompt that it was made from."""
    if job is None:
        return ""
    return text_behind(job, decision) if decision.checkpoint is Checkpoint.PROMPT else job.prompt


def _plain(house: House, digest: str) -> bytes:
    """A picture from before pictures were sealed."""
    house.blobs.verify(digest)
    return house.blobs.path(digest).read_bytes()


def _store(house: House, decision: Decision) -> BlobStore | None:
    """Where the file that was judged is kept."""
    return {Checkpoint.OUTPUT: house.blobs, Checkpoint.UPLOAD: house.uploads}.get(decision.checkpoint)


def _digest(decision: Decision) -> str:
    # The subject of a video's decision is the digest of the judged bytes: the marked clip, or the upload.
    return decision.subject.removeprefix("sha256:")


def _record(house: House, hold: Hold, reviewer: str, what: Literal["prompt", "file", "soft copy", "still"]) -> None:
    house.exposure.require(reviewer)
    body = {"decision": hold.decision.id, "job": hold.decision.job, "reviewer": reviewer, "what": what}
    house.ledger.append_event(REVEAL, f"look_{uuid.uuid4().hex}", body)
