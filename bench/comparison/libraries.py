# SPDX-License-Identifier: MIT
"""Which allocators are compared: given by --lib, or Debian's packages by name."""

import dataclasses
import pathlib
import re
import subprocess

from comparison import launch

# name, file, package. tbbmalloc has a proxy library: only that one replaces malloc.
DEBIAN = (
    ("jemalloc", "libjemalloc.so.2", "libjemalloc2"),
    ("mimalloc", "libmimalloc.so.2", "libmimalloc2.0"),
    ("tcmalloc", "libtcmalloc_minimal.so.4", "libtcmalloc-minimal4"),
    ("tbbmalloc", "libtbbmalloc_proxy.so.2", "libtbbmalloc2"),
)

BASELINE = "glibc"


class BadLibrary(Exception):
    """A library that was asked for and cannot be compared."""


@dataclasses.dataclass(frozen=True)
class Library:
    name: str
    path: pathlib.Path | None  # None: no preload, the malloc of libc
    environment: dict[str, str] = dataclasses.field(default_factory=dict)

    def settings(self) -> list[str]:
        return launch.settings_for(self.path, self.environment)


def parse(text: str) -> Library:
    """Reads `name=path.so`."""
    name, separator, path_text = text.partition("=")
    if not separator or not re.fullmatch(r"[A-Za-z0-9_.+-]+", name) or not path_text:
        raise BadLibrary(f"--lib wants name=path.so, not '{text}'")
    if name == BASELINE:
        raise BadLibrary(f"the name {BASELINE} is taken: it means no preload and always runs")
    path = pathlib.Path(path_text).expanduser().resolve()
    if not path.is_file():
        raise BadLibrary(f"library '{name}': no file {path}")
    with path.open("rb") as file:
        magic = file.read(18)
    if magic[:4] != b"\x7fELF" or magic[16:17] != b"\x03":
        raise BadLibrary(f"library '{name}': {path} is not a shared object")
    if any(character in str(path) for character in " :"):
        raise BadLibrary(f"library '{name}': LD_PRELOAD splits at the space or colon in {path}")
    return Library(name, path)


def find_debian() -> tuple[list[Library], list[str]]:
    """Returns the rivals that are installed, and a line for each that is not."""
    found, missing = [], []
    known = loader_cache()
    for name, file_name, package in DEBIAN:
        path = known.get(file_name) or in_multiarch_folders(file_name)
        if path:
            found.append(Library(name, path))
        else:
            missing.append(f"{name}: {file_name} not found, try: apt install {package}")
    return found, missing


def loader_cache() -> dict[str, pathlib.Path]:
    """Returns what ldconfig knows, by soname; empty when there is no ldconfig."""
    for command in ("ldconfig", "/sbin/ldconfig", "/usr/sbin/ldconfig"):
        try:
            listing = subprocess.run([command, "-p"], capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        entries = re.findall(r"^\s*(\S+) \(libc6,(?:x86-64|AArch64).*\) => (\S+)$",
                             listing.stdout, re.MULTILINE)
        return {soname: pathlib.Path(path).resolve() for soname, path in reversed(entries)}
    return {}


def in_multiarch_folders(file_name: str) -> pathlib.Path | None:
    for folder in ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib",
                   "/usr/local/lib"):
        path = pathlib.Path(folder) / file_name
        if path.is_file():
            return path.resolve()
    return None


def check(library: Library, context: launch.Context) -> None:
    """Raises BadLibrary unless a preloaded program really calls this library's malloc.

    ld.so only warns about a library that it cannot preload and goes on with libc:
    without this check the row would show glibc under a wrong name.
    """
    if library.path is None:
        return
    program = context.build / "scenario" / "process_start_bench"
    probe = launch.Run(context, [str(program), "--origin"], library.settings())
    measurement = probe.finish()
    if measurement.failure:
        raise BadLibrary(f"library '{library.name}': a trivial program fails under "
                         f"{library.path}: {measurement.failure}")
    origin = pathlib.Path(probe.output_text().strip()).resolve()
    if origin != library.path:
        raise BadLibrary(f"library '{library.name}': malloc comes from {origin.name} when "
                         f"{library.path.name} is preloaded")
