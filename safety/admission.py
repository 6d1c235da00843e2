"""What the ledger refuses to write: a Release nothing allowed, a second answer to one Decision, a mark used twice, a
step of a policy that may not follow.

Checked by the writer inside its transaction, so that no race and no caller gets around it. Pure: the facts are
fetched by `safety.lookup`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from safety.errors import Conflict
from safety.policy_states import States, step_of
from safety.projections import APPEAL, DECISION, POLICY_STATE, RELEASE, WITHDRAWAL


class Ruling(NamedTuple):
    """What a Decision says, and about what."""

    action: str
    """`allow`, `review` or `block`."""

    checkpoint: str
    job: str | None
    actor: str = ""
    """Who decided so: id of a policy or a reviewer."""


WITHDRAWN, RESTORED = "withdrawn", "restored"
"""States of a release that was withdrawn, and of one that may be served again."""

OPEN = "open"
"""State of an appeal that nobody answered."""


class AppealState(NamedTuple):
    """Where an appeal stands."""

    appeal: str
    decision: str
    state: str


@dataclass
class Facts:
    """What is recorded about the ids and marks that a group of appends mentions."""

    decisions: dict[str, Ruling] = field(default_factory=dict)
    """What each mentioned Decision says, by its id."""

    superseded: set[str] = field(default_factory=set)
    """Ids of decisions that another one replaced."""

    watermarks: set[str] = field(default_factory=set)
    """Watermark ids of recorded releases."""

    appeals: dict[str, AppealState] = field(default_factory=dict)
    """Where each appeal stands that is mentioned, or that is about a mentioned Decision, by its id."""

    releases: dict[str, str] = field(default_factory=dict)
    """State of each mentioned release, by its id: empty where it was never withdrawn."""

    policies: States = field(default_factory=States)
    """Where registered policies stand, where one of them is mentioned."""

    def refusal(self, kind: str, record: Mapping[str, Any]) -> Conflict | None:
        """Return why this record may not be appended, or None."""
        if kind == DECISION and record["supersedes"] is not None:
            return self._superseding_refusal(record["supersedes"])
        if kind == RELEASE:
            return self._release_refusal(record)
        if kind == APPEAL:
            return self._appeal_refusal(record)
        if kind == WITHDRAWAL:
            return self._withdrawal_refusal(record["release"], record["state"], erased=record["erased"])
        if kind == POLICY_STATE:
            return self.policies.refusal(step_of(-1, record))
        return None

    def admit(self, kind: str, record: Mapping[str, Any]) -> None:
        """Take note of a record that is being appended, for those after it in the group."""
        if kind == DECISION:
            self.decisions[record["id"]] = Ruling(
                record["verdict"]["action"], record["checkpoint"], record["job"], record["actor"]["id"]
            )
            if record["supersedes"] is not None:
                self.superseded.add(record["supersedes"])
        elif kind == RELEASE:
            self.watermarks.add(record["watermark"])
            self.releases[record["id"]] = ""
        elif kind == WITHDRAWAL:
            self.releases[record["release"]] = record["state"]
        elif kind == APPEAL:
            self.appeals[record["appeal"]] = AppealState(record["appeal"], record["decision"], record["state"])
        elif kind == POLICY_STATE:
            self.policies = self.policies.after(step_of(-1, record))

    def _appeal_refusal(self, record: Mapping[str, Any]) -> Conflict | None:
        decision = record["decision"]
        ruling = self.decisions.get(decision)
        if ruling is None:
            return Conflict(f"there is no decision {decision} to appeal")
        if record["state"] == OPEN:
            if any(each.decision == decision and each.state == OPEN for each in self.appeals.values()):
                return Conflict(f"an appeal against decision {decision} is open already: wait for its answer")
            if decision in self.superseded:
                return Conflict(f"decision {decision} was superseded: appeal the decision that replaced it")
            return None
        return self._answer_refusal(record, ruling)

    def _answer_refusal(self, record: Mapping[str, Any], ruling: Ruling) -> Conflict | None:
        appeal, decision, actor = record["appeal"], record["decision"], record["actor"]
        known = self.appeals.get(appeal)
        if known is None or known.decision != decision:
            return Conflict(f"there is no appeal {appeal} against decision {decision}")
        if known.state != OPEN:
            return Conflict(f"appeal {appeal} was answered already: it is {known.state}")
        if record["state"] != "withdrawn" and ruling.actor == actor:
            return Conflict(f"{actor} made decision {decision}: somebody else has to answer the appeal against it")
        return None

    def _withdrawal_refusal(self, release: str, state: str, *, erased: bool) -> Conflict | None:
        if release not in self.releases:
            return Conflict(f"there is no release {release} to withdraw")
        if state == RESTORED and self.releases[release] != WITHDRAWN:
            return Conflict(f"release {release} is not withdrawn: there is nothing to restore")
        if state == self.releases[release] and not erased:
            return Conflict(f"release {release} is {state} already")
        return None

    def _superseding_refusal(self, target: str) -> Conflict | None:
        if target not in self.decisions:
            return Conflict(f"there is no decision {target} to supersede")
        if target in self.superseded:
            return Conflict(f"decision {target} was superseded already: look at the decision that replaced it")
        return None

    def _release_refusal(self, record: Mapping[str, Any]) -> Conflict | None:
        release = record["id"]
        if not record["decisions"]:
            return Conflict(f"release {release} names no decision that allowed it; nothing is released")
        guarded = set()
        for decision in record["decisions"]:
            ruling = self.decisions.get(decision)
            if ruling is None or ruling.action != "allow" or decision in self.superseded:
                return Conflict(
                    f"release {release}: decision {decision} is not an effective ALLOW; nothing is released"
                )
            # A library's prompt is judged before its job has an id.
            if ruling.job == record["job"] or (ruling.checkpoint == "prompt" and ruling.job is None):
                guarded.add(ruling.checkpoint)
        if missing := {"prompt", "output"} - guarded:
            return Conflict(
                f"release {release}: no decision of its own job allowed it at {' and '.join(sorted(missing))}; "
                "nothing is released"
            )
        if record["watermark"] in self.watermarks:
            return Conflict(f"release {release}: watermark {record['watermark']} belongs to another release")
        return None
