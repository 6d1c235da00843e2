"""`framegate check`: judge prompts, and nothing else."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from api.commands.jobs import LOCAL
from api.settings import Settings
from api.terminal import BY_ACTION, Exit, explain, print_json, say, show_rewrite
from api.views import decision_view, offer_view
from api.wiring import House, open_house
from safety.domain import Action, Decision
from safety.errors import InvalidContent
from safety.offer import offer_rewrite

GROUP = 64
"""Lines of a file that are judged side by side, a thread a core, before they are answered in their order."""


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(check)


def check(
    prompt: Annotated[str | None, typer.Argument(help="The prompt to judge.")] = None,
    *,
    file: Annotated[Path | None, typer.Option(help='JSON Lines of prompts: {"text": …, "id": …} a line.')] = None,
    rewrite: Annotated[
        bool, typer.Option("--rewrite", help="Offer a version that passes, where there is one.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")] = False,
) -> None:
    """Judge a prompt at the prompt gate; the Decision is recorded.

    With --file every line is answered, in order; the exit code is that of the strictest line.
    """
    if (prompt is None) == (file is None):
        raise typer.BadParameter("give either a prompt or --file PROMPTS.jsonl")
    with open_house(Settings()) as house:
        if file is not None:
            raise typer.Exit(_check_file(house, file, rewrite=rewrite))
        decision = house.prompt_gate.check_prompt(prompt or "", requester=LOCAL)
        offered = _offer(house, prompt or "", decision) if rewrite else {}
        if as_json:
            print_json({**decision_view(decision), **offered})
        else:
            explain(decision)
            if rewrite:
                show_rewrite(prompt or "", offered["rewrite"])
        raise typer.Exit(BY_ACTION[decision.verdict.action])


def _offer(house: House, text: str, decision: Decision) -> dict[str, Any]:
    return {"rewrite": offer_view(offer_rewrite(house.prompt_gate, text, decision, requester=LOCAL))}


def _check_file(house: House, file: Path, *, rewrite: bool) -> int:
    """Answer every line; a line that cannot be judged is answered with its error and loses nothing else."""
    try:
        lines = file.open(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read: {error.strerror}") from error
    _ = house.prompt_gate  # opened once, before threads want it
    strictest, failed = Action.ALLOW, 0
    with lines, ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        numbered = ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
        while group := list(islice(numbered, GROUP)):
            for answer, action in pool.map(lambda each: _answer(house, *each, rewrite=rewrite), group):
                failed += action is None
                strictest = max(strictest, action or Action.ALLOW)
                print_json(answer)
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
        decision = house.prompt_gate.check_prompt(row["text"], requester=LOCAL)
    except InvalidContent as error:
        answer: dict[str, Any] = {"error": str(error), "line": number}
    else:
        action, answer = decision.verdict.action, decision_view(decision)
        if rewrite:
            answer |= _offer(house, row["text"], decision)
    return ({"id": row["id"], **answer} if "id" in row else answer), action


def _row(line: str, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise InvalidContent(f"line {number} is not JSON") from error
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise InvalidContent(f'line {number} needs an object with a "text"')
    return row
