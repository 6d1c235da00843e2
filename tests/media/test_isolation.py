"""Whatever a file does to the decoder, the caller gets the whole video or an error."""

from __future__ import annotations

import gc
import json
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import media.isolation
from media.codec import decode, encode_mp4
from media.errors import MediaError, MediaLimitExceeded, UnreadableMedia
from media.isolation import SampledVideo, open_video
from media.limits import Limits
from media.sampling import SamplingPlan

EVERY = SamplingPlan(every_frame=True)


def child_of(video: SampledVideo) -> int:
    return video._child.pid


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_every_frame_arrives_as_it_was_decoded(video: Path) -> None:
    with open_video(video, plan=EVERY) as isolated:
        clips = list(isolated)

    direct = list(decode(video))
    assert [len(clip.frames) for clip in clips] == [16, 16, 8]
    assert np.array_equal(np.concatenate([clip.frames for clip in clips]), np.stack([frame for _, frame in direct]))
    assert np.concatenate([clip.times_s for clip in clips]).tolist() == [time_s for time_s, _ in direct]
    assert {clip.fps for clip in clips} == {20.0}
    assert (isolated.coverage.frames_total, isolated.coverage.frames_seen) == (40, 40)


def test_the_description_is_known_before_the_first_window(video: Path) -> None:
    with open_video(video) as isolated:
        assert (isolated.info.width, isolated.info.height, isolated.info.codec) == (128, 96, "h264")


def test_frames_are_scaled_and_sampled_by_the_plan(video: Path) -> None:
    with open_video(video, plan=SamplingPlan(short_side=48, min_frames=4, window_frames=3)) as isolated:
        clips = list(isolated)

    assert {clip.frames.shape[1:] for clip in clips} == {(48, 64, 3)}
    assert max(len(clip.frames) for clip in clips) <= 3
    assert isolated.coverage.longest_gap_s <= 0.5 + 1e-6


def test_coverage_before_the_end_is_an_error(tmp_path: Path, frames) -> None:
    encode_mp4(frames(60), tmp_path / "v.mp4", fps=20)
    with open_video(tmp_path / "v.mp4", plan=EVERY) as isolated:
        next(iter(isolated))
        with pytest.raises(MediaError, match="after every window"):
            _ = isolated.coverage


def test_closing_early_ends_the_decoder(tmp_path: Path, frames) -> None:
    encode_mp4(frames(200), tmp_path / "v.mp4", fps=20)
    with open_video(tmp_path / "v.mp4", plan=EVERY) as isolated:
        pid = child_of(isolated)
        windows = iter(isolated)
        next(windows)
        assert is_running(pid)

    assert not is_running(pid)
    with pytest.raises(MediaError, match="closed"):
        list(isolated)


def test_a_forgotten_video_ends_its_decoder(video: Path) -> None:
    isolated = open_video(video)
    pid = child_of(isolated)

    del isolated
    gc.collect()

    assert not is_running(pid)


@pytest.mark.parametrize("blow", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def test_a_decoder_that_dies_halfway_is_never_a_clean_end(tmp_path: Path, frames, blow: signal.Signals) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (120, 96, 128, 3), dtype=np.uint8)
    encode_mp4(noise, tmp_path / "v.mp4", fps=20)
    with open_video(tmp_path / "v.mp4", plan=EVERY) as isolated:
        windows = iter(isolated)
        next(windows)
        os.kill(child_of(isolated), blow)
        with pytest.raises(MediaLimitExceeded if blow is signal.SIGKILL else UnreadableMedia, match=blow.name):
            list(windows)
        with pytest.raises(MediaError):
            _ = isolated.coverage


def test_too_little_memory_is_a_limit_and_not_a_crash_of_ours(tmp_path: Path, frames) -> None:
    encode_mp4(frames(3, 1080, 1920), tmp_path / "large.mp4", fps=10)
    starved = Limits(memory_bytes=360 * 1024**2)

    with pytest.raises(MediaError), open_video(tmp_path / "large.mp4", limits=starved) as isolated:
        list(isolated)
    with open_video(tmp_path / "large.mp4") as isolated:
        assert len(list(isolated)) == 1


def test_an_address_space_too_small_for_anything_is_a_limit(video: Path) -> None:
    with (
        pytest.raises(MediaLimitExceeded, match="memory"),
        open_video(video, limits=Limits(memory_bytes=100 * 1024**2)),
    ):
        pass


@pytest.mark.parametrize("unable_to_refuse", [False, True])
def test_a_library_that_fails_for_want_of_memory_is_a_limit(
    tmp_path: Path, video: Path, unable_to_refuse: bool
) -> None:
    """The loader says OSError, not MemoryError; and sometimes not even the refusal fits."""
    starved = tmp_path / "starved.py"
    bootstrap = f"import sys; sys.path.insert(0, sys.argv[2]); exec(open({str(starved)!r}).read())"
    starved.write_text(
        "import resource\n"
        "from media import confinement, decode_child\n"
        "def starve(*_):\n"
        "    resource.setrlimit(resource.RLIMIT_AS, (1, 1))\n"
        "    raise OSError('failed to map segment from shared object')\n"
        "def refuse(*_):\n"
        "    raise MemoryError\n"
        "confinement.confine = starve\n"
        f"if {unable_to_refuse}: decode_child._send = refuse\n"
        "decode_child.main(sys.argv[1])\n"
    )

    with (
        pytest.MonkeyPatch.context() as patch,
        pytest.raises(MediaLimitExceeded, match="memory"),
    ):
        patch.setattr(media.isolation, "_BOOTSTRAP", bootstrap)
        open_video(video)


def test_a_decoder_that_takes_too_long_is_stopped(video: Path) -> None:
    began = time.monotonic()

    with (
        pytest.raises(MediaLimitExceeded, match=r"more than 0\.05 s"),
        open_video(video, limits=Limits(timeout_s=0.05)),
    ):
        pass

    assert time.monotonic() - began < 5


def test_a_slow_reader_is_not_a_slow_decoder(tmp_path: Path, frames) -> None:
    """Classifying a window takes longer than decoding it."""
    encode_mp4(frames(64), tmp_path / "v.mp4", fps=20)
    with open_video(tmp_path / "v.mp4", limits=Limits(timeout_s=20), plan=EVERY) as isolated:
        waited = []
        for _ in isolated:
            time.sleep(0.2)
            waited.append(isolated._waited_s)

    assert waited[-1] - waited[0] < 0.2 * (len(waited) - 1)


@pytest.mark.parametrize(
    "content", [b"", b"plain text\n" * 99, b"ffconcat version 1.0\nfile video.mp4\n", b"GIF89a" + bytes(99)]
)
def test_what_is_no_video_is_refused_through_the_process_too(tmp_path: Path, video: Path, content: bytes) -> None:
    path = tmp_path / "bad.mp4"
    path.write_bytes(content)

    with pytest.raises(UnreadableMedia, match=r"bad\.mp4"):
        open_video(path)


def test_limits_reach_the_process(video: Path) -> None:
    with pytest.raises(MediaLimitExceeded, match="128x96"):
        open_video(video, limits=Limits(max_pixels=100))


def test_the_process_is_confined_on_this_host(video: Path) -> None:
    with open_video(video) as isolated:
        assert {"resource_limits", "no_new_privileges"} <= set(isolated.confined)


PRISONER = """
import os, socket, sys
from pathlib import Path
from media import confinement
secret = open(sys.argv[1])
names = confinement.confine(2 * 1024**3, 60, [Path(os.__file__).parent])
def attempt(what):
    try:
        what()
    except OSError:
        return "refused"
    return "allowed"
print(names)
print("open file", attempt(secret.read))
print("read", attempt(lambda: open(sys.argv[1])))
print("list", attempt(lambda: os.listdir("/")))
print("library", attempt(lambda: open(os.__file__)))
print("connect", attempt(lambda: socket.create_connection(("127.0.0.1", int(sys.argv[2])), 2)))
print("unix socket", attempt(lambda: socket.socket(socket.AF_UNIX)))
print("execute", attempt(lambda: os.execv("/bin/true", ["true"])))
print("signal", attempt(lambda: os.kill(os.getppid(), 0)))
print("resources", __import__("resource").getrlimit(__import__("resource").RLIMIT_FSIZE))
"""


def test_a_confined_process_reaches_neither_files_nor_network(tmp_path: Path) -> None:
    import socket

    secret = tmp_path / "secret"
    secret.write_text("key")
    with socket.create_server(("127.0.0.1", 0)) as server:
        result = subprocess.run(
            [sys.executable, "-c", PRISONER, str(secret), str(server.getsockname()[1])],
            cwd=Path(__file__).parents[2],
            env={"OPENBLAS_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )

    lines = result.stdout.splitlines()
    assert "open file allowed" in lines, result.stderr
    assert "library allowed" in lines
    assert "resources (0, 0)" in lines
    if "landlock" in lines[0]:
        assert {"read refused", "list refused"} <= set(lines)
        assert "signal refused" in lines
    if "seccomp" in lines[0]:
        assert "unix socket refused" in lines
    if "landlock" in lines[0] or "seccomp" in lines[0]:
        assert "execute refused" in lines
    if "network_namespace" in lines[0] or "landlock" in lines[0]:
        assert "connect refused" in lines


def test_the_process_starts_without_the_heavy_libraries() -> None:
    """Only av, numpy and cv2 besides this floor: its start is paid for each upload."""
    listing = "import media.decode_child, sys; print(sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = subprocess.run(
        [sys.executable, "-c", listing], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True
    ).stdout

    for heavy in ("torch", "onnxruntime", "sqlalchemy", "fastapi", "sklearn", "pdqhash", "safety", "classifiers"):
        assert f"'{heavy}'" not in loaded


def message(header: dict[str, object], payload: bytes = b"") -> bytes:
    encoded = json.dumps(header).encode()
    return struct.pack(">I", len(encoded)) + encoded + payload


NUMBERS = {"width": 4, "height": 4, "fps": 10.0, "duration_s": 1.0}
INFO = {"kind": "info", "info": {**NUMBERS, "codec": "h264", "container": "mp4", "has_audio": False}}
ACCOUNT = {"frames_total": 1, "frames_seen": 1, "duration_s": 0.1, "longest_gap_s": 0.0}
WINDOW = {"kind": "window", "shape": [1, 4, 4, 3], "times_s": [0.0], "coverage": ACCOUNT, "flashes": []}
DONE = {"kind": "done", "coverage": ACCOUNT}


@pytest.fixture
def impostor(monkeypatch: pytest.MonkeyPatch, video: Path) -> Callable[[bytes], SampledVideo]:
    """Open a video whose decoder was taken over and says what we choose."""

    def say(words: bytes) -> SampledVideo:
        program = f"import sys; sys.stdout.buffer.write(bytes.fromhex('{words.hex()}')); sys.stdout.flush()"
        monkeypatch.setattr(media.isolation, "_BOOTSTRAP", program)
        return open_video(video)

    return say


def test_an_honest_impostor_is_believed(impostor) -> None:
    """So that the refusals below are refusals of the lie."""
    video = impostor(message(INFO) + message(WINDOW, bytes(48)) + message(DONE))

    assert len(list(video)) == 1
    assert video.coverage.frames_seen == 1


@pytest.mark.parametrize(
    "lie",
    [
        message({"kind": "window"}),
        message({**WINDOW, "shape": [1, 2**20, 2**20, 3]}),
        message({**WINDOW, "shape": [17, 4, 4, 3]}, bytes(17 * 48)),
        message({**WINDOW, "shape": [1, 4, 4, 4]}, bytes(64)),
        message({**WINDOW, "shape": [1, -4, -4, 3]}, bytes(48)),
        message({**WINDOW, "shape": [2, 4, 4, 3], "times_s": [1.0, 0.5]}, bytes(96)),
        message({**WINDOW, "times_s": [float("nan")]}, bytes(48)),
        message({**WINDOW, "times_s": ["soon"]}, bytes(48)),
        message(WINDOW, bytes(20)),
        message({"kind": "surprise"}),
        message(
            {"kind": "done", "coverage": {"frames_total": 0, "frames_seen": 0, "duration_s": 0, "longest_gap_s": 0}}
        ),
        message({"kind": "done", "coverage": {"frames_total": "many"}}),
        message({"kind": "done", "coverage": {**ACCOUNT, "seconds_seen": 2, "seconds_total": 1}}),
        message({**WINDOW, "coverage": {**ACCOUNT, "frames_seen": 2}}, bytes(48)),
        message({"kind": "done"}),
        struct.pack(">I", 2**32 - 1),
        struct.pack(">I", 5) + b"[1,2]",
        struct.pack(">I", 5) + b"{{{{{",
        b"",
    ],
)
def test_a_decoder_that_lies_is_not_believed(impostor, lie: bytes) -> None:
    with pytest.raises(UnreadableMedia):
        list(impostor(message(INFO) + lie))


@pytest.mark.parametrize("wrong", [{"width": 0}, {"fps": 0.0}, {"fps": float("inf")}, {"width": "wide"}, {"extra": 1}])
def test_a_description_that_makes_no_sense_is_not_believed(impostor, wrong: dict[str, object]) -> None:
    with pytest.raises(UnreadableMedia):
        impostor(message({**INFO, "info": {**INFO["info"], **wrong}}))


def resident_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def test_memory_stays_flat_over_a_long_video(tmp_path: Path, frames) -> None:
    """Parent and decoder together, from the 10th window to the 100th."""
    encode_mp4(frames(1600), tmp_path / "long.mp4", fps=20, crf=30)
    sizes = []
    with open_video(tmp_path / "long.mp4", plan=EVERY) as isolated:
        pid = child_of(isolated)
        for number, _ in enumerate(isolated):
            if number in {10, 95}:
                sizes.append(resident_kib(os.getpid()) + resident_kib(pid))

    assert len(sizes) == 2
    assert sizes[1] - sizes[0] < 12 * 1024


FUZZ = """
import sys
from pathlib import Path
import numpy as np
from media.codec import decode
from media.errors import MediaError
whole, path = Path(sys.argv[1]).read_bytes(), Path(sys.argv[2])
for seed in map(int, sys.argv[3:]):
    rng = np.random.default_rng(seed)
    data = bytearray(whole)
    for _ in range(int(rng.integers(1, 12))):
        at = int(rng.integers(len(data)))
        match seed % 4:
            case 0: data[at] ^= 1 << int(rng.integers(8))
            case 1: data[at : at + 4] = rng.bytes(4)
            case 2: del data[at : at + int(rng.integers(1, 64))]
            case _: data[at:at] = rng.bytes(int(rng.integers(1, 32)))
    path.write_bytes(data)
    try:
        count = sum(1 for _ in decode(path))
        print(seed, "seen" if count else "NOTHING", flush=True)
    except MediaError:
        print(seed, "refused", flush=True)
"""


@pytest.mark.slow
def test_two_hundred_mutations_of_a_video_end_in_frames_or_a_media_error(video: Path, tmp_path: Path) -> None:
    """The decoder may see or refuse; nothing else may be raised and no end is clean with nothing seen.

    A crash of the decoder itself counts as refused only if the isolated decoder turns it into a MediaError.
    """
    mutant = tmp_path / "mutant.mp4"
    outcomes: list[str] = []
    left = list(range(200))
    while left:
        result = subprocess.run(
            [sys.executable, "-c", FUZZ, str(video), str(mutant), *map(str, left)],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
        done = [line.split()[1] for line in result.stdout.splitlines()]
        outcomes += done
        left = left[len(done) :]
        if left:
            assert result.returncode < 0, result.stderr
            with pytest.raises(MediaError), open_video(mutant) as isolated:
                list(isolated)
            outcomes.append("refused")
            left = left[1:]

    assert len(outcomes) == 200
    assert set(outcomes) == {"seen", "refused"}
    assert outcomes.count("seen") > 20
    assert outcomes.count("refused") > 20
