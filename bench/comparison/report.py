# SPDX-License-Identifier: MIT
"""Writes the comparison down: as text, as Markdown and as JSON."""

import dataclasses
import datetime
import json
import os
import pathlib
import platform
import re

from comparison import figures
from comparison.libraries import Library

QUANTITIES = (
    ("time_s", "Time, seconds"),
    ("rss_kib", "Peak RSS, MiB"),
    ("faults", "Page faults, thousands"),
)


@dataclasses.dataclass(frozen=True)
class Compared:
    """What was compared, whatever the table holds."""

    libraries: list[Library]
    baseline: str
    subject: str
    runs: int

    def names(self) -> list[str]:
        return [library.name for library in self.libraries]


@dataclasses.dataclass(frozen=True)
class Comparison(Compared):
    time_kind: str
    statistic: str
    table: figures.Table
    skipped: dict[str, str]


def number(quantity: str, value: float) -> str:
    if quantity == "time_s":
        return f"{value:.3f}"
    scaled = value / (1024 if quantity == "rss_kib" else 1000)
    return f"{scaled:.1f}" if scaled < 100 else f"{scaled:.0f}"


def cell_text(cell: figures.Cell, quantity: str, best: float) -> str:
    """The value, then lowest and highest; a star marks the best of the row."""
    if cell.failure:
        return "FAIL"
    spread = getattr(cell, quantity)
    text = number(quantity, spread.value)
    low, high = number(quantity, spread.low), number(quantity, spread.high)
    if low != high:
        text += f" ({low}..{high})"
    return text + ("*" if spread.value == best else "")


def rows_of(comparison: Comparison, quantity: str) -> list[list[str]]:
    rows = []
    for scenario, row in comparison.table.items():
        values = [getattr(cell, quantity).value for cell in row.values() if not cell.failure]
        best = min(values, default=0.0)
        rows.append([scenario, *(cell_text(cell, quantity, best) for cell in row.values())])
    return rows + mean_rows(comparison, quantity)


def mean_rows(comparison: Compared, quantity: str) -> list[list[str]]:
    # Fault counts differ by orders of magnitude: a mean of their ratios tells nothing.
    if quantity == "faults":
        return []
    means = figures.means(comparison.table, quantity, comparison.baseline)
    if means is None:
        return []
    names = comparison.names()
    return [
        [f"geomean to {comparison.baseline}", *(f"{means.to_baseline[n]:.3f}" for n in names)],
        ["geomean to best", *(f"{means.to_best_of_row[n]:.3f}" for n in names)],
    ]


def as_text(comparison: Comparison) -> str:
    parts = []
    for quantity, title in QUANTITIES:
        rows = [["", *comparison.names()], *rows_of(comparison, quantity)]
        parts.append(f"{title}: {how(comparison, quantity)}\n" + text_table(rows))
    return "\n\n".join([*parts, "\n".join(notes(comparison))])


def text_table(rows: list[list[str]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join([row[0].ljust(widths[0]),
                                *(text.rjust(width) for text, width in zip(row[1:], widths[1:]))])
                     for row in rows)


def as_markdown(comparison: Comparison) -> str:
    parts = [bullets(machine_lines())]
    for quantity, title in QUANTITIES:
        rows = [["", *comparison.names()], *rows_of(comparison, quantity)]
        parts.append(f"**{title}**: {how(comparison, quantity)}\n\n" + markdown_table(rows))
    return "\n\n".join([*parts, bullets(notes(comparison))]) + "\n"


def markdown_table(rows: list[list[str]]) -> str:
    header, *lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([header, "| --- |" + " ---: |" * (len(rows[0]) - 1), *lines])


def bullets(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def how(comparison: Comparison, quantity: str) -> str:
    kind = {"time_s": f"{comparison.time_kind} clock, "}.get(quantity, "")
    return (f"{kind}{comparison.statistic} of {comparison.runs} (lowest..highest), "
            "* best of the row")


def notes(comparison: Comparison) -> list[str]:
    lines = failure_lines(comparison)
    lines += [f"skipped {scenario}: {reason}" for scenario, reason in comparison.skipped.items()]
    lines.append(means_line(comparison, "scenarios"))
    if comparison.runs > 1 and comparison.table:
        noise = figures.typical_spread(comparison.table)
        lines.append(f"Typical spread of time, highest to lowest of a cell: {noise:.0%}")
    return lines + verdict_lines(comparison)


def failure_lines(comparison: Compared) -> list[str]:
    return [f"FAIL {scenario} under {name}: {cell.failure}"
            for scenario, row in comparison.table.items()
            for name, cell in row.items() if cell.failure]


def means_line(comparison: Compared, what: str) -> str:
    complete = figures.complete_scenarios(comparison.table)
    left_out = [name for name in comparison.table if name not in complete]
    return (f"Geometric means over {len(complete)} {what}"
            + (f", without {', '.join(left_out)} (a library failed)" if left_out else ""))


def verdict_lines(comparison: Comparison) -> list[str]:
    verdict = figures.verdict(comparison.table, comparison.subject, comparison.baseline)
    if verdict is None:
        return []
    subject = verdict.subject
    lines = [
        f"{subject} against the best rival: time {verdict.time_ratio:.3f} × {verdict.time_rival}, "
        f"peak RSS {verdict.rss_ratio:.3f} × {verdict.rss_rival}"]
    if not verdict.slow:
        return [*lines, f"{subject} is nowhere slower than {figures.SLOW_FACTOR} × its best rival"]
    slow = ", ".join(f"{scenario} ({ratio:.2f} × {rival})"
                     for scenario, rival, ratio in verdict.slow)
    return [*lines, f"{subject} is slower than {figures.SLOW_FACTOR} × its best rival in: {slow}"]


def write_json(comparison: Comparison, path: pathlib.Path) -> None:
    verdict = figures.verdict(comparison.table, comparison.subject, comparison.baseline)
    means = {quantity: figures.means(comparison.table, quantity, comparison.baseline)
             for quantity, _ in QUANTITIES[:2]}
    document = {
        "format": 1,
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": machine_lines(),
        "runs": comparison.runs,
        "time_kind": comparison.time_kind,
        "statistic": comparison.statistic,
        "baseline": comparison.baseline,
        "libraries": libraries_document(comparison),
        "scenarios": {scenario: {name: dataclasses.asdict(cell) for name, cell in row.items()}
                      for scenario, row in comparison.table.items()},
        "skipped": comparison.skipped,
        "geometric_means": {quantity: dataclasses.asdict(mean) if mean else None
                            for quantity, mean in means.items()},
        "verdict": dataclasses.asdict(verdict) if verdict else None,
    }
    path.write_text(json.dumps(document, indent=1) + "\n")


def libraries_document(comparison: Compared) -> dict[str, dict]:
    return {library.name: {"file": library.path.name if library.path else None,
                           "environment": library.environment}
            for library in comparison.libraries}


def machine_lines() -> list[str]:
    """What a reader must know of the machine to judge the figures."""
    def first(pattern: str, file: str) -> str:
        try:
            match = re.search(pattern, pathlib.Path(file).read_text(), re.MULTILINE)
        except OSError:
            return "unknown"
        return match[1] if match else "unknown"

    memory = first(r"^MemTotal:\s+(\d+)", "/proc/meminfo")
    gib = f"{int(memory) / 2**20:.0f} GiB" if memory.isdigit() else memory
    huge = first(r"\[(\w+)\]", "/sys/kernel/mm/transparent_hugepage/enabled")
    return [
        f"{os.cpu_count()} × {first('^model name.*: (.*)$', '/proc/cpuinfo')}, {gib}",
        f"Linux {platform.release().split('-')[0]}, glibc {platform.libc_ver()[1]}, "
        f"transparent huge pages: {huge}",
    ]
