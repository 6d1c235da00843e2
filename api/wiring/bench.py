"""Opens what judges prompts and frames, or estimates origin, without a ledger: for evaluations, here or elsewhere."""

from __future__ import annotations

import os
from dataclasses import dataclass

from api.keys import SECRET_BYTES
from api.settings import Settings
from api.wiring.house import House
from api.wiring.origin_scale import known_false_alarms
from api.wiring.people import looking_for
from classifiers import catalog
from classifiers.base import Classifier, ClassifierError
from classifiers.forensics import small
from classifiers.frame_encoder import FrameEncoder
from classifiers.known_content import KnownContentClassifier, NothingKnown
from classifiers.known_persons import NobodyEnrolled
from media.clip import Clip
from provenance.base import Watermark
from provenance.watermark import SpreadSpectrumWatermark
from safety.banks import known_signals
from safety.domain import Unmeasured
from safety.evaluate.frame_judging import FrameBench
from safety.evaluate.judging import Bench
from safety.evaluate.origin_scores import SIGNAL, Embedder
from safety.forensic_evidence import threshold_of
from safety.measure import Instruments
from safety.policy import Policy


def open_bench(settings: Settings) -> Bench:
    """Return the policy and the text classifiers that `framegate check` uses; no database, key or folder is touched.

    Raises:
        PolicyError, ClassifierError: as for the gate.
    """
    house = House(settings)
    instruments = Instruments(text=house.text_classifiers)
    return Bench(house.policy, instruments, settings.prompt_max_characters, settings.prompt_max_scenes)


def open_frame_bench(settings: Settings) -> FrameBench:
    """Return the policy, the classifiers and the sampling that `framegate screen` uses; nothing else is touched.

    Banks of known content and the gallery of known persons count as empty: a data set is judged by what it shows.

    Raises:
        PolicyError, ClassifierError: as for the gate.
    """
    house = House(settings)
    absent = [Unmeasured(signal, each.reason) for each in house.clip_catalog.absent for signal in each.signals]
    known = KnownContentClassifier(NothingKnown(), lambda: known_signals(house.policy.categories))
    seers, blind = looking_for(NobodyEnrolled())
    instruments = Instruments(clip=(*house.clip_catalog.for_clips(), known, *seers), absent=[*absent, *blind])
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


SMALL_DETECTOR = "forensics_small"
"""Name under which the detector that stands in for `forensics` where CLIP's package is missing can be measured."""


@dataclass(frozen=True)
class OriginBench:
    """What an evaluation of origin measures with."""

    detector: Classifier[Clip] | None
    embedder: Embedder | None
    why_no_embedder: str = ""

    def described(self) -> dict[str, str]:
        """Return the detector's name and version."""
        return {} if self.detector is None else {"name": self.detector.name, "version": self.detector.version}

    def trained_on(self) -> frozenset[str]:
        """Return how the SHA-256 digests of files begin that the detector says it has learned from."""
        return frozenset(getattr(self.detector, "trained_on", ()))

    def threshold(self, settings: Settings) -> float:
        """Return the probability from which the policy calls a video `likely_synthetic` by this detector's word.

        Scores of a file are nobody's that we know: what the policy states for such a detector, or 1.

        Raises:
            PolicyError, ConfigurationError: as for a scan.
        """
        policy = open_policy(settings)
        if self.detector is None:
            return 1.0 if policy.likely_synthetic is None else policy.likely_synthetic
        return threshold_of(policy, known_false_alarms(settings, self.detector))


def open_origin_bench(settings: Settings, name: str | None) -> OriginBench:
    """Return the detector of that name, and the encoder whose embeddings the controls are learned from.

    Raises:
        ClassifierError: there is no such detector, or it cannot work here.
    """
    detector: Classifier[Clip] | None = None
    if name == SMALL_DETECTOR:
        detector = small()
    elif name is not None:
        built = catalog.build((name,))
        detector = next((each for each in built.for_clips() if SIGNAL in each.signals), None)
        if detector is None:
            why = built.absent[0].reason if built.absent else f"it does not report {SIGNAL}"
            raise ClassifierError(f"{name} cannot be measured: {why}")
    try:
        return OriginBench(detector, FrameEncoder())
    except ClassifierError as error:
        return OriginBench(detector, None, str(error))


def open_watermark() -> Watermark:
    """Return a watermark of a key made for measuring: the house's own key marks nothing that is not released."""
    return SpreadSpectrumWatermark(os.urandom(SECRET_BYTES))


def stranger_watermarks(count: int) -> list[Watermark]:
    """Return watermarks of keys that nothing was marked with."""
    return [SpreadSpectrumWatermark(os.urandom(SECRET_BYTES)) for _ in range(count)]
