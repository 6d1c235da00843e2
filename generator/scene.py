"""The small world the embedded checkpoint knows: a Scene of seven slots, its words and its canonical caption.

The renderer draws Scenes, the training captions and the prompt expansion speak them. Reading a free prompt is
`generator.expand`; drawing is `generator.training.render_clips`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

SLOTS = ("size", "colour", "shape", "motion", "place", "time", "camera")
"""In the order in which the canonical caption names them."""

STEADY = "steady"
"""The camera that captions do not mention: a prompt gets it unless it asks for another."""

WORDS: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "size": {
            "big": ("large", "huge", "giant", "enormous", "great", "bigger"),
            "small": ("little", "tiny", "mini", "miniature", "smaller"),
        },
        "colour": {
            "red": ("crimson", "scarlet", "ruby", "cherry"),
            "orange": ("tangerine", "amber"),
            "yellow": ("golden", "gold", "lemon", "blond"),
            "green": ("emerald", "lime", "olive"),
            "blue": ("azure", "navy", "cobalt", "turquoise", "cyan"),
            "purple": ("violet", "lilac", "lavender", "indigo"),
            "pink": ("magenta", "rose", "fuchsia", "rosy"),
            "white": ("ivory", "pale", "silver"),
        },
        "shape": {
            "ball": ("sphere", "orb", "globe", "balloon", "bubble", "marble", "football", "apple", "circle", "disc"),
            "cube": ("box", "block", "crate", "dice", "package", "parcel"),
            "star": ("asterisk", "starfish"),
            "heart": ("valentine", "love"),
            "triangle": ("pyramid", "cone", "tent", "wedge"),
            "ring": ("hoop", "donut", "doughnut", "torus", "tyre", "tire", "wheel"),
        },
        "motion": {
            "moving to the left": ("left", "leftward", "leftwards", "westward"),
            "moving to the right": ("right", "rightward", "rightwards", "eastward"),
            "rising": ("up", "upward", "upwards", "rises", "climbing", "ascending", "flying", "soaring", "rise"),
            "falling": ("down", "downward", "downwards", "falls", "dropping", "descending", "sinking", "drops", "fall"),
            "bouncing": ("jumping", "bounces", "hopping", "jumps", "leaping", "bounce", "hops", "dancing", "playing"),
            "standing still": ("still", "resting", "lying", "waiting", "motionless", "static", "sitting", "standing"),
        },
        "place": {
            "over a meadow": ("meadow", "grass", "field", "lawn", "park", "garden", "forest", "hill", "hills", "farm"),
            "over the ocean": ("ocean", "sea", "water", "lake", "waves", "river", "beach", "bay", "harbour"),
            "over a desert": ("desert", "sand", "dune", "dunes", "sahara", "mars"),
            "in a city": ("city", "street", "town", "road", "downtown", "skyline", "buildings", "village", "tokyo"),
            "over snow": ("snow", "snowy", "winter", "ice", "arctic", "glacier", "snowfield", "icy"),
            "in space": ("space", "stars", "galaxy", "cosmos", "universe", "orbit", "cosmic"),
        },
        "time": {
            "by day": ("day", "noon", "daylight", "midday", "sunny", "afternoon", "daytime", "sunshine"),
            "at sunset": ("sunset", "dusk", "evening", "sunrise", "dawn", "twilight", "morning"),
            "at night": ("night", "midnight", "nighttime", "moonlight", "moonlit", "dark", "darkness"),
        },
        "camera": {
            "steady": (),
            "the camera pans left": ("the camera moves to the left", "panning left"),
            "the camera pans right": ("the camera moves to the right", "panning right"),
            "the camera zooms in": ("zooming in", "the camera comes closer"),
        },
    }
)  # fmt: skip
"""slot -> value -> other words for it. The value is the canonical phrase itself."""


@dataclass(frozen=True)
class Scene:
    """One object doing one thing somewhere at some time; every field is a key of `WORDS[field]`."""

    size: str
    colour: str
    shape: str
    motion: str
    place: str
    time: str
    camera: str = STEADY

    def __post_init__(self) -> None:
        for slot in SLOTS:
            if getattr(self, slot) not in WORDS[slot]:
                raise ValueError(f"{slot} {getattr(self, slot)!r} is not one of {', '.join(WORDS[slot])}")

    @property
    def caption(self) -> str:
        """The canonical caption: the sentence the checkpoint was mostly trained on."""
        filmed = "" if self.camera == STEADY else f", {self.camera}"
        return f"a {self.size} {self.colour} {self.shape} {self.motion} {self.place} {self.time}{filmed}"


def choices(slot: str) -> tuple[str, ...]:
    """Return the values a slot can take, in a fixed order."""
    return tuple(WORDS[slot])
