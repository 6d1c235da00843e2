"""What a file's tags declare about its origin, and which generator they name. Pure; looks at no pixel.

A declaration is believed as such, whoever wrote it; the name of a generator in a tag is a hint and nothing more. What
such a tag says beyond that is not repeated: generators write prompts there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from safety.domain import Origin, OriginEvidence, Strength
from safety.origin import CAPTURED_SOURCE_TYPES, SYNTHETIC_SOURCE_TYPES

DECLARING_TAGS = frozenset({"aigc", "xmp:aigc"})
"""Tags that exist only to declare synthesis (GB 45438-2025 asks for the field `AIGC`)."""

WRITER_TAGS = frozenset({"encoder", "handler_name", "software", "xmp:creatortool"})
"""Tags that name the software that wrote the file last."""

UNSURE_LABELS = frozenset({"2", "3"})
"""Values of `Label` in the field AIGC that say "perhaps" and "suspected"; 1 says that it is generated
(GB 45438-2025, appendix E)."""

GENERATORS = (
    "sora", "runway", "gen-2", "gen-3", "gen-4", "pika", "kling", "hailuo", "minimax", "luma", "dream machine", "veo",
    "vidu", "pixverse", "stable video diffusion", "animatediff", "deforum", "comfyui", "automatic1111", "invokeai",
    "hunyuanvideo", "wan2.1", "wan2.2", "ltx-video", "ltxv", "mochi-1", "cogvideox", "open-sora", "skyreels",
    "diffusers", "midjourney", "imagen", "seedance", "jimeng",
)  # fmt: skip
"""Names that generators and their interfaces write about themselves. A person or a place may be called so too."""

_NAME = re.compile(r"(?<![\w-])(" + "|".join(map(re.escape, GENERATORS)) + r")(?![\w-])", re.I)
_WORKFLOW = re.compile(r"\"class_type\"\s*:")
"""ComfyUI writes its graph, prompts included, into a tag."""


def declared(tags: Mapping[str, str]) -> list[OriginEvidence]:
    """Return the declarations and hints in tags (keys lower-case), in their order."""
    return [found for key, value in tags.items() if (found := _declaration(key, value) or _hint(key, value))]


def _declaration(key: str, value: str) -> OriginEvidence | None:
    kinds = {kind for kind in SYNTHETIC_SOURCE_TYPES if re.search(rf"\b{kind}\b", value)}
    if not kinds and (key not in DECLARING_TAGS or _label(value) in UNSURE_LABELS):
        return None
    words = f"The tag {key!r} declares that it is synthetic. Anyone can write or remove it."
    return OriginEvidence("metadata", Origin.SYNTHETIC, Strength.DECLARATION, words, {key: value[:200]})


def _hint(key: str, value: str) -> OriginEvidence | None:
    shown: dict[str, object] = {key: value[:200]}
    named = _NAME.search(value)
    if any(re.search(rf"\b{kind}\b", value) for kind in CAPTURED_SOURCE_TYPES):
        origin, words = Origin.CAPTURED, "says that a camera recorded it. It is not signed: anyone can write it"
    elif key in DECLARING_TAGS:
        origin, words = Origin.SYNTHETIC, "says that it may be synthetic"
    elif named or _WORKFLOW.search(value):
        name = named[1].lower() if named else "comfyui"
        origin, words = Origin.SYNTHETIC, f"names a generator ({name}). A name proves nothing: anyone can write it"
        shown = {"tag": key, "generator": name}
    elif key in WRITER_TAGS and value:
        origin, words = Origin.UNKNOWN, "names the software that wrote it last"
    else:
        return None
    return OriginEvidence("metadata", origin, Strength.HINT, f"The tag {key!r} {words}.", shown)


def _label(value: str) -> str:
    try:
        field = json.loads(value)
    except ValueError:
        return ""
    return str(field.get("Label", "")) if isinstance(field, dict) else ""
