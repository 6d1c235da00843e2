"""`framegate evaluate generator`: does the generator in service do what it is told? Measured on its pixels.

Passes no gate: nothing is recorded, released or kept.
"""

from __future__ import annotations

from typing import Annotated

import typer

from api.settings import Settings
from api.terminal import people, print_json, progress_bar, say


def generator(
    *,
    prompts: Annotated[int, typer.Option(help="Held-out prompts, a clip each.", min=1, max=5000)] = 200,
    clips: Annotated[int, typer.Option(help="Clips of every capability; 0: none.", min=0, max=500)] = 20,
    truth: Annotated[bool, typer.Option("--truth", help="Measure true renders: the ceiling.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The report as one JSON object on stdout.")] = False,
) -> None:
    """Measure how far the generator follows held-out prompts, and what it makes of pictures and clips."""
    from api.wiring.generator_bench import measure_generator

    with progress_bar() as progress:
        made = measure_generator(Settings(), prompts, clips, truth=truth, progress=progress)
    if as_json:
        print_json(made)
        return
    say(f"generator {made['generator']}: {prompts} held-out prompts of 2 seconds at 128x128")
    for slot, each in made["prompts"].items():
        interval = f"[{each['low']:.1%}, {each['high']:.1%}]"
        people.print(f"  {slot:8} {int(each['k'])} of {int(each['n'])} = {each['share']:.1%} {interval}", markup=False)
    for capability, figures in made["capabilities"].items():
        told = ", ".join(f"{name} {each['median']} (n {each['n']})" for name, each in figures.items())
        people.print(f"  {capability:15} median {told}", markup=False, soft_wrap=True)
