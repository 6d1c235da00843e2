"""`framegate screen`: judge a video at the output gate, say what was seen and when, and draw a contact sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from api.commands.videos import AsJson, Video
from api.screening import sheet_tiles, tell_screening
from api.settings import Settings
from api.terminal import BY_ACTION, LOCAL, print_json, say
from api.views import decision_view
from api.wiring import open_house
from media.sheet import write_sheet


def screen(
    video: Video,
    *,
    full: Annotated[
        bool, typer.Option("--full", help="Look at every frame; a single one counts. Many times slower.")
    ] = False,
    sheet: Annotated[
        Path | None, typer.Option(help="Where a contact sheet (PNG) with the flagged moments is written.")
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Do not blur the flagged pictures of the sheet.")] = False,
    as_json: AsJson = False,
) -> None:
    """Judge a generated video at the output gate; the Decision is recorded.

    Says what was found and when, how sure that is, what was looked at, and what nobody could measure.
    """
    with open_house(Settings()) as house:
        decision = house.gate.screen_video(video, full=full, requester=LOCAL)
        if sheet is not None:
            write_sheet(sheet_tiles(video, decision, house.limits, clear=clear), sheet)
        policy = house.policy_in_force
    if as_json:
        drawn = {} if sheet is None else {"sheet": str(sheet)}
        print_json({"file": str(video), **decision_view(decision), **drawn})
    else:
        tell_screening(video, decision, policy, full=full)
        if sheet is not None:
            say(f"  contact sheet: {escape(str(sheet))}{'' if clear else ', flagged pictures blurred'}")
    raise typer.Exit(BY_ACTION[decision.verdict.action])
