"""Where a framegate process starts: bounds the thread pools of native libraries before any of them is loaded.

More cores are used by more processes (docs/operations.md).
"""

from __future__ import annotations

from api.settings import bound_native_pools


def main() -> None:
    """Run the command line."""
    bound_native_pools()
    from api.cli import main as command_line

    command_line()
