"""How releases are labelled: the visible label and what is declared in metadata, as the label file says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from api.settings import Settings
from media.clip import Clip
from provenance.base import Declaration
from provenance.declaring import declaration
from provenance.label import burn_label
from provenance.label_font import line_width
from provenance.label_style import LabelStyle, load_label_style


@dataclass(frozen=True)
class Labelling:
    """What a release desk is given."""

    label: Callable[[Clip], Clip]
    declared: Callable[[str], Declaration]


def label_style(settings: Settings) -> LabelStyle:
    """Return the style in force, whose font can write its text.

    Raises:
        LabelError: the file or the font cannot be used.
    """
    style = load_label_style(settings.label) if settings.label else LabelStyle()
    if style.font is not None:
        line_width(style.text, 20.0, style.font)
    return style


def labelling(settings: Settings, generator: str, version: str) -> Labelling:
    """Return how a generator's releases are labelled; raises as `label_style`."""
    style = label_style(settings)

    def declared(release: str) -> Declaration:
        return declaration(style, provider=settings.provider, generator=generator, version=version, release=release)

    return Labelling(partial(burn_label, style=style), declared)
