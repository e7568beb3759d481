# SPDX-License-Identifier: MIT
"""Completion of luna, asked for by keys in a shell at a terminal, knows what luna can do.

Usage: completion_test.py LUNA LIBRARY SHELL COMPLETION

Each line gets all its completions inserted, and is then printed by echo.
"""
import contextlib
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from luna_help import choices_of, expect, help_of, luna, options_of, verbs

SKIPPED = 77
library, shell = os.path.abspath(sys.argv[2]), sys.argv[3]
completion = pathlib.Path(sys.argv[4]).resolve()
# Insert all completions: in bash readline's command for it, in zsh a widget made for it.
SETUP = {
    "bash": f"PS1='> '; bind 'set enable-bracketed-paste off'; stty cols 4000; "
            f"bind '\"\\C-xa\": insert-completions'; source {completion}",
    "zsh": f"PS1='> '; unsetopt prompt_sp; unset zle_bracketed_paste; stty cols 4000; "
           f"fpath=({completion.parent} $fpath); autoload -U compinit; compinit -u -D; "
           "zle -C all-of-them complete-word _generic; bindkey -e '^Xa' all-of-them; "
           "zstyle ':completion:all-of-them:*' completer _all_matches _complete; "
           "zstyle ':completion:all-of-them:*' insert true; zstyle ':completion:*' verbose no",
}
OPTIONS = {"bash": ["--norc", "--noprofile", "-i"], "zsh": ["-f", "-i"]}
BUSY = "import time\nprint('ready', flush=True)\nwhile True:\n blocks = [bytes(i) for i in range(3000)]\n time.sleep(0.01)"


class Terminal:
    """A shell that reads keys."""

    def __init__(self, program, folder):
        environment = {"PATH": f"{os.path.dirname(luna)}:/usr/bin:/bin", "TERM": "dumb",
                       "HOME": folder, "LC_ALL": "C.UTF-8"}
        self.process, self.keys = pty.fork()
        if self.process == 0:
            os.chdir(folder)
            os.execve(program, [program, *OPTIONS[shell]], environment)
        self.count = 0
        self.type(SETUP[shell] + "\n")
        self.line("")

    def type(self, text):
        """Presses keys."""
        os.write(self.keys, text.encode())

    def line(self, text, keys=""):
        """The words that the line has become by the keys."""
        self.count += 1
        # In pieces, for the terminal shows what is typed as well.
        self.type(f"{text}{keys}\x01echo B''EGIN{self.count} \x05 E''ND{self.count}\n")
        seen, end = "", time.monotonic() + 60
        while time.monotonic() < end:
            if select.select([self.keys], [], [], 1)[0]:
                seen += os.read(self.keys, 1 << 16).decode(errors="replace")
                # Until the next prompt: only then does the shell read key by key again.
                if found := re.search(rf"BEGIN{self.count} (.*?) ?END{self.count}\r?\n.*> ", seen,
                                      re.S):
                    return found[1].split()
        return sys.exit(f"failed: {shell} shows no end of {text!r}: {seen[-2000:]}")

    def completions(self, text):
        """What may stand at the end of the line."""
        words = self.line(text, "\x18a")
        return set(words[len(text.split()) - (0 if text.endswith(" ") else 1):])


def check_words(terminal):
    """Every verb, every option of each, and each value of those that have several."""
    found, expected = terminal.completions("luna "), {*verbs(), "--help", "--version"}
    expect(found == expected, f"the verbs: {found}, not {expected}")
    expect(terminal.completions("luna blac") == {"blackbox"}, "the beginning of a verb")
    for verb in verbs():
        text = help_of(verb)
        found, expected = terminal.completions(f"luna {verb} -"), set(options_of(text))
        expect(found == expected, f"luna {verb} -: {found}, not {expected}")
        for option, values in choices_of(text).items():
            for line in (f"luna {verb} {option} ", f"luna {verb} {option}="):
                found = {word.removeprefix(f"{option}=") for word in terminal.completions(line)}
                expect(found == set(values), f"{line}: {found}, not {values}")


@contextlib.contextmanager
def running(name, folder):
    """A process on lunalloc that has the name, and comes by its slow paths all the time."""
    program = f"import os; open('/proc/self/comm', 'w').write({name!r})\n{BUSY}"
    with subprocess.Popen(["/usr/bin/python3", "-c", program], stdout=subprocess.PIPE, text=True,
                          env={"LD_PRELOAD": library, "PYTHONMALLOC": "malloc"},
                          cwd=folder) as process:
        try:
            expect(process.stdout.readline() == "ready\n", "the guest does not begin")
            yield process.pid
        finally:
            process.kill()


def check_processes(terminal, folder):
    """Processes on lunalloc and their controls. A name is never carried out as a command."""
    with running("luna-guest", folder) as number, running("$(touch${IFS}x)", folder) as other:
        for verb in ("stats", "doctor", "ctl", "attach"):
            found = terminal.completions(f"luna {verb} ")
            expect({str(number), str(other)} <= found, f"luna {verb}: {found}")
            expect(str(os.getpid()) not in found, f"luna {verb} offers who is not on lunalloc")
        # Which takes a while where the machine has much else to do.
        found, end = set(), time.monotonic() + 60
        while not found and time.monotonic() < end:
            found = terminal.completions(f"luna ctl {number} ")
        expect({"decay.ms", "profile.active", "memory.purge"} <= found, f"the controls: {found}")
        found = set()
        while not found and time.monotonic() < end:
            found = terminal.completions(f"luna ctl --timeout 3 {number} decay.")
        expect(found == {"decay.ms"}, f"the beginning of a control: {found}")
    expect(not pathlib.Path(folder, "x").exists(), "the name of a process was carried out")


def check_files(terminal, folder):
    """Files where files are wanted, folders for --debug-dir, commands behind run."""
    pathlib.Path(folder, "before.json").touch()
    pathlib.Path(folder, "below").mkdir()
    for line in ("luna diff be", "luna diff before.json be", "luna blackbox be",
                 "luna diff -o be", "luna profile be"):
        found = {word.rstrip("/") for word in terminal.completions(line)}
        expect({"before.json", "below"} <= found, f"{line}: {found}")
    found = {word.rstrip("/") for word in terminal.completions("luna profile --debug-dir be")}
    expect(found == {"below"}, f"folders: {found}")
    expect("dpkg-deb" in terminal.completions("luna run -q dpkg-"), "commands of luna run")


def main():
    program = shutil.which(shell, path="/usr/bin:/bin")
    if not program:
        print(f"skip: {shell} is not installed")
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory(prefix="lunalloc-completion-") as folder:
        terminal = Terminal(program, folder)
        try:
            check_words(terminal)
            check_processes(terminal, folder)
            check_files(terminal, folder)
        finally:
            os.kill(terminal.process, signal.SIGKILL)
            os.waitpid(terminal.process, 0)


main()
