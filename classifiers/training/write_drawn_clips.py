"""Writes the clips of `classifiers.training.drawn_clips` as files, to be measured as hard negatives.

    python -m classifiers.training.write_drawn_clips FOLDER [--each 9]

Beside them stands `drawn.csv`: lines for the manifest of `framegate evaluate origin`.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from types import MappingProxyType

from classifiers.training.drawn_clips import KINDS, drawn
from media.codec import encode_mp4

KIND_OF = MappingProxyType(
    {"terminal": "screen", "desktop": "screen", "slides": "slides", "charts": "slides", "platform_game": "game"}
    | {"maze": "game", "solids": "cgi", "cartoon": "animation"}
)
"""What each is called in a manifest."""


def write(folder: Path, each: int) -> None:
    """Write `each` clips of every kind below `folder`/drawn, and `drawn.csv` with their lines."""
    (folder / "drawn").mkdir(parents=True, exist_ok=True)
    with (folder / "drawn.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "label", "generator_or_source", "repo", "kind"))
        for name in KINDS:
            for seed in range(each):
                path = f"drawn/{name}_{seed}.mp4"
                encode_mp4(drawn(name, seed), folder / path, fps=8.0, crf=18)
                writer.writerow((path, "real", f"drawn {name}", f"drawn {name}", KIND_OF[name]))


def main() -> None:
    """Write the clips."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--each", type=int, default=9)
    arguments = parser.parse_args()
    write(arguments.folder, arguments.each)


if __name__ == "__main__":
    main()
