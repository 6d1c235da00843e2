"""What is shown of registered policies: where they stand, how they came there, and what trials showed. Pure."""

from __future__ import annotations

from api.views import Json, decision_view
from safety.domain import Decision, Trial
from safety.intervals import wilson
from safety.lookup.policies import PolicyEvent, TrialFigures
from safety.policy_states import PolicyState


def event_view(event: PolicyEvent) -> Json:
    """One step of a policy."""
    return {
        "event": event.id,
        "policy": event.policy,
        "name": event.name,
        "state": event.state,
        "way": event.way,
        "share": event.share,
        "unproven": event.unproven,
        "figures": event.figures,
        "by": event.by,
        "at": event.at.isoformat(),
        "reason": event.reason,
    }


def standing_view(event: PolicyEvent, state: PolicyState) -> Json:
    """Where a policy stands; `event` is its newest step: another policy that went live retires it without one."""
    return {
        "policy": event.policy,
        "name": event.name,
        "state": state.value,
        "share": event.share if state is PolicyState.CANARY else None,
        "since": event.at.isoformat() if event.state == state else None,
    }


def figures_view(figures: TrialFigures) -> Json:
    """How a policy that is tried compares with the one in force."""
    low, high = wilson(figures.agreed, figures.decisions)
    return {
        "policy": figures.policy,
        "against": figures.against,
        "decisions": figures.decisions,
        "agreed": figures.agreed,
        "agreement": figures.agreed / figures.decisions if figures.decisions else None,
        "interval": [low, high],
        "weaker": figures.weaker,
        "stricter": figures.stricter,
        "changes": [
            {"in_force": before, "tried": after, "decisions": count}
            for (before, after), count in sorted(figures.changes.items())
        ],
    }


def record_view(decision: Decision) -> Json:
    """A Decision as those who keep the record see it: also what policies that are tried said."""
    trials = {"trials": [trial_view(each) for each in decision.trials]} if decision.trials else {}
    return {**decision_view(decision), **trials}


def trial_view(trial: Trial) -> Json:
    """What a policy that is tried said about the same scores."""
    return {
        "policy": trial.policy,
        "part": trial.part,
        "action": trial.action.word,
        "rules": list(trial.rules),
        "against": trial.against,
        "in_force": trial.in_force.word,
    }
