"""`framegate redteam`: attack the prompt gate with disguises, tactics and a searching attacker. Records nothing."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from api.settings import Settings
from api.terminal import print_json, progress_bar, say

app = typer.Typer(no_args_is_help=True, help="Attack the prompt gate, and report what gets through.")


@app.callback()
def redteam() -> None:
    """Attack the prompt gate, and report what gets through."""


@app.command()
def run(
    *,
    prompts: Annotated[
        list[Path] | None, typer.Option(help="JSON Lines of text, labels, benign; default: our own 120 prompts.")
    ] = None,
    sample: Annotated[int, typer.Option(help="At most so many unsafe and benign rows a file; 0: all.", min=0)] = 0,
    lang: Annotated[list[str] | None, typer.Option(help="Only rows of this language; may be repeated.")] = None,
    move: Annotated[list[str] | None, typer.Option(help="Only this disguise or tactic; may be repeated.")] = None,
    budget: Annotated[int, typer.Option(help="Queries the attacker has for each prompt; 0: no attacker.", min=0)] = 30,
    seed: Annotated[int, typer.Option(help="Repeats the same attacks.")] = 0,
    workers: Annotated[int, typer.Option(help="Processes that measure; 0: one for each core.", min=0)] = 0,
    cache: Annotated[
        Path | None, typer.Option(help="Folder that keeps measurements: an interrupted run goes on.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for report.json, report.md and charts.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The report as one JSON object on stdout.")] = False,
) -> None:
    """Put prompts in every disguise and tactic before the prompt gate; nothing is recorded."""
    from api.wiring.bench import open_bench, open_policy
    from safety.errors import InvalidContent
    from safety.evaluate.labels import known_labels
    from safety.evaluate.rows import read_rows, sampled
    from safety.redteam.report import figures, markdown, write
    from safety.redteam.run import SEEDS, hunt, stopped_in_plain_words, try_moves
    from safety.redteam.tactics import TACTICS
    from safety.redteam.transforms import TRANSFORMS

    every = [*TRANSFORMS, *TACTICS]
    if unknown := sorted(set(move or ()) - set(every)):
        raise typer.BadParameter(f"no disguise or tactic is called {', '.join(unknown)}; there are {', '.join(every)}")
    settings = Settings()
    rows = read_rows(prompts or [SEEDS], known_labels(open_policy(settings)))
    rows = [row for row in rows if not lang or row.lang in lang]
    if not rows:
        raise InvalidContent(f"no row is in {' or '.join(lang or ())}: rows name their language in lang")
    if sample:
        rows = sampled(rows, sample, seed)
    bench, workers = open_bench(settings), workers or os.cpu_count() or 1
    with progress_bar() as progress:
        cases = try_moves(
            partial(open_bench, settings),
            bench,
            rows,
            move or every,
            seed=seed,
            workers=workers,
            cache=cache,
            progress=progress,
        )
    with progress_bar() as progress:
        targets = stopped_in_plain_words(cases) if budget else []
        hunts = hunt(bench, targets, budget=budget, seed=seed, progress=progress)
    made = figures(cases, hunts, at=datetime.now(UTC), policy=bench.policy.digest, seed=seed, budget=budget)
    if out is not None:
        write(out, made)
        say(f"wrote {escape(str(out / 'report.md'))}, report.json and charts")
    if as_json:
        print_json(made)
    else:
        say(escape(markdown(made)))
