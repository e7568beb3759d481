# SPDX-License-Identifier: MIT
"""What soak.py measures of a server: its samples, their drift, a table row and a chart."""
import http.client
import json
import pathlib
import re
import socket
import statistics
import typing

MIB = 1024 * 1024
FIELDS = ("seconds", "server", "state", "pid", "rss_bytes", "resident_bytes", "live_bytes")
# A drift is held against the allocator when it is beyond doubt and worth a word.
ERRORS_BEYOND_DOUBT = 4
POINTS_NEEDED = 8
GROWTH_BYTES = 8 * MIB
GROWTH_SHARE = 0.25
COLOURS = {"rss_bytes": "#999999", "resident_bytes": "#d62728", "live_bytes": "#1f77b4"}


class Sample(typing.NamedTuple):
    """Of one process: all its resident memory, what of it is the allocator's, and what lives."""

    seconds: float
    state: str
    pid: int
    rss_bytes: int
    resident_bytes: int
    live_bytes: int

    @property
    def overhead(self):
        return self.resident_bytes - self.live_bytes


class SocketConnection(http.client.HTTPConnection):
    """HTTP over the socket of a process that has the option `socket`."""

    def __init__(self, path):
        super().__init__("x", timeout=20)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def take_sample(path, pid, seconds, state):
    """Asks a process at its socket. OSError or HTTPException where it does not answer."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    rss = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024
    connection = SocketConnection(path)
    try:
        connection.request("GET", "/stats.json")
        answer = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return Sample(seconds, state, pid, rss, answer["reconciliation"]["resident_bytes"],
                  answer["totals"]["live_bytes"])


def line_fit(points):
    """Least squares: the slope of (x, y) points and its standard error; None with fewer than 3."""
    if len(points) < 3 or len({x for x, _ in points}) < 2:
        return None
    middle = statistics.fmean(x for x, _ in points)
    height = statistics.fmean(y for _, y in points)
    spread = sum((x - middle) ** 2 for x, _ in points)
    slope = sum((x - middle) * (y - height) for x, y in points) / spread
    rest = sum((y - height - slope * (x - middle)) ** 2 for x, y in points)
    return slope, (rest / (len(points) - 2) / spread) ** 0.5


def after_warming_up(samples):
    """Without the first quarter of them, in which tables and caches reach their size."""
    return samples[len(samples) // 4:]


def drift_fault(samples):
    """Says that memory which is not live grows at the quiet points, or returns None."""
    quiet = after_warming_up(samples)
    fit = line_fit([(sample.seconds, sample.overhead) for sample in quiet])
    if fit is None or len(quiet) < POINTS_NEEDED:
        return None
    slope, error = fit
    growth = slope * (quiet[-1].seconds - quiet[0].seconds)
    usual = statistics.median(sample.resident_bytes for sample in quiet)
    if growth > max(GROWTH_BYTES, GROWTH_SHARE * usual) and slope > ERRORS_BEYOND_DOUBT * error:
        return (f"resident memory beyond what is live has grown by {growth / MIB:.1f} MiB in "
                f"{len(quiet)} quiet points")
    return None


def middle_of(samples, field):
    return statistics.median(getattr(sample, field) for sample in samples) / MIB


def row(name, samples):
    """A line of the table, from the samples at the quiet points of a server."""
    quiet = after_warming_up(samples)
    if not quiet:
        return f"| {name} | 0 | | | | | |"
    third = max(1, len(quiet) // 3)
    ends = quiet[:third], quiet[-third:]
    live, resident, rss = ([middle_of(end, field) for end in ends]
                           for field in ("live_bytes", "resident_bytes", "rss_bytes"))
    ratios = [whole / max(part, 1e-9) for whole, part in zip(resident, live)]
    fit = line_fit([(sample.seconds, sample.overhead) for sample in quiet])
    drift = f"{fit[0] * 3600 / MIB:+.2f} ± {fit[1] * 3600 / MIB:.2f}" if fit else "–"
    return (f"| {name} | {len(samples)} | {rss[0]:.1f} → {rss[1]:.1f} | {live[0]:.1f} → {live[1]:.1f} | "
            f"{resident[0]:.1f} → {resident[1]:.1f} | {ratios[0]:.2f} → {ratios[1]:.2f} | {drift} |")


TABLE_HEAD = ("| server | quiet points | RSS, MiB | live, MiB | resident, MiB | resident / live | "
              "drift, MiB an hour |\n| --- | --- | --- | --- | --- | --- | --- |")


def polyline(samples, field, scale):
    """One curve of a panel; `scale` maps seconds and bytes to a place."""
    places = " ".join("{:.1f},{:.1f}".format(*scale(sample.seconds, getattr(sample, field)))
                      for sample in samples)
    return f'<polyline fill="none" stroke="{COLOURS[field]}" points="{places}"/>'


def panel(name, samples, top):
    """The curves of one server, with a dot at each quiet point, in 960 x 160 from `top` on."""
    last = max(sample.seconds for sample in samples) or 1
    most = max(sample.rss_bytes for sample in samples)

    def scale(seconds, count):
        return 10 + 940 * seconds / last, top + 150 - 120 * count / most

    curves = [polyline(samples, field, scale) for field in COLOURS]
    dots = ['<circle r="2" cx="{:.1f}" cy="{:.1f}"/>'.format(*scale(sample.seconds, sample.live_bytes))
            for sample in samples if sample.state == "quiet"]
    title = f"{name}: {most / MIB:.1f} MiB at the top, {last:.0f} s"
    return f'<text x="10" y="{top + 18}">{title}</text>\n' + "\n".join(curves + dots)


def chart(samples_of):
    """An SVG with a panel for each server: {name: samples}."""
    panels = [panel(name, samples, 30 + 160 * number)
              for number, (name, samples) in enumerate(sorted(samples_of.items())) if samples]
    legend = "".join(f'<tspan fill="{colour}">{field.removesuffix("_bytes")} </tspan>'
                     for field, colour in COLOURS.items())
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="960" height="{40 + 160 * len(samples_of)}" '
            'font-family="sans-serif" font-size="13">\n<rect width="100%" height="100%" fill="white"/>\n'
            f'<text x="10" y="18">{legend}</text>\n' + "\n".join(panels) + "\n</svg>\n")
