"""Scans many files: finds them, spreads them over processes, keeps finished reports so that a run can go on.

A kept report is found again by the digest of the file and the scanner's version (weights, policy, releases), so nothing
old is read after a change of any of them. A file that cannot be read is a row with its error: it stops no other file,
and it is never called anything.
"""

from __future__ import annotations

import base64
import glob
import json
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from api.settings import Settings
from api.views import origin_view
from api.wiring import House, open_house
from classifiers.base import ClassifierError
from media.errors import MediaError
from provenance.base import ProvenanceError
from safety.errors import InvalidContent, SafetyError
from safety.measure import file_digest

Row = dict[str, Any]
"""`file` and either a report as `framegate scan --json` prints it, with `pictures`, or `error`."""

SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".qt", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".m2ts", ".mts", ".3gp", ".ogv"}
)
"""What counts as a video in a folder. A file that is named is scanned whatever its suffix."""


def videos_of(named: Sequence[str]) -> list[Path]:
    """Return the files that were named, those of named folders (at any depth), and those that patterns match.

    Raises:
        InvalidContent: a name leads nowhere, or there is no video at all.
    """
    found: dict[Path, None] = {}
    for name in named:
        path = Path(name)
        if path.is_dir():
            inside = sorted(each for each in path.rglob("*") if each.suffix.lower() in SUFFIXES and each.is_file())
            found |= dict.fromkeys(inside)
        elif path.exists():
            found[path] = None
        else:
            matching = [Path(each) for each in sorted(glob.glob(name, recursive=True)) if Path(each).is_file()]  # noqa: PTH207 - Path.glob takes no absolute pattern
            if not matching:
                raise InvalidContent(f"{name} is no file, no folder and no pattern that matches a file")
            found |= dict.fromkeys(matching)
    if not found:
        raise InvalidContent(f"no video in {', '.join(named)}: looked for {' '.join(sorted(SUFFIXES))}")
    return list(found)


def scan_all(
    settings: Settings,
    videos: Sequence[Path],
    *,
    workers: int = 1,
    cache: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[Row]:
    """Scan every file, in order, in this process or in several.

    Raises:
        SafetyError: the ledger cannot be written, or kept reports cannot be; then no further file is called anything.
    """
    if cache is not None:
        try:
            cache.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SafetyError(f"reports cannot be kept in {cache}: {error.strerror}; name another folder") from error
    with ExitStack() as stack:
        house = stack.enter_context(open_house(settings))  # also makes database and keys, before others need them
        if workers <= 1 or len(videos) == 1:
            rows: Iterator[Row] = (scan_one(house, path, cache) for path in videos)
        else:
            pool = stack.enter_context(
                ProcessPoolExecutor(
                    min(workers, len(videos)),
                    multiprocessing.get_context("spawn"),
                    initializer=_open,
                    initargs=(settings,),
                )
            )
            rows = pool.map(_scan, videos, [cache] * len(videos))
        for done, row in enumerate(rows, start=1):
            progress(done, len(videos))
            yield row


_house: House | None = None
"""Of a further process: opened once, used for every file that it is given."""


def _open(settings: Settings) -> None:
    global _house  # noqa: PLW0603 - what an initializer of a pool leaves behind for its tasks
    _house = ExitStack().enter_context(open_house(settings))


def _scan(path: Path, cache: Path | None) -> Row:
    if _house is None:
        raise SafetyError("this process was not prepared for scanning")
    return scan_one(_house, path, cache)


def scan_one(house: House, path: Path, cache: Path | None) -> Row:
    """Return the row of one file, from the kept reports where there is one.

    Raises:
        SafetyError: the Decision could not be recorded.
    """
    started = time.perf_counter()
    try:
        sha256 = file_digest(path)
        scanner, lineup = house.scanner, house.scanner.gate.lineup()
        kept = None if cache is None else cache / f"{sha256}-{scanner.version(lineup)}.json"
        if kept is not None and (known := _read(kept)) is not None:
            return {"file": str(path), **known, "cached": True}
        report, decision = scanner.scan(path, lineup=lineup)
        threshold = scanner.thresholds(lineup)[lineup.acting(decision.verdict.policy).digest].value
    except (MediaError, ClassifierError, ProvenanceError) as error:
        return {"file": str(path), "error": str(error)}
    except OSError as error:
        return {"file": str(path), "error": f"{path.name} cannot be read: {error.strerror}"}
    view = origin_view(report, decision, (time.perf_counter() - started) * 1000)
    pictures = [{"time_s": each.time_s, "jpeg": base64.b64encode(each.jpeg).decode()} for each in report.pictures]
    made = {"sha256": sha256, **view, "threshold": threshold, "pictures": pictures}
    if kept is not None:
        _keep(kept, made)
    return {"file": str(path), **made, "cached": False}


def _read(kept: Path) -> Row | None:
    try:
        found = json.loads(kept.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None  # never there, or torn: scanned again
    return found if isinstance(found, dict) and "origin" in found else None


def _keep(kept: Path, made: Row) -> None:
    try:
        with tempfile.NamedTemporaryFile("w", dir=kept.parent, suffix=".part", delete=False, encoding="utf-8") as file:
            json.dump(made, file, separators=(",", ":"))
        Path(file.name).replace(kept)
    except OSError as error:
        raise SafetyError(f"the report cannot be kept in {kept.parent}: {error.strerror}") from error
