"""`framegate scan`: where do these videos come from? Files, folders and patterns; reports for people and programs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from api.scan_batch import Row, scan_all, videos_of
from api.scan_page import FORMS, without_pictures, written
from api.settings import Settings
from api.terminal import BY_ACTION, Exit, print_json, say
from safety.domain import Action


def scan(
    videos: Annotated[list[str], typer.Argument(metavar="VIDEO...", help="Files, folders, or patterns in quotes.")],
    *,
    out: Annotated[
        list[Path] | None, typer.Option(help="Also write a report: .html, .csv, .jsonl or .json; may be repeated.")
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Folder that keeps reports by content: an interrupted run goes on.")
    ] = None,
    queue: Annotated[
        str | None, typer.Option(metavar="BATCH", help="Hand the files to the workers as this batch; again: go on.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes.", min=1, max=64)] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a file on stdout.")] = False,
) -> None:
    """Report where uploaded videos come from: evidence, strongest first.

    The exit code is that of the strictest decision: 0 nothing to do, 4 label or review, 3 blocked; 1 if a file could
    not be read, whatever the others are.
    """
    from api.terminal import progress_bar

    for path in out or ():
        if path.suffix.lower() not in FORMS:
            raise typer.BadParameter(f"{path.name}: a report is written as {', '.join(FORMS)}")
        if not path.absolute().parent.is_dir():
            raise typer.BadParameter(f"{path} cannot be written: its folder does not exist")
    if queue is not None:
        if out or cache is not None or workers > 1:
            raise typer.BadParameter("the workers scan a batch: leave out --out, --cache and --workers")
        raise typer.Exit(_hand_in(videos, queue, as_json=as_json))
    files, rows = videos_of(videos), []
    with progress_bar() as progress:
        for row in scan_all(Settings(), files, workers=workers, cache=cache, progress=progress):
            rows.append(row)
            if as_json:
                print_json(without_pictures(row))
            else:
                _tell(row)
    for path in out or ():
        written(rows, path, at=datetime.now(UTC).isoformat(timespec="seconds"))
        say(f"wrote {escape(str(path))}")
    if len(rows) > 1:
        say(f"{len(rows)} files, {sum('error' in row for row in rows)} could not be read")
    raise typer.Exit(_code(rows))


def _hand_in(videos: list[str], batch: str, *, as_json: bool) -> Exit:
    """Queue files and say how their batch stands; scans that have ended show what they found, or why they failed."""
    import re

    from api.routes.scans import BATCH
    from api.scan_queue import LOCAL, hand_in_files
    from api.terminal import progress_bar
    from api.wiring import open_house, prepare

    if not re.fullmatch(BATCH, batch):
        raise typer.BadParameter(f"{batch!r} is no name for a batch: up to 64 letters, digits, '.', '_' and '-'")
    files, failed, settings = videos_of(videos), 0, Settings()
    if not settings.database_url:
        prepare(settings)
    with open_house(settings) as house, progress_bar() as progress:
        for row in hand_in_files(house, files, batch, progress):
            failed += "error" in row
            if as_json:
                print_json(row)
            elif "error" in row:
                say(f"[bold]{escape(row['file'])}: could not be read[/]  {escape(row['error'])}")
        counts = house.scan_batches.counts(LOCAL, batch) if failed < len(files) else {}
    told = ", ".join(f"{count} {status.value}" for status, count in counts.items() if count)
    say(f"batch {escape(batch)}: {told or 'nothing was handed in'}")
    return Exit.COULD_NOT if failed else Exit.DONE


def _code(rows: list[Row]) -> Exit:
    if any("error" in row for row in rows):
        return Exit.COULD_NOT
    words = {row["action"] for row in rows}
    return BY_ACTION[max(action for action in Action if action.word in words)]


def _tell(row: Row) -> None:
    name = escape(Path(row["file"]).name)
    if "error" in row:
        say(f"[bold]{name}: could not be read[/]  {escape(row['error'])}")
        return
    say(f"[bold]{name}: {row['origin']}[/]  {row['summary']}")
    for each in row["evidence"]:
        say(f"  {each['kind']:12} {each['strength']:12} {escape(each['summary'])}")
        for line in each["detail"].get("told", ()):
            say(f"  {'':12} [dim]{escape(line)}[/]")
    if row["score"] is not None:
        say(f"  forensic estimate {row['score']:.2f} (a probability, not a proof)")
    for gap in row["unmeasured"]:
        say(f"  [dim]unmeasured: {gap['signal']}: {escape(gap['reason'])}[/]")
    frames = row["frames"]
    say(f"  looked at {frames['seen']} of {frames['total']} frames · decision {row['decision']}")
