# SPDX-License-Identifier: MIT
"""The page of `luna report` in headless Chromium, of a guest that leaks.

Usage: report_test.py PART LIBRARY LUNA GUEST
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import browser
from made_report import (PATIENCE_S, SKIPPED, expect, guest, library, line_of, luna, make_report,
                         report_run, run_guest)

FRAMES = "[...document.querySelectorAll('#flame-graph g.frame')]"


def frame(name):
    """The expression for a frame of the flame graph with that in its name."""
    return f"{FRAMES}.find((one) => one.getAttribute('name')?.includes({name!r}))"


def button(text, inside="document"):
    """The expression for a button with that text."""
    return (f"[...{inside}.querySelectorAll('button')]"
            f".find((one) => one.textContent.trim() === {text!r})")


def text_of(selector):
    """The expression for what is read there."""
    return f"document.querySelector({selector!r}).innerText"


def width(name):
    """The expression for the width of a frame."""
    return f"{frame(name)}.querySelector('rect').getBoundingClientRect().width"


def whole(page):
    """The expression for the width of the flame graph, as a number."""
    return page.ask("document.querySelector('#flame-graph').clientWidth")


def overview(page, report):
    """The leak is the first finding, and leads to its row."""
    page.open(report)
    expect("take_order" in page.ask(text_of(".finding h3")), page.ask(text_of(".findings")))
    expect("leaks" in page.ask(text_of(".finding h3")), page.ask(text_of(".findings")))
    expect(f"shop_guest.cpp:{line_of('leak')}" in page.ask(text_of(".finding h3")), "no line")
    expect("confidence" in page.ask(text_of(".finding ul")), page.ask(text_of(".finding")))
    expect(2 <= page.ask("document.querySelectorAll('.finding').length") <= 3, "findings")
    expect("Resident" in page.ask(text_of(".figures")), page.ask(text_of(".figures")))
    expect("slabs of small blocks" in page.ask(text_of(".parts")), page.ask(text_of(".parts")))
    page.click(button("Show it"))
    expect(page.ask("!document.querySelector('#panel-leaks').hidden"), "the leaks are not shown")


def flame(page, report):
    """It zooms, searches, and shows each type."""
    page.open(report, "#flame")
    page.wait(frame("take_order") + " !== undefined")
    narrow = page.ask(width("load_table"))
    expect(0 < narrow < whole(page) / 2, f"load_table is {narrow} wide")
    page.click(frame("load_table"))
    page.wait(f"{width('load_table')} > {whole(page)} - 2")
    expect(page.ask(frame("take_order") + " === undefined"), "what is beside is still there")
    page.click(button("Show all"))
    page.wait(f"Math.abs({width('load_table')} - {narrow}) < 1")
    page.click("document.querySelector('#flame-search')")
    page.type("TAKE_order")
    page.wait(text_of("#flame-found") + ".startsWith('1 frame, ')")
    color = "getComputedStyle({}.querySelector('rect')).fill"
    expect(page.ask(color.format(frame("take_order"))) != page.ask(color.format(frame("load_table"))),
           "what was found has the colour of what was not")
    page.ask("document.querySelector('#flame-search').value = ''")
    page.type("x")
    page.wait(text_of("#flame-found") + " === 'not found'")
    for title, present, absent in (("Temporary", "render_page", "take_order"),
                                   ("Allocated", "render_page", "no such"),
                                   ("Peak", "take_order", "no such"),
                                   ("Lifetime", "render_page", "take_order")):
        page.click(button(title))
        page.wait(f"{frame(present)} !== undefined && {frame(absent)} === undefined")
    expect(page.ask(button("Lifetime") + ".getAttribute('aria-checked')") == "true", "no choice")


def leaks(page, report):
    """The planted leak has a row with its stack, to the line."""
    page.open(report, "#leaks")
    row = "document.querySelector('#leak-table tbody tr')"
    expect("leak" in page.ask(f"{row}.innerText") and "take_order" in page.ask(f"{row}.innerText"),
           page.ask(f"{row}.innerText"))
    page.click(f"{row}.querySelector('.open')")
    stack = page.ask(text_of("#leak-table .stack"))
    first = stack.splitlines()[0]
    expect("shop::take_order()" in first and f"shop_guest.cpp:{line_of('leak')}" in first, stack)
    expect("main" in stack, stack)
    expect("grew from" in page.ask(f"{row}.innerText"), page.ask(f"{row}.innerText"))
    expect(page.ask("document.querySelector('#leak-table tbody').innerText").count("take_order") >= 1,
           "no row")


def tables(page, report):
    """Call stacks are filtered and sorted; histograms, timeline and events have their figures."""
    page.open(report, "#sites")
    rows = "document.querySelectorAll('#site-table tbody tr.row')"
    expect("take_order" in page.ask(f"{rows}[0].innerText"), "the first is another")
    page.click(button("Temporary"))
    expect("render_page" in page.ask(f"{rows}[0].innerText"), page.ask(f"{rows}[0].innerText"))
    page.click(button("Allocated", "document.querySelector('.choice')"))
    page.click("document.querySelector('#site-filter')")
    page.type("load_table")
    page.wait(f"{rows}.length === 1 && {rows}[0].innerText.includes('load_table')")
    page.open(report, "#histograms")
    sizes = page.ask(text_of(".bars"))
    expect("≤ 2.0 KiB" in sizes and "≤ 4.0 KiB" in sizes, sizes)
    expect("Lifetimes" in page.ask(text_of("#panel-histograms")), "no lifetimes")
    page.open(report, "#timeline")
    expect("Resident" in page.ask(text_of("#timeline-table")), page.ask(text_of("#timeline-table")))
    painted = """(() => { const one = document.querySelector('#timeline-chart canvas');
        const data = one.getContext('2d').getImageData(0, 0, one.width, one.height).data;
        return data.some((value) => value !== 0) })()"""
    page.wait(painted)
    page.open(report, "#events")
    expect("exit" in page.ask(text_of("#event-table")), page.ask(text_of("#event-table")))


def keyboard(page, report):
    """All of it can be reached without a mouse."""
    page.open(report)
    page.press("3")
    page.wait("!document.querySelector('#panel-flame').hidden")
    expect(page.ask("document.activeElement.id") == "tab-flame", "the tab has no focus")
    page.press("ArrowRight")
    page.wait("!document.querySelector('#panel-leaks').hidden")
    page.press("Home")
    page.wait("!document.querySelector('#panel-overview').hidden")
    page.press("/")
    page.wait("document.activeElement.id === 'flame-search'")
    page.type("load")
    page.press("Escape")
    expect(page.ask("document.activeElement.id") == "", "the search still has the focus")
    page.ask("document.querySelector('#flame-graph g.frame[tabindex=\"0\"]').focus()")
    named = "document.activeElement.getAttribute('name')"
    expect(page.ask(named) == "all", page.ask(named))
    for _ in range(20):
        page.press("ArrowDown")
    expect("take_order" in page.ask(named), page.ask(named))
    page.press("ArrowRight")
    expect("load_table" in page.ask(named), page.ask(named))
    expect("%" in page.ask("document.activeElement.getAttribute('aria-label')"), "no figures")
    page.press("Enter")
    page.wait(f"{width('load_table')} > {whole(page)} - 2")
    page.press("Escape")
    page.wait(frame("take_order") + " !== undefined")
    unnamed = page.ask("""[...document.querySelectorAll('button, input, [role]')]
        .filter((one) => !(one.innerText || one.getAttribute('aria-label') ||
                           one.getAttribute('aria-labelledby') || one.querySelector('title') ||
                           one.textContent))
        .map((one) => one.outerHTML)""")
    expect(unnamed == [], unnamed)


def themes(page, report):
    """It is as the reader's system is, until the reader says otherwise."""
    ground = "getComputedStyle(document.body).backgroundColor"
    page.open(report, "#flame")
    light = page.ask(ground)
    page.wait(frame("take_order") + " !== undefined")
    fill = f"getComputedStyle({frame('take_order')}.querySelector('rect')).fill"
    bright = page.ask(fill)
    page.click("document.querySelector('#theme')")
    page.wait(f"{ground} !== {light!r} && {fill} !== {bright!r}")
    page.press("t")
    page.wait(f"{ground} === {light!r} && {fill} === {bright!r}")
    page.call("Emulation.setEmulatedMedia",
              features=[{"name": "prefers-color-scheme", "value": "dark"}])
    page.open(report, "#timeline")
    expect(page.ask(ground) != light, "light, though the system is dark")


def missing(page, report):
    """What the files do not hold is told, with what would give it."""
    lone = make_report(str(pathlib.Path(report).parent), str(pathlib.Path(report).parent / "shop.box"))
    page.open(lone)
    for name, words in (("flame", "profile_format:json"), ("leaks", "luna leaks"),
                        ("sites", "profile_format:json"), ("histograms", "profile_format:json"),
                        ("heaps", "luna stats")):
        page.click(f"document.querySelector('#tab-{name}')")
        told = page.ask(text_of(f"#panel-{name}"))
        expect(words in told and "\n" not in told.strip(), f"{name}: {told}")
    expect("luna stats" in page.ask("document.querySelector('#panel-overview').textContent"), "stats")


def names(page, report):
    """Names of functions are text, whatever they are."""
    folder = pathlib.Path(report).parent
    hostile = "</script><script>window.broken=1</script><img src=x onerror=window.broken=1>"
    profile = (folder / "shop.json").read_text()
    site = ('"sites":[{"frames":[{"function":' + repr(hostile).replace("'", '"') +
            ',"file":"<b>.c","line":1}],"labels":{"<i>":"<u>"},'
            '"live":{"objects":9,"bytes":900000000}},')
    (folder / "hostile.json").write_text(profile.replace('"sites":[', site, 1))
    made = make_report(str(folder), str(folder / "hostile.json"))
    page.open(made, "#flame")
    page.wait(frame("onerror") + " !== undefined")
    for name in ("overview", "sites"):
        page.click(f"document.querySelector('#tab-{name}')")
        expect(hostile in page.ask(text_of(f"#panel-{name}")), f"{name} does not tell the name")
    expect(page.ask("document.querySelectorAll('#panels img').length") == 0, "an image")
    expect(page.ask("window.broken === undefined"), "the name was run")


def ran(page, report):
    """`luna run --report` finds the leak by itself, and watches the program while it runs."""
    with tempfile.TemporaryDirectory() as folder:
        made, words = report_run(folder, "--keep")
        expect(f"  report       {made}\n" in words, words)
        endings = {name.split(".", 2)[2] for name in os.listdir(folder) if name.startswith("shop_")}
        expect(endings >= {"json", "leaks.json", "leaks.txt", "stats.json", "timeline.json", "map.json",
                           "box"}, endings)
        overview(page, made)
        leaks(page, made)
        watched = json.loads(next(pathlib.Path(folder).glob("*.timeline.json")).read_text())
        place = watched["columns"].index("live_bytes")
        expect(watched["rows"] and watched["rows"][-1][place] > 1 << 20, watched)
        page.open(made, "#timeline")
        rows = page.ask(text_of("#timeline-table")).splitlines()
        expect(any(row.startswith("Live") for row in rows), rows)
        page.open(made, "#map")
        expect("slabs of small blocks" in page.ask(text_of("#map-table")), "no pages")
        expect(page.ask("document.querySelector('#map-canvas').height") > 8, "no regions")
        page.open(made, "#events")
        expect("exit" in page.ask(text_of("#event-table")), page.ask(text_of("#event-table")))
    with tempfile.TemporaryDirectory() as folder:
        status = subprocess.run([luna, "run", "--lib", library, "--report", f"{folder}/a.html", "-q",
                                 "--", guest, "100"], check=False, timeout=PATIENCE_S).returncode
        expect(status == 0 and os.listdir(folder) == ["a.html"], os.listdir(folder))


def running(page, report):
    """`luna report PID` asks a process that was started with nothing."""
    folder = str(pathlib.Path(report).parent)
    kept = pathlib.Path(folder, "kept")
    kept.mkdir()
    environment = {**os.environ, "LD_PRELOAD": library}
    environment.pop("LUNALLOC_CONF", None)
    with subprocess.Popen([guest, "1000000"], env=environment) as process:
        try:
            made = make_report(folder, str(process.pid), "--seconds", "3", "--timeout", "60",
                               "--keep", str(kept))
        finally:
            process.kill()
    page.open(made, "#flame")
    page.wait(frame("take_order") + " !== undefined")
    page.click("document.querySelector('#tab-timeline')")
    expect("Resident" in page.ask(text_of("#timeline-table")), page.ask(text_of("#timeline-table")))
    page.click("document.querySelector('#tab-overview')")
    expect("slabs of small blocks" in page.ask(text_of(".parts")), "not what it is made of")
    endings = {name.split(".", 2)[2] for name in os.listdir(kept)}
    expect(endings >= {"json", "stats.json", "timeline.json", "leaks.json", "map.json"}, endings)


def changes(page, report):
    """With an earlier profile colours say what grew, and widths may be those of before."""
    folder = pathlib.Path(report).parent
    (folder / "before").mkdir()
    before = run_guest(folder / "before", orders=1000)["json"]
    made = make_report(str(folder), str(folder / "shop.json"), "--base", before)
    page.open(made, "#flame")
    page.wait(frame("take_order") + " !== undefined")
    fill = "getComputedStyle({}.querySelector('rect')).fill"
    grown, same = (page.ask(fill.format(frame(name))) for name in ("take_order", "load_table"))
    red, _, blue = map(int, grown.removeprefix("rgb(").rstrip(")").split(","))
    expect(red > blue + 20 and grown != same, f"{grown} and {same}")
    page.ask(frame("take_order") + ".focus()")
    detail = page.ask(text_of("#flame-detail"))
    expect("before, +" in detail, detail)
    now = page.ask(width("take_order"))
    page.click(button("Before"))
    page.wait(f"{width('take_order')} < {now} - 10")


def mapped(page, report):
    """A map of pages is drawn, and told by words."""
    folder = pathlib.Path(report).parent
    (folder / "shop.map.json").write_text("""{"format":"lunalloc map","version":1,
        "page_bytes":4096,"region_bytes":2097152,"regions":[{"address":"0x7f0000000000",
        "bytes":2097152,"kind":"shared","heap":null,"huge":"huge","huge_bytes":2097152,
        "resident_bytes":2097152,"runs":[["slab",256,256,64,100,100],["slab",128,128,64,10,100],
        ["large",64,64],["retained",64,0]]}],"totals":{"bytes":2097152,"huge_bytes":2097152,
        "used_block_bytes":1000000,"slab":{"pages":384,"resident_pages":384},
        "large":{"pages":64,"resident_pages":64}},"complete":true}""")
    page.open(make_report(str(folder), str(folder / "shop.map.json")), "#map")
    expect("384" in page.ask(text_of("#map-table")), page.ask(text_of("#map-table")))
    expect("Slabs are 63.6 % full" in page.ask(text_of("#panel-map .lead")), "not how full")
    colors = page.ask("""(() => { const one = document.querySelector('#map-canvas');
        const line = one.getContext('2d').getImageData(0, 4, one.width, 1).data;
        return [0.2, 0.6, 0.8, 0.95].map((place) => (one.width * place | 0) * 4)
          .map((place) => line.slice(place, place + 4).join()) })()""")
    expect(len(set(colors)) == 4, colors)
    page.ask("document.querySelector('#map-canvas').focus()")
    page.press("ArrowDown")
    expect("0x7f0000000000" in page.ask(text_of("#map-detail")), page.ask(text_of("#map-detail")))


def main():
    part = globals()[sys.argv[1]]
    if browser.find() is None:
        print("skip: there is no Chromium")
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory() as folder:
        report = make_report(folder, *run_guest(folder).values())
        with browser.Page() as page:
            part(page, report)
            expect(page.errors == [], page.errors)
            asked = [url for url in page.requests if not url.startswith(("file://", "data:", "about:"))]
            expect(page.requests and not asked, asked)


main()
