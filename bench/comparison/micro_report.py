# SPDX-License-Identifier: MIT
"""Writes the micro table down: as text, as Markdown and as JSON."""

import dataclasses
import datetime
import json
import pathlib

from comparison import figures, micro, report


@dataclasses.dataclass(frozen=True)
class Comparison(report.Compared):
    table: micro.Table


def number(ns: float) -> str:
    return f"{ns:.1f}" if ns < 1000 else f"{ns:.0f}"


def cell_text(cell: micro.Cell, best: float) -> str:
    if cell.failure:
        return "FAIL"
    return number(cell.ns.value) + ("*" if cell.ns.value == best else "")


def rows_of(comparison: Comparison) -> list[list[str]]:
    rows = [["", *comparison.names()]]
    for line, row in comparison.table.items():
        best = min((cell.ns.value for cell in row.values() if not cell.failure), default=0.0)
        rows.append([line, *(cell_text(cell, best) for cell in row.values())])
    return rows + report.mean_rows(comparison, "ns")


def title(comparison: Comparison) -> str:
    return f"minimum of {comparison.runs}, * best of the row"


def as_text(comparison: Comparison) -> str:
    return (f"Nanoseconds per operation: {title(comparison)}\n"
            + report.text_table(rows_of(comparison)) + "\n\n" + "\n".join(notes(comparison)))


def as_markdown(comparison: Comparison) -> str:
    parts = [report.bullets(report.machine_lines()),
             f"**Nanoseconds per operation**: {title(comparison)}",
             report.markdown_table(rows_of(comparison)),
             report.bullets(notes(comparison))]
    return "\n\n".join(parts) + "\n"


def notes(comparison: Comparison) -> list[str]:
    lines = report.failure_lines(comparison)
    lines.append(report.means_line(comparison, "lines"))
    slow = slow_lines(comparison)
    if slow is None:
        return lines
    against = f"{micro.SLOW_FACTOR} × its best rival"
    if not slow:
        return [*lines, f"{comparison.subject} is nowhere slower than {against}"]
    listed = ", ".join(f"{line} ({ratio:.2f} × {rival})" for line, rival, ratio in slow)
    return [*lines, f"{comparison.subject} is slower than {against} in {len(slow)} of "
                    f"{len(comparison.table)} lines: {listed}"]


def slow_lines(comparison: Comparison) -> list[tuple[str, str, float]] | None:
    """Returns line, best rival in it and ratio; None without the subject or rivals."""
    rivals = figures.rivals_of(comparison.subject, comparison.names())
    if comparison.subject not in comparison.names() or not rivals:
        return None
    return figures.slow_scenarios(comparison.table, comparison.subject, rivals, "ns",
                                  micro.SLOW_FACTOR)


def write_json(comparison: Comparison, path: pathlib.Path) -> None:
    means = figures.means(comparison.table, "ns", comparison.baseline)
    document = {
        "format": 1,
        "kind": "micro",
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": report.machine_lines(),
        "runs": comparison.runs,
        "baseline": comparison.baseline,
        "libraries": report.libraries_document(comparison),
        "lines": {line: {name: dataclasses.asdict(cell) for name, cell in row.items()}
                  for line, row in comparison.table.items()},
        "geometric_means": dataclasses.asdict(means) if means else None,
        "slow": slow_lines(comparison),
    }
    path.write_text(json.dumps(document, indent=1) + "\n")
