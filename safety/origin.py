"""Fuses evidence about a video's origin into one answer. Pure and monotone: more evidence never weakens an answer.

    ours              a proof that we released it: our credential, watermark, fingerprint or local features
    synthetic         somebody declares it (a credential or metadata that says so)
    captured          a trusted credential says that a camera recorded it
    likely_synthetic  only the forensic estimate says so, above the policy's threshold
    unknown           nothing above was found; this does not mean that the video is real

The order is the strength of the evidence, strongest first: an estimate never overrules a trusted credential.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from media.clip import Coverage
from safety.domain import Origin, OriginEvidence, OriginReport, Strength, Unmeasured

SUMMARIES = {
    Origin.OURS: "This video was released by this service.",
    Origin.SYNTHETIC: "This video is declared to be synthetic.",
    Origin.CAPTURED: "A trusted credential says that a camera recorded this video.",
    Origin.LIKELY_SYNTHETIC: "No declaration was found; the forensic estimate says that it is likely synthetic.",
    Origin.UNKNOWN: "No sign of synthetic origin was found. Not detected does not mean that the video is real.",
}

_RANK = (Origin.OURS, Origin.SYNTHETIC, Origin.CAPTURED, Origin.LIKELY_SYNTHETIC)

SYNTHETIC_SOURCE_TYPES = frozenset(
    {"trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "algorithmicMedia", "compositeSynthetic"}
)
"""IPTC digital source types that declare synthesis (https://cv.iptc.org/newscodes/digitalsourcetype/)."""

CAPTURED_SOURCE_TYPES = frozenset({"digitalCapture", "computationalCapture"})
"""IPTC digital source types of a camera's own recording."""


def fuse(
    evidence: Sequence[OriginEvidence],
    score: float | None,
    unmeasured: Iterable[Unmeasured] = (),
    coverage: Coverage | None = None,
) -> OriginReport:
    """Return the strongest origin that the evidence carries; hints alone carry none."""
    carried = {each.points_to for each in evidence if each.strength is not Strength.HINT}
    origin = next((each for each in _RANK if each in carried), Origin.UNKNOWN)
    return OriginReport(origin, score, tuple(evidence), tuple(unmeasured), coverage, SUMMARIES[origin])


def fuse_windows(probabilities: Sequence[float]) -> float | None:
    """Return one probability for a whole video: the mean of the windows' log-odds, or None without windows."""
    if not probabilities:
        return None
    clipped = [min(max(p, 1e-6), 1 - 1e-6) for p in probabilities]
    mean = sum(math.log(p / (1 - p)) for p in clipped) / len(clipped)
    return 1 / (1 + math.exp(-mean))
