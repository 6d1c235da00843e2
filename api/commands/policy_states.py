"""`framegate policy register|list|history|promote|trials|retire|rollback`: try a policy beside the one in force."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from api.policy_views import event_view, figures_view, standing_view
from api.settings import Settings
from api.terminal import print_json, say
from api.wiring import open_house
from safety.errors import PolicyError
from safety.lookup.policies import PolicyEvent
from safety.policy_book import Bar
from safety.policy_states import PolicyState

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]
Named = Annotated[str, typer.Argument(metavar="POLICY", help="Its digest, or 8 digits of it or more.")]
Why = Annotated[str, typer.Option("--reason", help="Why; it stands in the ledger for good.")]


def add_to(app: typer.Typer) -> None:
    """Add these commands to `framegate policy`."""
    for command in (register, history, promote, trials, retire, rollback):
        app.command()(command)
    app.command("list")(list_policies)


def register(
    file: Annotated[Path, typer.Argument(help="The policy file.")], *, reason: Why, as_json: AsJson = False
) -> None:
    """Keep a policy as a draft, under its digest. It judges nothing yet."""
    try:
        body = file.read_bytes()
    except OSError as error:
        raise PolicyError(f"policy {file} cannot be read: {error.strerror}") from error
    with open_house(Settings()) as house:
        _tell(house.policy_book.register(body, by=getpass.getuser(), reason=reason), as_json=as_json)


def list_policies(*, as_json: AsJson = False) -> None:
    """List registered policies and where they stand, in the order in which they were registered."""
    with open_house(Settings()) as house:
        book = house.policy_book
        newest = {event.policy: event for event in book.history()}
        views = [standing_view(newest[policy], state) for policy, state in book.states().of.items()]
        in_force = book.in_force()
    for view in views:
        if as_json:
            print_json(view)
        else:
            share = "" if view["share"] is None else f" on {view['share']:.1%}"
            say(f"{view['policy']} {view['state']}{share} {escape(view['name'])}")
    if not as_json:
        say(f"in force: {in_force}")


def history(
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="Its digest, or digits of it; none: all.")] = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Show every change of state with who and why, oldest first."""
    with open_house(Settings()) as house:
        events = house.policy_book.history(house.policy_book.find(policy) if policy else None)
    for event in events:
        _tell(event, as_json=as_json)
    if not events and not as_json:
        say("no policy is registered")


def promote(
    policy: Named,
    *,
    to: Annotated[str, typer.Option(help="shadow, canary or live.")],
    reason: Why,
    share: Annotated[
        float | None, typer.Option(help="Of a canary: share of what is judged on which it acts, above 0 and below 1.")
    ] = None,
    decisions: Annotated[int, typer.Option(min=0, help="Decisions it must have judged beside the one in force.")] = 0,
    agreement: Annotated[
        float, typer.Option(min=0, max=1, help="What the 95 % interval of their agreement must begin with.")
    ] = 0.0,
    unproven: Annotated[
        bool, typer.Option("--unproven", help="Skip states and what is demanded of trials; that is recorded.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Move a policy on: to shadow, to canary, to live; or give a canary another share."""
    if to not in (PolicyState.SHADOW, PolicyState.CANARY, PolicyState.LIVE):
        raise typer.BadParameter("take shadow, canary or live", param_hint="--to")
    with open_house(Settings()) as house:
        book = house.policy_book
        event = book.promote(
            book.find(policy),
            PolicyState(to),
            by=getpass.getuser(),
            reason=reason,
            share=share,
            bar=Bar(decisions, agreement),
            unproven=unproven,
        )
    _tell(event, as_json=as_json)


def trials(policy: Named, *, as_json: AsJson = False) -> None:
    """Show how a policy that is tried compares with the one in force, decision by decision."""
    with open_house(Settings()) as house:
        book = house.policy_book
        view = figures_view(book.figures(book.find(policy), book.in_force()))
    if as_json:
        print_json(view)
        return
    if not view["decisions"]:
        say(f"it judged nothing beside {view['against']} yet")
        return
    low, high = view["interval"]
    say(
        f"both said the same in {view['agreed']} of {view['decisions']} decisions, {view['agreement']:.2%} "
        f"({low:.2%} to {high:.2%}); it was weaker in {view['weaker']} and stricter in {view['stricter']}"
    )
    for row in view["changes"]:
        if row["in_force"] != row["tried"]:
            say(f"  {row['in_force']:6} → {row['tried']:6} {row['decisions']:8}")


def retire(policy: Named, *, reason: Why, as_json: AsJson = False) -> None:
    """Try a policy no more. A live one is rolled back, or replaced by another."""
    with open_house(Settings()) as house:
        book = house.policy_book
        _tell(book.retire(book.find(policy), by=getpass.getuser(), reason=reason), as_json=as_json)


def rollback(*, reason: Why, as_json: AsJson = False) -> None:
    """Undo the newest promotion: a canary becomes a shadow again, or what was in force before is so again."""
    with open_house(Settings()) as house:
        event = house.policy_book.rollback(by=getpass.getuser(), reason=reason)
        in_force = house.policy_book.in_force()
    _tell(event, as_json=as_json)
    if not as_json:
        say(f"in force: {in_force}")


def _tell(event: PolicyEvent, *, as_json: bool) -> None:
    if as_json:
        print_json(event_view(event))
        return
    share = "" if event.share is None else f" on {event.share:.1%}"
    unproven = ", unproven" if event.unproven else ""
    say(
        f"{event.at:%F %T} {event.policy} {event.state}{share} ({event.way}{unproven}) by {escape(event.by)}: "
        f"{escape(event.reason)}"
    )
