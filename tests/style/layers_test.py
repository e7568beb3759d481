# SPDX-License-Identifier: MIT
"""Fails if a file includes what its layer may not know.

The table between the ```layers fences of src/README.md says which layer may
include which; the page that people read is the page that this test reads.
"""
import re

import source_tree

# What the core may use of the standard library: nothing that allocates, throws
# or drags in static state.
STANDARD = set("""array atomic bit climits compare concepts cstddef cstdint cstring iterator limits
    new numeric optional span string_view tuple type_traits utility version
    stddef.h stdint.h string.h limits.h""".split())
# base/ must be able to say that something is wrong, and knows no OS otherwise.
EXTRA = {"base/check": {"syscall.h", "unistd.h", "cerrno", "cstdlib"},
         "base/report": {"unistd.h", "cerrno", "cstdlib"}}
INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')


def read_table(root, errors):
    """{layer: layers it may include} from src/README.md."""
    readme = root / "src" / "README.md"
    fenced = re.search(r"```layers\n(.*?)```", readme.read_text() if readme.exists() else "", re.S)
    if not fenced:
        errors.append("src/README.md: no table between ```layers fences")
        return {}
    rows = [line.split(":") for line in fenced[1].splitlines() if line.strip()]
    table = {row[0].strip(): row[1].split() for row in rows if len(row) == 2}
    if len(table) != len(rows):
        errors.append("src/README.md: a row of the layer table is not `layer : layers below`")
    seen = set()
    for layer, below in table.items():
        for name in below:
            if name not in seen:
                errors.append(f"src/README.md: {layer} names {name}, which no row above it defines")
        seen.add(layer)
    return table


def includes(path):
    """Yields (line number, is_system, name) for each include of the file."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match[1] == "<", match[2]


def check_core(root, table, errors):
    """src/: layers point down, system headers live in os/."""
    for path in source_tree.files(root, ("src",), source_tree.CPP_SUFFIXES):
        place = path.relative_to(root)
        if len(place.parts) < 3:
            errors.append(f"{place}: lies in no layer")
            continue
        layer = place.parts[1]
        if layer not in table:
            errors.append(f"{place}: src/README.md has no row for {layer}/")
            continue
        extra = EXTRA.get(f"{layer}/{path.stem}", set())
        for number, system, name in includes(path):
            where = f"{place}:{number}"
            if name.startswith("lunalloc/"):
                continue
            if system:
                if layer != "os" and name not in STANDARD | extra:
                    errors.append(f"{where}: <{name}> is for os/ only (or not at all)")
                continue
            target = name.split("/")[0]
            if "/" not in name or ".." in name:
                errors.append(f'{where}: write "{name}" from the root of src/')
            elif target not in [layer, *table[layer]]:
                errors.append(f"{where}: {layer}/ must not include {target}/")


def check_others(root, table, errors):
    """Who may look into src/: preload/ and the unit and stress tests, nobody else."""
    inward = ("preload", "tests/unit", "tests/stress", "tests/support", "tests/fuzz", "tests/static",
              "tests/fault/injected")
    for path in source_tree.files(root, suffixes=source_tree.CPP_SUFFIXES | {".def"}):
        place = path.relative_to(root)
        if place.parts[0] == "src":
            continue
        name_of_place = place.as_posix()
        may_look = name_of_place.startswith(tuple(folder + "/" for folder in inward))
        allowed = table.get(place.parts[0])
        for number, system, name in includes(path):
            target = name.split("/")[0]
            if ".." in name.split("/"):
                errors.append(f"{place}:{number}: no ../ in an include")
            if system or target not in table or "/" not in name:
                continue
            if not may_look:
                errors.append(f"{place}:{number}: only preload/ and the unit and stress tests"
                              f" see src/, not {place.parts[0]}/")
            elif allowed is not None and target not in [place.parts[0], *allowed]:
                errors.append(f"{place}:{number}: {place.parts[0]}/ must not include {target}/")


def main():
    root = source_tree.root_from_arguments()
    errors = []
    table = read_table(root, errors)
    check_core(root, table, errors)
    check_others(root, table, errors)
    source_tree.finish(errors, f"{len(table)} layers, every include points down")


main()
