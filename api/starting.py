"""What a job starts from: files on the disk become the references of a Task. Looked at here, judged by the input gate.

Serves the command line and the HTTP API alike; nothing is queued, and nothing is kept of a file that is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from api.wiring import House
from generator.base import NEEDS_CLIP, Capability
from safety.domain import Job, Reference, Task
from safety.errors import InvalidContent
from safety.made_from import refuse_too_many, refuse_unnameable
from safety.shelf import PICTURES
from safety.whole_clip import refuse_too_large

MOST_PICTURES = 16
"""Pictures that one job may start from."""


@dataclass(frozen=True)
class Start:
    """What is asked for beside the prompt."""

    capability: Capability = Capability.TEXT
    files: Sequence[tuple[Path, float]] = ()
    """Each file, and where its picture stands in seconds."""

    strength: float = Task.strength
    made: Path | None = None
    """The finished clip of another generator; then `files` are what it was made from, of any kind a manifest names."""

    from_parent: bool = False
    """With `made`: the last of `files` was changed into it."""


def place(house: House, job: Job, start: Start) -> Job:
    """Return the job with its Task; its references are on the shelf.

    Raises:
        InvalidContent: a picture where a video is due, the other way round, or too many.
        MediaError: a file cannot be decoded within the limits, or cannot be kept.
    """
    if start.made is not None:
        return _place_made(house, job, start, start.made)
    if len(start.files) > MOST_PICTURES:
        raise InvalidContent(f"{len(start.files)} pictures to start from; at most {MOST_PICTURES} are taken")
    for path, _ in start.files:
        house.shelf.inspect(path, clip=start.capability in NEEDS_CLIP)
    store = house.shelf.of(job.id)
    references = tuple(Reference(store.put(path), at_s) for path, at_s in start.files)
    return replace(job, task=Task(start.capability, references, start.strength))


def _place_made(house: House, job: Job, start: Start, made: Path) -> Job:
    """Return a job that releases a clip; its length and size are those of the clip."""
    info = house.shelf.look(made)
    if info.container in PICTURES:
        raise InvalidContent("a video is due here, and this is a picture")
    refuse_too_large(made, info)
    refuse_too_many(len(start.files))
    for number, (path, _) in enumerate(start.files, start=1):
        refuse_unnameable(path, f"number {number}")
        house.shelf.look(path)
    store = house.shelf.of(job.id)
    references = tuple(Reference(store.put(path)) for path, _ in start.files)
    task = Task(references=references, made=store.put(made), from_parent=start.from_parent)
    return replace(job, seconds=info.duration_s, width=info.width, height=info.height, task=task)
