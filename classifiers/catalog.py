"""The embedded classifiers, in one table: a new one is one module and one line here.

Builds them and says which cannot be built; networks for frames open with the first frame, so nobody pays for what is
not asked. Other packages may add classifiers through the entry-point group `framegate.classifiers`, settings by rows of
their own; none may take a built-in name. Decides nothing: what a signal means is the policy's matter.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any

from classifiers.base import Classifier, ClassifierError, ConfigurationError
from classifiers.context import ContextClassifier
from classifiers.entities import NamesClassifier
from classifiers.evasion import EvasionClassifier
from classifiers.flashes import FlashClassifier
from classifiers.forensics import ForensicClassifier, at_hand
from classifiers.frame_encoder import PACKAGE as ENCODER_PACKAGE
from classifiers.frame_encoder import FrameEncoder
from classifiers.hate_symbols import HateSymbolClassifier
from classifiers.lexicon import LexiconClassifier
from classifiers.nudity import NudityClassifier
from classifiers.personal_data import PersonalDataClassifier
from classifiers.speech import SpeechClassifier, Transcriber, spoken_signals
from classifiers.text_encoder import TextEncoderClassifier
from classifiers.text_in_frames import TextInFramesClassifier, derived_signals
from classifiers.violence import ViolenceClassifier
from classifiers.weapons import WeaponClassifier
from media.clip import Clip

ENTRY_POINTS = "framegate.classifiers"

AnyClassifier = Classifier[Any]
"""Takes either kind of content; `accepts` says which."""


class Parts:
    """What several classifiers share, made once and only when one asks."""

    def __init__(
        self, transcriber: Callable[[], Transcriber] | None = None, shared: Sequence[AnyClassifier] = ()
    ) -> None:
        self._open_transcriber = transcriber
        self._built = {classifier.name: classifier for classifier in shared}

    @cached_property
    def frame_encoder(self) -> FrameEncoder:
        """The encoder whose single pass over a clip serves every head."""
        return FrameEncoder()

    @cached_property
    def transcriber(self) -> Transcriber | None:
        """What listens, where the settings name one."""
        return self._open_transcriber() if self._open_transcriber is not None else None

    @cached_property
    def text(self) -> tuple[Classifier[str], ...]:
        """Every built-in text classifier: they judge prompts, and writing in frames."""
        return tuple(self.built(row) for row in BUILT_IN if row.accepts is str)

    def built(self, row: Row) -> AnyClassifier:
        """Build a classifier, or return the one that was built before."""
        if row.name not in self._built:
            self._built[row.name] = row.build(self)
        return self._built[row.name]


@dataclass(frozen=True)
class Row:
    """One embedded classifier, or one that settings add."""

    name: str
    accepts: type[str] | type[Clip]
    signals: frozenset[str]
    build: Callable[[Parts], AnyClassifier]
    optional_package: str | None = None
    """Import name of a package that carries its weights and may be missing: then its signals are absent."""


_TEXT = (
    Row("lexicon", str, LexiconClassifier.signals, lambda _: LexiconClassifier()),
    Row("names", str, NamesClassifier.signals, lambda _: NamesClassifier()),
    Row("text_encoder", str, TextEncoderClassifier.signals, lambda _: TextEncoderClassifier()),
    Row("context", str, ContextClassifier.signals, lambda _: ContextClassifier()),
    Row("personal_data", str, PersonalDataClassifier.signals, lambda _: PersonalDataClassifier()),
    Row("evasion", str, EvasionClassifier.signals, lambda _: EvasionClassifier()),
)
# In this order they are asked, two at a time: first those that work alone, then those that share the encoder's pass.
_CLIPS = (
    Row(
        "text_in_frames",
        Clip,
        derived_signals(row.signals for row in _TEXT),
        lambda parts: TextInFramesClassifier(parts.text),
    ),
    Row("nudity", Clip, NudityClassifier.signals, lambda _: NudityClassifier()),
    Row("forensics", Clip, ForensicClassifier.signals, lambda parts: at_hand(lambda: parts.frame_encoder)),
    Row(
        "weapons", Clip, WeaponClassifier.signals, lambda parts: WeaponClassifier(parts.frame_encoder), ENCODER_PACKAGE
    ),
    Row(
        "hate_symbols",
        Clip,
        HateSymbolClassifier.signals,
        lambda parts: HateSymbolClassifier(parts.frame_encoder),
        ENCODER_PACKAGE,
    ),
    Row(
        "violence",
        Clip,
        ViolenceClassifier.signals,
        lambda parts: ViolenceClassifier(parts.frame_encoder),
        ENCODER_PACKAGE,
    ),
    Row("flashes", Clip, FlashClassifier.signals, lambda _: FlashClassifier()),
    Row(
        "speech",
        Clip,
        spoken_signals(row.signals for row in _TEXT),
        lambda parts: SpeechClassifier(parts.text, parts.transcriber),
    ),
)
BUILT_IN: tuple[Row, ...] = (*_TEXT, *_CLIPS)


@dataclass(frozen=True)
class Absent:
    """A classifier that cannot work here: its signals are unmeasured, not clean."""

    name: str
    signals: frozenset[str]
    reason: str


@dataclass(frozen=True)
class Catalog:
    """The classifiers that can work here, and those that cannot."""

    classifiers: tuple[AnyClassifier, ...]
    absent: tuple[Absent, ...] = ()

    @property
    def signals(self) -> frozenset[str]:
        """Every signal that some classifier here reports."""
        return frozenset(signal for classifier in self.classifiers for signal in classifier.signals)

    def for_text(self) -> tuple[Classifier[str], ...]:
        """Return the classifiers of prompts."""
        return tuple(classifier for classifier in self.classifiers if classifier.accepts is str)

    def for_clips(self) -> tuple[Classifier[Clip], ...]:
        """Return the classifiers of frames."""
        return tuple(classifier for classifier in self.classifiers if classifier.accepts is Clip)


def build(
    enabled: Collection[str] | None = None,
    *,
    accepts: type[str] | type[Clip] | None = None,
    configured: Sequence[Row] = (),
    transcriber: Callable[[], Transcriber] | None = None,
    shared: Sequence[AnyClassifier] = (),
) -> Catalog:
    """Build the classifiers of these names (all by default), or those of them that take this kind of content.

    `configured`: rows that settings add to the embedded ones. `transcriber`: opens what listens to speech.
    `shared`: classifiers that exist already and are used instead of new ones of their names.

    Raises:
        ClassifierError: an unknown name, or an added classifier that cannot be loaded or takes a built-in name.
        ConfigurationError: a configured one takes the name of another, or cannot be meant.
        WeightsError: weights are missing or altered; only an optional package may be missing.
    """
    added = _added()
    rows = _with(configured, added)
    unknown = set(enabled or ()) - {row.name for row in rows} - set(added)
    if unknown:
        raise ClassifierError(
            f"no classifier is called {', '.join(sorted(unknown))}; see `classifiers.catalog.names()`"
        )
    parts = Parts(transcriber, shared)
    classifiers: list[AnyClassifier] = []
    absent: list[Absent] = []
    for row in _chosen(rows, enabled, accepts):
        if row.optional_package is not None and find_spec(row.optional_package) is None:
            reason = f"{row.name} needs the package {row.optional_package!r}, which is not installed"
            absent.append(Absent(row.name, row.signals, reason))
        else:
            classifiers.append(parts.built(row))
    classifiers.extend(_added_classifiers(added, enabled, accepts))
    return Catalog(tuple(classifiers), tuple(absent))


def names() -> tuple[str, ...]:
    """Return every name that can be enabled: the built-in ones, then those that other packages add."""
    return (*(row.name for row in BUILT_IN), *_added())


def known_signals(
    enabled: Collection[str] | None = None,
    *,
    accepts: type[str] | type[Clip] | None = None,
    configured: Sequence[Row] = (),
) -> frozenset[str]:
    """Return every signal of the built-in classifiers, present or absent, and of those that settings or packages add.

    Reads no weights file of a row. Classifiers of other packages are built, since only they know their signals.

    Raises:
        ClassifierError: an added classifier cannot be loaded or takes a built-in name.
        ConfigurationError: a configured one takes the name of another.
    """
    added = _added()
    rows = _chosen(_with(configured, added), enabled, accepts)
    signals = frozenset(signal for row in rows for signal in row.signals)
    return signals.union(*(classifier.signals for classifier in _added_classifiers(added, enabled, accepts)))


def _with(configured: Sequence[Row], added: Collection[str]) -> tuple[Row, ...]:
    """Return the built-in rows and the configured ones.

    Raises:
        ConfigurationError: a configured one takes the name of another classifier.
    """
    taken = {row.name for row in BUILT_IN} | set(added)
    for row in configured:
        if row.name in taken:
            raise ConfigurationError(
                f"the configured classifier {row.name!r} takes the name of another: a classifier may be added, not "
                "replaced; rename its block"
            )
        taken.add(row.name)
    return (*BUILT_IN, *configured)


def _chosen(
    rows: Iterable[Row], enabled: Collection[str] | None, accepts: type[str] | type[Clip] | None
) -> Iterator[Row]:
    for row in rows:
        if (enabled is None or row.name in enabled) and accepts in (None, row.accepts):
            yield row


def _added_classifiers(
    added: Mapping[str, EntryPoint], enabled: Collection[str] | None, accepts: type[str] | type[Clip] | None
) -> Iterator[AnyClassifier]:
    for name, entry_point in added.items():
        if enabled is None or name in enabled:
            classifier = _loaded(entry_point)
            if accepts is None or classifier.accepts is accepts:
                yield classifier


def _added() -> dict[str, EntryPoint]:
    """Return other packages' entry points by name.

    Raises:
        ClassifierError: one takes the name of a built-in classifier, or two the same.
    """
    taken = {row.name for row in BUILT_IN}
    added: dict[str, EntryPoint] = {}
    for entry_point in entry_points(group=ENTRY_POINTS):
        if entry_point.name in taken | set(added):
            raise ClassifierError(
                f"entry point {entry_point.name!r} = {entry_point.value} takes the name of another classifier: "
                "a classifier may be added, not replaced; remove the package or rename its entry point"
            )
        added[entry_point.name] = entry_point
    return added


def _loaded(entry_point: EntryPoint) -> AnyClassifier:
    """Build another package's classifier: its entry point names something callable without arguments."""
    try:
        classifier: AnyClassifier = entry_point.load()()
        is_named = (
            classifier.name == entry_point.name and bool(classifier.signals) and classifier.accepts in (str, Clip)
        )
    except (ImportError, AttributeError, TypeError) as error:
        raise ClassifierError(
            f"entry point {entry_point.name!r} = {entry_point.value} cannot be built: {error}"
        ) from error
    if not is_named:
        raise ClassifierError(
            f"entry point {entry_point.name!r} = {entry_point.value} makes no classifier of that name with signals"
        )
    return classifier
