# SPDX-License-Identifier: MIT
"""What `luna report` reads, refuses and leaves; without a browser.

Usage: report_files_test.py LIBRARY LUNA GUEST page|no_page
"""
import os
import pathlib
import re
import stat
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from made_report import ask, expect, make_report, run_guest


def refused(status, words, *arguments):
    """It fails so, in one line."""
    seen = ask("report", *arguments)
    expect(seen[0] == status and seen[1] == "" and words in seen[2], f"{arguments}: {seen}")
    expect(seen[2].startswith("luna: ") and seen[2].count("\n") == 1, seen[2])


def alone(path):
    """It needs no other file, and asks for none."""
    text = pathlib.Path(path).read_text()
    expect(not re.search(r"<(script|img|iframe|link)[^>]*\s(src|href)=(?!\"data:,\")", text), path)
    expect("default-src 'none'" in text, "no policy")
    expect(stat.S_IMODE(os.stat(path).st_mode) == 0o600, "others may read it")
    for name in ("uplot", "d3-flame-graph"):
        expect(f"{name} " in text.split("Licences of what")[1].split("</details>")[0], name)


def main():
    with tempfile.TemporaryDirectory() as folder:
        files = run_guest(folder, orders=500)
        if sys.argv[-1] == "no_page":
            refused(1, "built without the page", files["json"], "-o", folder + "/none.html")
            expect(not os.path.exists(folder + "/none.html"), "an empty page")
            return
        alone(make_report(folder, *files.values()))
        alone(make_report(folder, files["json"]))
        refused(2, "second heap profile", files["json"], files["json"])
        refused(2, "--base", files["box"], "--base", files["json"])
        refused(2, "written over", files["json"], "-o", files["json"])
        refused(1, "No such file", folder + "/nothing.json")
        refused(1, "No such file", files["json"], "-o", folder + "/no/such/folder.html")
        refused(3, "nothing that can be reported of", write(folder, "other.json", '{"name":1}'))
        refused(3, "no profile", write(folder, "text", "hello"))
        cut = write(folder, "cut.json", pathlib.Path(files["json"]).read_text()[:-200])
        status, _, words = ask("report", cut, "-o", folder + "/cut.html")
        expect(status == 5 and "cut short" in words, (status, words))
        alone(folder + "/cut.html")


def write(folder, name, text):
    """The path of a file with that."""
    path = pathlib.Path(folder, name)
    path.write_text(text)
    return str(path)


main()
