"""Asks a safety model behind an OpenAI-compatible endpoint (vLLM, Ollama) what it thinks of a prompt.

The last step of the cascade: time-boxed, remembered, and closed when in doubt. No answer, a late one or one that is not
of its family leaves its signals unmeasured. Asked only when the embedded classifiers are unsure, it passes their score
on where it was not needed (docs/adr/0013). It replaces no classifier, and no text is in its errors.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from classifiers.answer_cache import AnswerCache
from classifiers.base import ConfigurationError, MeasurementError, Score
from classifiers.judge_families import Body, Worth, family_of
from classifiers.judge_hazards import HAZARDS
from classifiers.judge_wire import Wire
from classifiers.languages import require_english
from classifiers.normalize import normalize
from classifiers.plugin_file import JudgeBlock
from classifiers.weights import version_of

log = logging.getLogger(__name__)

FAILURES: Final = 5
"""Failures in a row after which the judge is left alone for a while, so that a dead one costs its time box to few."""

REST_S: Final = 10.0
"""Seconds for which it is left alone; its signals are unmeasured meanwhile, never clean."""

_TRANSPORT: Final = frozenset({"base_url", "seconds", "at_once", "cache_entries", "cache_s", "key_file", "ca_file"})
"""Keys that change no answer."""


class RemoteJudge:
    """Text in, one Score a signal out."""

    accepts = str

    def __init__(
        self,
        block: JudgeBlock,
        clauses: Mapping[str, str],
        beside: Path = Path(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare everything; nobody is contacted yet.

        Args:
            block: what the plug-in file says.
            clauses: the policy's clause of each category.
            beside: the folder that relative files of the block start from.
            clock: seconds that never go back.

        Raises:
            ConfigurationError: a category that the policy has not, a key or authority file that cannot be read.
        """
        if block.family not in HAZARDS and (absent := sorted(set(block.mapped) - set(clauses))):
            raise ConfigurationError(
                f"{block.name}: the policy has no category {absent[0]!r}; it has: {', '.join(sorted(clauses))}"
            )
        asked = {} if block.family in HAZARDS else {code: clauses[code] for code in block.mapped}
        codes = (*block.mapped, *block.left_out)
        self._family = family_of(block.family, codes, _worth(block), asked)
        self.name = block.name
        self.signals = block.reported
        self.version = version_of(
            hashlib.sha256(repr(self._family.questions("")).encode()).hexdigest(),
            block.model_dump_json(exclude={"name", *_TRANSPORT}),
        )
        self._block = block
        self._wire = _wire(block, beside)
        self._cache: AnswerCache[dict[str, float]] = AnswerCache(block.cache_entries, block.cache_s, clock)
        self._rest = _Rest(clock)

    def score(self, content: str) -> list[Score]:
        """Ask, and return the highest code of each signal, with the code as its detail.

        Raises:
            MeasurementError: not English where the block says so, or no answer of its family in time.
        """
        normalized = normalize(content)
        if self._block.reads == "english":
            require_english(normalized.text)
        answer = self._answer(normalized.text)
        best: dict[str, Score] = {}
        for code, signal in self._block.mapped.items():
            if signal not in best or answer[code] > best[signal].value:
                best[signal] = Score(signal, answer[code], detail=f"judge:{code}")
        return list(best.values())

    def score_after(self, content: str, earlier: Sequence[Score]) -> list[Score]:
        """Ask if the block says always, or if a watched score lies in the band or is missing.

        Where the watched score lies in the band, the judge's word stands; elsewhere it can only add to it. Not asked,
        it passes the watched score on: that is neither unmeasured nor clean, and its detail says so.

        Raises:
            MeasurementError: as `score`.
        """
        if self._block.when == "always":
            return self.score(content)
        watched = {
            signal: max((s for s in earlier if s.signal == near), key=lambda s: s.value, default=None)
            for signal, near in self._block.watched.items()
        }
        low, high = self._block.band
        sure = {signal: s for signal, s in watched.items() if s is not None and not low <= s.value <= high}
        if len(sure) == len(watched):
            return [Score(signal, s.value, s.span, f"not_asked:{s.signal}") for signal, s in sure.items()]
        told = []
        for score in self.score(content):
            other = sure.get(score.signal)
            if other is not None and other.value > score.value:
                told.append(Score(score.signal, other.value, other.span, f"above_band:{other.signal}"))
            else:
                told.append(score)
        return told

    def close(self) -> None:
        """Close its connections."""
        self._wire.close()

    def _answer(self, text: str) -> dict[str, float]:
        known = self._cache.get(text, self.version)
        if known is not None:
            return known
        self._rest.refuse()
        try:
            answer = self._family.read(self._wire.ask(self._bodies(text)))
        except MeasurementError:
            self._rest.failed()
            raise
        self._rest.worked()
        self._cache.put(answer, text, self.version)
        return answer

    def _bodies(self, text: str) -> list[Body]:
        fixed = {"model": self._block.model, "temperature": 0, "stream": False}
        return [fixed | question for question in self._family.questions(text)]


class _Rest:
    """Leaves a judge alone that failed several times in a row."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._until = float("-inf")

    def refuse(self) -> None:
        with self._lock:
            if self._clock() < self._until:
                raise MeasurementError(f"the judge failed {FAILURES} times in a row and is not asked for {REST_S:g} s")

    def failed(self) -> None:
        with self._lock:
            self._failures += 1
            if self._failures >= FAILURES:
                self._until = self._clock() + REST_S

    def worked(self) -> None:
        with self._lock:
            self._failures = 0


def _worth(block: JudgeBlock) -> Worth:
    worth = Worth(**block.worth)
    if not worth.safe <= worth.controversial <= worth.unsafe or worth.safe == worth.unsafe:
        raise ConfigurationError(f"{block.name}: worth has to rise from safe over controversial to unsafe")
    return worth


def _wire(block: JudgeBlock, beside: Path) -> Wire:
    address = urlsplit(block.base_url)
    if address.scheme == "http" and address.hostname not in ("localhost", "127.0.0.1", "::1"):
        log.warning("%s: prompts go to %s unencrypted; use https", block.name, address.hostname)
    try:
        key = (beside / block.key_file).read_text(encoding="ascii").strip() if block.key_file else None
        if key == "" or (key and not key.isprintable()):
            raise ConfigurationError(f"{block.name}: {block.key_file} holds no API key")
        ca_file = beside / block.ca_file if block.ca_file else None
        return Wire(block.base_url, seconds=block.seconds, at_once=block.at_once, key=key, ca_file=ca_file)
    except (OSError, UnicodeDecodeError) as error:  # ssl.SSLError is an OSError
        raise ConfigurationError(f"{block.name}: key_file or ca_file cannot be read ({type(error).__name__})") from None
