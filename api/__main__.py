"""`python -m api` is `framegate`."""

from __future__ import annotations

from api.cli import main

main()
