# SPDX-License-Identifier: MIT
"""The list of scenarios: name, the question it asks, and how it is run."""

import dataclasses
import shutil
from collections.abc import Callable

from comparison import external, launch
from comparison.libraries import Library

Measure = Callable[[launch.Context, Library], launch.Measurement]


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    question: str
    measure: Measure | None = None  # None: a program of ours, built in scenario/
    needs: tuple[str, ...] = ()  # programs that must be installed
    package: str = ""  # where they come from
    repeat: int = 1

    def run(self, context: launch.Context, library: Library) -> launch.Measurement:
        if self.measure:
            return self.measure(context, library)
        command = [str(self.program(context)), *(["--smoke"] if context.smoke else [])]
        repeat = max(1, self.repeat // 50) if context.smoke else self.repeat
        return launch.Run(context, command, library.settings(), repeat).finish()

    def program(self, context: launch.Context):
        return context.build / "scenario" / f"{self.name}_bench"

    def missing(self, context: launch.Context) -> str:
        """Returns why the scenario cannot run here, or an empty string."""
        for program in self.needs:
            if not shutil.which(program):
                return f"{program} is not installed, try: apt install {self.package}"
        if self.measure is None and not self.program(context).is_file():
            return f"{self.program(context)} is not built"
        return ""


ALL = (
    Scenario("small_pairs", "malloc and free of small blocks in one thread"),
    Scenario("server", "worker threads that exchange blocks and replace each other"),
    Scenario("producer_consumer", "one half of the threads allocates, the other half frees"),
    Scenario("mixed_lifetimes", "short and long lives, blocks up to 10 MiB, buffers that grow"),
    Scenario("hash_map", "build 1 GiB of hash map, then look up at random"),
    Scenario("tree", "build 1 GiB of ordered map, then look up at random"),
    Scenario("look_ups", "look up at random in an index of 1.2 GiB of small nodes"),
    Scenario("string_parsing", "parse text into trees of strings, vectors and maps"),
    Scenario("bignum", "arithmetic on numbers that live on the heap"),
    Scenario("false_sharing_active", "threads write to blocks that they allocated themselves"),
    Scenario("false_sharing_passive", "threads reuse blocks that came from another thread"),
    Scenario("thread_churn", "thousands of threads that live for a moment"),
    Scenario("large_untouched", "buffers of 5 to 25 MiB that are hardly written to"),
    Scenario("large_touched", "buffers of 5 to 25 MiB that are filled"),
    Scenario("calloc_heavy", "zeroed blocks of all sizes, fresh and recycled"),
    Scenario("fragmentation", "generations of other sizes among the survivors of the last"),
    Scenario("generations", "sizes that double or shift, an eighth of each generation stays"),
    Scenario("waves", "memory that comes and goes, in short waves and in high ones"),
    Scenario("realloc_growth", "buffers that grow a little at a time"),
    Scenario("process_start", "1000 starts of a program that hardly allocates", repeat=1000),
    Scenario("redis", "redis-server under redis-benchmark", external.redis,
             ("redis-server", "redis-benchmark"), "redis-server redis-tools"),
    Scenario("python3", "Python: json, dictionaries, objects", external.python3,
             ("/usr/bin/python3",), "python3"),
    Scenario("sqlite3", "SQL in memory: insert, index, join, text", external.sqlite3,
             ("sqlite3",), "sqlite3"),
    Scenario("compiler", "g++ -O1 on a file full of templates", external.compiler,
             ("g++",), "g++"),
)
