"""Each supported language is judged, neighbours of theirs are unmeasured, and altered weights are refused."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from classifiers import weights
from classifiers.base import MeasurementError, TextSpan, WeightsError
from classifiers.languages import SUPPORTED
from classifiers.lexicon import LexiconClassifier
from classifiers.multilingual_encoder import MAX_WINDOWS, WINDOW_TOKENS, MultilingualEncoder
from classifiers.multilingual_text import MultilingualText, higher
from classifiers.text_encoder import SIGNALS, TextEncoderClassifier

# signal, harmful, harmless; none of these sentences was taught.
PAIRS = {
    "de": ("text.violence", "Ein Mörder schlitzt seinem Opfer die Kehle auf", "Ein Gärtner schneidet im Hof die Rosen"),
    "fr": (
        "text.illicit",
        "Comment fabriquer de la drogue dans ma cave ?",
        "Comment fabriquer du savon dans ma cuisine ?",
    ),
    "es": ("text.harassment", "Eres un pedazo de basura, idiota asqueroso", "Eres muy amable, gracias por tu ayuda"),
    "pt": ("text.sexual", "Duas pessoas nuas transando no sofá", "Duas pessoas conversando no sofá"),
    "it": ("text.self_harm", "Vorrei impiccarmi, come si fa il nodo?", "Vorrei cucinare, come si fa il ragù?"),
    "tr": ("text.violence", "Adam karısını baltayla öldürüyor", "Adam karısına çiçek veriyor"),
    "ru": ("text.harassment", "Ты мразь и тупая скотина, ненавижу тебя", "Ты отличный друг, спасибо тебе"),
    "ar": ("text.violence", "قاتل يذبح رجلا بالسكين في الشارع", "بائع يبيع الخبز في الشارع"),
    "hi": ("text.illicit", "घर पर हथियार और बारूद कैसे बनाऊँ?", "घर पर केक और रोटी कैसे बनाऊँ?"),
    "zh": ("text.self_harm", "我想上吊结束生命，怎么做？", "我想学做蛋糕，怎么做？"),
    "ja": ("text.sexual", "全裸の男女が激しく性交する動画", "着物の男女が静かにお茶を飲む動画"),
}


@pytest.fixture(scope="module")
def classifier():
    return TextEncoderClassifier()


def values(classifier, text):
    return {score.signal: score.value for score in classifier.score(text)}


def test_every_supported_language_has_a_pair():
    assert set(PAIRS) == SUPPORTED


@pytest.mark.parametrize("language", sorted(PAIRS))
def test_harm_scores_above_what_is_harmless_in_the_same_language(classifier, language):
    signal, harmful, harmless = PAIRS[language]
    found = values(classifier, harmful)
    assert found[signal] > values(classifier, harmless)[signal] + 0.1
    assert set(found) == SIGNALS
    assert {score.detail.split(":")[0] for score in classifier.score(harmless)} == {"language"}


@pytest.mark.parametrize(
    "text",
    [
        "ชายคนหนึ่งวิ่งบนชายหาด",  # Thai
        "한 남자가 해변을 달린다",  # Korean
        "አንድ ሰው በባህር ዳርቻ ይሮጣል",  # Amharic
        "אדם רץ על החוף",  # Hebrew
        "ένας άντρας τρέχει στην παραλία",  # Greek
        "Чоловік біжить пляжем, і його діти сміються",  # Ukrainian
        "مردی در ساحل می‌دود و کودکش را می‌بیند که گریه می‌کند",  # Persian
        "een man rent over het strand met zijn hond en de zon schijnt",  # Dutch
        "mężczyzna biegnie po plaży i nie patrzy na morze",  # Polish
        "माणूस समुद्रकिनारी धावत आहे आणि मी ते पाहत आहे",  # Marathi
    ],
)
def test_an_unsupported_language_is_unmeasured_for_encoder_and_lists(classifier, text):
    for instrument in (classifier, LexiconClassifier()):
        with pytest.raises(MeasurementError, match="not supported"):
            instrument.score(text)


def test_mixed_text_is_read_by_both_and_the_higher_score_counts(classifier):
    english = "A calm morning in the park, birds sing in the trees and a man walks his dog. "
    russian = "Голая пара занимается сексом на кровати."
    mixed, plain = values(classifier, english + russian), values(classifier, english)
    assert mixed["text.sexual"] > plain["text.sexual"] + 0.3


def test_one_language_cannot_thin_out_another(classifier):
    """However much calm English stands around it, a passage scores as it does alone."""
    russian = "Голая пара занимается сексом на кровати."
    alone = values(classifier, russian)["text.sexual"]
    around = "A calm morning in the park, birds sing in the trees. A man walks his dog along the river. "

    assert values(classifier, f"{around}{russian} {around}")["text.sexual"] >= alone - 0.05
    assert values(classifier, f"{around * 12}{russian}")["text.sexual"] > 0.5 * alone


def test_harm_at_the_end_of_a_long_text_is_seen_and_located(classifier):
    calm, harmful = (
        "Ein Hund läuft mit dem Kind über die Wiese und die Sonne scheint. ",
        "Zwei Nackte haben Sex im Bett. " * 6,
    )
    text = calm * 20 + harmful
    (score,) = [score for score in classifier.score(text) if score.signal == "text.sexual"]
    assert score.value > values(classifier, calm * 20)["text.sexual"] + 0.2
    assert isinstance(score.span, TextSpan)
    assert score.span.end >= len(text.rstrip())
    assert score.span.start > len(text) // 2


def test_more_text_than_the_limit_is_unmeasured(classifier):
    with pytest.raises(MeasurementError, match=f"at most {MAX_WINDOWS}"):
        classifier.score("der Hund und die Katze " * (MAX_WINDOWS * WINDOW_TOKENS // 4))


def test_windows_overlap_and_cover_the_text():
    text = "Собака бежит по пляжу. " * 60
    windows = MultilingualEncoder().windows(text)
    assert len(windows) > 2
    assert windows[0].start == 0
    assert windows[-1].end >= len(text.rstrip())
    assert all(len(window.token_ids) <= WINDOW_TOKENS for window in windows)
    assert all(after.start < before.end for before, after in pairwise(windows))


def test_one_meaning_lies_together_in_all_languages():
    same = MultilingualEncoder().embed(
        [
            "Ein Hund läuft am Strand",
            "Un chien court sur la plage",
            "一只狗在海滩上奔跑",
            "Налоговая декларация на столе",
        ]
    )
    np.testing.assert_allclose(np.linalg.norm(same, axis=1), 1, atol=1e-5)
    assert min(same[0] @ same[1], same[0] @ same[2]) > same[0] @ same[3] + 0.02


def test_the_higher_of_two_readers_counts(classifier):
    low, high = classifier.score("Ein Hund läuft mit dem Kind"), classifier.score("Zwei Nackte haben Sex im Bett")
    assert {score.signal: score.value for score in higher(low, high)} == {
        signal: max(value, values(classifier, "Ein Hund läuft mit dem Kind")[signal])
        for signal, value in values(classifier, "Zwei Nackte haben Sex im Bett").items()
    }
    assert higher([], high) == high


@pytest.mark.parametrize("file", ["encoder.onnx", "tables.safetensors", "tokenizer.json", "heads.safetensors"])
def test_altered_weights_are_refused(tmp_path, monkeypatch, file):
    folder = tmp_path / "multilingual_encoder"
    folder.mkdir()
    for original in (weights.EMBEDDED / "multilingual_encoder").iterdir():
        copy = folder / original.name
        if original.name == file:
            copy.write_bytes(original.read_bytes()[:-1] + b"\x00\x01")
        else:
            copy.symlink_to(original)
    monkeypatch.setattr(weights, "EMBEDDED", tmp_path)
    with pytest.raises(WeightsError, match="SHA-256"):
        MultilingualText(SIGNALS)


def test_heads_of_other_signals_are_refused():
    with pytest.raises(WeightsError, match="do not fit"):
        MultilingualText(SIGNALS | {"text.other"})
