# SPDX-License-Identifier: MIT
"""Runs the lines of micro_bench in interleaved rounds: nanoseconds of single operations."""

import dataclasses
import pathlib
import re
import subprocess

from comparison import figures, launch
from comparison.libraries import Library
from comparison.rounds import Progress

# A line this much slower than its best rival wants an explanation; at a few
# nanoseconds, the place where the linker put a loop already makes 10 %.
SLOW_FACTOR = 1.25


class BadLines(Exception):
    """Lines that were asked for and cannot be run."""


@dataclasses.dataclass(frozen=True)
class Cell:
    """One library in one line: the rounds' figures, of which the lowest counts."""

    failure: str = ""
    ns: figures.Spread | None = None


@dataclasses.dataclass(frozen=True)
class Sample:
    ns: float = 0.0
    failure: str = ""


Table = dict[str, dict[str, Cell]]  # line → library → cell
Samples = dict[tuple[str, str], list[Sample]]  # by line and library


def program(build: pathlib.Path) -> pathlib.Path:
    return build / "micro" / "micro_bench"


def chosen_lines(build: pathlib.Path, pattern: str) -> list[str]:
    """Returns the names of the lines in which the regular expression is found."""
    if not program(build).is_file():
        raise BadLines(f"{program(build)} is not built")
    listing = subprocess.run([program(build), "--list"], env=launch.base_environment(),
                             capture_output=True, text=True, check=True)
    try:
        lines = [name for name in listing.stdout.split() if re.search(pattern, name)]
    except re.error as problem:
        raise BadLines(f"--filter: '{pattern}' is no regular expression: {problem}") from None
    if not lines:
        raise BadLines(f"--filter: no line matches '{pattern}'; --micro --list shows them all")
    return lines


def run_line(line: str, library: Library, context: launch.Context) -> Sample:
    smoke = ["--smoke"] if context.smoke else []
    run = launch.Run(context, [str(program(context.build)), *smoke, line], library.settings())
    measurement = run.finish()
    if measurement.failure:
        return Sample(failure=measurement.failure)
    name, _, figure = run.output_text().strip().partition(" ")
    try:
        return Sample(float(figure)) if name == line else Sample(failure="printed no figure")
    except ValueError:
        return Sample(failure=f"printed '{figure[:40]}', which is no number")


def run_all(lines: list[str], libraries: list[Library], runs: int,
            context: launch.Context) -> Table:
    """Returns the table. Each run is a process of its own that measures one line.

    The rounds lie apart, so that a busy moment of the machine spoils one of them; in a
    round, a line runs under one library after another. An interrupt ends the measuring;
    the lines that every library has run by then are returned.
    """
    samples: Samples = {(line, library.name): [] for line in lines for library in libraries}
    progress = Progress(runs * len(lines) * len(libraries))
    try:
        for number in range(runs):
            run_round(number, runs, lines, libraries, context, samples, progress)
    except KeyboardInterrupt:
        progress.interrupted()
    progress.clear()
    names = [library.name for library in libraries]
    return {line: {name: cell_of(samples[line, name]) for name in names}
            for line in lines if all(samples[line, name] for name in names)}


def run_round(number: int, runs: int, lines: list[str], libraries: list[Library],
              context: launch.Context, samples: Samples, progress: Progress) -> None:
    for position, line in enumerate(lines):
        shift = (number + position) % len(libraries)
        for library in libraries[shift:] + libraries[:shift]:
            done = samples[line, library.name]
            # One failure decides the cell; a library that hangs need not do so each round.
            if any(sample.failure for sample in done):
                progress.left_out()
                continue
            progress.show(line, f"round {number + 1} of {runs}", library.name)
            sample = run_line(line, library, context)
            progress.finished(line, library.name, sample.failure)
            done.append(sample)


def cell_of(samples: list[Sample]) -> Cell:
    for sample in samples:
        if sample.failure:
            return Cell(failure=sample.failure)
    return Cell(ns=figures.Spread.of([sample.ns for sample in samples], "minimum"))
