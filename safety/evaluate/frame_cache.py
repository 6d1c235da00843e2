"""Keeps what each classifier said about a file, so that only what changed is measured again.

One file a classifier, named by its name, its version and a digest of how frames were chosen; a line is one picture or
clip, named by its SHA-256. Another policy judges kept measurements without opening anything. Knows no label.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import media
from classifiers.base import Classifier, Score, TimeSpan
from media.clip import Clip, Coverage
from media.limits import Limits
from media.sampling import SamplingPlan
from safety.domain import Unmeasured
from safety.errors import SafetyError


@dataclass(frozen=True)
class Said:
    """What one classifier said about one file."""

    scores: tuple[Score, ...]
    unmeasured: tuple[Unmeasured, ...]
    coverage: Coverage
    took_ms: float


class ScoreCache:
    """Measurements by classifier and file; in memory, and in a folder if one is given. A context manager."""

    def __init__(self, folder: Path | None, classifiers: Sequence[Classifier[Clip]], how: Mapping[str, str]) -> None:
        """Read what is kept. `how`: by classifier, a digest of everything else that a measurement depends on."""
        self._known: dict[tuple[str, str], Said] = {}
        self._files: dict[str, IO[str]] = {}
        if folder is None:
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for each in classifiers:
                path = folder / f"{each.name}-{each.version}-{how[each.name][:12]}.jsonl"
                if path.exists():
                    self._read(each.name, path)
                self._files[each.name] = path.open("a", encoding="utf-8")
                if path.stat().st_size:
                    self._files[each.name].write("\n")  # a line that was torn by a crash ends here
        except OSError as error:
            self.close()
            raise SafetyError(
                f"measurements cannot be kept in {folder}: {error.strerror}; name another folder or leave --cache out"
            ) from error

    def _read(self, name: str, path: Path) -> None:
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                raw = json.loads(line)
                self._known[name, raw["media"]] = Said(
                    tuple(_score(*each) for each in raw["scores"]),
                    tuple(Unmeasured(signal, reason) for signal, reason in raw["unmeasured"]),
                    Coverage(*raw["coverage"]),
                    float(raw["ms"]),
                )
            except (ValueError, KeyError, TypeError):
                continue  # torn by a crash: measured again

    def get(self, classifier: str, sha256: str) -> Said | None:
        """Return what a classifier said about a file; None if it was not asked yet."""
        return self._known.get((classifier, sha256))

    def add(self, classifier: str, sha256: str, said: Said) -> None:
        """Keep what a classifier said."""
        self._known[classifier, sha256] = said
        if (file := self._files.get(classifier)) is not None:
            line: dict[str, Any] = {
                "media": sha256,
                "scores": [_cells(score) for score in said.scores],
                "unmeasured": [[gap.signal, gap.reason] for gap in said.unmeasured],
                "coverage": list(vars(said.coverage).values()),
                "ms": round(said.took_ms, 1),
            }
            file.write(json.dumps(line, separators=(",", ":")) + "\n")
            file.flush()

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()

    def __enter__(self) -> ScoreCache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def sampling_digest(plan: SamplingPlan, limits: Limits, watch: Mapping[str, float]) -> str:
    """Return a digest of which frames are chosen and how they are decoded: the plan and the code of `media`.

    `watch`: the scores from which on the frames around a frame are looked at too.
    """
    digest = hashlib.sha256(f"{plan}\n{limits}\n{sorted(watch.items())}\n".encode())
    for path in sorted(Path(media.__path__[0]).rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _cells(score: Score) -> list[Any]:
    span = score.span if isinstance(score.span, TimeSpan) else None
    place = None if span is None else [span.start_s, span.end_s, span.box]
    return [score.signal, float(score.value), place, score.detail]


def _score(signal: str, value: float, place: list[Any] | None, detail: str) -> Score:
    if place is None:
        return Score(signal, value, detail=detail)
    start_s, end_s, box = place
    return Score(signal, value, TimeSpan(start_s, end_s, None if box is None else tuple(box)), detail)
