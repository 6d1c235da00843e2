"""Opens what judges prompts and frames without a ledger: for evaluating the gates, here or in further processes."""

from __future__ import annotations

from api.settings import Settings
from api.wiring.house import House
from classifiers import catalog
from media.clip import Clip
from safety.domain import Unmeasured
from safety.evaluate.frame_judging import FrameBench
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


def open_frame_bench(settings: Settings) -> FrameBench:
    """Return the policy, the classifiers and the sampling that `framegate screen` uses; nothing else is touched.

    Raises:
        PolicyError, ClassifierError: as for the gate.
    """
    house = House(settings)
    absent = [Unmeasured(signal, each.reason) for each in house.clip_catalog.absent for signal in each.signals]
    instruments = Instruments(clip=house.clip_catalog.for_clips(), absent=absent)
    return FrameBench(house.policy, instruments, house.limits, house.sampling)


def signals_of_clips() -> frozenset[str]:
    """Return every signal of frames and videos that a classifier reports, without loading any weights."""
    return catalog.known_signals(accepts=Clip)


def open_policy(settings: Settings) -> Policy:
    """Return the policy that `framegate check` uses, without loading any weights.

    Raises:
        PolicyError: as for the gate.
    """
    return House(settings).policy
