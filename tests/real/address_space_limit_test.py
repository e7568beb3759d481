# SPDX-License-Identifier: MIT
"""Programs under `ulimit -v 524288`: they must start, run threads, and live through refusals."""
import support

PYTHON = "/usr/bin/python3"
LIMIT_KIB = 524288

WORK = r"""
import hashlib, json, os, threading

def digest(value): return hashlib.sha256(repr(value).encode()).hexdigest()[:16]

results = {}
def work(n):
    results[n] = digest(json.loads(json.dumps([{"n": n, "list": list(range(50))}] * 500)))
for start in range(0, 32, 4):
    threads = [threading.Thread(target=work, args=(n,)) for n in range(start, start + 4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
print(digest(sorted(results.items())))

# What does not fit is refused, and the program goes on: in one piece, then in many.
for attempt in range(20):
    try: block = bytearray(600 << 20); print("600 MiB came out of 512")
    except MemoryError: pass
kept = []
try:
    while True: kept.append(bytearray(3 << 20))
except MemoryError: pass
print("refused in pieces of 3 MiB, as it should", len(kept) > 40)
kept = None
small = []
try:
    while True: small.append(bytes(1500))
except MemoryError: small = None
print("refused in pieces of 1500 bytes, as it should")
again = [bytearray(1 << 20) for _ in range(100)]
print("the memory came back", len(again))
again = None
work(77)
print(results[77])
if os.fork() == 0: os._exit(7)
print(os.waitstatus_to_exitcode(os.wait()[1]))
"""

PERL = r"""
use strict; my %h; my $s = 1;
for my $i (1 .. 100000) { $s = ($s * 1103515245 + 12345) % 2147483648; push @{$h{$s % 5000}}, 'x' x ($s % 90) }
my $sum = 0; $sum += $_ * @{$h{$_}} for keys %h; print "$sum\n";
my $long = 'y' x (100 << 20); print length($long), "\n";
"""


def scenario(stage):
    stage.write("work.py", WORK)
    stage.write("work.pl", PERL)
    stage.write("lines", "".join(f"{n * 7919 % 100003}\n" for n in range(200000)))

    def limited(*arguments):
        return stage.command(["sh", "-c", f'ulimit -v {LIMIT_KIB}; exec "$@"', "sh", *arguments])

    maps = limited(PYTHON, "-c", "print(open('/proc/self/maps').read())")
    stage.check_listing("the maps of python3", maps)
    return {
        "python3": limited(PYTHON, "work.py"),
        "python3 with PYTHONMALLOC=malloc": limited("env", "PYTHONMALLOC=malloc", PYTHON, "work.py"),
        "perl": limited("perl", "work.pl"),
        "sort": support.digest(limited("sort", "-S", "50M", "--parallel=2", "lines")),
        "processes": limited("bash", "-c", "for i in {1..50}; do echo $(echo $i); done"),
    }


if __name__ == "__main__":
    support.main(scenario, {PYTHON: "python3", "perl": "perl"})
