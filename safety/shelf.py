"""Where the pictures and videos that jobs start from are kept, and how they become what a generator takes.

    upload ─▶ inspect (isolated; right kind, within limits) ─▶ keep ─▶ input gate ─▶ load (isolated) ─▶ generator

Every job has a folder of its own, so that discarding one job's references takes nothing from another. Judging them is
`safety.reference`; the files are strangers' and are decoded through `media.isolation` only.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from generator.base import NEEDS_CLIP, GenerationRequest, Keyframe, Picture
from media.blobs import BlobStore
from media.clip import Clip, VideoInfo
from media.errors import StorageError, UnreadableMedia
from media.isolation import open_video
from media.limits import Limits
from media.sampling import SamplingPlan
from provenance.base import ClaimInput, InputRelation
from safety.domain import Job
from safety.errors import InvalidContent

LONGEST_S = 20.0
"""Seconds of a given clip that are used; longer ones are refused, never cut."""

SIDE = 512
"""Short side in pixels that given pictures and clips are scaled down to."""

PICTURES = frozenset({"jpeg", "png", "webp"})
"""Containers of `media.picture`."""


@dataclass(frozen=True)
class Shelf:
    """The references of jobs that have not ended."""

    root: Path
    limits: Limits

    def of(self, job: str) -> BlobStore:
        """Return the store of one job's references."""
        if not job.replace("_", "").isalnum():  # an id becomes a path: nothing else may
            raise StorageError("a job's id holds letters, digits and underscores only")
        return BlobStore(self.root / job)

    def path(self, job: str, digest: str) -> Path:
        """Return the file of a reference.

        Raises:
            StorageError: it is not there, or was altered.
        """
        store = self.of(job)
        store.verify(digest)
        return store.path(digest)

    def discard(self, job: str) -> None:
        """Delete the references of a job, if there are any. Their digests stay recorded.

        Raises:
            StorageError: they could not be deleted.
        """
        self.of(job)
        folder = self.root / job
        try:
            if folder.exists():
                shutil.rmtree(folder)
        except OSError as error:
            raise StorageError(f"references in {folder} cannot be deleted: {error.strerror}") from error

    def claimed(self, job: Job) -> tuple[ClaimInput, ...]:
        """Return a job's references as its manifest names them; raises as `path`."""
        relation = InputRelation.PARENT if job.task.capability in NEEDS_CLIP else InputRelation.INPUT
        paths = [self.path(job.id, each.sha256) for each in job.task.references]
        if job.task.from_parent:
            used = [
                ClaimInput(each, InputRelation.INPUT, f"reference {n}") for n, each in enumerate(paths[:-1], start=1)
            ]
            return (*used, ClaimInput(paths[-1], InputRelation.PARENT, "original"))
        return tuple(ClaimInput(path, relation, f"reference {number}") for number, path in enumerate(paths, start=1))

    def inspect(self, path: Path, *, clip: bool) -> VideoInfo:
        """Refuse a file that cannot be used, before anything is queued, or say what it is.

        `clip`: a video is due, else a picture.

        Raises:
            InvalidContent: a picture where a video is due, the other way round, or a video that is too long.
            MediaError: it cannot be decoded within the limits.
        """
        info = self.look(path)
        _refuse_wrong_kind(info.container, info.duration_s, clip=clip)
        return info

    def look(self, path: Path) -> VideoInfo:
        """Say what a picture or video is.

        Raises:
            MediaError: it cannot be decoded within the limits.
        """
        with open_video(path, limits=self.limits, plan=_plan(1.0), pictures=True) as video:
            return video.info

    def load(self, job: Job, fps: float) -> GenerationRequest:
        """Return the request with its references decoded, given clips at `fps` frames a second.

        Raises:
            InvalidContent, MediaError: as `inspect`.
        """
        capability, references = job.task.capability, job.task.references
        keyframes: tuple[Keyframe, ...] = ()
        source: Clip | None = None
        if capability in NEEDS_CLIP and references:
            source = self._clip(self.path(job.id, references[0].sha256), fps)
        elif references:
            keyframes = tuple(Keyframe(each.at_s, self._picture(self.path(job.id, each.sha256))) for each in references)
        return request_of(job, keyframes, source)

    def _picture(self, path: Path) -> Picture:
        with open_video(path, limits=self.limits, plan=_plan(1.0), pictures=True) as video:
            _refuse_wrong_kind(video.info.container, video.info.duration_s, clip=False)
            frames = [clip.frames for clip in video]
        return np.asarray(frames[0][0])

    def _clip(self, path: Path, fps: float) -> Clip:
        with open_video(path, limits=self.limits, plan=_plan(fps), pictures=True) as video:
            _refuse_wrong_kind(video.info.container, video.info.duration_s, clip=True)
            windows: list[Clip] = []
            for window in video:
                if window.end_s > LONGEST_S:
                    raise _too_long(window.end_s)
                windows.append(window)
        if not windows:
            raise UnreadableMedia(f"{path.name}: no frame decodes")
        frames, times_s = (np.concatenate([getattr(each, name) for each in windows]) for name in ("frames", "times_s"))
        return Clip(frames, times_s, fps)


def request_of(job: Job, keyframes: tuple[Keyframe, ...] = (), source: Clip | None = None) -> GenerationRequest:
    """Return what a job asks of the generator."""
    return GenerationRequest(
        job.prompt,
        job.seconds,
        job.width,
        job.height,
        job.seed,
        capability=job.task.capability,
        keyframes=keyframes,
        source=source,
        strength=job.task.strength,
    )


def _plan(fps: float) -> SamplingPlan:
    return SamplingPlan(fps=fps, short_side=SIDE, cuts_per_s=0.0)


def _refuse_wrong_kind(container: str, duration_s: float, *, clip: bool) -> None:
    if clip and container in PICTURES:
        raise InvalidContent("a video is due here, and this is a picture")
    if not clip and container not in PICTURES:
        raise InvalidContent("a picture is due here (JPEG, PNG or WebP), and this is a video")
    if clip and duration_s > LONGEST_S:
        raise _too_long(duration_s)


def _too_long(duration_s: float) -> InvalidContent:
    return InvalidContent(f"the video lasts {duration_s:.1f} s; at most {LONGEST_S:g} s can be started from")
