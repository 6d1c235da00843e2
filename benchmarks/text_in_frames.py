"""How much of what the gate stops as a text it still stops when it is written into a picture.

    python -m benchmarks.text_in_frames ROWS.jsonl[.gz] [--photos FOLDER] [--heights 24,32,48] [--most 60] [--seed 1]

ROWS: objects with `text`, `benign` and, optionally, `lang`; English rows of 8 to 60 characters are taken, as many of
both kinds. Each is written on a photograph of 1280x720 (scikit-image's, or those of a folder) in letters of each
height, white with a dark edge, a plate, or plain black or white, and judged by the output rules about writing. `found`
is of the rows that the same rules stop when the text classifiers are given the text itself; `read` counts texts that
come back letter by letter, spaces and case aside. Benign rows that the text alone passes measure false alarms.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from classifiers.base import ClassifierError, Score
from classifiers.catalog import build
from classifiers.ocr import Line, OcrReader
from classifiers.text_in_frames import TextInFramesClassifier
from media.clip import Clip
from safety.domain import Action, Checkpoint, Measurement
from safety.intervals import wilson
from safety.judge import judge
from safety.policy import Policy, load_policy

SIZE = (1280, 720)
LONGEST = 60
PHOTOGRAPHS = ("astronaut", "coffee", "chelsea", "rocket", "camera", "retina")


def rows_of(path: Path) -> Iterator[tuple[str, bool]]:
    data = path.read_bytes()
    for line in (gzip.decompress(data) if path.suffix == ".gz" else data).decode().splitlines():
        row = json.loads(line)
        text = " ".join(row["text"].split())
        if row.get("lang", "en") == "en" and text.isascii() and 8 <= len(text) <= LONGEST:
            yield text, bool(row["benign"])


class Remembering:
    """Reads as the shipped reader does, and remembers what it read last."""

    def __init__(self) -> None:
        self._reader = OcrReader()
        self.version = self._reader.version
        self.last: list[Line] = []

    def read(self, picture: NDArray[np.uint8]) -> list[Line]:
        self.last = self._reader.read(picture)
        return self.last


def photographs(folder: Path | None) -> list[NDArray[np.uint8]]:
    if folder is None:
        found = [np.asarray(getattr(skimage.data, name)()) for name in PHOTOGRAPHS]
    else:
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
        found = [np.asarray(Image.open(path).convert("RGB")) for path in paths[:200]]
    colours = [np.stack([each] * 3, axis=-1) if each.ndim == 2 else each[..., :3] for each in found]
    return [np.asarray(cv2.resize(each, SIZE, interpolation=cv2.INTER_AREA), np.uint8) for each in colours]


def written(photo: NDArray[np.uint8], text: str, height: int, chance: random.Random) -> NDArray[np.uint8]:
    """Write a text in capitals of this height, broken into lines that fit, where chance puts it."""
    picture = Image.fromarray(photo)
    drawing = ImageDraw.Draw(picture)
    font = ImageFont.load_default(round(height / 0.72))  # its capitals are 0.72 of its size
    lines: list[str] = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if drawing.textlength(longer, font=font) <= SIZE[0] - 40:
            lines[-1] = longer
        else:
            lines.append(word)
    block = "\n".join(lines)
    left, top, right, bottom = drawing.multiline_textbbox((0, 0), block, font=font, stroke_width=2)
    x, y = (
        20 + chance.random() * max(0, SIZE[0] - 40 - (right - left)),
        20 + chance.random() * max(0, SIZE[1] - 40 - (bottom - top)),
    )
    style = chance.choice(["edge", "plate", "black", "white"])
    if style == "plate":
        drawing.rectangle((x + left - 8, y + top - 8, x + right + 8, y + bottom + 8), fill=(250, 250, 240))
    colour = (15, 15, 15) if style in {"plate", "black"} else (245, 245, 245)
    edge = {"stroke_width": 2, "stroke_fill": (0, 0, 0)} if style == "edge" else {}
    drawing.multiline_text((x, y), block, font=font, fill=colour, **edge)
    coded = cv2.imencode(".jpg", np.asarray(picture)[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 70])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR)[:, :, ::-1], np.uint8)


def stopped(policy: Policy, scores: Sequence[Score]) -> bool:
    """Say whether the output rules about writing hold or block it; everything else is measured as nothing."""
    rest = policy.signals_at(Checkpoint.OUTPUT) - {score.signal for score in scores}
    measurement = Measurement((*scores, *(Score(signal, 0.0) for signal in sorted(rest))))
    return any(finding.action is not Action.ALLOW for finding in judge(policy, Checkpoint.OUTPUT, measurement).findings)


def letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def share(hits: Sequence[bool]) -> str:
    low, high = wilson(sum(hits), len(hits)) if hits else (0.0, 1.0)
    return f"{sum(hits)}/{len(hits)} [{low:.3f}, {high:.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--heights", default="24,32,48")
    parser.add_argument("--most", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    policy, chance, text_classifiers = load_policy(), random.Random(chosen.seed), build(accepts=str).for_text()
    reader = Remembering()
    frames = TextInFramesClassifier(text_classifiers, reader)
    photos = photographs(chosen.photos)

    def alone(text: str) -> bool:
        scores = [score for each in text_classifiers for score in each.score(text)]
        return stopped(policy, [Score(f"frame.{score.signal}", score.value) for score in scores])

    kept: dict[bool, list[str]] = {True: [], False: []}
    unmeasured = 0
    rows = list(rows_of(chosen.rows))
    chance.shuffle(rows)
    for text, benign in rows:
        if len(kept[benign]) >= chosen.most // 2 or min(map(len, kept.values())) >= chosen.most // 2:
            continue
        try:
            if alone(text) is not benign:
                kept[benign].append(text)
        except ClassifierError:
            unmeasured += 1
    print(
        f"{len(kept[False])} texts stopped as texts, {len(kept[True])} benign ones that pass, {unmeasured} unmeasured"
    )
    for height in map(int, chosen.heights.split(",")):
        started, hits, alarms, read = time.process_time(), [], [], []
        for benign, texts in kept.items():
            for text in texts:
                picture = written(photos[chance.randrange(len(photos))], text, height, chance)
                clip = Clip(picture[None], np.zeros(1), 24.0)
                try:
                    told = stopped(policy, frames.score(clip))
                except ClassifierError:
                    told = True  # unmeasured writing is held
                (alarms if benign else hits).append(told)
                seen = "".join(line.text for line in reader.last)
                read.append(letters(text) in letters(seen))
        spent = (time.process_time() - started) / max(1, len(hits) + len(alarms))
        told_of = f"found {share(hits)}, benign stopped {share(alarms)}, read {share(read)}"
        print(f"{height} px: {told_of}, {spent:.2f} s a picture")


if __name__ == "__main__":
    main()
