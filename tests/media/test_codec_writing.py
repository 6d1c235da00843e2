"""What we encode plays everywhere, is the same every time, and is there whole or not at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from media.codec import decode, encode_mp4, encode_webm, probe
from media.errors import EncodingError, StorageError
from media.kinds import sidecar_type_of


def test_equal_frames_give_equal_bytes(tmp_path: Path, frames) -> None:
    for name in ("a.mp4", "b.mp4"):
        encode_mp4(frames(20), tmp_path / name, fps=24, tags={"comment": "same"})

    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_webm_holds_the_same_frames_at_the_same_times(tmp_path: Path, frames) -> None:
    for name in ("a.webm", "b.webm"):
        encode_webm(frames(8), tmp_path / name, fps=24)
    info, decoded = probe(tmp_path / "a.webm"), list(decode(tmp_path / "a.webm"))

    assert (tmp_path / "a.webm").read_bytes() == (tmp_path / "b.webm").read_bytes()
    assert sidecar_type_of((tmp_path / "a.webm").read_bytes()[:64]) == "video/webm"
    assert (info.codec, round(info.fps)) == ("vp9", 24)
    assert [round(time_s, 2) for time_s, _ in decoded] == [round(n / 24, 2) for n in range(8)]
    assert np.mean([np.abs(a.astype(int) - b).mean() for a, (_, b) in zip(frames(8), decoded, strict=True)]) < 6


def test_the_file_can_start_playing_before_it_is_loaded(video: Path) -> None:
    data = video.read_bytes()

    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_pixels_are_420_and_tagged_bt709(video: Path) -> None:
    with av.open(str(video)) as container:
        frame = next(container.decode(video=0))

    assert frame.format.name == "yuv420p"
    assert (frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range) == (1, 1, 1, 1)


def test_a_lower_crf_is_closer_to_the_original(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (4, 64, 64, 3), dtype=np.uint8)
    errors = []
    for crf in (8, 40):
        encode_mp4(noise, tmp_path / "n.mp4", fps=10, crf=crf)
        errors.append(
            np.mean(
                [np.abs(a.astype(int) - b).mean() for a, (_, b) in zip(noise, decode(tmp_path / "n.mp4"), strict=True)]
            )
        )

    assert errors[0] < errors[1] / 1.2


def test_a_single_frame_is_a_video(tmp_path: Path, frames) -> None:
    encode_mp4(frames(1), tmp_path / "one.mp4", fps=10)

    assert len(list(decode(tmp_path / "one.mp4"))) == 1


def test_no_frames_are_an_error_and_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(EncodingError, match="no frames"):
        encode_mp4([], tmp_path / "none.mp4", fps=10)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shape", [(95, 128, 3), (96, 127, 3), (96, 128), (96, 128, 4)])
def test_frames_that_420_cannot_hold_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(EncodingError):
        encode_mp4([np.zeros(shape, np.uint8)], tmp_path / "odd.mp4", fps=10)

    assert list(tmp_path.iterdir()) == []


def test_a_change_of_size_is_refused_and_the_older_file_stays(tmp_path: Path, video: Path) -> None:
    before = video.read_bytes()

    with pytest.raises(EncodingError, match="frame 1"):
        encode_mp4([np.zeros((96, 128, 3), np.uint8), np.zeros((64, 64, 3), np.uint8)], video, fps=10)

    assert video.read_bytes() == before
    assert list(tmp_path.iterdir()) == [video]


def test_a_source_that_fails_halfway_leaves_nothing(tmp_path: Path, frames) -> None:
    def failing():
        yield from frames(3)
        raise KeyError("generator")

    with pytest.raises(KeyError):
        encode_mp4(failing(), tmp_path / "half.mp4", fps=10)

    assert list(tmp_path.iterdir()) == []


def test_an_absent_folder_is_a_storage_error(tmp_path: Path, frames) -> None:
    with pytest.raises(StorageError, match="No such file"):
        encode_mp4(frames(1), tmp_path / "absent" / "a.mp4", fps=10)


PREAMBLE = """
import resource, sys
from pathlib import Path
import numpy as np
from media.codec import encode_mp4
from media.errors import StorageError

def small_disk(path, size):
    import ctypes, os
    uid, gid = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x10000000 | 0x00020000) != 0:  # CLONE_NEWUSER, CLONE_NEWNS
        sys.exit(5)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    if libc.mount(b"tmpfs", os.fsencode(path), b"tmpfs", 0, f"size={size}".encode()) != 0:
        sys.exit(5)

root = Path(sys.argv[1])
"""
FULL_DISK = """
small_disk(root, int(sys.argv[2]))
"""
SIZE_LIMIT = """
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
"""
ENCODE_TOO_MUCH = """
noise = np.random.default_rng(0).integers(0, 255, (30, 128, 128, 3), dtype=np.uint8)
try:
    encode_mp4(noise, root / "big.mp4", fps=10)
except StorageError as error:
    print(error, list(root.iterdir()))
    sys.exit(7)
print((root / "big.mp4").stat().st_size)
"""


@pytest.mark.parametrize(
    ("disk", "size"), [(FULL_DISK, 8192), (FULL_DISK, 368_640), (SIZE_LIMIT, 100_000), (SIZE_LIMIT, 370_000)]
)
def test_a_disk_that_takes_no_more_is_a_storage_error_and_leaves_nothing(tmp_path: Path, disk: str, size: int) -> None:
    """At the start, in the middle, at the end, or when the index is moved to the front of the 370 481 bytes."""
    result = subprocess.run(
        [sys.executable, "-c", PREAMBLE + disk + ENCODE_TOO_MUCH, str(tmp_path), str(size)],
        cwd=Path(__file__).parents[2],
        env={"OPENBLAS_NUM_THREADS": "1"},  # a process with threads may not enter a namespace
        capture_output=True,
        text=True,
        check=False,
    )

    if result.returncode == 5:
        pytest.skip("this host lets nobody mount a small disk")
    assert result.returncode == 7, result.stdout + result.stderr
    assert "big.mp4" in result.stdout
    assert result.stdout.rstrip().endswith("[]")


def test_long_tags_and_accents_survive(tmp_path: Path, frames) -> None:
    tags = {"comment": "é" * 500, "x-framegate": "ok"}
    encode_mp4(frames(2), tmp_path / "t.mp4", fps=10, tags=tags)

    assert tags.items() <= probe(tmp_path / "t.mp4").tags.items()
