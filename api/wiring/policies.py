"""Which policy is in force here: the file that the settings name, or a registered one that was made live."""

from __future__ import annotations

import hmac
from functools import cached_property
from pathlib import Path

from api.keys import subject_key
from api.settings import Settings
from api.wiring.offered import offered_signals
from api.wiring.plugins import configured_rows
from api.wiring.records import Records
from classifiers import catalog
from safety.banks import known_signals
from safety.policy import DEFAULT_POLICY, Policy, load_policy, parse_policy
from safety.policy_book import Bar, PolicyBook


def configured_policy(settings: Settings) -> Policy:
    """Return the policy that the settings name, or the shipped one.

    Raises:
        PolicyError: it cannot be read.
    """
    return load_policy(settings.policy or DEFAULT_POLICY)


def policy_named(settings: Settings, named: Path | None) -> Policy:
    """Return the policy of a file, or the registered one of this digest; None: the one in force.

    A database that is not there is not made: nothing is registered then.

    Raises:
        PolicyError, DatabaseError: it cannot be read.
        NotFound: neither a file nor a registered policy has this name.
    """
    if named is not None and (named.exists() or not named.name.startswith("sha256:")):
        return load_policy(named)
    if not settings.database_url and not (settings.home / "framegate.db").exists():
        return configured_policy(settings)
    house = Policies(settings)
    try:
        book = house.policy_book
        return book.lineup().live if named is None else parse_policy(book.body(book.find(str(named))))
    finally:
        house.close()


class Policies(Records):
    """The rooms of a house that know by which policies it judges."""

    @cached_property
    def policy(self) -> Policy:
        """The policy that the settings name, checked against the classifiers there are."""
        policy = configured_policy(self.settings)
        self._require_signals(policy)
        return policy

    @cached_property
    def text_plugins(self) -> tuple[catalog.Row, ...]:
        """What the settings add to the classifiers of prompts."""
        return configured_rows(
            self.settings.text_plugins, lambda: {each.id: each.clause for each in self.policy.categories.values()}
        )

    @cached_property
    def policy_book(self) -> PolicyBook:
        """Registered policies, and which of them judge."""
        bar = Bar(self.settings.promotion_decisions, self.settings.promotion_agreement)
        return PolicyBook(
            self.engine,
            self._append_event,
            lambda: self.policy,
            self._require_signals,
            self._canary_key,
            bar,
            self.prove_policy,
        )

    @property
    def policy_in_force(self) -> Policy:
        """The policy that judges now: the live one that was registered, or else that of the settings."""
        return self.policy_book.lineup().live

    def known_content_signals(self) -> frozenset[str]:
        """Every signal about known content that a policy asks for by which is judged now, or which is tried."""
        lineup = self.policy_book.lineup()
        return known_signals({each for policy in (lineup.live, *lineup.tried) for each in policy.categories})

    def prove_policy(self, policy: Policy) -> None:
        """Demand that everything here can work by a policy that is to be registered or to act.

        Raises:
            PolicyError: it asks for a signal that nobody reports, or for what a detector cannot tell.
        """
        self._require_signals(policy)

    def _require_signals(self, policy: Policy) -> None:
        policy.require_signals(offered_signals(policy, self.text_plugins))

    def _canary_key(self) -> bytes:
        return hmac.digest(subject_key(self.settings), b"framegate canary 1", "sha256")
