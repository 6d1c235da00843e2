"""Mutated video files against the decoder: nothing but frames or a refusal may come of them, whatever the bytes say.

    .venv/bin/python benchmarks/fuzz.py [--count 10000] [--seed 0] [--isolated 100] [--most-s 540] [--json]

Seeds are made here by the product's encoder and by FFmpeg's muxers: MP4, QuickTime, Matroska, AVI and MPEG-TS. A file
is mutated by flipped bits, truncation, lengths of boxes that lie, boxes swapped, doubled or put inside each other, huge
dimensions, and bytes inserted or removed. Batches are decoded in child processes; a batch that dies is taken up behind
the file that killed it, and that file goes through the isolated decoder, as an upload does. Every n-th file goes
through the isolated decoder anyway, until --isolated files did.

Counted: `seen` (frames came out), `refused` (a MediaError), and what must stay 0: `clean_without_frames` (no error and
no frame), `other_errors` (anything but a MediaError), `not_contained` (the isolated decoder let a crash through).
"""

from __future__ import annotations

import argparse
import json
import random
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
BATCH = 100
BATCH_TIMEOUT_S = 120.0
LARGEST = (0, 1, 7, 8, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_HEADED = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"mdat", b"stsd", b"stts", b"stsz", b"stco", b"avc1", b"avcC")

UNEXPECTED = (ArithmeticError, AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError, MemoryError)

CHILD = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from media.codec import decode
from media.errors import MediaError
from media.limits import Limits

limits = Limits(max_pixels=1 << 20, max_duration_s=600.0)
for name in sys.argv[2:]:
    try:
        outcome = "seen" if sum(1 for _ in decode(Path(name), limits)) else "clean_without_frames"
    except MediaError:
        outcome = "refused"
    except Exception as error:
        outcome = f"other:{type(error).__name__}"
    print(outcome, flush=True)
"""


def seeds(folder: Path) -> list[bytes]:
    """Return small videos in five containers."""
    import av

    from media.codec import encode_mp4

    rng = np.random.default_rng(0)
    ground = rng.integers(0, 255, (48, 64, 3), np.uint8)
    frames = [np.roll(ground, at * 3, axis=1) for at in range(12)]
    encode_mp4(frames, folder / "seed.mp4", fps=12)
    made = [(folder / "seed.mp4").read_bytes()]
    for kind, codec in (("mov", "libx264"), ("matroska", "libx264"), ("avi", "mpeg4"), ("mpegts", "mpeg2video")):
        path = folder / f"seed.{kind}"
        with av.open(str(path), "w", format=kind) as out:
            stream = out.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            for frame in frames:
                out.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            out.mux(stream.encode(None))
        made.append(path.read_bytes())
    return made


def flip_bits(data: bytearray, chance: random.Random) -> None:
    """Flip one to sixteen bits."""
    for _ in range(chance.randint(1, 16)):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def truncate(data: bytearray, chance: random.Random) -> None:
    """Cut the end off, anywhere."""
    del data[chance.randrange(len(data)) :]


def lie_about_a_length(data: bytearray, chance: random.Random) -> None:
    """Write another size into the header of a box; in other containers, over any four bytes."""
    size = chance.choice([*LARGEST, chance.randrange(1 << 32)])
    struct.pack_into(">I", data, _a_box(data, chance), size)


def swap_boxes(data: bytearray, chance: random.Random) -> None:
    """Exchange the names of two boxes."""
    one, other = _a_box(data, chance) + 4, _a_box(data, chance) + 4
    data[one : one + 4], data[other : other + 4] = data[other : other + 4], data[one : one + 4]


def nest_boxes(data: bytearray, chance: random.Random) -> None:
    """Put a copy of a piece into itself, up to a thousand times deep in all."""
    start = _a_box(data, chance)
    piece = bytes(data[start : start + chance.randint(8, 200)])
    data[start + 8 : start + 8] = piece * chance.choice([1, 3, 1000])


def claim_huge_dimensions(data: bytearray, chance: random.Random) -> None:
    """Write large numbers where sizes, counts and dimensions stand."""
    at = _a_box(data, chance) + chance.randrange(4, 48)
    width = chance.choice([2, 4])
    value = chance.choice([0xFFFF, 0x7FFF, 16384]) if width == 2 else chance.choice(LARGEST)
    if at + width <= len(data):
        struct.pack_into(">H" if width == 2 else ">I", data, at, value)


def shift_bytes(data: bytearray, chance: random.Random) -> None:
    """Insert or remove up to 64 bytes."""
    at, count = chance.randrange(len(data)), chance.randint(1, 64)
    if chance.random() < 0.5:
        del data[at : at + count]
    else:
        data[at:at] = chance.randbytes(count)


MUTATIONS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    flip_bits,
    truncate,
    lie_about_a_length,
    swap_boxes,
    nest_boxes,
    claim_huge_dimensions,
    shift_bytes,
)


def mutated(made: list[bytes], number: int, seed: int) -> bytes:
    """Return mutant `number`: one seed, one to three mutations; never empty."""
    chance = random.Random(f"{seed}/{number}")
    data = bytearray(chance.choice(made))
    for _ in range(chance.choice([1, 1, 2, 3])):
        if len(data) > 64:
            chance.choice(MUTATIONS)(data, chance)
    return bytes(data) or b"\0"


def _a_box(data: bytearray, chance: random.Random) -> int:
    """Return where the header of some box begins, or anywhere where there is none."""
    found = [at - 4 for name in _HEADED if (at := data.find(name)) >= 4]
    return chance.choice(found) if found else chance.randrange(len(data) - 8)


def decode_batch(paths: list[Path]) -> tuple[list[str], bool]:
    """Return what came of the first files, and whether the process died over the next one."""
    try:
        run = subprocess.run(
            [sys.executable, "-c", CHILD, str(ROOT), *map(str, paths)],
            capture_output=True,
            text=True,
            check=False,
            timeout=BATCH_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as error:
        told = error.stdout or b""
        return (told if isinstance(told, str) else told.decode()).split(), True
    outcomes = run.stdout.split()
    return outcomes, len(outcomes) < len(paths)


def isolated(path: Path) -> str:
    """Return what the isolated decoder makes of a file."""
    from media.errors import MediaError
    from media.isolation import open_video
    from media.limits import Limits

    try:
        with open_video(path, limits=Limits(max_pixels=1 << 20, max_duration_s=600.0, timeout_s=60.0)) as video:
            frames = sum(len(clip.frames) for clip in video)
            return "seen" if frames and video.coverage.frames_seen else "clean_without_frames"
    except MediaError:
        return "refused"
    except UNEXPECTED as error:  # what must not happen is counted, not raised
        return f"other:{type(error).__name__}"


def run(count: int, seed: int, through_isolation: int, most_s: float) -> dict[str, object]:
    """Decode mutants and return the counts."""
    outcomes: Counter[str] = Counter()
    alone: Counter[str] = Counter()
    crashes: list[int] = []
    ends, done = time.monotonic() + most_s, 0
    stride = max(1, count // max(1, through_isolation))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = seeds(folder)
        while done < count and time.monotonic() < ends:
            numbers = list(range(done, min(count, done + BATCH)))
            paths = [folder / f"{number}.bin" for number in numbers]
            for number, path in zip(numbers, paths, strict=True):
                path.write_bytes(mutated(made, number, seed))
            told, died = decode_batch(paths)
            outcomes.update(told)
            if died:
                crashes.append(numbers[len(told)])
                alone[isolated(paths[len(told)])] += 1
            reached = len(told) + died
            for number, path in zip(numbers[:reached], paths, strict=False):
                if number % stride == 0:
                    alone[isolated(path)] += 1
            done += reached
            for path in paths:
                path.unlink()
    others = {name: hits for name, hits in (outcomes + alone).items() if name.startswith("other:")}
    return {
        "mutants": done,
        "seen": outcomes["seen"],
        "refused": outcomes["refused"],
        "decoder_crashes_contained": len(crashes),
        "crashing_mutants": crashes[:20],
        "through_the_isolated_decoder": sum(alone.values()),
        "clean_without_frames": outcomes["clean_without_frames"] + alone["clean_without_frames"],
        "other_errors": others,
        "not_contained": sum(hits for name, hits in alone.items() if name.startswith("other:")),
    }


def main() -> None:
    """Fuzz and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--isolated", type=int, default=100)
    parser.add_argument("--most-s", type=float, default=540.0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    figures = run(arguments.count, arguments.seed, arguments.isolated, arguments.most_s)
    print(json.dumps(figures, indent=None if arguments.json else 2))
    sys.exit(bool(figures["clean_without_frames"] or figures["other_errors"] or figures["not_contained"]))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
