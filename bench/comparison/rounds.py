# SPDX-License-Identifier: MIT
"""Runs scenarios in interleaved rounds and shows how far it has come."""

import sys
import time
from collections.abc import Callable

from comparison import figures
from comparison.launch import Context, Measurement
from comparison.libraries import Library
from comparison.scenarios import Scenario

Runs = dict[str, list[Measurement]]  # by library
Row = dict[str, figures.Cell]


class Progress:
    """One line on stderr: scenario, library, last figures, time left."""

    def __init__(self, total_runs: int):
        self._total = total_runs
        self._done = 0
        self._start = time.monotonic()
        self._terminal = sys.stderr.isatty()

    def show(self, scenario: str, round_text: str, library: str) -> None:
        self._line(f"{scenario} · {round_text} · {library}")

    def finished(self, scenario: str, library: str, failure: str) -> None:
        self._done += 1
        if failure:
            self._note(f"{scenario} · {library}: FAIL {failure}")

    def left_out(self) -> None:
        self._total -= 1

    def skipped(self, scenario: str, runs: int, reason: str) -> None:
        self._total -= runs
        self._note(f"{scenario}: skipped, {reason}")

    def scenario_done(self, scenario: str, cells: Row) -> None:
        texts = [f"{name} {'FAIL' if cell.failure else f'{cell.time_s.value:.2f}s'}"
                 for name, cell in cells.items()]
        self._note(f"[{self._done}/{self._total}] {scenario}: " + "  ".join(texts))

    def interrupted(self) -> None:
        self.clear()
        print("interrupted: showing what is complete", file=sys.stderr)

    def clear(self) -> None:
        if self._terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def _left(self) -> str:
        if self._done == 0:
            return "?"
        elapsed = time.monotonic() - self._start
        seconds = int(elapsed / self._done * (self._total - self._done))
        return f"{seconds // 60}:{seconds % 60:02}"

    def _line(self, text: str) -> None:
        # Into a file, only whole lines make sense: one a scenario, from scenario_done().
        if self._terminal:
            print(f"\r\033[K[{self._done}/{self._total}, {self._left()} left] {text}", end="",
                  file=sys.stderr, flush=True)

    def _note(self, text: str) -> None:
        self.clear()
        left = "" if self._terminal else f"  ({self._left()} left)"
        print(text + left, file=sys.stderr, flush=True)


def run_scenario(scenario: Scenario, libraries: list[Library], runs: int, context: Context,
                 progress: Progress) -> Runs:
    """Returns the measurements of each library.

    The order is A B C, B C A, …: what the machine does meanwhile meets all alike.
    The first round only warms caches and does not count, but a failure in it does.
    """
    measured: Runs = {library.name: [] for library in libraries}
    for number in range(runs + 1):
        shift = number % len(libraries)
        for library in libraries[shift:] + libraries[:shift]:
            # One failure decides the cell; a library that hangs need not do so each round.
            if any(run.failure for run in measured[library.name]):
                progress.left_out()
                continue
            label = f"round {number} of {runs}" if number else "warm-up"
            progress.show(scenario.name, label, library.name)
            measurement = scenario.run(context, library)
            progress.finished(scenario.name, library.name, measurement.failure)
            if number or measurement.failure:
                measured[library.name].append(measurement)
    return measured


def run_all(scenarios: list[Scenario], libraries: list[Library], runs: int, context: Context,
            summarise: Callable[[Runs], Row]) -> tuple[figures.Table, dict[str, str]]:
    """Returns the table and, for each scenario that was skipped, the reason.

    An interrupt ends the measuring; what is complete by then is returned.
    """
    table: figures.Table = {}
    skipped: dict[str, str] = {}
    runs_each = (runs + 1) * len(libraries)
    progress = Progress(runs_each * len(scenarios))
    try:
        for scenario in scenarios:
            reason = scenario.missing(context)
            if reason:
                skipped[scenario.name] = reason
                progress.skipped(scenario.name, runs_each, reason)
                continue
            measured = run_scenario(scenario, libraries, runs, context, progress)
            table[scenario.name] = summarise(measured)
            progress.scenario_done(scenario.name, table[scenario.name])
    except KeyboardInterrupt:
        progress.interrupted()
        for scenario in scenarios:
            if scenario.name not in table and scenario.name not in skipped:
                skipped[scenario.name] = "interrupted"
    progress.clear()
    return table, skipped
