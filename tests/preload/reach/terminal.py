# SPDX-License-Identifier: MIT
"""A real terminal, of tmux, in which `luna` runs and a test presses keys."""
import contextlib
import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile

from support import expect, luna, skip, wait_for

OPTIONS = """set -g status off
set -g remain-on-exit on
set -s escape-time 0
"""


class Terminal:
    """One window, of a server of its own."""

    def __init__(self, folder, size, command, variables):
        self.socket = f"{folder}/tmux"
        self.status = pathlib.Path(folder) / "status"
        options = pathlib.Path(folder) / "options"
        options.write_text(OPTIONS)
        words = ["env", *(f"{name}={value}" for name, value in variables.items()), *command]
        # tmux may miss the end of a program; the shell that it starts does not.
        line = f"trap : INT; {shlex.join(words)}; echo $? >{self.status}"
        self.ask("-f", str(options), "new-session", "-d", "-x", str(size[0]), "-y", str(size[1]),
                 line)

    def ask(self, *words):
        """What tmux answers."""
        environment = {name: value for name, value in os.environ.items() if name != "TMUX"}
        environment["LC_ALL"] = "C.UTF-8"
        return subprocess.run(["tmux", "-S", self.socket, *words], text=True, check=True,
                              capture_output=True, env=environment).stdout

    def lines(self):
        """What is seen, from the top, without spaces at the ends of lines."""
        return self.ask("capture-pane", "-p").split("\n")[:-1]

    def text(self):
        """The same as one text."""
        return "\n".join(self.lines())

    def coloured(self):
        """With the sequences that choose colours."""
        return self.ask("capture-pane", "-p", "-e")

    def press(self, *keys):
        """As tmux names keys."""
        self.ask("send-keys", *keys)

    def resize(self, columns, rows):
        """Which a program is told by SIGWINCH."""
        self.ask("resize-window", "-x", str(columns), "-y", str(rows))

    def wait(self, holds, what):
        """Until holds(text), which must come; returns the text."""
        seen = []

        def is_there():
            seen[:] = [self.text()]
            return holds(seen[0])

        try:
            wait_for(is_there, what)
        except SystemExit:
            print(self.text())
            raise
        return seen[0]

    def wait_end(self):
        """Of the program: its exit status, as the shell has it."""
        self.wait(lambda _: self.status.exists() and self.status.read_text(), "it does not end")
        return int(self.status.read_text())

    def program(self):
        """Its number."""
        shell = int(self.ask("display", "-p", "#{pane_pid}"))
        children = pathlib.Path(f"/proc/{shell}/task/{shell}/children").read_text()
        return int(children.split()[0])


@contextlib.contextmanager
def terminal(*arguments, size=(80, 24), **variables):
    """Of luna, with these variables."""
    if shutil.which("tmux") is None:
        skip("there is no tmux")
    with tempfile.TemporaryDirectory() as folder:
        here = Terminal(folder, size, [luna, *map(str, arguments)],
                        {"TERM": "screen", "LC_ALL": "C.UTF-8", **variables})
        try:
            yield here
        finally:
            expect(os.path.exists(here.socket), "tmux has not begun")
            here.ask("kill-server")
