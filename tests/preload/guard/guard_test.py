# SPDX-License-Identifier: MIT
"""Guarded samples in programs that have handlers, forks and threads, and in programs of others.

Usage: guard_test.py PART LIBRARY GUEST TORTURE HANDLER
"""
import os
import resource
import shutil
import signal
import subprocess
import sys

part = sys.argv[1]
library, guest, torture, handler = map(os.path.abspath, sys.argv[2:])
ALL = "profile_interval:1,guard_samples:1"

PYTHON = "import json, re; x = [str(i) * 3 for i in range(20000)]; " \
         "print(len(json.dumps(x)), len(re.findall('1+', ''.join(x))), hash(tuple(x[:1])) != 0)"
PERL = "my %h; $h{$_ * 7 % 5003} .= $_ for 1 .. 30000; " \
       "print join(',', map { length $h{$_} } sort { $a <=> $b } keys %h), qq(\\n)"
SQL = "create table t (i integer primary key, s text);" \
      "insert into t with recursive n(i) as (select 1 union all select i + 1 from n where i < 9000)" \
      " select i, 'name ' || (i * 7919 % 1009) from n;" \
      "select s, count(*), sum(i) from t group by s order by 2 desc, 1 limit 50;"
PROGRAMS = ([sys.executable, "-c", PYTHON], ["perl", "-e", PERL], ["sqlite3", ":memory:", SQL])


def expect(holds, what):
    """Fails unless it holds."""
    if not holds:
        sys.exit(f"failed: {what}")


def run(command, options, preload=library):
    """The finished process, with no core."""
    return subprocess.run(
        command, env=dict(os.environ, LD_PRELOAD=preload, LUNALLOC_CONF=options),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)),
        capture_output=True, text=True, errors="replace", check=False)


def run_part(options, status, reports, preload=library):
    """Runs the part of the guest, which must end so and report so often."""
    result = run([guest, part], options, preload)
    told = result.stderr.count("lunalloc: use after free: write at")
    expect(result.returncode == status, f"ended with {result.returncode}: {result.stderr}")
    expect(told == reports, f"{told} reports instead of {reports}: {result.stderr}")
    expect(status or result.stdout == "done\n", f"wrote {result.stdout}")
    lines = [line for line in result.stderr.splitlines() if not line.startswith(" ")]
    expect(len(lines) == reports, f"wrote {result.stderr}")


def check_off():
    """Nothing is guarded unless asked for; what makes no sense is told."""
    for options in ("", "profile:true,profile_interval:1"):
        result = run([guest, "no_handler"], options)
        expect(result.returncode == 0 and not result.stderr, f"with {options}: {result.stderr}")
    expect(run([guest, "no_handler"], ALL).returncode == 1, "there is no handler")
    for slots in (0, 4097):
        result = run([guest, "full"], f"{ALL},guard_slots:{slots}")
        expect(result.returncode == 0 and "guard_slots" in result.stderr, result.stderr)


def check_programs():
    """The output is the same, and nothing is reported."""
    for command in PROGRAMS:
        if shutil.which(command[0]) is None:
            continue
        plain = run(command, "", preload="")
        for options in (ALL, "profile_interval:64,profile_cpu_percent:0,guard_samples:3,"
                        "guard_slots:500"):
            result = run(command, options)
            told = f"{command[0]} with {options}: {result.stderr}"
            expect(result.returncode == 0 and result.stderr == "", told)
            expect(result.stdout == plain.stdout, f"the output of {told} differs")


DIES = -signal.SIGSEGV
if part == "off":
    check_off()
elif part == "programs":
    check_programs()
elif part == "torture":
    # With fewer and more slots than there are blocks at once.
    for slots in (7, 64, 1000):
        done = run([torture], f"{ALL},guard_slots:{slots}")
        expect(done.returncode == 0 and done.stdout == "done\n" and not done.stderr,
               f"{slots} slots: {done.returncode} {done.stdout} {done.stderr}")
elif part == "handler_before":
    run_part(ALL, 0, 1, preload=f"{library} {handler}")
elif part in ("own_fault", "sent"):
    run_part(ALL, DIES, 0)
elif part == "alternate_stack":
    run_part(ALL, DIES, 1)
    run_part(f"{ALL},guard_action:report", 0, 1)
elif part == "errno_kept":
    run_part(f"{ALL},guard_action:report", 0, 1)
elif part == "forks":
    run_part(ALL, 0, 1)
else:
    run_part(ALL, 0, 0)
