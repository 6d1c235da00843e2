"""`framegate ledger`: read the record, sign it, and prove that nobody changed it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from api.policy_views import record_view
from api.settings import Settings
from api.terminal import Exit, explain, print_json, progress_bar, say
from api.views import count_view
from api.wiring import open_house
from safety import audit
from safety.domain import Action, Checkpoint
from safety.drift import drifts
from safety.errors import NotFound
from safety.ledger_export import export_ledger
from safety.lookup import Question
from safety.lookup.counts import By, Every, count
from safety.proofs import prove_entry, prove_growth

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
    subject: Annotated[str | None, typer.Option(help="Only about this content: `sha256:…`.")] = None,
    policy: Annotated[str | None, typer.Option(help="Only under this policy: `sha256:…`.")] = None,
    reviewer: Annotated[str | None, typer.Option(help="Only by this person.")] = None,
    classifier: Annotated[str | None, typer.Option(help="Only where it was asked: NAME or NAME@VERSION.")] = None,
    words: Annotated[str | None, typer.Option(help="Only with these words in the reason; `word*` begins so.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Only from this time on (UTC).")] = None,
    until: Annotated[datetime | None, typer.Option(help="Only before this time (UTC).")] = None,
    after: Annotated[str | None, typer.Option(help="Go on behind this decision.")] = None,
    limit: Annotated[int, typer.Option(help="How many, newest first.", min=1, max=1000)] = 20,
    as_json: AsJson = False,
) -> None:
    """List decisions that meet every condition, newest first."""
    question = Question(
        job=job,
        checkpoint=checkpoint,
        action=Action.from_word(action) if action else None,
        category=category,
        subject=subject,
        policy=policy,
        actor=reviewer,
        classifier=classifier,
        words=words,
        since=_utc(since),
        until=_utc(until),
    )
    with open_house(Settings()) as house:
        page = house.search.page(question, after=after, limit=limit)
    for decision in page:
        if as_json:
            print_json(record_view(decision))
        else:
            categories = ", ".join(sorted({f.category for f in decision.verdict.findings})) or "–"
            say(f"{decision.at:%Y-%m-%d %H:%M:%S} {decision.verdict.action.word:6} {decision.checkpoint:7} "
                f"{categories:24} {decision.id}")  # fmt: skip


@app.command()
def counts(
    *,
    by: Annotated[By, typer.Option(help="What is counted apart.")] = By.ALL,
    every: Annotated[Every, typer.Option(help="How long a step is, in UTC.")] = Every.DAY,
    since: Annotated[datetime | None, typer.Option(help="Only from this hour on (UTC).")] = None,
    until: Annotated[datetime | None, typer.Option(help="Only before this hour (UTC).")] = None,
    as_json: AsJson = False,
) -> None:
    """Count decisions over time, with the share of each action."""
    with open_house(Settings()) as house:
        house.search.catch_up()
        found = count(house.engine, by, every, since=_utc(since), until=_utc(until))
    for each in found:
        if as_json:
            print_json(count_view(each))
            continue
        shares = "  ".join(f"{action.word} {each.rate(action):6.1%}" for action in Action)
        say(
            f"{f'{each.at:%Y-%m-%d %H:%M}' if each.at else 'ever':16}  {escape(each.value):24} {each.total:9}  {shares}"
        )
    if not found and not as_json:
        say("no decision is recorded in this time")


@app.command()
def drift(
    *,
    days: Annotated[float, typer.Option(help="How many days up to now are looked at.", min=0.01)] = 1.0,
    before: Annotated[float, typer.Option(help="How many days before those they are compared with.", min=0.01)] = 28.0,
    as_json: AsJson = False,
) -> None:
    """Show how far the scores of each signal have moved: 0 not at all, from 0.25 on somebody should look."""
    with open_house(Settings()) as house:
        found = drifts(house.ledger, datetime.now(UTC), timedelta(days=days), timedelta(days=before))
    for each in found:
        if as_json:
            print_json(vars(each))
        else:
            index = "too few" if each.psi is None else f"{each.psi:.3f}"
            say(f"{each.signal:40} {index:>8}   {each.now} now, {each.before} before")
    if not found and not as_json:
        say("no scores are recorded in this time")


@app.command()
def reindex() -> None:
    """Throw away what decisions are searched and counted by, and build it again from the entries."""
    with open_house(Settings()) as house:
        say(f"{house.search.rebuild()} entries are in the index")


def _utc(time: datetime | None) -> datetime | None:
    return None if time is None else time.replace(tzinfo=time.tzinfo or UTC)


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
        print_json(record_view(found))
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
    workers: Annotated[int, typer.Option(help="Processes that read and hash entries.", min=1, max=64)] = 1,
    as_json: AsJson = False,
) -> None:
    """Recompute everything: exit 0 only if no row was edited, deleted, inserted or moved.

    Only checkpoints kept outside the database show that the whole of it was put back to an older state.
    """
    kept = [path.read_text() for path in note or ()]
    with open_house(Settings()) as house:
        report = audit.verify(
            house.engine,
            house.log_key.public,
            *house.former_log_keys,
            notes=kept,
            derived=not log_only,
            workers=workers,
        )
    if as_json:
        problems = [{"kind": p.kind, "where": p.where, "what": p.what} for p in report.problems]
        print_json({"ok": report.ok, "entries": report.entries, "problems": problems})
    else:
        say(f"{report.entries} entries: " + ("[green]everything holds[/]" if report.ok else "[red]tampered with[/]"))
        for problem in report.problems:
            say(f"  {problem.kind} at {escape(problem.where)}: {escape(problem.what)}")
    raise typer.Exit(Exit.DONE if report.ok else Exit.COULD_NOT)


@app.command()
def prove(
    entry: Annotated[str, typer.Argument(help="Id of a decision, release or event.")] = "",
    *,
    since: Annotated[
        Path | None, typer.Option(help="Instead: prove that the log only grew since this checkpoint.", exists=True)
    ] = None,
) -> None:
    """Print a proof as JSON that anyone can verify with our public key and `verify_export.py`.

    One entry: its bytes, its place, a path of hashes and the signed checkpoint it stands under.
    """
    if bool(entry) == (since is not None):
        raise typer.BadParameter("name an entry, or a checkpoint with --since")
    with open_house(Settings()) as house:
        trusted = (house.log_key.public, *house.former_log_keys)
        if since is None:
            proof = prove_entry(house.ledger, entry, *trusted).to_json()
        else:
            proof = prove_growth(house.ledger, since.read_text(encoding="utf-8"), *trusted).to_json()
    print_json(proof)


@app.command()
def export(
    out: Annotated[Path, typer.Option(help="Folder; an earlier export there is brought up to date.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Write everything an auditor needs to verify the ledger without us, the verifier included.

    What was interrupted goes on where it stopped; memory does not grow with the ledger.
    """
    with open_house(Settings()) as house, progress_bar() as tell:
        done = export_ledger(house.ledger, out, tell)
        key = house.log_key.public.text
    if as_json:
        print_json({"entries": done.entries, "added": done.added, "checkpoints": done.checkpoints, "key": key})
    else:
        say(f"{done.entries} entries ({done.added} new), {done.checkpoints} checkpoints in {escape(str(out))}")
        say(f"verify with: python {escape(str(out / 'verify_export.py'))} {escape(str(out))} --key {escape(key)}")
