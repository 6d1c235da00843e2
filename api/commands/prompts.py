"""`framegate check`: judge prompts, and nothing else."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from api.settings import Settings
from api.terminal import BY_ACTION, LOCAL, Exit, explain, print_json, say, show_rewrite
from api.views import decision_view, offer_view
from api.wiring import House, open_house
from media.picture import is_picture
from safety.domain import Action, Decision
from safety.errors import InvalidContent
from safety.offer import offer_rewrite

GROUP = 64
"""Lines of a file that are judged side by side, a thread a core, before they are answered in their order."""


def check(
    prompt: Annotated[str | None, typer.Argument(help="The prompt to judge.")] = None,
    *,
    file: Annotated[
        Path | None, typer.Option(help='JSON Lines of prompts: {"text": … or "scenes": […], "id": …} a line.')
    ] = None,
    scene: Annotated[list[str] | None, typer.Option(help="A scene of a storyboard; repeat it for each.")] = None,
    image: Annotated[Path | None, typer.Option(help="A reference picture, judged together with the prompt.")] = None,
    video: Annotated[Path | None, typer.Option(help="A reference video, judged together with the prompt.")] = None,
    scenes: Annotated[Path | None, typer.Option(help="A text file with one scene of a storyboard a line.")] = None,
    rewrite: Annotated[
        bool, typer.Option("--rewrite", help="Offer a version that passes, where there is one.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")] = False,
) -> None:
    """Judge a prompt at the prompt gate, and its reference at the input gate; the Decisions are recorded.

    With --file every line is answered, in order; the exit code is that of the strictest line.
    """
    told = [*(scene or []), *(_lines(scenes) if scenes else [])]
    if (prompt is None and not told) == (file is None):
        raise typer.BadParameter("give either a prompt, or scenes, or --file PROMPTS.jsonl")
    reference = image or video
    if reference is not None and (file is not None or (image and video)):
        raise typer.BadParameter("give one --image or --video, with a prompt or scenes")
    _refuse_reference(image, video)
    if rewrite and (told or reference is not None):
        raise typer.BadParameter("a rewrite is offered of one text: give a prompt, without scenes and reference")
    with open_house(Settings()) as house:
        if file is not None:
            raise typer.Exit(_check_file(house, file, rewrite=rewrite))
        decision = house.prompt_gate.check_prompt(prompt or "", scenes=told, requester=LOCAL)
        if reference is not None:
            raise typer.Exit(_check_reference(house, decision, reference, as_json=as_json))
        offered = _offer(house, prompt or "", decision) if rewrite else {}
        if as_json:
            print_json({**decision_view(decision), **offered})
        else:
            explain(decision)
            if rewrite:
                show_rewrite(prompt or "", offered["rewrite"])
        raise typer.Exit(BY_ACTION[decision.verdict.action])


def _refuse_reference(image: Path | None, video: Path | None) -> None:
    """Refuse what is evidently no such reference before anything is judged or recorded."""
    for option, path in (("--image", image), ("--video", video)):
        if path is None:
            continue
        try:
            with path.open("rb") as file:
                shown = is_picture(file)
        except OSError as error:
            raise typer.BadParameter(f"{option} {path} cannot be read: {error.strerror}") from error
        if option == "--image" and not shown:
            raise typer.BadParameter(f"--image {path} is no JPEG, PNG or WebP picture; a video is given with --video")
        if option == "--video" and shown:
            raise typer.BadParameter(f"--video {path} is a picture; a picture is given with --image")


def _offer(house: House, text: str, decision: Decision) -> dict[str, Any]:
    return {"rewrite": offer_view(offer_rewrite(house.prompt_gate, text, decision, requester=LOCAL))}


def _check_reference(house: House, prompt: Decision, reference: Path, *, as_json: bool) -> int:
    """Answer with the Decision about both, and the stricter action; of a refused prompt no reference is decoded."""
    refused = prompt.verdict.action is Action.BLOCK
    shown = prompt if refused else house.input_gate.check(prompt, reference)
    strictest = max(prompt.verdict.action, shown.verdict.action)
    if as_json:
        print_json({**decision_view(shown), "action": strictest.word, "prompt_decision": prompt.id})
    else:
        if prompt is not shown:
            explain(prompt)
        explain(shown)
    return BY_ACTION[strictest]


def _check_file(house: House, file: Path, *, rewrite: bool) -> int:
    """Answer every line; a line that cannot be judged is answered with its error and loses nothing else."""
    try:
        lines = file.open(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read: {error.strerror}") from error
    _ = house.prompt_gate  # opened once, before threads want it
    strictest, failed, answered = Action.ALLOW, 0, 0
    with lines, ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        numbered = ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
        while group := list(islice(numbered, GROUP)):
            for answer, action in pool.map(lambda each: _answer(house, *each, rewrite=rewrite), group):
                answered, failed = answered + 1, failed + (action is None)
                strictest = max(strictest, action or Action.ALLOW)
                print_json(answer)
    if not answered:
        say(f"{file} holds no line: nothing was judged")
    if failed:
        say(f"{failed} lines could not be judged")
        return Exit.COULD_NOT
    return BY_ACTION[strictest]


def _answer(house: House, number: int, line: str, *, rewrite: bool) -> tuple[dict[str, Any], Action | None]:
    """Judge one line; without an action it could not be judged."""
    row: dict[str, Any] = {}
    action: Action | None = None
    try:
        row = _row(line, number)
        scenes = row.get("scenes", ())
        decision = house.prompt_gate.check_prompt(row.get("text", ""), scenes=scenes, requester=LOCAL)
    except InvalidContent as error:
        answer: dict[str, Any] = {"error": str(error), "line": number}
    else:
        action, answer = decision.verdict.action, decision_view(decision)
        if rewrite and not scenes:
            answer |= _offer(house, row["text"], decision)
    return ({"id": row["id"], **answer} if "id" in row else answer), action


def _row(line: str, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise InvalidContent(f"line {number} is not JSON") from error
    if not isinstance(row, dict) or not isinstance(row.get("text", ""), str) or not {"text", "scenes"} & set(row):
        raise InvalidContent(f'line {number} needs an object with a "text"')
    scenes = row.get("scenes", [])
    if not isinstance(scenes, list) or not all(isinstance(each, str) for each in scenes):
        raise InvalidContent(f'line {number}: "scenes" is a list of texts')
    return row


def _lines(file: Path) -> list[str]:
    try:
        return [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{file} cannot be read as text") from error
