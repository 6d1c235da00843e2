"""`framegate evaluate watermark`: what our marks and fingerprints survive, on your videos or on clips made here."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from api.terminal import print_json, progress_bar, say


def watermark(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", help="Videos; without it, clips made here.", exists=True, file_okay=False),
    ] = None,
    *,
    sample: Annotated[int, typer.Option(help="At most so many clips; 0: all.", min=0)] = 0,
    strangers: Annotated[int, typer.Option(help="Keys that unmarked clips are listened to with.", min=1)] = 4,
    cache: Annotated[
        Path | None, typer.Option(help="File that keeps what was noted: an interrupted run goes on.", dir_okay=False)
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for report.json and report.md.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The report as one JSON object on stdout.")] = False,
) -> None:
    """Mark clips, damage them, and count what is still recognised as ours; nothing is recorded or released."""
    from api.wiring.bench import open_watermark, stranger_watermarks
    from safety.evaluate.mark_report import markdown, report
    from safety.evaluate.mark_trials import run, sources

    clips = sources(folder)
    if sample:
        clips = clips[:: max(1, len(clips) // sample)][:sample]
    ours = open_watermark()
    with progress_bar() as progress:
        notes = run(clips, ours, stranger_watermarks(strangers), kept=cache, progress=progress)
    made = report(notes, at=datetime.now(UTC))
    page = markdown(made)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "report.json").write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
        (out / "report.md").write_text(page, encoding="utf-8")
    if as_json:
        print_json(made)
    else:
        say(escape(page))
    if out is not None:
        say(f"wrote {escape(str(out / 'report.md'))} and report.json")
