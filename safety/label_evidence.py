"""What is written into the picture about its origin, as evidence. Pure but for asking the classifier that reads.

A label that stands at the edge of several frames is a declaration, like a tag: anyone can burn it in. A phrase that is
read once, or in the middle, may be somebody talking about it, and a name in a corner may be a shop's: hints.
"""

from __future__ import annotations

from collections.abc import Sequence

from classifiers.base import Classifier, MeasurementError
from classifiers.base import Score as Reading
from media.clip import Clip
from safety.domain import Origin, OriginEvidence, Strength, TimeSpan, Unmeasured
from safety.evidence import Links

SIGNAL = "video.visible_label"
LABEL, MENTION, MARK = "label", "mention", "mark:"
"""What the details of readings begin with, as `classifiers.visible_label` writes them."""

ENOUGH_FRAMES = 2
"""Frames that a label has to stand in, as far as that many were read."""


def label_link(reader: Classifier[Clip] | None, clip: Clip | None) -> Links:
    """Return labels and marks that can be read in the frames of `clip`, a few spread over a video."""
    if reader is None or clip is None:
        why = "no reader of writing in frames is installed" if reader is None else "no frame was decoded"
        return [], [Unmeasured(SIGNAL, why)]
    try:
        readings = [each for each in reader.score(clip) if each.detail]
    except MeasurementError as error:
        return [], [Unmeasured(SIGNAL, str(error))]
    found = []
    labels = [each for each in readings if each.detail == LABEL]
    if labels:
        found.append(_label(labels, min(ENOUGH_FRAMES, len(clip.frames))))
    elif mentions := [each for each in readings if each.detail == MENTION]:
        words = "A frame mentions generated pictures. Somebody may be talking about them."
        found.append(OriginEvidence("visible_label", Origin.SYNTHETIC, Strength.HINT, words, _places(mentions)))
    for name in sorted({each.detail.removeprefix(MARK) for each in readings if each.detail.startswith(MARK)}):
        marks = [each for each in readings if each.detail == f"{MARK}{name}"]
        words = f"A corner carries the name {name!r}, which is a generator's. A name proves nothing."
        detail = {"generator": name, **_places(marks)}
        found.append(OriginEvidence("visible_label", Origin.SYNTHETIC, Strength.HINT, words, detail))
    return found, []


def _label(labels: Sequence[Reading], enough: int) -> OriginEvidence:
    frames = len({each.span for each in labels if each.span})
    times = len({each.span.start_s for each in labels if isinstance(each.span, TimeSpan)})
    detail = {"frames": times, **_places(labels)}
    if min(frames, times) >= enough:
        words = "A label in the picture declares that it is synthetic. Anyone can burn such a label in, or cut it off."
        return OriginEvidence("visible_label", Origin.SYNTHETIC, Strength.DECLARATION, words, detail)
    words = "A label that declares synthesis stands in one of the frames that were read."
    return OriginEvidence("visible_label", Origin.SYNTHETIC, Strength.HINT, words, detail)


def _places(readings: Sequence[Reading]) -> dict[str, object]:
    spans = [each.span for each in readings if isinstance(each.span, TimeSpan)]
    return {
        "confidence": round(max(each.value for each in readings), 3),
        "places": [{"at_s": round(span.start_s, 2), "box": span.box} for span in spans[:4]],
    }
