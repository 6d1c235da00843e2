"""`framegate export`: decisions as files, statements of reasons. An auditor verifies `framegate ledger export`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from api.commands.ledger import ActionWord
from api.restrictions import restriction_behind
from api.settings import Settings
from api.terminal import Exit, print_json, progress_bar, say
from api.wiring import open_house, personal_data_scan
from safety.appeals import ANSWER_WITHIN
from safety.domain import Action, Checkpoint
from safety.exports.decision_files import Format, export_decisions
from safety.exports.statement_batches import write_batches
from safety.exports.statements import Terms, letter, statement_of
from safety.lookup.selection import Selection

app = typer.Typer(no_args_is_help=True, help="Write what is recorded into files for others.")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]
Since = Annotated[datetime | None, typer.Option(help="Only from this time on (UTC).")]
Until = Annotated[datetime | None, typer.Option(help="Only before this time (UTC).")]


@app.command()
def decisions(
    out: Annotated[Path, typer.Option(help="File to write; for Parquet a folder.")],
    *,
    format_: Annotated[Format | None, typer.Option("--format", help="Default: by the ending of --out.")] = None,
    since: Since = None,
    until: Until = None,
    checkpoint: Annotated[Checkpoint | None, typer.Option(help="Only this checkpoint.")] = None,
    action: Annotated[ActionWord | None, typer.Option(help="Only with this action.")] = None,
    category: Annotated[str | None, typer.Option(help="Only with a finding of this category.")] = None,
    policy: Annotated[str | None, typer.Option(help="Only by this policy (`sha256:…`).")] = None,
    as_json: AsJson = False,
) -> None:
    """Export decisions as JSON lines, CSV or Parquet. Interrupted, the same command goes on where it stopped."""
    chosen = format_ or _by_ending(out)
    selection = Selection(
        since=in_utc(since),
        until=in_utc(until),
        checkpoint=checkpoint,
        action=Action.from_word(action) if action else None,
        category=category,
        policy=policy,
    )
    with open_house(Settings()) as house, progress_bar() as progress:
        log = house.log_key.public.name
        done = export_decisions(house.ledger, out, chosen, selection, log=log, progress=progress)
    if as_json:
        print_json({"rows": done.rows, "resumed_after": done.resumed_after, "end": done.end, "out": str(out)})
        return
    again = f", {done.resumed_after} of them before an interruption" if done.resumed_after else ""
    say(f"{done.rows} decisions in {escape(str(out))}{again}")


@app.command()
def statements(
    out: Annotated[Path, typer.Option(help="Empty folder for the batches.")],
    *,
    since: Since = None,
    until: Until = None,
    terms_url: Annotated[str, typer.Option(help="Where your terms are published.")] = "",
    country: Annotated[
        list[str] | None, typer.Option(help="Where restrictions hold; default: the whole Union.")
    ] = None,
    with_reasons: Annotated[bool, typer.Option("--with-reasons", help="Quote what reviewers wrote.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write statements of reasons for a period, in batches of 100 for the DSA Transparency Database.

    A batch with a fault or with personal data is not written; exit 1 then, and report.json says what is at fault.
    """
    terms = Terms(url=terms_url, countries=tuple(country or ()), with_reasons=with_reasons)
    selection = Selection(since=in_utc(since), until=in_utc(until))
    with open_house(Settings()) as house:
        report = write_batches(house.ledger, selection, terms, personal_data_scan(), out)
    if as_json:
        print_json(report.to_json())
    else:
        say(f"{report.statements} statements in {report.batches} batches in {escape(str(out))}")
        for batch in report.refused:
            for decision, faults in batch.faults.items():
                say(escape(f"batch {batch.number} was refused: {decision}: {'; '.join(faults)}"))
    if report.refused:
        raise typer.Exit(Exit.COULD_NOT)


@app.command()
def statement(
    decision: Annotated[str, typer.Argument(help="Id of a decision that restricts something.")],
    *,
    terms_url: Annotated[str, typer.Option(help="Where your terms are published.")] = "",
    as_json: AsJson = False,
) -> None:
    """Print the statement of reasons for the person whom a decision restricts; --json: for the database."""
    with open_house(Settings()) as house:
        restriction = restriction_behind(house, decision)
    if as_json:
        print_json(statement_of(restriction, Terms(url=terms_url)))
    else:
        typer.echo(letter(restriction, appeal_days=ANSWER_WITHIN.days))


@app.command()
def report(
    out: Annotated[Path, typer.Option(help="Folder for the report.")],
    *,
    year: Annotated[int | None, typer.Option(help="A whole year (UTC).", min=2000, max=9998)] = None,
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
) -> None:
    """Write a transparency report about a year, or a period: a page, the figures as JSON, charts."""
    if (year is None) == (since is None and until is None):
        raise typer.BadParameter("say which period: --year 2026, or --since and --until")
    if year is not None:
        first, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    elif since is None or until is None:
        raise typer.BadParameter("a period needs both --since and --until")
    else:
        first, end = since.replace(tzinfo=since.tzinfo or UTC), until.replace(tzinfo=until.tzinfo or UTC)
    from safety.exports.transparency import report_of, tally
    from safety.exports.transparency_page import write_report

    with open_house(Settings()) as house, progress_bar() as progress:
        made = report_of(tally(house.ledger, first, end, progress))
    write_report(made, out)
    if as_json:
        print_json(made)
    else:
        say(f"wrote {escape(str(out / 'report.md'))}, report.json and charts: {made['decisions']['total']} decisions")


def in_utc(time: datetime | None) -> datetime | None:
    """A time of the command line: UTC where it names no zone."""
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time


def _by_ending(out: Path) -> Format:
    try:
        return Format(out.suffix.removeprefix("."))
    except ValueError:
        raise typer.BadParameter(
            f"the ending of {out.name!r} names no format: end it with .jsonl, .csv or .parquet, or say --format"
        ) from None
