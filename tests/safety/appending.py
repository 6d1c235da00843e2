"""A process that appends decisions until it is told to stop, or killed. Run by test_ledger.py.

    python appending.py DATABASE_URL KEY PREFIX COUNT

Prints the id of each decision once its append returned, so a reader knows what must be there.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from safety.checkpoints import LogKey
from safety.database import open_engine
from safety.ledger import Ledger
from tests.safety.making import a_decision

THREADS = 4


def main(url: str, key: str, prefix: str, count: int) -> None:
    output = threading.Lock()
    with Ledger(open_engine(url), LogKey.load(Path(key))) as ledger:

        def append(thread: int) -> None:
            for number in range(thread, count, THREADS):
                done = ledger.append_decision(a_decision(number, id=f"{prefix}-{number}")).id
                with output:
                    print(done, flush=True)

        threads = [threading.Thread(target=append, args=(number,)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
