# SPDX-License-Identifier: MIT
"""From single runs to medians, spreads, geometric means and the verdict."""

import dataclasses
import math
import statistics

from comparison.launch import Measurement

# A scenario this much slower than its best rival wants an explanation.
SLOW_FACTOR = 1.15


@dataclasses.dataclass(frozen=True)
class Spread:
    value: float  # the median or the minimum: what stands for the cell
    median: float
    low: float
    high: float

    @staticmethod
    def of(values: list[float], statistic: str = "median") -> "Spread":
        median, low = statistics.median(values), min(values)
        return Spread(low if statistic == "minimum" else median, median, low, max(values))


@dataclasses.dataclass(frozen=True)
class Cell:
    """One library in one scenario. With a failure, the spreads are None."""

    failure: str = ""
    time_s: Spread | None = None  # the one that is compared: wall or CPU
    wall_s: Spread | None = None
    cpu_s: Spread | None = None
    rss_kib: Spread | None = None
    faults: Spread | None = None


Table = dict[str, dict[str, Cell]]  # scenario → library → cell


def summarise(runs: dict[str, list[Measurement]], time_kind: str,
              statistic: str = "median") -> dict[str, Cell]:
    """Returns a cell for each library of one scenario.

    Every program prints a result that depends on its input alone, so a library
    under which the output differs from most others' has damaged it.
    """
    digests = [run.output_digest for each in runs.values() for run in each if not run.failure]
    expected = statistics.mode(digests) if digests else ""
    return {library: cell_of(each, expected, time_kind, statistic)
            for library, each in runs.items()}


def cell_of(runs: list[Measurement], expected_digest: str, time_kind: str,
            statistic: str) -> Cell:
    for run in runs:
        if run.failure:
            return Cell(failure=run.failure)
        if run.output_digest != expected_digest:
            return Cell(failure="the output differs from that under the other libraries")
    wall = Spread.of([run.wall_s for run in runs], statistic)
    cpu = Spread.of([run.cpu_s for run in runs], statistic)
    return Cell(
        time_s=cpu if time_kind == "cpu" else wall,
        wall_s=wall,
        cpu_s=cpu,
        rss_kib=Spread.of([float(run.max_rss_kib) for run in runs]),
        faults=Spread.of([float(run.minor_faults + run.major_faults) for run in runs]))


def geometric_mean(values: list[float]) -> float:
    return math.exp(statistics.fmean(math.log(value) for value in values))


@dataclasses.dataclass(frozen=True)
class Means:
    """Geometric means of one quantity over the scenarios that all libraries finished."""

    to_baseline: dict[str, float]
    to_best_of_row: dict[str, float]

    def best(self, names: list[str]) -> str:
        return min(names, key=lambda name: self.to_baseline[name])


def complete_scenarios(table: Table) -> list[str]:
    return [name for name, row in table.items() if not any(cell.failure for cell in row.values())]


def means(table: Table, quantity: str, baseline: str) -> Means | None:
    """Returns None when no scenario was finished by every library."""
    # CPU time of a tiny run can read as zero; the floor keeps its ratio finite.
    rows = [{library: max(getattr(cell, quantity).value, 1e-6)
             for library, cell in table[name].items()}
            for name in complete_scenarios(table)]
    if not rows:
        return None
    libraries = rows[0].keys()
    return Means(
        {name: geometric_mean([row[name] / row[baseline] for row in rows]) for name in libraries},
        {name: geometric_mean([row[name] / min(row.values()) for row in rows])
         for name in libraries})


def typical_spread(table: Table) -> float:
    """Returns the median over all cells of (highest - lowest) / median of time."""
    return statistics.median(
        (cell.time_s.high - cell.time_s.low) / max(cell.time_s.median, 1e-6)
        for row in table.values() for cell in row.values() if not cell.failure)


@dataclasses.dataclass(frozen=True)
class Verdict:
    """How the subject stands against its rivals. Ratios below 1 mean that it leads."""

    subject: str
    time_rival: str
    time_ratio: float
    rss_rival: str
    rss_ratio: float
    slow: list[tuple[str, str, float]]  # scenario, best rival in it, ratio


def rivals_of(subject: str, libraries: list[str]) -> list[str]:
    """Variants of the subject (`subject-…`) are no rivals."""
    return [name for name in libraries if name != subject and not name.startswith(subject + "-")]


def verdict(table: Table, subject: str, baseline: str) -> Verdict | None:
    libraries = list(next(iter(table.values()), {}))
    rivals = rivals_of(subject, libraries)
    time, rss = means(table, "time_s", baseline), means(table, "rss_kib", baseline)
    if subject not in libraries or not rivals or time is None or rss is None:
        return None
    time_rival, rss_rival = time.best(rivals), rss.best(rivals)
    return Verdict(subject,
                   time_rival, time.to_baseline[subject] / time.to_baseline[time_rival],
                   rss_rival, rss.to_baseline[subject] / rss.to_baseline[rss_rival],
                   slow_scenarios(table, subject, rivals, "time_s", SLOW_FACTOR))


def slow_scenarios(table: Table, subject: str, rivals: list[str], quantity: str,
                   factor: float) -> list[tuple[str, str, float]]:
    def value(cell: Cell) -> float:
        return getattr(cell, quantity).value

    slow = []
    for scenario, row in table.items():
        finished = [name for name in rivals if not row[name].failure]
        if row[subject].failure or not finished:
            continue
        best = min(finished, key=lambda name: value(row[name]))
        ratio = value(row[subject]) / max(value(row[best]), 1e-6)
        if ratio > factor:
            slow.append((scenario, best, ratio))
    return sorted(slow, key=lambda entry: -entry[2])
