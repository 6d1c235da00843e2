"""`framegate ledger`: read the record, sign it, and prove that nobody changed it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from api.settings import Settings
from api.terminal import Exit, explain, print_json, say
from api.views import decision_view
from api.wiring import open_house
from safety import audit
from safety.domain import Action, Checkpoint
from safety.errors import NotFound

app = typer.Typer(no_args_is_help=True, help="Read the record, sign it, and prove that nobody changed it.")


class ActionWord(StrEnum):
    """What `--action` takes."""

    ALLOW = "allow"
    REVIEW = "review"
    BLOCK = "block"


AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]


@app.command("list")
def list_(
    *,
    checkpoint: Annotated[Checkpoint | None, typer.Option(help="Only this checkpoint.")] = None,
    action: Annotated[ActionWord | None, typer.Option(help="Only with this action.")] = None,
    category: Annotated[str | None, typer.Option(help="Only with a finding of this category.")] = None,
    job: Annotated[str | None, typer.Option(help="Only of this job.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Only from this time on (UTC).")] = None,
    limit: Annotated[int, typer.Option(help="How many, newest first.", min=1, max=1000)] = 20,
    as_json: AsJson = False,
) -> None:
    """List decisions, newest first."""
    with open_house(Settings()) as house:
        page = house.ledger.decisions(
            checkpoint=checkpoint,
            action=Action.from_word(action) if action else None,
            category=category,
            job=job,
            since=since,
            limit=limit,
        )
    for decision in page:
        if as_json:
            print_json(decision_view(decision))
        else:
            categories = ", ".join(sorted({f.category for f in decision.verdict.findings})) or "–"
            say(f"{decision.at:%Y-%m-%d %H:%M:%S} {decision.verdict.action.word:6} {decision.checkpoint:7} "
                f"{categories:24} {decision.id}")  # fmt: skip


@app.command()
def show(
    decision: Annotated[str, typer.Argument(help="Id of a decision.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show one decision in full."""
    with open_house(Settings()) as house:
        found = house.ledger.decision(decision)
    if found is None:
        raise NotFound(f"no decision has the id {decision}")
    if as_json:
        print_json(decision_view(found))
    else:
        explain(found)


@app.command()
def checkpoint() -> None:
    """Sign the ledger as it stands and print the signed note."""
    with open_house(Settings()) as house:
        typer.echo(house.ledger.checkpoint(), nl=False)


@app.command()
def key() -> None:
    """Print the public key that verifies this ledger's checkpoints: give it to your auditors."""
    with open_house(Settings()) as house:
        typer.echo(house.log_key.public.text)


@app.command()
def verify(
    *,
    note: Annotated[
        list[Path] | None, typer.Option(help="A checkpoint that was kept elsewhere; may be repeated.", exists=True)
    ] = None,
    log_only: Annotated[bool, typer.Option(help="Leave out the rows that are derived from entries: faster.")] = False,
    as_json: AsJson = False,
) -> None:
    """Recompute everything: exit 0 only if no row was edited, deleted, inserted or moved.

    Only checkpoints kept outside the database show that the whole of it was put back to an older state.
    """
    kept = [path.read_text() for path in note or ()]
    with open_house(Settings()) as house:
        report = audit.verify(
            house.engine, house.log_key.public, *house.former_log_keys, notes=kept, derived=not log_only
        )
    if as_json:
        problems = [{"kind": p.kind, "where": p.where, "what": p.what} for p in report.problems]
        print_json({"ok": report.ok, "entries": report.entries, "problems": problems})
    else:
        say(f"{report.entries} entries: " + ("[green]everything holds[/]" if report.ok else "[red]tampered with[/]"))
        for problem in report.problems:
            say(f"  {problem.kind} at {escape(problem.where)}: {escape(problem.what)}")
    raise typer.Exit(Exit.DONE if report.ok else Exit.COULD_NOT)
