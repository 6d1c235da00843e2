"""Speed and memory of looking at videos: screen and scan as multiples of a clip's duration, and a long scan's peak.

    .venv/bin/python benchmarks/video.py [--long-minutes 10] [--json]

The clips are made here: a photograph under a slow pan with noise, encoded by our own encoder. Every measurement starts
a process of its own with a fresh, temporary FRAMEGATE_HOME, on one thread for each native pool. Memory is the sum over
the process and its decoding children, sampled ten times a second. It measures time and memory, not accuracy.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

ONE_CORE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
FRAMEGATE = (sys.executable, "-c", "import sys; from api.cli import main; sys.exit(main())")
FPS = 24
PART_S = 10.0
"""Seconds that are encoded; longer clips repeat them."""

SAMPLE_EVERY_S = 0.1


def film(width: int, height: int, seconds: float) -> Iterator[NDArray[np.uint8]]:
    """A photograph under a slow pan, with the noise of a sensor: neither trivial nor impossible to compress."""
    from skimage import data

    photo = cv2.resize(np.asarray(data.astronaut(), np.uint8), (width + 256, height + 256))  # type: ignore[no-untyped-call]
    noise = np.random.default_rng(0).integers(-6, 7, (height, width, 3), np.int16)
    for index in range(round(seconds * FPS)):
        across, down = index % 256, (index // 3) % 256
        window = photo[down : down + height, across : across + width].astype(np.int16)
        yield np.clip(window + np.roll(noise, index * 37, axis=1), 0, 255).astype(np.uint8)


def write_clip(path: Path, width: int, height: int, seconds: float) -> None:
    """Encode a clip with the product's encoder."""
    from media.codec import encode_mp4

    encode_mp4(film(width, height, seconds), path, fps=float(FPS), crf=23)


def repeat_clip(source: Path, destination: Path, times: int) -> None:
    """Join a clip to itself without encoding again: decoding costs the same as for new pictures."""
    with av.open(str(destination), "w") as out:
        stream, offset = None, 0
        for _ in range(times):
            with av.open(str(source)) as video:
                if stream is None:
                    stream = out.add_stream_from_template(video.streams.video[0])
                last = 0
                for packet in video.demux(video=0):
                    if packet.dts is None or packet.pts is None:
                        continue  # the end of the stream
                    last = max(last, packet.pts + (packet.duration or 0))
                    packet.pts, packet.dts, packet.stream = packet.pts + offset, packet.dts + offset, stream
                    out.mux(packet)
                offset += last


def measured(home: Path, *arguments: str) -> dict[str, Any]:
    """Run the command line; return its answer with seconds and peak memory of its process tree in MB."""
    environment = {**os.environ, **ONE_CORE, "FRAMEGATE_HOME": str(home)}
    started, peak = time.perf_counter(), 0
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as problems:
        process = subprocess.Popen([*FRAMEGATE, *arguments], env=environment, stdout=out, stderr=problems, text=True)
        while process.poll() is None:
            peak = max(peak, tree_bytes(process.pid))
            time.sleep(SAMPLE_EVERY_S)
        elapsed_s = time.perf_counter() - started
        out.seek(0)
        problems.seek(0)
        if process.returncode not in (0, 3, 4):  # refused and held are answers too
            sys.exit(f"framegate {arguments[0]} left with {process.returncode}:\n{problems.read()}")
        answer: dict[str, Any] = json.loads(out.read())
    return {"elapsed_s": elapsed_s, "peak_mb": round(peak / 1e6), "answer": answer}


def tree_bytes(root: int) -> int:
    """Bytes that a process and all its descendants hold in memory; a page that several share counts once (PSS)."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it ended meanwhile
        children.setdefault(int(fields[1]), []).append(int(folder.name))
    total, todo = 0, [root]
    while todo:
        pid = todo.pop()
        total += held_bytes(pid)
        todo += children.get(pid, [])
    return total


def held_bytes(pid: int) -> int:
    """Proportional set size of one process: its own pages, and its part of those that it shares."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0  # it ended meanwhile
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def short_clip(folder: Path, seconds: float) -> dict[str, Any]:
    """Screen and scan 720p: what each further second costs, start-up and the first ten seconds taken off.

    Short videos are sampled more densely than long ones, so the first seconds are no measure of the others.
    """
    part, clip = folder / "part-720p.mp4", folder / "720p.mp4"
    write_clip(part, 1280, 720, PART_S)
    repeat_clip(part, clip, round(seconds / PART_S))
    figures: dict[str, Any] = {"clip": f"{seconds:g} s 1280x720 {FPS} fps, {clip.stat().st_size / 1e6:.1f} MB"}
    for command in ("screen", "scan"):
        first = measured(folder / "home", command, str(part), "--json")
        whole = measured(folder / "home", command, str(clip), "--json")
        figures |= {
            f"{command}_{PART_S:g}_s": round(first["elapsed_s"], 1),
            f"{command}_s": round(whole["elapsed_s"], 1),
            f"{command}_times_duration": round((whole["elapsed_s"] - first["elapsed_s"]) / (seconds - PART_S), 2),
            f"{command}_peak_mb": whole["peak_mb"],
        }
    return figures


def long_clip(folder: Path, minutes: float) -> dict[str, Any]:
    """Scan a long 1080p clip and report the peak memory."""
    part, clip = folder / "part.mp4", folder / "1080p.mp4"
    write_clip(part, 1920, 1080, PART_S)
    repeat_clip(part, clip, round(minutes * 60 / PART_S))
    result = measured(folder / "home", "scan", str(clip), "--json")
    frames = result["answer"]["frames"]
    return {
        "long_clip": f"{minutes:g} min 1920x1080 {FPS} fps, {clip.stat().st_size / 1e6:.0f} MB",
        "long_frames": f"{frames['seen']} seen of {frames['total']}",
        "long_scan_s": round(result["elapsed_s"]),
        "long_scan_times_duration": round(result["elapsed_s"] / (minutes * 60), 2),
        "long_scan_peak_mb": result["peak_mb"],
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=40.0, help="length of the 720p clip")
    parser.add_argument("--long-minutes", type=float, default=10.0, help="length of the 1080p clip; 0 leaves it out")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="framegate-benchmark-") as name:
        folder = Path(name)
        figures = short_clip(folder, arguments.seconds)
        if arguments.long_minutes > 0:
            figures |= long_clip(folder, arguments.long_minutes)
    if arguments.json:
        print(json.dumps(figures))
    else:
        print("\n".join(f"{name:26} {value}" for name, value in figures.items()))


if __name__ == "__main__":
    root = str(Path(__file__).resolve().parent.parent)
    os.environ.update(ONE_CORE)  # before any native pool starts
    os.environ["PYTHONPATH"] = root
    sys.path.insert(0, root)
    main()
