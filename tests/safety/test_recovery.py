"""From a stripped or damaged copy back to a release: which of several, and by which binding."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from media.codec import encode_mp4
from media.limits import DEFAULT_LIMITS
from safety.errors import InvalidContent
from safety.known import ReleaseIndex
from safety.recovery import FEATURE_ALGORITHM, FINGERPRINT_ALGORITHM, Recovery
from safety.withdrawals import Withdrawals
from tests.fakes import BlockWatermark
from tests.media.leaves import cropped, mirrored, on_a_screen, pan, scene
from tests.safety.making import a_release_of, allowed
from tests.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


@pytest.fixture
def recovery(world: World) -> Recovery:
    """Two releases of one clip, and one of another."""
    decisions = allowed(world.ledger)
    for number, shown in enumerate((pan(1), pan(1), pan(2))):
        world.ledger.append_release(a_release_of(shown, number, decisions=decisions))
    index = ReleaseIndex(world.ledger)
    return Recovery(
        world.ledger, index, BlockWatermark(), world.blobs, DEFAULT_LIMITS, lambda path, _: path.read_bytes()
    )


def video(folder: Path, frames: list[np.ndarray]) -> Path:
    encode_mp4(iter(frames), folder / "video.mp4", fps=4.0, crf=26)
    return folder / "video.mp4"


def found(recovery: Recovery, path: Path, algorithm: str | None = None) -> list[tuple[str, str, bool]]:
    return [
        (each.release.id, each.algorithm, each.withdrawal is not None) for each in recovery.by_content(path, algorithm)
    ]


@pytest.mark.parametrize("change", [cropped, on_a_screen, lambda frame: mirrored(cropped(frame))])
def test_local_features_lead_back_where_the_fingerprint_does_not(recovery: Recovery, tmp_path: Path, change) -> None:
    path = video(tmp_path, [change(frame) for frame in pan(2)])

    assert found(recovery, path) == [("rel_2", FEATURE_ALGORITHM, False)]
    assert found(recovery, path, FEATURE_ALGORITHM) == [("rel_2", FEATURE_ALGORITHM, False)]
    assert found(recovery, path, FINGERPRINT_ALGORITHM) == []
    assert 50 <= recovery.by_content(path)[0].similarity <= 100


@pytest.mark.parametrize(
    ("change", "algorithm"), [(lambda frame: frame, FINGERPRINT_ALGORITHM), (cropped, FEATURE_ALGORITHM)]
)
def test_a_withdrawn_best_match_hides_no_release_that_is_served(
    world: World, recovery: Recovery, tmp_path: Path, change, algorithm: str
) -> None:
    path = video(tmp_path, [change(frame) for frame in pan(1)])
    Withdrawals(world.ledger, world.blobs, lambda _: ()).withdraw("rel_0", by="ada", reason="why", code="person")

    assert found(recovery, path) == [("rel_1", algorithm, False), ("rel_0", algorithm, True)]


def test_a_release_that_stands_hides_no_part_of_a_withdrawn_one(
    world: World, recovery: Recovery, tmp_path: Path
) -> None:
    world.ledger.append_release(a_release_of(pan(8, 8), 8, decisions=allowed(world.ledger)))
    part = [np.asarray(cv2.resize(cropped(frame), (640, 360)), np.uint8) for frame in pan(1, 10, 12)]
    path = video(tmp_path, [*part, *pan(8, 8)])
    assert found(recovery, path) == [("rel_8", FINGERPRINT_ALGORITHM, False)]
    Withdrawals(world.ledger, world.blobs, lambda _: ()).withdraw("rel_0", by="ada", reason="why", code="person")

    assert found(recovery, path) == [("rel_8", FINGERPRINT_ALGORITHM, False), ("rel_0", FEATURE_ALGORITHM, True)]
    assert found(recovery, path, FINGERPRINT_ALGORITHM) == [("rel_8", FINGERPRINT_ALGORITHM, False)]


def test_the_points_of_one_frame_are_a_binding(world: World, recovery: Recovery) -> None:
    value = base64.b64decode(a_release_of([cropped(scene(9))], decisions=()).features[0])
    decisions = allowed(world.ledger)
    world.ledger.append_release(a_release_of([scene(9)], 9, decisions=decisions))

    assert [each.release.id for each in recovery.by_binding(FEATURE_ALGORITHM, value)] == ["rel_9"]
    for wrong in (b"", value[:-1], b"\x09" + value[1:]):
        with pytest.raises(InvalidContent, match=FEATURE_ALGORITHM):
            recovery.by_binding(FEATURE_ALGORITHM, wrong)


def test_a_stranger_leads_nowhere(recovery: Recovery, tmp_path: Path) -> None:
    assert found(recovery, video(tmp_path, pan(7))) == []
