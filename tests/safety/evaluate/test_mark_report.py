"""Figures about marks: what counts as recognised, and that clips are measured once."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from media.clip import Clip, Frames
from media.codec import encode_mp4
from media.damage import DAMAGES
from provenance.base import Mark, MarkingError, MarkReading
from safety.errors import InvalidContent
from safety.evaluate.mark_report import markdown, report
from safety.evaluate.mark_trials import load, run, sources
from tests.media.leaves import pan

AT = datetime(2026, 11, 27, tzinfo=UTC)


def hashes(seed: int, count: int = 6) -> list[str]:
    random = np.random.default_rng(seed)
    return [random.bytes(32).hex() for _ in range(count)]


def note(
    name: str, seed: int, *, own: bool, queries: list[str], read: str | None = None, parts: tuple[str, ...] = ()
) -> dict:
    each = {"own": own, "read": "a" * 12 if own else read, "geometry": "", "add_ms": 1.0, "read_ms": 9}
    each |= {"describe_ms": 300, "look_up_ms": 40, "parts": [[key, 1.0, 20, 0.8] for key in parts]}
    each["queries"] = [[one, 100, ""] for one in queries]
    return {
        "version": 3, "name": name, "family": name, "compared": 3, "frames": 60,
        "size": [640, 360], "psnr_db": 42.0, "ssim": 0.985, "robust": True,
        "embed_ms": 2.0, "hashes": hashes(seed), "damages": {damage.name: each for damage in DAMAGES},
        "unmarked": {"scans": 16, "accepted": 0},
    }  # fmt: skip


def test_either_layer_recognises_and_a_stranger_is_not_ours() -> None:
    made = report(
        [
            note("by mark", 1, own=True, queries=[]),
            note("by print", 2, own=False, queries=hashes(2)),
            note("by features", 5, own=False, queries=[], parts=("by features", "by mark")),
            note("by neither", 3, own=False, queries=hashes(99)),
            note("taken for another", 4, own=False, queries=hashes(2), read="b" * 12),
        ],
        at=AT,
    )
    crop = made["damages"]["crop 10 %"]

    assert [crop[kind]["k"] for kind in ("watermark", "fingerprint", "local features", "either")] == [1, 1, 1, 3]
    assert crop["missed"] == ["by neither", "taken for another"]
    assert (made["common"]["either"]["k"], made["common"]["either"]["n"]) == (21, 35)
    assert (made["false_features"]["k"], made["false_features"]["n"]) == (20, 100)
    assert (made["false_feature_pairs"]["k"], made["false_feature_pairs"]["n"]) == (20, 300)
    assert (made["false_fingerprint"]["k"], made["other_id_read"]["k"]) == (20, 20)
    assert (made["false_watermark"]["k"], made["false_watermark"]["n"]) == (0, 80)
    assert "| crop 30 % (harder) |" in markdown(made)
    assert "/{} = ".format(crop["either"]["n"]) in markdown(made)
    json.dumps(made)


def test_clips_over_one_photograph_are_no_strangers() -> None:
    """A slide show over two photographs shows both of them."""
    slides = note("slides", 7, own=False, queries=hashes(8), parts=("slides", "flower", "palace"))
    flower, palace = (note(name, seed, own=False, queries=[]) for name, seed in (("flower", 8), ("palace", 9)))
    made = report([slides | {"family": "flower+gravel"}, flower, palace], at=AT)

    assert made["damages"]["strip"]["local features"]["k"] == 1
    assert made["damages"]["strip"]["fingerprint"]["k"] == 0
    assert made["false_fingerprint"]["k"] == 0
    assert made["false_features"]["k"] == 20, "the palace is on no slide"
    assert made["false_feature_pairs"]["k"] == 20


def test_a_clip_that_cannot_be_marked_is_named_and_not_counted() -> None:
    made = report([{"name": "flat", "family": "flat", "failed": "too flat"}], at=AT)

    assert made["failed"] == {"flat": "too flat"}
    assert made["all"]["either"]["n"] == 0
    assert "not measured: flat: too flat" in markdown(made)


class Corner:
    """A watermark that writes its id into the first pixels, and refuses black clips."""

    algorithm = "test.corner"

    def embed(self, clip: Clip, id_hex: str, *, overwrite: bool = False) -> tuple[Clip, Mark]:
        if not clip.frames.any():
            raise MarkingError("black")
        return clip, Mark(id_hex, 1.0, 99.0, robust=False)

    def detector(self) -> Corner:
        return self

    def add(self, frames: Frames) -> None:
        pass

    def read(self) -> MarkReading | None:
        return None


def video(path: Path, level: int) -> None:
    frames = np.full((10, 48, 64, 3), level, np.uint8)
    frames[:, 10:20, 10:20] = level // 2
    encode_mp4(iter(frames), path, fps=12.0, crf=10)


def test_a_folder_is_measured_once_and_what_failed_is_noted(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name, level in (("grey", 120), ("black", 0)):
        video(tmp_path / "in" / f"{name}.mp4", level)
    clips, kept = sources(tmp_path / "in"), tmp_path / "kept.jsonl"
    first = run(clips, Corner(), [Corner()], kept=kept)
    written = kept.read_text()
    again = run(clips, Corner(), [Corner()], kept=kept)

    assert [each["name"] for each in first] == ["black.mp4", "grey.mp4"]
    assert set(first[1]["damages"]) == {damage.name for damage in DAMAGES}
    assert first[1]["unmarked"] == {"scans": 4, "accepted": 0}
    assert again == first
    assert kept.read_text() == written
    assert load(tmp_path / "in" / "grey.mp4").frames.shape == (10, 48, 64, 3)


def test_local_features_are_looked_up_among_all_clips_and_notes_of_another_version_are_made_again(
    tmp_path: Path,
) -> None:
    (tmp_path / "in").mkdir()
    for name, seed in (("one", 1), ("other", 2)):
        encode_mp4(iter(pan(seed, 3)), tmp_path / "in" / f"{name}.mp4", fps=12.0, crf=10)
    clips, kept = sources(tmp_path / "in"), tmp_path / "kept.jsonl"
    kept.write_text(json.dumps({"name": "one.mp4", "family": "one.mp4", "failed": "an older version"}) + "\n")

    notes = run(clips, Corner(), [Corner()], kept=kept)
    made = report(notes, at=AT)

    assert [each["compared"] for each in notes] == [1, 1]
    assert {name: each["local features"]["k"] for name, each in made["damages"].items()} == {
        damage.name: 2 for damage in DAMAGES
    }
    assert (made["false_feature_pairs"]["k"], made["false_feature_pairs"]["n"]) == (0, 40)
    assert len(kept.read_text().splitlines()) == 5


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidContent, match="holds no video"):
        sources(tmp_path)
