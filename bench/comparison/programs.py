# SPDX-License-Identifier: MIT
"""Programs named on the command line, measured like the scenarios."""

import dataclasses
import re
import shlex

from comparison import launch
from comparison.libraries import Library
from comparison.scenarios import Scenario


class BadProgram(Exception):
    """A --program or --rate that cannot be followed."""


def parse(programs: list[str], rates: list[str]) -> list[Scenario]:
    """Returns a scenario for each NAME=COMMAND; NAME=REGEX in `rates` says where one
    prints its rate (the first group, a number), which then stands for its time."""
    commands = dict(_split(text, "--program", "NAME=COMMAND") for text in programs)
    if len(commands) != len(programs):
        raise BadProgram("two programs have the same name")
    patterns = {name: _pattern(name, text, commands)
                for name, text in (_split(text, "--rate", "NAME=REGEX") for text in rates)}
    return [_scenario(name, command, patterns.get(name)) for name, command in commands.items()]


def _split(text: str, option: str, form: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise BadProgram(f"{option} wants {form}, not '{text}'")
    return name.strip(), value.strip()


def _pattern(name: str, text: str, commands: dict[str, str]) -> re.Pattern[str]:
    if name not in commands:
        raise BadProgram(f"--rate names '{name}', which no --program has")
    try:
        pattern = re.compile(text)
    except re.error as problem:
        raise BadProgram(f"--rate {name}: '{text}' is no regular expression: {problem}") from None
    if pattern.groups < 1:
        raise BadProgram(f"--rate {name}: '{text}' has no group around the number, as in (\\d+)")
    return pattern


def _scenario(name: str, command: str, rate: re.Pattern[str] | None) -> Scenario:
    try:
        words = shlex.split(command)
    except ValueError as problem:
        raise BadProgram(f"--program {name}: {problem}") from None

    def measure(context: launch.Context, library: Library) -> launch.Measurement:
        run = launch.Run(context, words, library.settings())
        measured = run.finish()
        # What a stranger prints may differ from run to run, as times do.
        measured = dataclasses.replace(measured, output_digest="")
        if rate is None or measured.failure:
            return measured
        return _by_rate(measured, rate, run.output_text())

    return Scenario(name, command, measure, (words[0],), f"the package that holds {words[0]}")


def _by_rate(measured: launch.Measurement, rate: re.Pattern[str], text: str) -> launch.Measurement:
    found = rate.search(text)
    value = float(found.group(1).replace(",", "")) if found else 0.0
    if value <= 0:
        return dataclasses.replace(measured, failure=f"printed nothing like {rate.pattern}")
    # As if it had done a million pieces of work: on either clock.
    return dataclasses.replace(measured, wall_s=1e6 / value, user_s=1e6 / value, system_s=0.0)
