# SPDX-License-Identifier: MIT
"""Chromium, headless: a local page with scripts, workers and a canvas; same page, same picture.

Chromium has a malloc of its own, which its libraries use as well: what is tested
here is that the preloaded library starts, forks and ends well beside it.
"""
import json
import os
import pathlib
import select
import struct
import zlib

import support

# --no-sandbox lets it run as root; the rest keeps it off the network.
OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
           "--disable-background-networking", "--disable-component-update", "--disable-sync",
           "--disable-default-apps", "--disable-extensions", "--disable-dev-shm-usage",
           "--proxy-server=127.0.0.1:9", "--no-pings", "--force-device-scale-factor=1",
           "--allow-file-access-from-files", "--window-size=800,600"]

PAGE = r"""<!doctype html>
<html><head><meta charset="utf-8"><title>page</title>
<style>
 body { font: 14px sans-serif; background: linear-gradient(#fff, #cde); }
 td { border: 1px solid #888; padding: 1px 4px; } .odd { background: #fea; }
 svg { width: 200px; height: 100px } #grid { display: grid; grid-template-columns: repeat(12, 1fr) }
</style></head><body>
<p id="result">waiting</p><canvas id="canvas" width="300" height="120"></canvas>
<svg viewBox="0 0 100 50"><circle cx="50" cy="25" r="20" fill="teal"/><text x="30" y="30">text</text></svg>
<table id="table"></table><div id="grid"></div>
<script>
const number = (seed) => (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
function sum(text) { let h = 5381; for (const c of text) h = (Math.imul(h, 33) + c.charCodeAt(0)) | 0; return h; }

let seed = 1;
const table = document.getElementById('table');
for (let row = 0; row < 300; row++) {
  const line = table.insertRow();
  for (let cell = 0; cell < 8; cell++) {
    seed = number(seed);
    line.insertCell().innerHTML = `<b>${seed % 1000}</b> <i style="color: hsl(${seed % 360} 80% 40%)">x</i>`;
    line.className = row % 2 ? 'odd' : '';
  }
}
for (let i = 0; i < 240; i++) {
  const cell = document.createElement('span');
  cell.textContent = 'cell ' + i;
  document.getElementById('grid').append(cell);
}
for (const line of [...table.rows].slice(40)) line.remove();

const context = document.getElementById('canvas').getContext('2d');
for (let i = 0; i < 200; i++) {
  seed = number(seed);
  context.fillStyle = `hsl(${seed % 360} 70% 60%)`;
  context.fillRect(seed % 280, (seed >> 8) % 100, 20, 20);
}
context.fillStyle = 'black'; context.font = '20px serif'; context.fillText('canvas', 20, 60);

const objects = [];
for (let i = 0; i < 100000; i++) objects.push({ i, s: 'text' + i % 77 });
const json = JSON.stringify(objects);
const source = `onmessage = (e) => { let t = 0; const a = new Float64Array(200000).fill(e.data);
  for (const v of a) t += v; postMessage(t + JSON.stringify([...a.slice(0, 500)]).length); }`;
document.getElementById('result').textContent =
  ['done', sum(json), JSON.parse(json).length, sum(table.outerHTML),
   new DOMParser().parseFromString('<a><b/></a>', 'text/xml').documentElement.outerHTML].join(' | ');

// What takes its time; the test asks for it.
function work() {
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const run = (n) => new Promise((done, fail) => {
    const worker = new Worker(url);
    worker.onmessage = (e) => { done(e.data); worker.terminate(); };
    worker.onerror = (e) => fail(e.message);
    worker.postMessage(n);
  });
  const wasm = new WebAssembly.Memory({ initial: 20 });
  wasm.grow(30);
  return Promise.all([1, 2, 3, 4, 5, 6].map(run)).then((results) => [...results, wasm.buffer.byteLength].join(' '));
}
</script></body></html>
"""


def pixels(picture):
    """Returns the unpacked data of a PNG, after a look at its header."""
    support.expect(picture[:8] == b"\x89PNG\r\n\x1a\n", "the screenshot is no PNG")
    width, height = struct.unpack(">II", picture[16:24])
    support.expect((width, height) == (800, 600), f"the screenshot is {width} x {height}")
    data, place = b"", 8
    while place < len(picture):
        length, kind = struct.unpack(">I4s", picture[place:place + 8])
        if kind == b"IDAT":
            data += picture[place + 8:place + 8 + length]
        place += 12 + length
    return zlib.decompress(data)


class Remote:
    """Gives orders to a browser through the pair of pipes that it has as descriptors 3 and 4."""

    def __init__(self, browser, orders, answers):
        # Open for both ways, so that neither open() waits for the browser.
        self.browser = browser
        self.orders = open(os.open(orders, os.O_RDWR), "wb")
        self.answers = os.open(answers, os.O_RDWR)
        self.received = b""
        self.last = 0
        self.events = []

    def ask(self, method, session=None, **parameters):
        self.last += 1
        order = {"id": self.last, "method": method, "params": parameters}
        self.orders.write(json.dumps(order | ({"sessionId": session} if session else {})).encode() + b"\0")
        self.orders.flush()
        while True:
            answer = self.message()
            if answer.get("id") == self.last:
                support.expect("error" not in answer, f"{method}: {answer}")
                return answer["result"]
            self.events.append(answer.get("method"))

    def wait_for(self, event):
        while event not in self.events:
            self.events.append(self.message().get("method"))
        self.events.clear()

    def message(self):
        while b"\0" not in self.received:
            self.browser.wait_until(lambda: select.select([self.answers], [], [], 0.5)[0], 40)
            self.received += os.read(self.answers, 1 << 16)
        message, self.received = self.received.split(b"\0", 1)
        return json.loads(message)

    def evaluate(self, page, script):
        """Loads a page in a tab, runs a script there and closes the tab again."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.ask("Page.enable", session)
        self.events.clear()
        self.ask("Page.navigate", session, url=page)
        self.wait_for("Page.loadEventFired")
        answer = self.ask("Runtime.evaluate", session, expression=script, awaitPromise=True)
        self.ask("Target.closeTarget", targetId=target)
        support.expect("exceptionDetails" not in answer, f"the script failed: {answer}")
        return answer["result"]["value"]


def remote_controlled(stage, page):
    """Has several tabs work, one after the other, and looks into all processes meanwhile."""
    for name in ("orders", "answers"):
        os.mkfifo(stage.directory / name)
    command = ["sh", "-c", 'exec "$@" 3< orders 4> answers', "sh", "chromium", *OPTIONS,
               f"--user-data-dir={stage.directory}/remote", "--remote-debugging-pipe", "about:blank"]
    with stage.server(command) as browser:
        remote = Remote(browser, stage.directory / "orders", stage.directory / "answers")
        results = [remote.evaluate(page, "work()") for _ in range(3)]
        browser.wait_until(lambda: any(
            b"--type=renderer" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
            for pid in support.descendants(browser.pid)))
        stage.check_family(browser.pid)
        remote.ask("Browser.close")
        browser.process.wait(20)
    return "\n".join(results).encode()


def scenario(stage):
    page = stage.write("page.html", PAGE)

    def chromium(name, *options):
        return stage.command(["chromium", *OPTIONS, f"--user-data-dir={stage.directory}/{name}", *options,
                              f"file://{page}"], compare_messages=False)

    worked = remote_controlled(stage, f"file://{page}")
    document = chromium("first", "--dump-dom")
    support.expect(b"done |" in document, f"the script did not end:\n{support.tail(document)}")
    # Not before each stage of drawing is done, however busy the machine is.
    chromium("second", "--run-all-compositor-stages-before-draw", "--virtual-time-budget=10000",
             "--screenshot=picture.png")
    picture = pixels(stage.read("picture.png"))
    support.expect(len(set(picture)) > 100, "the picture is empty")
    return {"results of workers": worked, "document": document, "picture": picture}


if __name__ == "__main__":
    support.main(scenario, {"chromium": "chromium"})
