#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""compare.py: which malloc is fastest, and which needs least memory?

Runs the scenarios under every library given, in interleaved rounds, and shows
time, peak RSS and page faults with their spread; with --micro, single operations
and their nanoseconds. See bench/README.md.
"""

import argparse
import difflib
import pathlib
import sys
import tempfile

sys.dont_write_bytecode = True  # leave no cache in the source tree
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from comparison import (  # noqa: E402
    figures, libraries, micro, micro_report, plot, programs, report, rounds, scenarios)
from comparison.launch import Context  # noqa: E402

SOURCES = pathlib.Path(__file__).resolve().parent
EXIT_FAILED_RUNS = 1
EXIT_USAGE = 2


class BadArgument(Exception):
    """Something on the command line that cannot be done."""


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Compare malloc libraries on programs that call plain malloc.",
        epilog="@FILE on the command line stands for the arguments in FILE, one a line.",
        fromfile_prefix_chars="@")
    parser.add_argument("--lib", action="append", default=[], metavar="NAME=PATH.so",
                        help="a library to preload; may be repeated")
    parser.add_argument("--env", action="append", default=[], metavar="NAME:VARIABLE=VALUE",
                        help="a setting for one library alone; may be repeated")
    parser.add_argument("--debian", action="store_true",
                        help="add the allocators that Debian packages")
    parser.add_argument("--no-glibc", action="store_true",
                        help="leave glibc out; ratios are to the first library")
    parser.add_argument("--scenario", action="append", default=[], metavar="NAME[,NAME…]",
                        help="run only these; may be repeated")
    parser.add_argument("--micro", action="store_true",
                        help="single operations, in nanoseconds, instead of the scenarios")
    parser.add_argument("--filter", default="", metavar="REGEX",
                        help="with --micro: only the lines in which it is found")
    parser.add_argument("--program", action="append", default=[], metavar="NAME=COMMAND",
                        help="a program of yours instead of the scenarios; may be repeated")
    parser.add_argument("--rate", action="append", default=[], metavar="NAME=REGEX",
                        help="that program prints a rate, which counts instead of its time")
    parser.add_argument("--runs", type=int, default=3, metavar="N",
                        help="rounds that count, for scenarios after one that warms up (default 3)")
    parser.add_argument("--time", choices=("wall", "cpu"), default="wall",
                        help="which clock to compare (default wall)")
    parser.add_argument("--statistic", choices=("median", "minimum"), default="median",
                        help="what stands for a cell; minimum suits a busy machine")
    parser.add_argument("--subject", default="lunalloc", metavar="NAME",
                        help="the library the verdict is about (default lunalloc)")
    parser.add_argument("--build", type=pathlib.Path, default=SOURCES.parent / "build",
                        metavar="DIR", help="the build directory (default build/)")
    parser.add_argument("--timeout", type=float, default=120, metavar="S",
                        help="seconds after which a run counts as hung (default 120)")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--plot", type=pathlib.Path, metavar="FILE.svg|FILE.png")
    parser.add_argument("--markdown", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: does everything run?")
    parser.add_argument("--list", action="store_true",
                        help="list the scenarios, or the lines of --micro, and end")
    return parser.parse_args()


def chosen_scenarios(wanted: list[str]) -> list[scenarios.Scenario]:
    known = {scenario.name: scenario for scenario in scenarios.ALL}
    names = [name for text in wanted for name in text.split(",") if name]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]}?" if near else "--list shows them all"
            raise BadArgument(f"no scenario '{name}': {hint}")
    return [scenario for name, scenario in known.items() if not names or name in names]


def chosen_libraries(arguments: argparse.Namespace) -> list[libraries.Library]:
    chosen = [] if arguments.no_glibc else [libraries.Library(libraries.BASELINE, None)]
    if arguments.debian:
        found, missing = libraries.find_debian()
        chosen += found
        for line in missing:
            print(f"compare.py: left out {line}", file=sys.stderr)
    chosen += [libraries.parse(text) for text in arguments.lib]
    names = [library.name for library in chosen]
    for name in names:
        if names.count(name) > 1:
            raise BadArgument(f"two libraries are named '{name}'")
    if not chosen:
        raise BadArgument("nothing to compare: give --lib name=path.so or --debian")
    add_environments(chosen, arguments.env)
    return chosen


def add_environments(chosen: list[libraries.Library], settings: list[str]) -> None:
    known = {library.name: library for library in chosen}
    for text in settings:
        name, colon, setting = text.partition(":")
        variable, equals, value = setting.partition("=")
        if not colon or not equals or not variable:
            raise BadArgument(f"--env wants name:VARIABLE=VALUE, not '{text}'")
        if name not in known:
            raise BadArgument(f"--env names '{name}', which is not compared: {', '.join(known)}")
        known[name].environment[variable] = value


def build_folder(build: pathlib.Path) -> pathlib.Path:
    """Returns the folder of our programs: DIR/bench, or DIR when it is that itself."""
    for folder in (build / "bench", build):
        if (folder / "launcher").is_file():
            return folder.resolve()
    raise BadArgument(f"no bench programs in {build}; build them with\n"
                      f"  meson setup -Dbench=true {build} && ninja -C {build}\n"
                      f"or, if it exists already: meson configure {build} -Dbench=true")


def check_kind(arguments: argparse.Namespace) -> None:
    """Refuses what the other kind of comparison alone could follow."""
    if not arguments.micro and arguments.filter:
        raise BadArgument("--filter chooses lines of --micro; for scenarios it is --scenario")
    for option in ("scenario", "program", "rate", "plot"):
        if arguments.micro and getattr(arguments, option):
            raise BadArgument(f"--{option} does not go with --micro")


def check_outputs(arguments: argparse.Namespace) -> None:
    """Finds out before the long run, not after it, what cannot be written."""
    for path in filter(None, (arguments.json, arguments.plot, arguments.markdown)):
        if not path.resolve().parent.is_dir():
            raise BadArgument(f"no folder for {path}")
    if arguments.plot and arguments.plot.suffix not in (".svg", ".png"):
        raise BadArgument(f"--plot writes .svg or .png, not '{arguments.plot}'")
    if arguments.plot and plot.missing():
        raise BadArgument(plot.missing())
    if arguments.runs < 1:
        raise BadArgument("--runs wants a number above 0")
    if arguments.timeout <= 0:
        raise BadArgument("--timeout wants a number above 0")


def prepare(arguments: argparse.Namespace,
            scratch: str) -> tuple[list[libraries.Library], Context]:
    chosen = chosen_libraries(arguments)
    context = Context(build_folder(arguments.build), SOURCES, pathlib.Path(scratch),
                      arguments.smoke, arguments.timeout)
    for library in chosen:
        libraries.check(library, context)
    return chosen, context


def compare_operations(arguments: argparse.Namespace, scratch: str) -> micro_report.Comparison:
    lines = micro.chosen_lines(build_folder(arguments.build), arguments.filter)
    chosen, context = prepare(arguments, scratch)
    table = micro.run_all(lines, chosen, arguments.runs, context)
    return micro_report.Comparison(chosen, chosen[0].name, arguments.subject, arguments.runs,
                                   table)


def compare_scenarios(arguments: argparse.Namespace, scratch: str) -> report.Comparison:
    wanted = programs.parse(arguments.program, arguments.rate)
    if arguments.scenario or not wanted:
        wanted += chosen_scenarios(arguments.scenario)
    chosen, context = prepare(arguments, scratch)

    def summarise(runs: rounds.Runs) -> rounds.Row:
        return figures.summarise(runs, arguments.time, arguments.statistic)

    table, skipped = rounds.run_all(wanted, chosen, arguments.runs, context, summarise)
    return report.Comparison(chosen, chosen[0].name, arguments.subject, arguments.runs,
                             arguments.time, arguments.statistic, table, skipped)


def publish(comparison: report.Compared, arguments: argparse.Namespace) -> None:
    pages = micro_report if arguments.micro else report
    print(pages.as_text(comparison))
    if arguments.smoke:
        print("A smoke run: it shows that everything runs; its figures mean nothing.")
    if arguments.markdown:
        arguments.markdown.write_text(pages.as_markdown(comparison))
    if arguments.json:
        pages.write_json(comparison, arguments.json)
    if arguments.plot:
        problem = plot.write(comparison, arguments.plot)
        if problem:
            print(f"compare.py: {problem}", file=sys.stderr)


def show_list(arguments: argparse.Namespace) -> None:
    if arguments.micro:
        print("\n".join(micro.chosen_lines(build_folder(arguments.build), arguments.filter)))
        return
    for scenario in scenarios.ALL:
        print(f"{scenario.name:22} {scenario.question}")


def main() -> int:
    arguments = parse_arguments()
    compare = compare_operations if arguments.micro else compare_scenarios
    try:
        check_kind(arguments)
        if arguments.list:
            show_list(arguments)
            return 0
        check_outputs(arguments)
        with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
            comparison = compare(arguments, scratch)
    except (BadArgument, libraries.BadLibrary, micro.BadLines, programs.BadProgram) as problem:
        print(f"compare.py: {problem}", file=sys.stderr)
        return EXIT_USAGE
    if not comparison.table:
        print("compare.py: nothing was measured", file=sys.stderr)
        return EXIT_FAILED_RUNS
    publish(comparison, arguments)
    failed = any(cell.failure for row in comparison.table.values() for cell in row.values())
    return EXIT_FAILED_RUNS if failed else 0


if __name__ == "__main__":
    sys.exit(main())
