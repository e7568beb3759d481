# SPDX-License-Identifier: MIT
"""Draws time against peak RSS, one labelled point a library; down and left is better."""

import pathlib

from comparison import figures
from comparison.report import Comparison


def missing() -> str:
    """Returns why no plot can be drawn here, or an empty string."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        return "--plot wants matplotlib, try: apt install python3-matplotlib"
    return ""


def write(comparison: Comparison, path: pathlib.Path) -> str:
    """Writes the picture; returns why not, or an empty string."""
    time = figures.means(comparison.table, "time_s", comparison.baseline)
    rss = figures.means(comparison.table, "rss_kib", comparison.baseline)
    if time is None or rss is None:
        return "no plot: no scenario was finished by every library"

    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7.5, 5.5), constrained_layout=True)
    axes.axhline(1, color="0.85", linewidth=1, zorder=0)
    axes.axvline(1, color="0.85", linewidth=1, zorder=0)
    for name in comparison.names():
        mine = name == comparison.subject
        x, y = time.to_baseline[name], rss.to_baseline[name]
        axes.scatter(x, y, s=90 if mine else 45, color="tab:red" if mine else "tab:blue", zorder=2)
        axes.annotate(name, (x, y), xytext=(7, 5), textcoords="offset points",
                      fontweight="bold" if mine else "normal")
    axes.margins(0.18)
    axes.set_xlabel(f"time, geometric mean relative to {comparison.baseline}")
    axes.set_ylabel(f"peak RSS, geometric mean relative to {comparison.baseline}")
    count = len(figures.complete_scenarios(comparison.table))
    axes.set_title(f"{count} scenarios, {comparison.statistic} of {comparison.runs} runs: "
                   "down and left is better", fontsize=10)
    figure.savefig(path, dpi=130, metadata={"Date": None} if path.suffix == ".svg" else None)
    return ""
