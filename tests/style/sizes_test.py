# SPDX-License-Identifier: MIT
"""Fails if a file or function is too long, or if the core is full of #if.

Line budgets keep one file one idea; what varies is a file chosen by meson, not an #if.
"""
import ast
import re

import source_tree

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_CONDITIONALS_PER_1000 = 5
CONDITIONAL = re.compile(r"^\s*#\s*(if|ifdef|ifndef|elif)\b", re.M)
# Read on every malloc and free: no variants here. Those that exist are checked.
FAST_PATH = ("src/heap/thread_cache.hpp", "src/heap/thread_heap.hpp",
             "src/heap/size_class.hpp", "src/heap/free_list.hpp",
             "src/heap/slab.hpp", "preload/malloc.cpp", "preload/new.cpp")
CODE_SUFFIXES = source_tree.CPP_SUFFIXES | {".py", ".sh", ".def", ".js", ".pl"}
# What may stand between a function's parameters and its body.
AFTER_PARAMETERS = re.compile(r"""
    (\s | const\b | volatile\b | noexcept(\s*\(.*\))? | override\b | final\b | mutable\b
       | try\b | &{1,2})*
    ((->|:|requires\b).*)?
""", re.S | re.X)


def declaration(text):
    """A declaration without what may stand before its first keyword."""
    text = re.sub(r"\[\[.*?\]\]|\balignas\s*\([^()]*\)|__attribute__\s*\(\(.*?\)\)", " ", text,
                  flags=re.S)
    text = re.sub(r"^\s*(public|private|protected)\s*:", " ", text)
    while re.match(r"\s*template\s*<", text):
        depth = 0
        for position, letter in enumerate(text):
            depth += {"<": 1, ">": -1}.get(letter, 0)
            if letter == ">" and depth == 0:
                break
        text = text[position + 1:]
    return text.strip()


def opens_function(header):
    """True if a brace after `header` (text since the last ; { or }) opens a function body."""
    header = re.sub(r"\boperator\s*\(\s*\)", "call", declaration(header))
    header = re.sub(r"\bdecltype\s*\([^()]*\)", "type", header)
    start = header.find("(")
    if start < 0:
        return False
    depth, position = 1, start + 1
    while depth and position < len(header):
        depth += {"(": 1, ")": -1}.get(header[position], 0)
        position += 1
    return AFTER_PARAMETERS.fullmatch(header[position:]) is not None


def function_lengths(text):
    """Yields (line, lines, name) for each outermost function body in C++ text."""
    text = source_tree.without_comments(text)
    text = re.sub(r"^[ \t]*#(?:\\\n|[^\n])*", source_tree.blank, text, flags=re.M)
    stack, header_start, line, opened = [], 0, 1, None
    for position, letter in enumerate(text):
        if letter == "\n":
            line += 1
        elif letter == "{":
            header = text[header_start:position]
            inside = any(kind == "function" for kind in stack)
            function = not inside and opens_function(header)
            if function:
                opened = (line, header)
            stack.append("function" if function else "other")
            if inside or not function:
                header_start = position + 1
        elif letter == "}" and stack:
            kind = stack.pop()
            following = text[position + 1:].lstrip()[:1]
            if kind == "function" and following in {",", "{"}:
                continue  # a member initializer; the body is still to come
            if kind == "function":
                name = re.search(r"([\w:~]+|operator\s*\S+)\s*\(", opened[1])
                yield opened[0], line - opened[0], name[1] if name else "?"
            header_start = position + 1
        elif letter == ";" and not any(kind == "function" for kind in stack):
            header_start = position + 1


def python_lengths(text):
    """Yields (line, lines, name) for each function in Python text."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno - node.lineno, node.name


def check_lengths(root, errors):
    """Files and functions stay within their budget."""
    count = 0
    for path in source_tree.files(root, suffixes=CODE_SUFFIXES):
        place, text = path.relative_to(root), path.read_text()
        lines = text.count("\n")
        if lines > MAX_FILE_LINES:
            errors.append(f"{place}: {lines} lines, at most {MAX_FILE_LINES}")
        if path.suffix not in source_tree.CPP_SUFFIXES | {".py"}:
            continue
        measure = python_lengths if path.suffix == ".py" else function_lengths
        for line, length, name in measure(text):
            count += 1
            if length > MAX_FUNCTION_LINES:
                errors.append(f"{place}:{line}: {name} has {length} lines,"
                              f" at most {MAX_FUNCTION_LINES}")
    return count


def check_conditionals(root, errors):
    """Few #if in src/, none on the fast path."""
    lines, found = 0, []
    for path in source_tree.files(root, ("src",), source_tree.CPP_SUFFIXES):
        text = source_tree.without_comments(path.read_text())
        lines += text.count("\n")
        for match in CONDITIONAL.finditer(text):
            number = text.count("\n", 0, match.end()) + 1
            found.append(f"{path.relative_to(root)}:{number}")
    if len(found) * 1000 > MAX_CONDITIONALS_PER_1000 * lines:
        errors.append(f"{len(found)} #if in {lines} lines of src/, at most"
                      f" {MAX_CONDITIONALS_PER_1000} per 1000: {' '.join(found)}")
    present = [name for name in FAST_PATH if (root / name).exists()]
    if not present:
        errors.append("no file of the fast path was found: update FAST_PATH in this test")
    for name in present:
        text = source_tree.without_comments((root / name).read_text())
        if CONDITIONAL.search(text):
            errors.append(f"{name}: no #if on the fast path")


def main():
    root = source_tree.root_from_arguments()
    errors = []
    functions = check_lengths(root, errors)
    check_conditionals(root, errors)
    source_tree.finish(errors, f"{functions} functions within {MAX_FUNCTION_LINES} lines")


main()
