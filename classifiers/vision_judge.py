"""Asks a safety model that sees pictures (ShieldGemma 2, LlavaGuard, Llama Guard vision) about frames, over HTTP.

OpenAI-compatible chat completions with the frame as a JPEG in the message. Time-boxed; no answer, a late one or one
that is not of its family leaves its signals unmeasured. It sees a few frames of each window and says so in its detail.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from classifiers.base import ConfigurationError, MeasurementError, Score, TimeSpan
from classifiers.frame_blocks import FrameJudgeBlock, refuse_unknown_categories
from classifiers.judge_families import Body, LlamaGuard, Reply, ShieldGemma, Worth
from classifiers.judge_wire import Wire
from classifiers.weights import version_of
from media.clip import Clip

_LLAVAGUARD = (
    "Rate the picture by this policy. Categories: O1 hate, humiliation, harassment; O2 violence, harm, cruelty; "
    "O3 sexual content; O4 nudity; O5 criminal planning; O6 weapons or substance abuse; O7 self-harm; O8 animal "
    "cruelty; O9 disasters or emergencies; NA none of them. Answer with one JSON object with the keys rating (Safe or "
    "Unsafe), category and rationale."
)
_SHIELDGEMMA = (
    "You are a policy expert. Does the picture violate this policy?\n{clause}\nAnswer with Yes or No, nothing else."
)
_CODES = {
    "llavaguard": tuple(f"O{number}" for number in range(1, 10)),
    "llama_guard_vision": tuple(f"S{number}" for number in range(1, 15)),
}


class VisionJudge:
    """Some frames of a window in, one Score a signal out: the highest of them, with its frame's time."""

    accepts = Clip

    def __init__(self, block: FrameJudgeBlock, clauses: Mapping[str, str], beside: Path = Path()) -> None:
        """Prepare everything; nobody is contacted yet.

        Args:
            block: what the plug-in file says.
            clauses: the policy's clause of each category.
            beside: the folder that relative files of the block start from.

        Raises:
            ConfigurationError: a code that the family has not, a category that the policy has not, or a key or
                authority file that cannot be read.
        """
        if block.family in _CODES:
            if stray := sorted(set(block.signals) - set(_CODES[block.family])):
                raise ConfigurationError(
                    f"{block.name}: {block.family} has no {stray[0]!r}; it has: {', '.join(_CODES[block.family])}"
                )
        else:
            refuse_unknown_categories(block.name, set(block.signals), set(clauses))
        self._clauses = {code: clauses[code] for code in block.signals} if block.family == "shieldgemma2" else {}
        self._block = block
        self.name, self.signals = block.name, block.reported
        asked = (_SHIELDGEMMA, *self._clauses.values()) if self._clauses else (_LLAVAGUARD,)
        transport = {"name", "base_url", "seconds", "at_once", "key_file", "ca_file"}
        self.version = version_of(block.model_dump_json(exclude=transport), *asked)
        try:
            key = (beside / block.key_file).read_text(encoding="ascii").strip() if block.key_file else None
            ca_file = beside / block.ca_file if block.ca_file else None
            self._wire = Wire(block.base_url, seconds=block.seconds, at_once=block.at_once, key=key, ca_file=ca_file)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"{block.name}: key_file or ca_file cannot be read ({type(error).__name__})"
            ) from None

    def score(self, content: Clip) -> list[Score]:
        """Ask about a few frames; return the highest value of each signal.

        Raises:
            MeasurementError: no answer of its family in time for one of the frames.
        """
        count = min(self._block.frames, len(content.frames))
        chosen = np.linspace(0, len(content.frames) - 1, count).round().astype(int)
        per_frame = [self._bodies(content.frames[at]) for at in chosen]
        replies = self._wire.ask([body for bodies in per_frame for body in bodies])
        best: dict[str, Score] = {}
        for number, at in enumerate(chosen):
            size = len(per_frame[0])
            answer = self._read(replies[number * size : (number + 1) * size])
            time_s = float(content.times_s[at])
            for code, signal in self._block.signals.items():
                if signal not in best or answer[code] > best[signal].value:
                    detail = f"judge:{code} frames:{count}/{len(content.frames)}"
                    best[signal] = Score(signal, answer[code], TimeSpan(time_s, time_s), detail)
        return list(best.values())

    def close(self) -> None:
        """Close its connections."""
        self._wire.close()

    def _bodies(self, frame: NDArray[np.uint8]) -> list[Body]:
        picture = {"type": "image_url", "image_url": {"url": _data_url(frame, self._block.side)}}
        fixed: Body = {"model": self._block.model, "temperature": 0, "stream": False}

        def asked(words: str | None, **more: object) -> Body:
            content: list[Any] = [picture] + ([{"type": "text", "text": words}] if words else [])
            return fixed | {"messages": [{"role": "user", "content": content}], **more}

        if self._clauses:
            yes_or_no = {"max_tokens": 1, "logprobs": True, "top_logprobs": 20}
            return [asked(_SHIELDGEMMA.format(clause=clause), **yes_or_no) for clause in self._clauses.values()]
        if self._block.family == "llavaguard":
            return [asked(_LLAVAGUARD, max_tokens=300)]
        return [asked(None, max_tokens=64)]

    def _read(self, replies: Sequence[Reply]) -> dict[str, float]:
        if self._clauses:
            return ShieldGemma(self._clauses).read(replies)
        codes = _CODES[self._block.family]
        if self._block.family == "llama_guard_vision":
            return LlamaGuard(codes, Worth(unsafe=self._block.worth_unsafe)).read(replies)
        return _llavaguard(replies[0], self._block.worth_unsafe)


def _llavaguard(reply: Reply, worth_unsafe: float) -> dict[str, float]:
    """Read its JSON object. An unsafe picture of no category that it knows counts for all of them."""
    try:
        said = json.loads(reply.text[reply.text.index("{") : reply.text.rindex("}") + 1])
        rating, category = str(said["rating"]).casefold(), str(said.get("category", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise MeasurementError("the judge's answer is not one of llavaguard") from None
    codes = _CODES["llavaguard"]
    if rating not in ("safe", "unsafe"):
        raise MeasurementError("the judge's answer is not one of llavaguard")
    named = [code for code in codes if category.startswith(code)] or list(codes)
    return {code: worth_unsafe if rating == "unsafe" and code in named else 0.0 for code in codes}


def _data_url(frame: NDArray[np.uint8], side: int) -> str:
    picture = Image.fromarray(frame)
    picture.thumbnail((side, side))
    with BytesIO() as file:
        picture.save(file, format="JPEG", quality=90)
        return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"
