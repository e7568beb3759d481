# SPDX-License-Identifier: MIT
"""Fails if a page links to a file that does not exist, or if the change log is not kept."""
import re

import source_tree

LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)>\s]+)>?(?:\s+\"[^\"]*\")?\s*\)")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*\s*$", re.M)


def without_code(text):
    """Markdown without fenced blocks and code spans, line numbers kept."""
    text = re.sub(r"^(```|~~~).*?^\1", source_tree.blank, text, flags=re.S | re.M)
    return re.sub(r"`[^`\n]*`", source_tree.blank, text)


def anchors(page):
    """The anchors that the headings of a page make."""
    text = re.sub(r"^(```|~~~).*?^\1", source_tree.blank, page.read_text(), flags=re.S | re.M)
    names = set()
    for heading in HEADING.findall(text):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        names.add(re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-"))
    names.update(re.findall(r"<a (?:id|name)=\"([^\"]+)\"", page.read_text()))
    return names


def check_links(root, page, errors):
    """Each relative link of the page leads to a file, and each anchor to a heading."""
    text = without_code(page.read_text())
    for match in LINK.finditer(text):
        target, _, anchor = match[1].partition("#")
        if re.match(r"[a-z][a-z0-9+.\-]*:", target):
            continue
        where = f"{page.relative_to(root)}:{text.count(chr(10), 0, match.start()) + 1}"
        file = page if not target else (page.parent / target)
        if target.startswith("/") or not file.exists():
            errors.append(f"{where}: {match[1]} leads nowhere")
        elif anchor and file.suffix == ".md" and anchor not in anchors(file):
            errors.append(f"{where}: {match[1]}: no such heading")


def check_changelog(root, errors):
    """CHANGELOG.md has an Unreleased section above all others."""
    page = root / "CHANGELOG.md"
    sections = re.findall(r"^## \[?([^\]\n]+)", page.read_text(), re.M) if page.exists() else []
    if not sections or not sections[0].lower().startswith("unreleased"):
        errors.append("CHANGELOG.md: the first section must be Unreleased")


def main():
    root = source_tree.root_from_arguments()
    errors = []
    pages = [path for path in source_tree.tracked(root) if path.suffix == ".md"]
    for page in pages:
        check_links(root, page, errors)
    for name in ("README.md", "CONTRIBUTING.md", "src/README.md"):
        if not (root / name).exists():
            errors.append(f"{name} is missing")
    check_changelog(root, errors)
    source_tree.finish(errors, f"{len(pages)} pages, every link leads somewhere")


main()
