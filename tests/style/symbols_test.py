# SPDX-License-Identifier: MIT
"""Fails if liblunalloc.so needs, exports or reserves what it should not.

Arguments: the root, the library. Reads with readelf.
"""
import fnmatch
import pathlib
import re
import subprocess
import sys

import source_tree

NEEDED = ("libc.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1")
MAX_STATIC_TLS = 1024
FAMILY = """malloc free calloc realloc reallocarray memalign aligned_alloc posix_memalign valloc
    pvalloc malloc_usable_size cfree""".split()
# Undefined names that mean a hidden allocation, an exception or a dependency.
FORBIDDEN = re.compile(r"""
    (m|c|re|pv|v)alloc$ | free$ | cfree$ | memalign$ | reallocarray$ | aligned_alloc$
  | posix_memalign$ | malloc_ | __libc_(malloc|free|calloc|realloc|memalign)
  | _Zn | _Zd | __cxa_(throw|rethrow|allocate|guard|begin_catch|atexit$|thread_atexit) | _Unwind_
  | (f|s|sn|v|vf|vsn|vs|d|vd|as|vas)?printf$ | __\w*printf_chk$ | puts$ | fopen$
  | strdup$ | getline$ | _ZSt
""", re.X)
WEAK_ALLOWED = re.compile(r"_ZSt|__gmon_start__|_ITM_|__cxa_finalize")
# Names that only one place may use: preload/foreign finds libc's own malloc.
ONLY_WHERE = {"dlsym": "foreign", "dlvsym": "foreign"}


def readelf(library, *options):
    """readelf's output as lines."""
    return subprocess.run(["readelf", "--wide", *options, str(library)], capture_output=True,
                          text=True, check=True).stdout.splitlines()


def dynamic_symbols(library):
    """(name, version, binding, type, defined, visibility) of each dynamic symbol."""
    symbols = []
    for line in readelf(library, "--dyn-syms"):
        fields = line.split()
        if len(fields) < 8 or not fields[0].rstrip(":").isdigit():
            continue
        name, _, version = fields[7].partition("@")
        symbols.append((name, version.lstrip("@"), fields[4], fields[3], fields[6]))
    return symbols


def mapped_names(text):
    """The names (or patterns) in the global: parts of a version script."""
    text = re.sub(r"/\*.*?\*/|#[^\n]*|//[^\n]*", " ", text, flags=re.S)
    names = set()
    for part in re.findall(r"global:(.*?)(?:local:|\})", text, re.S):
        names.update(re.findall(r"[\w*?\[\]]+(?=\s*;)", part))
    return names


def check_needed(library, errors):
    """The library loads nothing but libc."""
    for line in readelf(library, "--dynamic"):
        match = re.search(r"\(NEEDED\).*\[(.*)\]", line)
        if match and match[1] not in NEEDED:
            errors.append(f"DT_NEEDED {match[1]}: only libc is allowed")
        if re.search(r"\(TEXTREL\)", line):
            errors.append("DT_TEXTREL: the library has relocations in its text")
    for line in readelf(library, "--program-headers"):
        fields = line.split()
        if fields[:1] == ["TLS"] and int(fields[5], 16) >= MAX_STATIC_TLS:
            errors.append(f"static TLS of {int(fields[5], 16)} bytes: below {MAX_STATIC_TLS}"
                          " is needed, or dlopen of the library fails")


def check_undefined(root, symbols, errors):
    """No undefined name stands for a hidden allocation, exception or guard."""
    preload = "\n".join(path.stem for path in source_tree.files(root, ("preload",), {".cpp"}))
    for name, _, binding, _, section in symbols:
        if section != "UND" or not name:
            continue
        if binding == "WEAK" and WEAK_ALLOWED.match(name):
            continue
        if FORBIDDEN.match(name):
            errors.append(f"undefined {name}: the library must not use it")
        if name in ONLY_WHERE and ONLY_WHERE[name] not in preload:
            errors.append(f"undefined {name}: only preload/{ONLY_WHERE[name]}.cpp may use it")
    used = re.compile(r"\b(dlv?sym)\s*\(")
    for path in source_tree.files(root, ("src", "preload"), source_tree.CPP_SUFFIXES):
        match = used.search(source_tree.without_comments(path.read_text()))
        if match and path.stem != ONLY_WHERE[match[1]]:
            errors.append(f"{path.relative_to(root)}: {match[1]} belongs into preload/foreign")


def check_exports(symbols, script, errors):
    """The exported names are those of exports.map; the malloc family carries no version."""
    exported = {name: version for name, version, _, kind, section in symbols
                if section not in ("UND", "ABS") and name}
    patterns = mapped_names(script)
    for name in sorted(exported):
        if not any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
            errors.append(f"{name} is exported but not in preload/exports.map")
    for pattern in sorted(patterns):
        if not fnmatch.filter(exported, pattern):
            errors.append(f"{pattern} stands in preload/exports.map but is not exported")
    for name in FAMILY:
        if name not in exported:
            errors.append(f"{name} is not exported")
        elif exported[name]:
            errors.append(f"{name}@{exported[name]}: a versioned malloc silently fails to preload")
    for name, version in sorted(exported.items()):
        if version and re.match(r"_Zn|_Zd", name):
            errors.append(f"{name}@{version}: operator new/delete must carry no version")
    return exported


def declared_functions(header):
    """The luna_ functions that a public header declares and does not define inline."""
    text = source_tree.without_comments(header.read_text())
    text = re.sub(r"^[ \t]*#(?:\\\n|[^\n])*", "", text, flags=re.M)
    names = set()
    for match in re.finditer(r"\b(luna_\w+)\s*\(", text):
        depth, position = 1, match.end()
        while depth and position < len(text):
            depth += {"(": 1, ")": -1}.get(text[position], 0)
            position += 1
        start = max(text.rfind(mark, 0, match.start()) for mark in ";{}") + 1
        ending = re.match(r"[^;{]*([;{])", text[position:])
        inline = ending and ending[1] == "{"
        if not inline and not re.search(r"\btypedef\b", text[start:match.start()]):
            names.add(match[1])
    return names


def check_api(root, exported, errors):
    """Each declared luna_ function is exported, and each exported one is declared."""
    declared = set()
    for header in source_tree.files(root, ("include",), {".h"}):
        for name in sorted(declared_functions(header)):
            declared.add(name)
            if name not in exported:
                errors.append(f"{header.relative_to(root)}: {name} is declared but not exported")
    for name in sorted(exported):
        if name.startswith("luna_") and name not in declared:
            errors.append(f"{name} is exported but no header in include/lunalloc declares it")


def main():
    root = source_tree.root_from_arguments()
    library = pathlib.Path(sys.argv[2])
    errors = []
    symbols = dynamic_symbols(library)
    check_needed(library, errors)
    check_undefined(root, symbols, errors)
    exported = check_exports(symbols, (root / "preload" / "exports.map").read_text(), errors)
    check_api(root, exported, errors)
    source_tree.finish(errors, f"{len(exported)} exported names, libc alone is needed")


main()
