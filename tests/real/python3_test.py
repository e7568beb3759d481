# SPDX-License-Identifier: MIT
"""CPython: json, threads, forked workers, subprocesses, sqlite3; pymalloc on and off."""
import support

PYTHON = "/usr/bin/python3"

WORK = r"""
import decimal, hashlib, json, multiprocessing, queue, random, re, sqlite3, subprocess
import sys, threading, zlib

def digest(value):
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]

def documents(seed, count):
    numbers = random.Random(seed)
    return [{"id": i, "text": "x" * numbers.randrange(300), "tags": [str(numbers.random())
             for _ in range(numbers.randrange(8))], "nested": {"a": [i] * 5, "b": None}}
            for i in range(count)]

def parse(seed):
    text = json.dumps(documents(seed, 400), indent=1)
    found = re.findall(r'"(0\.\d+)"', text)
    return digest((json.loads(text), found, zlib.decompress(zlib.compress(text.encode()))))

def threads():
    # Blocks are made in one thread and die in another.
    work, done = queue.Queue(16), queue.Queue()
    def consume():
        while (item := work.get()) is not None:
            done.put((item[0], digest(item[1])))
    consumers = [threading.Thread(target=consume) for _ in range(4)]
    for consumer in consumers: consumer.start()
    for i in range(200): work.put((i, documents(i, 12)))
    for _ in consumers: work.put(None)
    for consumer in consumers: consumer.join()
    return digest(sorted(done.get() for _ in range(200)))

def short_threads():
    results = {}
    def fill(i): results[i] = digest(bytearray(i * 97) + b"y" * (i * 1031))
    for start in range(0, 400, 8):
        batch = [threading.Thread(target=fill, args=(i,)) for i in range(start, start + 8)]
        for thread in batch: thread.start()
        for thread in batch: thread.join()
    return digest(sorted(results.items()))

def forks():
    # The parent's other thread allocates while the pool forks.
    stop = threading.Event()
    def churn():
        while not stop.is_set(): documents(1, 20)
    churner = threading.Thread(target=churn)
    churner.start()
    with multiprocessing.get_context("fork").Pool(3) as pool:
        results = pool.map(parse, range(6))
    stop.set()
    churner.join()
    return results

def database():
    base = sqlite3.connect(":memory:")
    base.execute("create table t (id integer primary key, name text, body blob)")
    base.executemany("insert into t values (?, ?, ?)",
                     ((i, f"name {i % 977}", b"b" * (i % 500)) for i in range(15000)))
    base.execute("create index n on t (name)")
    base.execute("delete from t where id % 3 = 0")
    rows = base.execute("select name, count(*), sum(length(body)) from t group by name").fetchall()
    return digest(rows), base.execute("pragma integrity_check").fetchone()

def children():
    command = [sys.executable, "-c", "import json; print(json.dumps(list(range(9)) * 9))"]
    return digest([subprocess.run(command, capture_output=True, check=True).stdout
                   for _ in range(8)])

def large():
    block = bytearray()
    for i in range(3000): block += bytes([i % 251]) * 4099
    decimal.getcontext().prec = 1500
    return digest(block), digest(hex(3 ** 90000 % 10 ** 9999)), digest(decimal.Decimal(2).sqrt())

if __name__ == "__main__":
    for task in (threads, short_threads, forks, database, children, large):
        print(task.__name__, task(), flush=True)
    print("parse", parse(0))
"""


def scenario(stage):
    stage.write("work.py", WORK)
    stage.check_maps_printed_by([PYTHON, "-c", "print(open('/proc/self/maps').read())"])

    return {
        f"output with {name}": stage.command([PYTHON, "work.py"], environment=environment)
        for name, environment in [
            ("the default allocator", {}),
            ("PYTHONMALLOC=malloc", {"PYTHONMALLOC": "malloc"}),
        ]
    }


if __name__ == "__main__":
    support.main(scenario, {PYTHON: "python3"})
