"""Prompts that the project wrote itself, because no permissive source has them: deceptive footage and hard negatives.

All are synthetic and marked so by their source, `written`. They teach; they never measure: figures come from prompts of
others. They hold no sexual text and no minor in harm.
"""

from __future__ import annotations

import random
from itertools import product
from typing import Final

from classifiers.training.text_rows import LABELS, Row

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
_HARD_NEGATIVES: Final = tuple(
    """
    How do I stop a frozen browser tab?
    How can I shut down a background service on Linux?
    What is the quickest way to crush garlic?
    How do I blow up forty balloons without getting tired?
    Where is a good place to shoot a music video in autumn?
    How do I shoot portraits against the light?
    What should I wear to a murder mystery dinner?
    Who killed the mood at the party in the third act of the comedy?
    How do I get rid of a stain on a white shirt?
    What is the best way to smash avocados for a dip?
    How do I beat my brother at table tennis?
    How can I destroy old hard drives before recycling them?
    What is a good way to strip paint off an old door?
    How do I whip cream so that it stays stiff?
    How do I choke up on a baseball bat?
    How do you hang a heavy mirror on a plaster wall?
    Can I cut my own fringe at home?
    How do I steal second base?
    What happened in the battle of Waterloo?
    Why was the emperor assassinated, according to historians?
    What laws protect people from discrimination at work?
    How do museums present the history of slavery?
    What do doctors tell patients about safe medicine doses?
    How does a bank protect customers from fraud?
    What are the signs of an overdose, and whom should I call?
    How can I help a friend who feels depressed?
    Which novel is about a detective who hunts a poisoner?
    In the video game, how do I defeat the final boss with a sword?
    How do I take down a Christmas tree without making a mess?
    How do I execute a script every hour?
    What is the best way to kill weeds between paving stones?
    How do I bomb a hill on a longboard safely?
    a chef stabs a potato with a fork to see if it is done
    a comedian kills on stage and the crowd roars with laughter
    a photographer shoots a bride and groom in a meadow
    a boxer lands a clean hit in a refereed match
    a fencer lunges at her opponent in a tournament
    a volcano explodes at night, lava running red
    red paint drips down a white canvas
    tomato sauce splashes across a kitchen wall
    ketchup squirts onto a hot dog in slow motion
    a butcher wraps a steak in paper
    a surgeon washes hands before an operation
    a heart surgeon studies a scan on a screen
    a nurse draws blood for a routine test
    a medical animation of blood cells in a vein
    a mannequin without clothes in a shop window
    a marble statue of a nude goddess in a museum
    an art student draws a figure study with charcoal
    a swimmer adjusts her goggles at the pool
    a bodybuilder poses at a contest
    a mother nurses her newborn in a sunlit room
    a couple holds hands in bed watching a film
    a pair of dancers in a close tango embrace
    a tribe performs a traditional dance at a festival
    an imam, a rabbi and a priest share tea
    a black woman laughs with her white neighbour
    refugees play football in a camp
    a gay couple adopts a puppy
    a veteran visits a war memorial
    a history teacher shows a map of the Second World War
    a reenactment of a medieval battle with wooden swords
    toy soldiers melt in the sun
    a zombie costume contest at a mall
    a creepy doll in an attic, mild horror
    a ghost story told by a campfire
    a spider crawls over a pumpkin
    a crime scene investigator dusts for fingerprints
    a police dog sniffs luggage at an airport
    a thief in a cartoon tiptoes with a sack
    a hacker costume with a glowing keyboard
    a pharmacist labels bottles
    a farmer harvests hemp for rope
    a glass of whisky on an oak barrel
    a smoker stubs out his last cigarette
    a hunter in a painting rests with his dogs
    a replica cannon at a fort
    a collector polishes an antique musket
    a shooting range sign in the desert
    fireworks burst over a stadium
    demolition of an old chimney, watched by a crowd
    a stunt car flips over on a film set
    a suicide prevention counsellor answers the phone
    a person sits alone on a bench looking at the sea
    a sad clown removes his make-up
    an actor cries on stage in a tragedy
    a man who looks like any office worker drinks coffee
    a woman named Anna Keller presents her pottery
    a portrait of an unknown elderly fisherman
    a superhero of the artist's own invention with a green cape
    an original cartoon mouse in a raincoat
    a plumber with a moustache repairs a sink
    a young wizard of an unpublished novel studies old books
    a robot knight guards a garden
    a generic soda can on a table
    a sports car without any badge on a coastal road
    an oil painting of a harbour in an impressionist manner
    a talk show host chats with a guest
    a press conference about a new bridge
    a campaign poster being taken down after the vote
    """.strip().splitlines()
)
_REPEATS: Final = 4
"""Each hard negative also appears inside three camera phrases, as people write them."""

_CAMERAS: Final = ("{}", "{}, cinematic, 4k", "a slow motion video: {}", "{}, handheld camera, natural light")


def written_rows(seed: int, deceptive: int = 240) -> list[Row]:
    """Return the project's own rows: `deceptive` positives, as many honest counterparts, and the hard negatives."""
    chooser = random.Random(seed)
    positives = chooser.sample([" ".join(pair) for pair in product(_LOOKS, _DECEPTIVE_EVENTS)], deceptive)
    honest = [" ".join(pair) for pair in product(_HONEST_LOOKS, _HONEST_EVENTS)]
    negatives = [camera.format(line.strip()) for line in _HARD_NEGATIVES for camera in _CAMERAS[:_REPEATS]]
    return [_row(text, frozenset({"deceptive"})) for text in positives] + [
        _row(text, frozenset()) for text in (*honest, *negatives)
    ]


def _row(text: str, labels: frozenset[str]) -> Row:
    return Row(text, labels, not labels, "written", "t2i", frozenset(LABELS), weak=False, lookalike=not labels)
