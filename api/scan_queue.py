"""Hands uploads to the workers that scan: one by one, or many as a batch that can be handed in again."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from api.wiring import House
from media.errors import StorageError
from safety.domain import Action
from safety.lookup.scans import FINAL, Scan, ScanStatus

Json = dict[str, Any]

LOCAL = "local"
"""Who asks on the command line."""


def hand_in(house: House, scan: Scan) -> Scan:
    """Keep a scan of a stored upload and queue it; a scan that has ended stays as it is, and needs no upload."""
    kept = house.scans.create(scan)
    if kept.status is ScanStatus.QUEUED:
        house.queue.submit_scan(kept.id)
    elif kept.status in FINAL and not _held(kept) and not house.scans.unfinished(sha256=kept.sha256, limit=1):
        house.uploads.discard(kept.sha256)
    return kept


def _held(scan: Scan) -> bool:
    """Whether a reviewer may still want to see the upload."""
    return scan.report is not None and scan.report["action"] == Action.REVIEW.word


def hand_in_files(
    house: House,
    files: Sequence[Path],
    batch: str,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[Json]:
    """Queue files as a batch; yields `file` with the id and status of its scan, or with `error`.

    A file that cannot be read stops no other one. Files that were handed in before are not queued again.
    """
    for done, path in enumerate(files, start=1):
        try:
            with path.open("rb") as file:
                sha256 = house.uploads.put_stream(file)
            id_ = house.scan_batches.join(LOCAL, batch, sha256, str(path), f"scan_{uuid.uuid4().hex}")
            scan = hand_in(house, Scan(id_, LOCAL, datetime.now(UTC), sha256, path.name))
            yield {"file": str(path), "scan": scan.id, "status": scan.status.value}
        except OSError as error:
            yield {"file": str(path), "error": f"{path.name} cannot be read: {error.strerror}"}
        except StorageError as error:
            yield {"file": str(path), "error": str(error)}
        progress(done, len(files))


def batch_view(batch: str, counts: Mapping[ScanStatus, int], scans: Sequence[Json], limit: int) -> Json:
    """A batch as JSON: how many stand where, and a page of its scans."""
    waiting = sum(count for status, count in counts.items() if status not in FINAL)
    return {
        "id": batch,
        "object": "scan_batch",
        "ended": waiting == 0,
        "total": sum(counts.values()),
        "counts": {status.value: count for status, count in counts.items()},
        "scans": list(scans),
        "next": scans[-1]["id"] if len(scans) == limit else None,
    }
