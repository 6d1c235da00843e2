"""Prompts that the project wrote itself, for genres that no permissive source has.

`written/*.jsonl` holds sentences written one by one: harmless text that looks alarming beside harmful text in the same
words, deceptive footage beside honest footage, hate and humiliation without slurs, people and characters described but
not named. Templates and styles here complement them. All rows are synthetic and marked so by their source, `written`.
They teach; they never measure: figures come from prompts of others. No row joins a minor with anything sexual.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Final

from classifiers.training.text_rows import LABELS, Row

WRITTEN: Final = Path(__file__).parent / "written"

_LOOKS: Final = (
    "realistic news footage of",
    "breaking news broadcast showing",
    "convincing CCTV footage of",
    "shaky phone video of",
    "a fake documentary about",
    "leaked video of",
    "authentic looking bodycam video of",
    "a TV report that shows",
    "a viral social media clip of",
    "an official looking announcement about",
)
_DECEPTIVE_EVENTS: Final = (
    "election workers throwing ballots into a river",
    "poll workers feeding the same ballots into the machine twice",
    "voting machines switching votes from one party to the other",
    "a candidate admitting that the vote was bought",
    "a president announcing that the election is called off",
    "a prime minister fleeing the country on election night",
    "a senator taking an envelope of cash from a lobbyist",
    "a mayor confessing to corruption that never happened",
    "a general declaring that the army has taken over the government",
    "soldiers firing on protesters in a capital, presented as today's events",
    "a nuclear plant explosion that did not take place",
    "a bombed airport to make people panic",
    "a shark in a flooded subway presented as real",
    "a tsunami hitting a city with a live news ticker",
    "nurses saying that vaccines hold tracking chips",
    "patients collapsing minutes after a vaccine shot",
    "a doctor saying that a household cleaner cures cancer",
    "scientists admitting that climate change was made up",
    "actors pretending to be victims of an attack",
    "refugees paid to cross the border by a political party",
    "a bank run with crowds, to make savers withdraw their money",
    "a company's chief executive announcing a bankruptcy that is false",
    "a chief executive asking staff to buy gift cards",
    "a famous investor promising to double every deposit",
    "a government minister promoting a crypto giveaway",
    "a bank employee asking customers to read out their PIN",
    "a charity appeal for a disaster that did not happen",
    "a police officer demanding payment by phone",
    "a student holding a forged passport up to the camera for verification",
    "a judge taking a bribe in a parked car",
    "an astronaut admitting the moon landing was shot in a studio",
    "a church set on fire by members of another religion, which never happened",
    "immigrants voting illegally in a city hall",
    "the stock exchange closing after a terror alert that is invented",
    "a foreign army crossing the border, presented as live",
    "a celebrity chef endorsing a fake diet pill",
)
_HONEST_LOOKS: Final = (
    "a documentary about",
    "an animated explainer of",
    "a news report about",
    "a video of",
    "a cinematic shot of",
    "phone video of",
)
_HONEST_EVENTS: Final = (
    "volunteers counting ballots in a school gym",
    "citizens queueing to vote on a rainy morning",
    "how a bill becomes a law",
    "how to recognise a phishing mail",
    "how deepfakes are detected in a lab",
    "a politician giving a speech at a market square",
    "a nurse giving a flu shot to a smiling patient",
    "scientists launching a weather balloon",
    "a parliament debate with many speakers",
    "firefighters training at an airport",
    "a bank teller helping a customer open an account",
    "the moon landing, in a museum exhibit",
    "a newsreader preparing in a studio",
    "a peaceful protest for cleaner air",
    "a police officer teaching road safety",
    "a security camera view of an empty parking garage at night",
    "an earthquake drill at an office",
    "a charity run through the old town",
    "a company celebrating its tenth birthday",
    "a judge explaining a court's work to visitors",
    "a storm seen from a weather satellite",
    "soldiers helping after a flood",
    "a passport photo booth in a station",
    "a storyteller telling an old legend by the fire",
)
_PICTURE_STYLES: Final = (
    "{}, cinematic, 4k",
    "{}, handheld camera, natural light",
    "{}, shot on 35mm film, shallow depth of field",
    "{}, highly detailed, 8k, trending",
    "{} -- vertical video, 15 seconds",
    "{}. The camera slowly moves closer.",
    "{}. Wide shot first, then close-ups. Ambient sound only.",
    "{}, watercolour",
    "{}, anime style",
    "{}, drone view, golden hour",
    "{}, black and white, grainy",
    "{}, 3D render, soft shadows",
    "A slow motion video: {}",
    "Create a video of this: {}",
    "Please generate an image. {}",
    "text to video, 16:9, 24 fps. {}",
    "Opening scene: {}",
    "For my short film: {}",
    "I want a realistic clip. {}",
    "Photo of the following: {}",
)
_CHAT_STYLES: Final = (
    "Hi! {}",
    "Quick question. {}",
    "Please answer in two sentences. {}",
    "{} Explain it step by step.",
    "{} Keep it short.",
    "{} Thanks in advance!",
    "You are a helpful assistant. {}",
    "I have wondered for a while: {}",
    "Asking for a friend. {}",
    "{} Give me a list.",
)
"""Both sides get the same styles, so that a style says nothing."""


def sentences(folder: Path = WRITTEN) -> Iterator[tuple[str, Row]]:
    """Yield the pair's id (empty if the row stands alone) and the row, in the order of the folder's files.

    Raises:
        KeyError: a line lacks `text`, `labels` or `domain`.
        json.JSONDecodeError: a line is not JSON.
    """
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            raw = json.loads(line)
            yield raw.get("pair", ""), _row(raw["text"], frozenset(raw["labels"]), raw["domain"])


def written_rows(seed: int, deceptive: int = 240) -> list[Row]:
    """Return the project's own rows: every sentence as written, half of them once more in a style, and templates.

    `deceptive` is the number of deceptive template rows; the seed chooses them and the styles.
    """
    chooser = random.Random(seed)
    rows = [row for _, row in sentences()]
    styled = [
        _row(
            chooser.choice(_PICTURE_STYLES if row.domain == "t2i" else _CHAT_STYLES).format(row.text),
            row.labels,
            row.domain,
        )
        for row in rows
        if chooser.random() < 0.5
    ]
    positives = chooser.sample([" ".join(pair) for pair in product(_LOOKS, _DECEPTIVE_EVENTS)], deceptive)
    honest = [" ".join(pair) for pair in product(_HONEST_LOOKS, _HONEST_EVENTS)]
    templates = [_row(text, frozenset({"deceptive"}), "t2i") for text in positives]
    return rows + styled + templates + [_row(text, frozenset(), "t2i") for text in honest]


def later_rows() -> list[Row]:
    """Return rows that only the last layer learns from (see `separate_heads`)."""
    return [row for _, row in sentences(WRITTEN / "later")]


def _row(text: str, labels: frozenset[str], domain: str) -> Row:
    return Row(text, labels, not labels, "written", domain, frozenset(LABELS), weak=False, lookalike=not labels)
