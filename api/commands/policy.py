"""`framegate policy`: look at a policy, check one before it is used, and try it on what is recorded.

What changes the state of a registered one is `api.commands.policy_states`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from api.commands import policy_states
from api.desk_views import replay_view
from api.settings import Settings
from api.terminal import print_json, say
from api.wiring import configured_rows, offered_signals, open_house, policy_named
from safety.domain import Checkpoint
from safety.policy import Condition, Demand, Policy, load_policy
from safety.policy_diff import differences

app = typer.Typer(no_args_is_help=True, help="Look at policies, check them, and try them beside the one in force.")
policy_states.add_to(app)


@app.command()
def show(
    file: Annotated[
        Path | None,
        typer.Argument(help="A policy file, or the digest of a registered policy; default: the one in force."),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Show the rules in force: checkpoint, category, signal, threshold, action."""
    policy = policy_named(Settings(), file)
    if as_json:
        print_json(_view(policy))
        return
    say(f"[bold]{policy.name}[/] {policy.digest}")
    for checkpoint in Checkpoint:
        say(f"\n[bold]{checkpoint}[/]")
        for rule in policy.rules_at(checkpoint):
            conditions = _conditions(rule.conditions)
            say(f"  {rule.word:8} {rule.category:20} {conditions} (unmeasured: {rule.if_unmeasured.word})")
        for modifier in policy.modifiers_at(checkpoint):
            way = "stricter" if modifier.strict else "more lenient"
            say(
                f"  {_conditions(modifier.conditions)}: {way} by {abs(modifier.shift):g} for "
                f"{', '.join(modifier.categories)} (rules that {' or '.join(each.word for each in modifier.moves)})"
            )
        if (demand := policy.coverage.get(checkpoint)) is not None:
            say(f"  coverage: {_demanded(demand)} (unmet: {demand.if_unmet.word})")
        for gap in policy.gaps:
            if gap.checkpoint is checkpoint:
                say(f"  [dim]unmeasured: {gap.signal}: {gap.reason}[/]")


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="The policy file to check.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Check a policy: readable, consistent, every checkpoint guarded, every signal offered by a classifier."""
    policy = load_policy(file)
    policy.require_signals(offered_signals(policy, configured_rows(Settings().text_plugins)))
    if as_json:
        print_json({"policy": policy.digest, "name": policy.name, "rules": len(policy.rules), "ok": True})
    else:
        say(f"{file}: {len(policy.rules)} rules over {len(policy.categories)} categories, {policy.digest}")


def _demanded(demand: Demand) -> str:
    parts = [
        "" if demand.longest_gap_s is None else f"at most {demand.longest_gap_s:g} s in a row unseen",
        "" if demand.frames_share is None else f"at least {demand.frames_share:.0%} of the frames seen",
        "looking ends with a block" if demand.stop_at_block else "",
    ]
    return ", ".join(part for part in parts if part) or "nothing"


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="A policy file, or the digest of a registered policy.")],
    new: Annotated[Path | None, typer.Argument(help="Another; default: the one in force.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")] = False,
) -> None:
    """Show what differs between two policies, rule by rule. Exit 0 also where something differs."""
    settings = Settings()
    changes = differences(policy_named(settings, old), policy_named(settings, new))
    for change in changes:
        if as_json:
            print_json({"kind": change.kind, "id": change.id, "before": change.before, "after": change.after})
            continue
        say(f"[bold]{change.kind} {escape(change.id)}[/]")
        for mark, text in (("-", change.before), ("+", change.after)):
            if text is not None:
                say(f"  {mark} {escape(text)}")
    if not changes and not as_json:
        say("both say the same")


@app.command()
def replay(
    file: Annotated[
        Path, typer.Argument(help="The policy to try on what is recorded: a file, or a registered digest.")
    ],
    *,
    since: Annotated[datetime | None, typer.Option(help="Only decisions from this time on (UTC).")] = None,
    until: Annotated[datetime | None, typer.Option(help="Only decisions before this time (UTC).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Show what another policy would have decided, from recorded scores, and how well where people decided."""
    from api.terminal import progress_bar
    from safety.replay import replay as replay_record

    settings = Settings()
    policy = policy_named(settings, file)
    with open_house(settings) as house, progress_bar() as tell:
        done = replay_record(house.ledger, policy, since=_utc(since), until=_utc(until), progress=tell)
    if as_json:
        print_json(replay_view(done))
        return
    say(f"{done.decisions} decisions, {done.changed} would be others under {policy.name}")
    for (before, after), count in sorted(done.changes.items()):
        if before != after:
            say(f"  {before:6} → {after:6} {count:8}   {', '.join(done.examples[before, after][:3])}")
    for category, (before_n, after_n) in sorted(done.categories.items()):
        say(f"  {category:24} found {before_n} → {after_n}")
    for each in done.estimates:
        for name, share in (("precision", each.precision), ("recall", each.recall)):
            low, high = share.interval
            said = "nothing to count" if share.value is None else f"{share.value:.2f} [{low:.2f}, {high:.2f}]"
            say(f"  {each.category}: {name} where people decided {said} ({share.k} of {share.n})")


def _utc(time: datetime | None) -> datetime | None:
    return None if time is None else time.replace(tzinfo=time.tzinfo or UTC)


def _conditions(conditions: Iterable[Condition]) -> str:
    return " and ".join(f"{each.signal} ≥ {each.threshold:g}" for each in conditions)


def _condition_rows(conditions: Iterable[Condition]) -> list[dict[str, object]]:
    return [{"signal": each.signal, "threshold": each.threshold} for each in conditions]


def _view(policy: Policy) -> dict[str, object]:
    return {
        "policy": policy.digest,
        "name": policy.name,
        "false_alarms": policy.false_alarms,
        "likely_synthetic": policy.likely_synthetic,
        "categories": {category.id: category.clause for category in policy.categories.values()},
        "severities": {category.id: category.severity for category in policy.categories.values()},
        "rewritable": sorted(category.id for category in policy.categories.values() if category.rewrite),
        "modifiers": [
            {
                "id": modifier.id,
                "checkpoint": modifier.checkpoint.value,
                "conditions": _condition_rows(modifier.conditions),
                "categories": list(modifier.categories),
                "shift": modifier.shift,
                "moves": [action.word for action in modifier.moves],
            }
            for modifier in policy.modifiers
        ],
        "rules": [
            {
                "id": rule.id,
                "checkpoint": rule.checkpoint.value,
                "category": rule.category,
                "conditions": _condition_rows(rule.conditions),
                "action": rule.word,
                "if_unmeasured": rule.if_unmeasured.word,
            }
            for rule in policy.rules
        ],
        "coverage": {
            checkpoint.value: {
                "longest_gap_s": demand.longest_gap_s,
                "frames_share": demand.frames_share,
                "if_unmet": demand.if_unmet.word,
                "stop_at_block": demand.stop_at_block,
            }
            for checkpoint, demand in policy.coverage.items()
        },
        "gaps": [
            {"checkpoint": gap.checkpoint.value, "signal": gap.signal, "reason": gap.reason} for gap in policy.gaps
        ],
    }
