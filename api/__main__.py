"""`python -m api` is `framegate`."""

from __future__ import annotations

from api.entry import main

main()
