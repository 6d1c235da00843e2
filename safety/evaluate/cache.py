"""Keeps measurements of texts in a file, so that an interrupted evaluation goes on where it stopped.

A line is one prompt, named by its SHA-256, never the text. The file's name is a digest of the classifiers (name,
version) and of the code and data files they are made of: after a change of either, nothing old is read. A policy is no
part of it, so another policy judges kept measurements. Knows nothing of labels.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from classifiers.base import Score
from safety.domain import Unmeasured
from safety.errors import SafetyError
from safety.measure import Instruments

HOW_READ = "scenes alone and together"
"""How texts are put to the classifiers: part of the file's name, since that changes what they say."""


@dataclass(frozen=True)
class Measured:
    """What the classifiers said about one text, and how many milliseconds it took them."""

    scores: tuple[Score, ...]
    unmeasured: tuple[Unmeasured, ...]
    took_ms: float


class Cache:
    """Measurements by text; in memory, and in a folder if one is given. A context manager: closes its file."""

    def __init__(self, folder: Path | None, instruments: Instruments) -> None:
        self._known: dict[str, Measured] = {}
        self._file: IO[str] | None = None
        if folder is None:
            return
        path = folder / f"measured-{fingerprint(instruments)[:16]}.jsonl"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if path.exists():
                self._read(path)
            self._file = path.open("a", encoding="utf-8")
            if path.stat().st_size:
                self._file.write("\n")  # a line that was torn by a crash ends here
        except OSError as error:
            raise SafetyError(
                f"measurements cannot be kept in {folder}: {error.strerror}; name another folder or leave --cache out"
            ) from error

    def _read(self, path: Path) -> None:
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                raw = json.loads(line)
                self._known[raw["text"]] = Measured(
                    tuple(Score(signal, value, detail=detail) for signal, value, detail in raw["scores"]),
                    tuple(Unmeasured(signal, reason) for signal, reason in raw["unmeasured"]),
                    float(raw["ms"]),
                )
            except (ValueError, KeyError, TypeError):
                continue  # torn by a crash: measured again

    def __contains__(self, text: str) -> bool:
        return _key(text) in self._known

    def get(self, text: str) -> Measured:
        """Return the measurement of a text that was added before.

        Raises:
            KeyError: it was not.
        """
        return self._known[_key(text)]

    def add(self, text: str, measured: Measured) -> None:
        """Keep a measurement."""
        self._known[_key(text)] = measured
        if self._file is not None:
            line: dict[str, Any] = {
                "text": _key(text),
                "scores": [[score.signal, float(score.value), score.detail] for score in measured.scores],
                "unmeasured": [[gap.signal, gap.reason] for gap in measured.unmeasured],
                "ms": round(measured.took_ms, 3),
            }
            self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
            self._file.flush()

    def __enter__(self) -> Cache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()


def fingerprint(instruments: Instruments) -> str:
    """Return a digest of the text classifiers and of every file of the packages that define them (by size and time)."""
    digest = hashlib.sha256(HOW_READ.encode())
    packages: dict[Path, None] = {}
    for classifier in instruments.text:
        digest.update(f"{classifier.name} {classifier.version}\n".encode())
        top = sys.modules.get(type(classifier).__module__.split(".")[0])
        if top is not None and top.__file__ is not None:
            packages[Path(top.__file__)] = None
    for package in packages:
        for file in _files(package):
            stat = file.stat()
            digest.update(f"{file} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _files(package: Path) -> Iterator[Path]:
    if package.name != "__init__.py":
        yield package
        return
    for file in sorted(package.parent.rglob("*")):
        if file.is_file() and not {"__pycache__", "training"} & set(file.parts):
            yield file


def _key(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
