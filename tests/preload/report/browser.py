# SPDX-License-Identifier: MIT
"""A headless Chromium that is told what to do over a pipe, in its DevTools protocol."""
import base64
import json
import os
import pathlib
import select
import shutil
import subprocess
import tempfile
import time

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-default-apps", "--disable-extensions", "--hide-scrollbars", "--mute-audio",
         "--remote-debugging-pipe"]
KEYS = {"Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39,
        "ArrowDown": 40, "Home": 36, "Tab": 9}
PATIENCE_S = 60


def find():
    """The path of Chromium; None: there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Refused(RuntimeError):
    """What the browser or the page said."""


class Page:
    """One page. What it does wrong or asks for gathers in `errors` and `requests`."""

    def __init__(self, width=1280, height=900, scheme="light"):
        self.errors, self.requests = [], []
        self._number, self._unread, self._events = 0, b"", []
        self._folder = tempfile.TemporaryDirectory()
        self._start()
        target = self.call("Target.createTarget", session=None, url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", session=None, targetId=target,
                                  flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": scheme}])

    def _start(self):
        # Chromium reads descriptor 3 and writes descriptor 4.
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        command = ["/bin/sh", "-c", f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out}', find(), *FLAGS,
                   f"--user-data-dir={self._folder.name}"]
        environment = {name: value for name, value in os.environ.items()
                       if name not in ("LD_PRELOAD", "LUNALLOC_CONF")}
        self._process = subprocess.Popen(
            command, pass_fds=(theirs_in, theirs_out), stdin=subprocess.DEVNULL, env=environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs_in)
        os.close(theirs_out)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.call("Browser.close", session=None)
            self._process.wait(10)
        except (OSError, Refused, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        os.close(self._in)
        os.close(self._out)
        self._folder.cleanup()

    def call(self, method, session="own", **parameters):
        """What the browser answers."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session == "own":
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + PATIENCE_S
        while True:
            answer = self._read(end)
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise Refused(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def _read(self, end):
        while b"\0" not in self._unread:
            if not select.select([self._in], [], [], max(end - time.monotonic(), 0))[0]:
                raise Refused("the browser does not answer")
            part = os.read(self._in, 1 << 20)
            if not part:
                raise Refused("the browser has ended")
            self._unread += part
        text, self._unread = self._unread.split(b"\0", 1)
        message = json.loads(text)
        self._note(message.get("method"), message.get("params", {}))
        return message

    def _note(self, method, what):
        if method == "Runtime.exceptionThrown":
            detail = what["exceptionDetails"]
            self.errors.append(detail.get("exception", {}).get("description", detail["text"]))
        if method == "Log.entryAdded" and what["entry"]["level"] in ("error", "warning"):
            self.errors.append(what["entry"]["text"])
        if method == "Runtime.consoleAPICalled" and what["type"] in ("error", "warning"):
            self.errors.append(str(what["args"]))
        if method == "Network.requestWillBeSent":
            self.requests.append(what["request"]["url"])

    def open(self, path, part=""):
        """Shows a file, and waits until it says that it is ready."""
        self.call("Page.navigate", url="about:blank")  # else another part would not be a new page
        self.call("Page.navigate", url=pathlib.Path(path).resolve().as_uri() + part)
        self.wait("document.documentElement?.dataset.ready === 'true'")

    def ask(self, expression):
        """The value of an expression of JavaScript."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True,
                           awaitPromise=True)
        if "exceptionDetails" in result:
            raise Refused(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def wait(self, expression):
        """Until it holds."""
        end = time.monotonic() + PATIENCE_S
        while not self.ask(expression):
            if time.monotonic() > end:
                raise Refused(f"never: {expression}; {self.errors}")
            time.sleep(0.02)

    def place(self, element):
        """The middle of an element, by an expression that finds it, brought into view."""
        return self.ask(f"""(() => {{ const one = {element}; one.scrollIntoView({{block: 'nearest'}});
            const box = one.getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2] }})()""")

    def click(self, element):
        """With the mouse, in its middle."""
        x, y = self.place(element)
        for kind, buttons in (("mouseMoved", 0), ("mousePressed", 1), ("mouseReleased", 0)):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left" if buttons or
                      kind == "mouseReleased" else "none", buttons=buttons, clickCount=1)

    def press(self, key):
        """A key, as "Enter", "/" or "a"."""
        code = KEYS.get(key, ord(key[0].upper()))
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code,
                  **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def type(self, text):
        """Into what has the focus."""
        self.call("Input.insertText", text=text)

    def picture(self, path):
        """Writes what is seen as PNG."""
        data = self.call("Page.captureScreenshot", format="png")["data"]
        pathlib.Path(path).write_bytes(base64.b64decode(data))
