# SPDX-License-Identifier: MIT
"""Runs one program through the launcher and says what it cost, or why it failed."""

import dataclasses
import hashlib
import json
import os
import pathlib
import re
import signal
import subprocess

# Settings of other allocators in the caller's environment would steer some
# libraries and not others; LUNALLOC_CONF stays, it is the point of trying options.
HIDDEN_PREFIXES = ("LD_PRELOAD", "MALLOC_", "MIMALLOC_", "TCMALLOC_", "TBB_MALLOC_",
                   "GLIBC_TUNABLES")


@dataclasses.dataclass(frozen=True)
class Context:
    """What all runs share."""

    build: pathlib.Path  # the folder that holds launcher, scenario/ and micro/
    sources: pathlib.Path  # bench/ in the source tree
    scratch: pathlib.Path  # a temporary folder, ours alone
    smoke: bool
    timeout_s: float

    @property
    def launcher(self) -> pathlib.Path:
        return self.build / "launcher"


@dataclasses.dataclass(frozen=True)
class Measurement:
    """One run. `failure` is empty when the program ended well."""

    wall_s: float = 0.0
    user_s: float = 0.0
    system_s: float = 0.0
    max_rss_kib: int = 0
    minor_faults: int = 0
    major_faults: int = 0
    output_digest: str = ""
    failure: str = ""

    @property
    def cpu_s(self) -> float:
        return self.user_s + self.system_s


def base_environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(HIDDEN_PREFIXES)}
    return kept | {"LC_ALL": "C", "PYTHONHASHSEED": "0"}


def settings_for(preload: pathlib.Path | None, environment: dict[str, str]) -> list[str]:
    settings = [f"{name}={value}" for name, value in environment.items()]
    return settings + ([f"LD_PRELOAD={preload}"] if preload else [])


class Run:
    """A program that was started through the launcher; finish() waits for it.

    The launcher gets its own process group, so that a run that hangs can be ended
    with all its children.
    """

    def __init__(self, context: Context, command: list[str], settings: list[str], repeat: int = 1):
        self._timeout_s = context.timeout_s
        self._output = context.scratch / f"output-{id(self)}"
        self._process = subprocess.Popen(
            [str(context.launcher), "--repeat", str(repeat), "--output", str(self._output),
             *settings, "--", *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=base_environment(), cwd=context.scratch, start_new_session=True, text=True,
            errors="replace")

    def ended(self) -> bool:
        return self._process.poll() is not None

    def kill(self) -> None:
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.communicate()
        self._output.unlink(missing_ok=True)

    def finish(self) -> Measurement:
        try:
            report, errors = self._process.communicate(timeout=self._timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return Measurement(failure=f"no end after {self._timeout_s:.0f} s")
        except BaseException:
            self.kill()
            raise
        digest = self._take_output()
        if self._process.returncode != 0:
            return Measurement(failure=telling_line(errors) or "the launcher failed")
        return measurement_from(json.loads(report), errors, digest)

    def output_text(self) -> str:
        return self._text

    def _take_output(self) -> str:
        if not self._output.exists():
            self._text = ""
            return ""
        content = self._output.read_bytes()
        self._output.unlink()
        self._text = content[:4096].decode(errors="replace")
        return hashlib.sha256(result_in(content)).hexdigest()[:16]


def result_in(content: bytes) -> bytes:
    """Returns what must be the same under every library.

    A scenario of ours prints its result as a line of JSON; lines beside it hold
    figures, which differ from run to run. What other programs print is all result.
    """
    ours = [line for line in content.splitlines() if line.startswith(b'{"scenario": ')]
    return b"\n".join(ours) or content


def measurement_from(report: dict, errors: str, digest: str) -> Measurement:
    fields = {field: report[field] for field in
              ("wall_s", "user_s", "system_s", "max_rss_kib", "minor_faults", "major_faults")}
    return Measurement(**fields, output_digest=digest, failure=failure_from(report, errors))


def failure_from(report: dict, errors: str) -> str:
    """Returns why the run does not count, or an empty string."""
    if "cannot be preloaded" in errors:
        return "cannot be preloaded"
    reason = telling_line(errors)
    detail = f": {reason}" if reason else ""
    if report["signal"]:
        return signal_name(report["signal"]) + detail
    if report["exit_status"]:
        return f"exit status {report['exit_status']}{detail}"
    return ""


def signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def telling_line(text: str) -> str:
    """Returns the first line that speaks of an error, else the last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if re.search("error|fail|abort|corrupt", line, re.IGNORECASE)]
    return [*telling, *lines[-1:], ""][0][:200]
