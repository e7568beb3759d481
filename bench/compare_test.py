#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Does compare.py report what happened? Takes the path of the launcher as argument."""

import json
import math
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from comparison import (  # noqa: E402
    figures, launch, libraries, micro, micro_report, programs, report)
from comparison.launch import Measurement  # noqa: E402

COMPARE = pathlib.Path(__file__).resolve().with_name("compare.py")
LAUNCHER = pathlib.Path(sys.argv.pop() if len(sys.argv) > 1 else "build/bench/launcher").resolve()


def run(command: list[str], timeout_s: float = 20, repeat: int = 1) -> Measurement:
    with tempfile.TemporaryDirectory() as scratch:
        context = launch.Context(LAUNCHER.parent, COMPARE.parent, pathlib.Path(scratch), True,
                                 timeout_s)
        return launch.Run(context, command, [], repeat).finish()


def row(**seconds: float) -> dict[str, figures.Cell]:
    return figures.summarise(
        {name: [Measurement(wall_s=value, max_rss_kib=1000)] for name, value in seconds.items()},
        "wall")


class Launching(unittest.TestCase):
    def test_a_small_program_does_not_show_the_memory_of_its_parent(self):
        ballast = bytearray(100 << 20)

        measurement = run(["/bin/true"])

        self.assertEqual(measurement.failure, "")
        self.assertLess(measurement.max_rss_kib, 4096)
        self.assertEqual(len(ballast), 100 << 20)

    def test_a_crash_is_named_with_what_it_said(self):
        measurement = run(["/bin/sh", "-c", "echo broken heap >&2; kill -SEGV $$"])

        self.assertEqual(measurement.failure, "SIGSEGV: broken heap")

    def test_an_exit_status_is_a_failure(self):
        self.assertEqual(run(["/bin/sh", "-c", "exit 3"]).failure, "exit status 3")

    def test_a_program_that_hangs_is_ended_with_its_children(self):
        self.assertEqual(run(["/bin/sh", "-c", "sleep 60; true"], 0.3).failure, "no end after 0 s")

    def test_a_repetition_adds_up(self):
        once, often = run(["/bin/true"]), run(["/bin/true"], repeat=10)

        self.assertGreater(often.minor_faults, 8 * once.minor_faults)


    def test_figures_beside_the_result_do_not_count_as_output(self):
        def digest(result: int, figure: int) -> str:
            return run(["/usr/bin/printf", '{"scenario": "x", "checksum": %d}\\nx: %d/s\\n',
                        str(result), str(figure)]).output_digest

        self.assertEqual(digest(1, 7), digest(1, 8))
        self.assertNotEqual(digest(1, 7), digest(2, 7))


class Figures(unittest.TestCase):
    def test_a_failed_run_fails_the_cell(self):
        cells = figures.summarise({"a": [Measurement(wall_s=1), Measurement(failure="SIGSEGV")]},
                                  "wall")

        self.assertEqual(cells["a"].failure, "SIGSEGV")

    def test_another_output_than_the_others_is_a_failure(self):
        cells = figures.summarise({"a": [Measurement(output_digest="x")] * 2,
                                   "b": [Measurement(output_digest="y")]}, "wall")

        self.assertEqual(cells["a"].failure, "")
        self.assertIn("differs", cells["b"].failure)

    def test_the_minimum_can_stand_for_a_cell(self):
        runs = {"a": [Measurement(wall_s=3), Measurement(wall_s=1), Measurement(wall_s=5)]}

        cell = figures.summarise(runs, "wall", "minimum")["a"]

        self.assertEqual((cell.time_s.value, cell.time_s.median), (1, 3))

    def test_the_verdict_compares_with_the_best_rival(self):
        table = {"one": row(glibc=2, rival=1, lunalloc=1), "two": row(glibc=2, rival=2, lunalloc=3)}

        verdict = figures.verdict(table, "lunalloc", "glibc")

        self.assertEqual(verdict.time_rival, "rival")
        self.assertAlmostEqual(verdict.time_ratio, math.sqrt(1.5))
        self.assertEqual([(name, ratio) for name, _, ratio in verdict.slow], [("two", 1.5)])

    def test_a_scenario_with_a_failure_leaves_the_means_and_is_named(self):
        failed = row(glibc=1, rival=1) | {"lunalloc": figures.Cell(failure="SIGABRT")}
        table = {"one": row(glibc=1, rival=1, lunalloc=0.5), "two": failed}
        chosen = [libraries.Library(name, None) for name in ("glibc", "rival", "lunalloc")]

        text = report.as_text(
            report.Comparison(chosen, "glibc", "lunalloc", 1, "wall", "median", table, {}))

        self.assertIn("FAIL two under lunalloc: SIGABRT", text)
        self.assertIn("over 1 scenarios, without two", text)
        self.assertIn("time 0.500 ×", text)


class Programs(unittest.TestCase):
    def measure(self, programs_given: list[str], rates: list[str]) -> Measurement:
        scenario, = programs.parse(programs_given, rates)
        with tempfile.TemporaryDirectory() as scratch:
            context = launch.Context(LAUNCHER.parent, COMPARE.parent, pathlib.Path(scratch), False,
                                     20)
            return scenario.run(context, libraries.Library("glibc", None))

    def test_a_command_is_split_as_by_a_shell(self):
        measured = self.measure(["one=/bin/sh -c 'exit 3'"], [])

        self.assertEqual(measured.failure, "exit status 3")

    def test_a_rate_stands_for_the_time(self):
        measured = self.measure(["one=/bin/echo did 2,000,000 in a second"], ["one=did ([0-9,]+)"])

        self.assertEqual((measured.failure, measured.wall_s, measured.cpu_s), ("", 0.5, 0.5))

    def test_a_rate_that_was_not_printed_is_a_failure(self):
        measured = self.measure(["one=/bin/echo nothing"], ["one=did ([0-9,]+)"])

        self.assertIn("printed nothing like", measured.failure)


class Micro(unittest.TestCase):
    def compared(self, table: micro.Table) -> micro_report.Comparison:
        chosen = [libraries.Library(name, None) for name in ("glibc", "rival", "lunalloc")]
        return micro_report.Comparison(chosen, "glibc", "lunalloc", 2, table)

    def line(self, **ns: float) -> dict[str, micro.Cell]:
        return {name: micro.cell_of([micro.Sample(value), micro.Sample(value + 1)])
                for name, value in ns.items()}

    def test_every_line_is_in_the_table(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "table.json"
            ended = subprocess.run(
                [COMPARE, "--build", LAUNCHER.parent, "--micro", "--smoke", "--runs", "1",
                 "--json", path], capture_output=True, text=True)
            self.assertEqual(ended.returncode, 0, ended.stderr)
            lines = json.loads(path.read_text())["lines"]

        self.assertEqual(list(lines), expected_lines())
        self.assertTrue(all(line["glibc"]["ns"]["value"] > 0 for line in lines.values()))
        for name in lines:
            self.assertRegex(ended.stdout, rf"(?m)^{re.escape(name)} +[0-9.]+\*$")

    def test_the_minimum_counts_and_the_best_of_a_row_has_a_star(self):
        text = micro_report.as_text(self.compared({"one": self.line(glibc=4, rival=2, lunalloc=3)}))

        self.assertRegex(text, r"(?m)^one +4\.0 +2\.0\* +3\.0$")
        self.assertRegex(text, r"(?m)^geomean to glibc +1\.000 +0\.500 +0\.750$")
        self.assertRegex(text, r"(?m)^geomean to best +2\.000 +1\.000 +1\.500$")
        self.assertIn("in 1 of 1 lines: one (1.50 × rival)", text)

    def test_a_line_in_which_a_library_crashed_leaves_the_means(self):
        crashed = self.line(glibc=1, lunalloc=1) | {
            "rival": micro.cell_of([micro.Sample(1), micro.Sample(failure="SIGSEGV")])}
        table = {"one": self.line(glibc=4, rival=2, lunalloc=2), "two": crashed}

        text = micro_report.as_markdown(self.compared(table))

        self.assertIn("| two | 1.0* |", text)
        self.assertIn("FAIL two under rival: SIGSEGV", text)
        self.assertIn("over 1 lines, without two", text)


def expected_lines() -> list[str]:
    sizes = [8, 16, 24, 32, 48, 64, 100, *(128 << i for i in range(9)),
             *(f"{kib}K" for kib in (64, 128, 256, 1024, 4096, 32768))]
    return [
        *(f"pair_{size}" for size in sizes), "new_del_32",
        *(f"batch_{order}_{size}" for size in (16, 64, 256, 1024, 4096, 16384)
          for order in ("fifo", "lifo", "rand")),
        "batch_rand_mixed_16_1024", "grow_1M_objs_32_then_free",
        "churn_16_1024", "churn_2thr_16_1024",
        *(f"xthread_1p1c_{size}" for size in (64, 1024, "mixed")), "thread_create_100malloc",
        "realloc_x1.5_16_to_1M", "realloc_+16_to_64K", "realloc_+4K_to_16M",
        "calloc_64", "calloc_1024",
        *(f"{call}_{kib}K_{touch}" for kib in (64, 1024, 16384)
          for call, touch in (("calloc", "notouch"), ("calloc", "touchall"),
                              ("malloc", "touchall"))),
        "aligned_64_64", "aligned_64_256", "aligned_256_1000", "aligned_4096_4096",
        "aligned_4096_65536", "aligned_2097152_2097152", "usable_size_64"]


class CommandLine(unittest.TestCase):
    def complaint(self, *arguments: str) -> str:
        ended = subprocess.run([COMPARE, "--build", LAUNCHER.parent, *arguments],
                               capture_output=True, text=True)
        self.assertEqual(ended.returncode, 2)
        return ended.stderr

    def test_an_unknown_scenario_names_the_nearest(self):
        self.assertIn("did you mean hash_map?", self.complaint("--scenario", "hashmap"))

    def test_a_missing_library_is_named(self):
        self.assertIn("no file", self.complaint("--lib", "x=/no/such/library.so"))

    def test_a_text_file_is_no_library(self):
        self.assertIn("not a shared object", self.complaint("--lib", f"x={COMPARE}"))

    def test_a_rate_of_no_program_is_named(self):
        self.assertIn("which no --program has",
                      self.complaint("--program", "a=true", "--rate", "b=(.)"))

    def test_a_filter_that_no_line_matches_is_named(self):
        self.assertIn("no line matches 'mmap'", self.complaint("--micro", "--filter", "mmap"))

    def test_scenarios_do_not_go_with_single_operations(self):
        self.assertIn("--scenario does not go with",
                      self.complaint("--micro", "--scenario", "tree"))

    def test_a_picture_of_unknown_kind_is_refused(self):
        self.assertIn(".svg or .png", self.complaint("--plot", "picture.gif"))


if __name__ == "__main__":
    unittest.main()
