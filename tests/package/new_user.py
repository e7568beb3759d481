# SPDX-License-Identifier: MIT
"""What somebody does with the packages who has never heard of lunalloc."""
import json
import re

from fresh_debian import expect, output_of

HEADING = "## From the packages to the line that leaks\n"
PAGES = {"luna": 1, "luna-attach": 1, "luna-profile": 1, "lunalloc.conf": 5, "lunalloc": 7}
SORTS = "perl -e 'print sort { $b <=> $a } map { ($_ * 7919 % 100003) . qq(\\n) } 1 .. 50000'"


def blocks_of(page, kind):
    """The fenced blocks of that kind below the heading."""
    section = page.split(HEADING, 1)[1].split("\n## ", 1)[0]
    return re.findall(rf"^```{kind}\n(.*?)^```$", section, re.S | re.M)


def without_figures(text):
    """Lines as they are on each machine."""
    return [re.sub(r"[\d.]+ ([KM]iB|B)\b", "AMOUNT", re.sub(r"\(process \d+\)|(?<=orders\.)\d+\.", "", line))
            for line in text.splitlines()]


def follows_readme(debian, page):
    """The three commands of README.md end at the line that leaks."""
    commands = blocks_of(page, "sh")[0].splitlines()
    expect(len(commands) == 3 and commands[0].startswith("sudo apt install "), commands)
    debian.run(commands[0].replace("sudo apt install", "apt-get install -y"))
    debian.run(commands[1])
    output, summary = debian.run(commands[2])
    source = (debian.root / "usr/share/doc/lunalloc-tools/examples/orders.c").read_text()
    line = source[:source.index("char* letter = malloc")].count("\n") + 1
    culprit = f"AMOUNT  send_reminder at orders.c:{line}, AMOUNT allocated in all"
    for text in (blocks_of(page, "text")[0], output + summary):
        lines = [line.strip() for line in without_figures(text)]
        sites = lines.index("most of the peak, estimated")
        expect(lines[sites + 1] == culprit, f"not {culprit!r} first in\n{text}")
        # How sure it is of the leak after four seconds depends on what else the machine does.
        expect(lines[-2].startswith("leaks ") and "orders.leaks.txt" in lines[-2], text)


def reads_manual(debian, version):
    """The command knows its version, and each page can be read."""
    expect(debian.run("luna --version")[0] == f"luna {version}\n", debian.run("luna --version"))
    for page, section in PAGES.items():
        text = debian.run(f"man {section} {page}")[0]
        expect("SEE ALSO" in text, f"{page}({section}): {text}")


def preloads(debian):
    """A program does on it what it did, by the name of the library alone."""
    plain = debian.run(SORTS)[0]
    output, summary = debian.run(
        f"LD_PRELOAD=liblunalloc.so.1 LUNALLOC_CONF=stats_print:true {SORTS}")
    expect(output == plain and plain.count("\n") == 50000, "perl sorts otherwise on lunalloc")
    expect(summary.startswith("lunalloc statistics\n"), summary)
    summary = debian.run(f"LD_PRELOAD=liblunalloc-jemalloc.so.1 MALLOC_CONF=stats_print:true {SORTS}")[1]
    expect("statistics" in summary, summary)


def links(debian, program, version):
    """A C program finds headers, the library and its manual; static ones too."""
    debian.take([program])
    debian.run("apt-get install -y --no-install-recommends ./liblunalloc-dev_*.deb")
    for how in ("-llunalloc", "-Wl,--undefined=malloc -l:liblunalloc.a -pthread"):
        output = debian.run(f"gcc -fno-builtin -o replaced {program.name} {how} && ./replaced")[0]
        expect(output == f"malloc is lunalloc {version}\n", f"{how}: {output}")
    expect("luna_purge" in debian.run("man 3 lunalloc")[0], "lunalloc(3)")


def installs_names(debian):
    """With its -dbgsym package, an address in the library is a function, a file and a line."""
    library, = debian.root.glob("usr/lib/*/liblunalloc.so.1")
    symbols = output_of(["nm", "-D", "--defined-only", library])
    address = int(re.search(r"^([0-9a-f]+) T luna_malloc$", symbols, re.M)[1], 16)
    build_id = re.search(r"Build ID: (\w+)", output_of(["readelf", "-n", library]))[1]
    profile = next((debian.root / "packages").glob("orders.*.json"))
    content = json.loads(profile.read_text())
    begin = 1 << 40
    content["modules"] = [{
        "path": "/" + str(library.relative_to(debian.root)), "build_id": build_id,
        "begin": hex(begin), "end": hex(begin + (1 << 24)), "file_offset": "0x0", "bias": hex(begin)}]
    for site in content["sites"]:
        site["frames"] = [hex(begin + address + 1)]
    profile.with_name("own.json").write_text(json.dumps(content))
    plain = debian.run("luna profile own.json")[0]
    expect("luna_malloc in liblunalloc.so.1" in plain and ".cpp" not in plain, plain)
    debian.run("apt-get install -y ./liblunalloc1-dbgsym_*.deb ./lunalloc-tools-dbgsym_*.deb")
    named = debian.run("luna profile own.json")[0]
    expect(re.search(r"luna_malloc at \S*preload/\w+\.cpp:\d+", named), named)
    debian.run("luna run -q --profile=1 -o . -- luna doctor >findings || true")
    named = debian.run("luna profile luna.*.json")[0]
    expect("main at" in named and "tools/luna/main.cpp:" in named, named)


def removes(debian):
    """Nothing of it is left, and what it did is undone."""
    debian.run("apt-get purge -y '*lunalloc*'")
    # What man has formatted it keeps by itself.
    left = debian.run("find / -xdev -iname '*luna*' -not -path '/packages/*' -not -path '/proc/*' "
                      "-not -path '/var/cache/man/*'")[0]
    expect(left == "", f"left behind: {left}")
    debian.run(SORTS)
