# SPDX-License-Identifier: MIT
"""The programs that soak.py starts around its servers: each ends within seconds.

What each prints must be what it prints without the library; stderr must have no word of it.
"""
import os
import shutil
import signal
import subprocess
import tempfile

# Options of the library that the programs run under, in turns.
OPTIONS = ("", "profile:true", "profile:true,profile_interval:4096", "background:true", "decay_ms:0",
           "profile:true,profile_interval:65536,guard_samples:4", "placement:low_address")
SEEDS = 4
PATIENCE = 600

# For bash, by the program that must be installed. $SEED is small; the folder is fresh.
SHORT = {
    "gcc": "for i in $(seq 300); do echo \"int f$i(int x) { int a[9]; for (int i = 0; i < 9; i++) a[i] = x * i + "
           "$SEED; return a[x % 9] ^ $i; }\"; done > p.c; echo '#include <stdio.h>\nint main(void) "
           "{ printf(\"%d\\n\", f7(3) + f300(8)); }' >> p.c; "
           "gcc -O2 -o p p.c && ./p && gcc -O2 -S -o - p.c | sha256sum",
    "g++": "echo '#include <map>\n#include <string>\n#include <iostream>\nint main() { std::map<std::string, int> m; "
           "for (int i = 0; i < 50000; i++) m[std::to_string(i * SEED % 9973)] += i; std::cout << m.size() << "
           "m.begin()->second; }' > p.cpp; g++ -O1 -DSEED=$SEED -o p p.cpp && ./p",
    "perl": "perl -e 'my %h; $h{$_ * $ENV{SEED} % 7919} .= \"v$_\" for 1 .. 90000; "
            "print join \",\", map {\"$_$h{$_}\"} sort keys %h' | sha256sum",
    "ruby": "ruby -e 's = ENV[\"SEED\"].to_i; t = (1..60000).map { |i| (i * s % 6007).to_s * 3 }; "
            "puts t.group_by(&:size).transform_values(&:sort).inspect.sum'",
    "lua5.4": "lua5.4 -e 'local t = {} for i = 1, 200000 do t[i] = (\"x\"):rep(i % 90) .. i * os.getenv(\"SEED\") "
              "end table.sort(t) print(#table.concat(t), t[777])'",
    "/usr/bin/python3": "/usr/bin/python3 -c 'import os, json; s = int(os.environ[\"SEED\"]); d = {str(i * s % 4001): "
                        "[i] * (i % 50) for i in range(40000)}; print(hash(tuple(json.loads(json.dumps(d))[\"7\"])))'",
    "node": "node -e 'let s = process.env.SEED, m = {}; for (let i = 0; i < 9e4; i++) m[i * s % 5003] = "
            "Buffer.alloc(i % 3000, i); console.log(require(\"crypto\").createHash(\"md5\").update(Buffer.concat("
            "Object.values(m))).digest(\"hex\"))'",
    "sort": "seq 120000 | awk '{print ($1 * 7919 * '$SEED') % 99991, $1}' | "
            "sort --parallel=2 -S 2M -k1,1n -k2,2r | sha256sum",
    "xz": "seq $SEED 90000 | xz -T2 -2 --block-size=100000 | xz -d | sha256sum",
    "tar": "mkdir d; for i in $(seq 200); do seq $i $((i * SEED * 9)) > d/$i; done; "
           "tar -cz d | tar -xzO | sha256sum",
    "git": "git init -q r && cd r && for i in 1 2 3; do seq $((i * SEED * 999)) > f; git add f; git -c user.name=a "
           "-c user.email=a@b commit -q --date=@$i -m $i; done; git gc -q; git log -p --format=%s | sha256sum",
    "sqlite3": "echo \"with recursive c(x) as (select 1 union all select x + 1 from c where x < 60000) select "
               "group_concat(y) from (select x * $SEED % 991 y from c order by 1 desc);\" | sqlite3 | sha256sum",
    "openssl": "seq 200000 | openssl enc -aes-256-cbc -pbkdf2 -S 0102030405060708 -pass env:SEED | sha256sum; "
               "openssl genrsa 1024 2> /dev/null | wc -l",
    "bash": "declare -A m; for ((i = 0; i < 9000; i++)); do m[$((i * SEED % 701))]+=$i; done; "
            "echo \"${m[*]}\" | sha256sum; for i in 1 2 3 4 5; do (echo $((i * SEED)) | cat); done",
}


class ShortPrograms:
    """Runs them one after the other, at random. `faults` collects what went wrong."""

    def __init__(self, preload, top):
        self.preload, self.top = preload, top
        self.names = [name for name in SHORT if shutil.which(name)]
        self.plain = {**os.environ, "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0",
                      "GIT_COMMITTER_DATE": "@9 +0000", "HOME": str(top)}
        self.plain.pop("LD_PRELOAD", None)
        self.plain.pop("LUNALLOC_CONF", None)
        self.expected = {}
        self.runs = dict.fromkeys(self.names, 0)

    def once(self, numbers):
        """Runs one; returns what went wrong, or None."""
        name, seed = numbers.choice(self.names), numbers.randrange(1, SEEDS + 1)
        options = numbers.choice(OPTIONS)
        if (name, seed) not in self.expected:
            status, output, messages = self.run(name, seed, {})
            if status:
                return f"{name} without the library, seed {seed}: status {status} {messages[-500:]}"
            self.expected[name, seed] = output
        status, output, messages = self.run(
            name, seed, {"LD_PRELOAD": str(self.preload), "LUNALLOC_CONF": options})
        self.runs[name] += 1
        if status or "lunalloc:" in messages:
            return f"{name}, seed {seed}, options '{options}': status {status} {messages[-500:]}"
        if output != self.expected[name, seed]:
            return f"{name}, seed {seed}, options '{options}': wrong output {output[:200]!r}"
        return None

    def run(self, name, seed, more):
        """Returns status, output and messages."""
        with tempfile.TemporaryDirectory(dir=self.top) as folder:
            with subprocess.Popen(["bash", "-o", "pipefail", "-c", SHORT[name]], cwd=folder,
                                  env={**self.plain, **more, "SEED": str(seed), "TMPDIR": folder},
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, start_new_session=True) as process:
                try:
                    output, messages = process.communicate(timeout=PATIENCE)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    return "hung", *process.communicate()[:1], f"for {PATIENCE} s"
        return process.returncode, output, messages.decode(errors="replace")
