"""How long a page of decisions, a filtered page and counts take when there are many.

    python -m benchmarks.search [--entries 1000000] [--database sqlite|postgresql …] [--keep FOLDER] [--url URL …]
        [--questions 200]

Of a year of decisions (`benchmarks.filled`) some are rare: one in 1000 has a rare category, one in 500 is a reviewer's
with a reason. Asks each kind of question many times, at random places. Times are of one process that asks alone; CPU is
that of this process.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import timedelta

from benchmarks.filled import NOUNS, YEAR, databases, id_at, parser
from benchmarks.ledger import POLICY, TEMPLATE
from safety.database import open_engine
from safety.domain import Action, Checkpoint
from safety.lookup import Question, Search
from safety.lookup.counts import By, Every, count


def main() -> None:
    arguments = parser(__doc__.splitlines()[0])
    arguments.add_argument("--questions", type=int, default=200)
    chosen = arguments.parse_args()
    for filled in databases(chosen):
        measure(filled.url, chosen.entries, chosen.questions)


def measure(url: str, entries: int, questions: int) -> None:
    """Bring the index up to date, and ask."""
    engine = open_engine(url)
    name = engine.dialect.name
    search = Search(engine)
    begun, cpu = time.perf_counter(), time.process_time()
    done = search.catch_up()
    print(
        f"{name}: {done} entries indexed in {time.perf_counter() - begun:.0f} s ({time.process_time() - cpu:.0f} s CPU)"
    )
    chance = random.Random(7)

    def somewhere() -> str:
        return id_at(chance.randrange(entries))

    def window() -> Question:
        since = TEMPLATE.at + YEAR * chance.random()
        return Question(since=since, until=since + timedelta(hours=6))

    asked: dict[str, Callable[[], object]] = {
        "one decision by id": lambda: search.page(Question(id=somewhere())),
        "page of 50 after a random one": lambda: search.page(Question(), after=somewhere()),
        "of a job": lambda: search.page(Question(job=f"video_{chance.randrange(entries // 2)}")),
        "of a subject": lambda: search.page(Question(subject=f"sha256:{chance.randrange(entries):064x}")),
        "blocked, after a random one": lambda: search.page(Question(action=Action.BLOCK), after=somewhere()),
        "of a common category": lambda: search.page(Question(category="violence"), after=somewhere()),
        "of a rare category": lambda: search.page(Question(category="self_harm"), after=somewhere()),
        "of a rare category, blocked, at output": lambda: search.page(
            Question(category="self_harm", action=Action.BLOCK, checkpoint=Checkpoint.OUTPUT), after=somewhere()
        ),
        "by a policy and a classifier": lambda: search.page(
            Question(policy=POLICY, classifier=f"lexicon@{POLICY[:12]}"), after=somewhere()
        ),
        "by a reviewer": lambda: search.page(Question(actor=f"key_{chance.randrange(7)}")),
        "words of a reason": lambda: search.page(Question(words=f"only {chance.choice(NOUNS)}")),
        "beginning of a word": lambda: search.page(Question(words=f"{chance.choice(NOUNS)[:4]}*")),
        "six hours of the year": lambda: search.page(window()),
        "counts by category and day": lambda: count(engine, By.CATEGORY, Every.DAY),
        "counts by action and hour, all": lambda: count(engine, By.ALL, Every.HOUR),
    }
    for what, ask in asked.items():
        cpu = time.process_time()
        took = sorted(timed(ask) for _ in range(questions))
        cpu_ms = (time.process_time() - cpu) / questions * 1e3
        middle, slow = took[len(took) // 2], took[len(took) * 95 // 100]
        print(
            f"{name}: {what}: p50 {middle:.1f} ms, p95 {slow:.1f} ms, {cpu_ms:.1f} ms CPU (N {questions})", flush=True
        )
    engine.dispose()


def timed(ask: Callable[[], object]) -> float:
    """Return how many milliseconds a question took."""
    begun = time.perf_counter()
    ask()
    return (time.perf_counter() - begun) * 1e3


if __name__ == "__main__":
    main()
