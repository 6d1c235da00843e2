"""Opens what judges prompts without a ledger: for evaluating the gate, in this process or in further ones."""

from __future__ import annotations

from api.settings import Settings
from api.wiring.house import House
from safety.evaluate.judging import Bench
from safety.measure import Instruments
from safety.policy import Policy


def open_bench(settings: Settings) -> Bench:
    """Return the policy and the text classifiers that `framegate check` uses; no database, key or folder is touched.

    Raises:
        PolicyError, ClassifierError: as for the gate.
    """
    house = House(settings)
    return Bench(house.policy, Instruments(text=house.text_classifiers), settings.prompt_max_characters)


def open_policy(settings: Settings) -> Policy:
    """Return the policy that `framegate check` uses, without loading any weights.

    Raises:
        PolicyError: as for the gate.
    """
    return House(settings).policy
