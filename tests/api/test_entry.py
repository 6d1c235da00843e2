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


def test_the_encoder_of_av1_says_nothing_on_stderr(tmp_path) -> None:
    """What it says stands between a command's own lines for people."""
    write = f"""
from api import entry
import api.cli
def work():
    from pathlib import Path
    import numpy
    from media.codec import encode_mp4
    encode_mp4(iter(numpy.zeros((4, 64, 64, 3), "uint8")), Path({str(tmp_path / "a.mp4")!r}), fps=8.0, codec="av1")
api.cli.main = work
entry.main()
"""
    clean = {name: value for name, value in os.environ.items() if name != "SVT_LOG"}
    ran = subprocess.run([sys.executable, "-c", write], env=clean, capture_output=True, text=True, check=True)

    assert (tmp_path / "a.mp4").stat().st_size > 0
    assert ran.stderr == ""
