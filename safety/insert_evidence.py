"""What the forensic estimate says about a picture inside the picture, in words: a second look, at that part alone.

A generated insert in the corner of a real frame is lost in the estimate of the whole, which looks at the middle. Where
`media.inserts` finds borders the part within them is estimated like a video of its own, at the same threshold. Borders
alone accuse nobody: an insert that stays below, or is too small, is told as a hint.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from classifiers.base import Classifier, KnownFalseAlarms
from media.clip import Clip
from media.inserts import Insert
from safety.domain import Origin, OriginEvidence, Score, Strength, TimeSpan
from safety.evidence import Links
from safety.origin import fuse_windows
from safety.origin_windows import LEAST_RUN, OriginWindows, first_stride

MOST_INSERTS = 2
"""Inserts of a video that are looked at again."""


@dataclass(frozen=True)
class LookedInside:
    """An insert and its own estimate."""

    insert: Insert
    timeline: OriginWindows

    @property
    def windows(self) -> list[Score]:
        """Its windows, each with the box of the frame that it is about."""
        return [
            replace(each, span=replace(each.span, box=self.insert.box))
            for each in self.timeline.windows
            if isinstance(each.span, TimeSpan)
        ]


def look_inside(
    inserts: Sequence[Insert], clips: Iterable[Clip], forensics: Classifier[Clip], fps: float
) -> list[LookedInside]:
    """Estimate each insert from the clips of a video, of which `fps` frames a second are seen."""
    looked = [
        LookedInside(each, OriginWindows(forensics, stride=first_stride(each.end_s - each.start_s, fps)))
        for each in inserts[:MOST_INSERTS]
    ]
    for clip in clips:
        for each in looked:
            part = each.insert.of(clip)
            if part is not None:
                each.timeline.watch(part)
    return looked


def insert_link(looked: Sequence[LookedInside], threshold: float, known: KnownFalseAlarms | None = None) -> Links:
    """Return the evidence of inserts at a threshold."""
    return [_told(each, threshold, known) for each in looked], []


def _told(looked: LookedInside, threshold: float, known: KnownFalseAlarms | None) -> OriginEvidence:
    insert = looked.insert
    left, top, right, bottom = insert.box
    place = f"{'lower' if top > 0 else 'upper'} {'right' if left > 0 else 'left'}"
    words = (
        f"From {insert.start_s:.1f} s to {insert.end_s:.1f} s a picture seems to stand inside the picture "
        f"({place}, {right - left:.0%} of the width and {bottom - top:.0%} of the height)"
    )
    score = fuse_windows([each.value for each in looked.timeline.windows])
    detail: dict[str, object] = {
        "box": [round(edge, 4) for edge in insert.box],
        "start_s": round(insert.start_s, 3),
        "end_s": round(insert.end_s, 3),
        "windows": len(looked.timeline.windows),
        "threshold": threshold,
        "score": None if score is None else round(score, 4),
        "false_alarms": None if known is None or score is None else round(known.share(score), 4),
    }
    if score is None:
        why = looked.timeline.failure or "it does not stand long enough"
        return OriginEvidence("forensics", Origin.UNKNOWN, Strength.HINT, f"{words}. Not estimated: {why}.", detail)
    if score < threshold:
        words += f". Its own forensic estimate is {score:.2f}, below {threshold:.3g}."
        return OriginEvidence("forensics", Origin.UNKNOWN, Strength.HINT, words, detail)
    words += f". Its own forensic estimate is {score:.2f}, above {threshold:.3g}: it may be generated."
    carries = len(looked.timeline.windows) >= LEAST_RUN
    strength = Strength.ESTIMATE if carries else Strength.HINT
    if not carries:
        words += " A single window is often odd by chance."
    return OriginEvidence("forensics", Origin.LIKELY_SYNTHETIC, strength, words, detail)
