"""The outer edge: HTTP, worker and command line. The only reader of the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from api.settings import Settings
    from safety.framegate import Framegate

__all__ = ["open_framegate"]


def open_framegate(settings: Settings | None = None) -> AbstractContextManager[Framegate]:
    """Open framegate as a library, wired as the settings say (default: from the environment).

    A context manager: `with open_framegate() as framegate: ...` closes the ledger at the end.
    """
    from api.wiring import open_framegate as wired

    return wired(settings)
