"""A process of framegate bounds native thread pools before it loads a library that has one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SHOW = """
import sys
from api import entry, settings
assert "numpy" not in sys.modules
import api.cli
api.cli.main = lambda: None
entry.main()
import os
print(*(os.environ[pool] for pool in settings.POOLS))
"""


@pytest.mark.parametrize(("given", "shown"), [({}, "1 1"), ({"OMP_NUM_THREADS": "3"}, "3 1")])
def test_pools_are_bounded_unless_somebody_set_them(given: dict[str, str], shown: str) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    ran = subprocess.run([sys.executable, "-c", SHOW], env=clean | given, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == shown
