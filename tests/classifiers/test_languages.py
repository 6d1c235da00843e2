"""English passes, other languages and scripts are refused, foreign names inside English are no reason to refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifiers.base import MeasurementError
from classifiers.languages import readers_of, require_english, require_latin

BENIGN = Path(__file__).with_name("benign_prompts.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("text", ["iceberg", "teacup", "origami", "Iceberg!", "hammock, gazebo"])
def test_a_rare_english_word_alone_passes(text):
    require_english(text)


FOREIGN = [
    "eine nackte Frau und ein Mann",
    "un chien court sur la plage avec des enfants",
    "ein Hund läuft mit dem Kind über den Strand",
    "un perro corre por la playa con los niños",
    "um cachorro corre na praia com uma criança",
    "un cane corre sulla spiaggia con il bambino e la mamma",
    "een hond rent over het strand met een kind",
    "pies biegnie po plaży i nie patrzy na morze, bo jest z nim dziecko",
    "en hund springer på stranden med ett barn och en boll",
]


@pytest.mark.parametrize("text", BENIGN)
def test_english_passes(text):
    require_english(text)


@pytest.mark.parametrize("text", FOREIGN)
def test_another_language_in_latin_letters_is_refused_as_english_but_is_latin(text):
    require_latin(text)
    with pytest.raises(MeasurementError, match="language"):
        require_english(text)


@pytest.mark.parametrize("text", ["собака бежит по пляжу", "犬が走る", "الكلب يجري", "כלב רץ", "कुत्ता", "สุนัขวิ่ง"])
def test_another_script_is_refused(text):
    with pytest.raises(MeasurementError, match="script"):
        require_latin(text)


def test_a_foreign_sentence_does_not_hide_behind_english_padding():
    with pytest.raises(MeasurementError, match="script"):
        require_latin("a calm and quiet morning in the park " * 20 + "голая женщина стоит на пляже перед толпой людей")


@pytest.mark.parametrize("text", ["", "123", "🎬"])
def test_text_without_letters_is_refused(text):
    with pytest.raises(MeasurementError, match="no letters"):
        require_latin(text)


@pytest.mark.parametrize(
    "text",
    [
        "La La Land in Los Angeles, El Capitan at dawn",
        "a crème brûlée at the Café de Flore in Paris",
        "a neon sign that says 酒 in a quiet alley",
        "sushi, Tokyo, neon",
        "high resolution gold texture, photorealistic, pbr, glossy",
    ],
)
def test_a_foreign_name_inside_english_passes(text):
    require_english(text)


@pytest.mark.parametrize(
    "text",
    [
        "Mies mestataan, verta ja suolia kaikkialla",
        "Alaston nainen harrastaa seksiä sängyllä",
        "En mand bliver halshugget, blod overalt",
        "Mehel lõigatakse pea maha, verd on kõikjal",
        "muzhchine otrezayut golovu krov vezde",
        "Paka amelala kwenye kochi karibu na dirisha",
        "Muž je sťat",
        "Macja fle në divan pranë dritares",
        "Жената е гола на плажа",
        "zan awa maza",
    ],
)
def test_a_language_that_nobody_here_reads_is_unmeasured_and_not_guessed(text):
    with pytest.raises(MeasurementError, match="language not supported"):
        readers_of(text)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("nackte Frau am Strand", "de"),
        ("un homme tue une femme", "fr"),
        ("homem nu na praia", "pt"),
        ("Голая женщина стоит на пляже", "ru"),
        ("Он пришёл из школы и лёг спать", "ru"),
    ],
)
def test_a_short_text_with_small_words_is_read_in_its_language(text, language):
    assert language in readers_of(text).others
