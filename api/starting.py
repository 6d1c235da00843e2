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

MOST_PICTURES = 16
"""Pictures that one job may start from."""


@dataclass(frozen=True)
class Start:
    """What is asked for beside the prompt."""

    capability: Capability = Capability.TEXT
    files: Sequence[tuple[Path, float]] = ()
    """Each file, and where its picture stands in seconds."""

    strength: float = Task.strength


def place(house: House, job: Job, start: Start) -> Job:
    """Return the job with its Task; its references are on the shelf.

    Raises:
        InvalidContent: a picture where a video is due, the other way round, or too many.
        MediaError: a file cannot be decoded within the limits, or cannot be kept.
    """
    if len(start.files) > MOST_PICTURES:
        raise InvalidContent(f"{len(start.files)} pictures to start from; at most {MOST_PICTURES} are taken")
    for path, _ in start.files:
        house.shelf.inspect(path, clip=start.capability in NEEDS_CLIP)
    store = house.shelf.of(job.id)
    references = tuple(Reference(store.put(path), at_s) for path, at_s in start.files)
    return replace(job, task=Task(start.capability, references, start.strength))
