# SPDX-License-Identifier: MIT
"""Options from the environment, from /etc/lunalloc.conf and from the program itself.

Usage: options_test.py PART LIBRARY PROBE PROBE_WITH_OPTIONS LINKED_PROBE LINKED_WITH_OPTIONS

The probes say whose malloc they run on; the last two are linked with the library's archive. Only
private copies of /etc are written, in a mount namespace of a child.
"""
import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

SKIPPED = 77
NOBODY = 65534
CLONE_NEWNS, CLONE_NEWUSER = 0x20000, 0x10000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
# What programs that start here read of /etc.
COPIED = ("ld.so.cache", "ld.so.conf", "passwd", "group", "nsswitch.conf")
SUMMARY = "lunalloc statistics"

library, probe, probe_with_options, linked, linked_with_options = (
    os.path.abspath(path) for path in sys.argv[2:])
libc = ctypes.CDLL(None, use_errno=True)


class Run:
    """What a probe printed."""

    def __init__(self, program, *arguments, conf=None, preload=True, folder=None, user=None):
        environment = {"PATH": os.environ.get("PATH", "")}
        if preload:
            environment["LD_PRELOAD"] = library
        if conf is not None:
            environment["LUNALLOC_CONF"] = conf
        before = (lambda: put_over_etc(folder, user)) if folder else None
        result = subprocess.run([program, *arguments], env=environment, capture_output=True,
                                text=True, timeout=60, check=False, preexec_fn=before,
                                user=None if folder else user)
        self.status, self.errors = result.returncode, result.stderr
        self.facts = dict(line.partition("=")[::2] for line in result.stdout.splitlines())
        self.what = f"{os.path.basename(program)} {' '.join(arguments)} with {conf!r}"
        if self.status != 0 or "done" not in self.facts:
            fail(self, f"it ended with {self.status}")

    def expect(self, name, value):
        """Fails unless the probe said so."""
        if self.facts.get(name) != value:
            fail(self, f"{name} is {self.facts.get(name)!r}, not {value!r}")

    def expect_summary(self, wanted):
        """Fails unless there is a summary on stderr, or none, as wanted."""
        if (SUMMARY in self.errors) != wanted:
            fail(self, "no summary on stderr" if wanted else "a summary that nobody asked for")

    def warnings(self):
        """The lines on stderr that are not the summary."""
        return self.errors.split(SUMMARY)[0].splitlines()


def fail(result, reason):
    """Ends the test as failed."""
    sys.exit(f"failed: {result.what}: {reason}\n{result.errors}")


def skip(reason):
    """Ends the test as skipped."""
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def put_over_etc(folder, user=None):
    """Runs in the child before it starts the probe: what it sees as /etc is `folder`."""
    if libc.unshare(CLONE_NEWNS) != 0 and libc.unshare(CLONE_NEWNS | CLONE_NEWUSER) != 0:
        raise OSError("no private mount namespace")
    if libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) != 0:
        raise OSError("the mounts of the namespace cannot be made private")
    if libc.mount(os.fsencode(folder), b"/etc", None, MS_BIND, None) != 0:
        raise OSError("no bind mount over /etc")
    if user is not None:  # afterwards, for in a user namespace setuid bits are not heeded
        os.setuid(user)


class Etc:
    """A private /etc with a lunalloc.conf of our own."""

    def __init__(self, top):
        self.folder = pathlib.Path(top, "etc")
        self.folder.mkdir(mode=0o755)
        for name in COPIED:
            if os.path.exists(f"/etc/{name}"):
                shutil.copy(f"/etc/{name}", self.folder / name)
        try:
            subprocess.run(["true"], check=True, preexec_fn=lambda: put_over_etc(self.folder))
        except (OSError, subprocess.SubprocessError) as error:
            skip(f"a private mount namespace is not permitted here ({error})")

    def run(self, text, program, *arguments, **options):
        """Runs a probe that finds `text` in /etc/lunalloc.conf."""
        (self.folder / "lunalloc.conf").write_text(text)
        result = Run(program, *arguments, folder=self.folder, **options)
        result.what += f" and the file {text!r}"
        return result


def environment(_):
    """Good and bad keys and values in LUNALLOC_CONF; what is wrong is named and changes nothing."""
    for conf in (None, "", ",,", "enabled:true,decay_ms:5", "stats_print:off , deepbind:0"):
        result = Run(probe, "work", conf=conf)
        result.expect("malloc", "lunalloc")
        if result.errors:
            fail(result, "something on stderr")
    for conf in ("stats_print:true", "stats_print:on", "decay_ms:0,stats_print:1"):
        result = Run(probe, "work", conf=conf)
        result.expect_summary(True)
        if result.warnings():
            fail(result, "a warning")
    wrong = {"decay_mss:5": ("decay_mss", "decay_ms"), "stat_print:true": ("stat_print", "stats_print"),
             "enable:false": ("enable", "enabled"), "deep_bind:1": ("deep_bind", "deepbind"),
             "decay_ms:-1": ("decay_ms", "whole number"), "decay_ms:1s": ("decay_ms", "whole number"),
             "decay_ms": ("decay_ms", "whole number"), "enabled:no": ("enabled", "true or false"),
             "stats_print:": ("stats_print", "true or false"),
             "decay_ms:99999999999999999999": ("decay_ms", "whole number"),
             "x" * 5000 + ":1": ("xxxx", "nearest")}
    for conf, words in wrong.items():
        result = Run(probe, "work", conf=conf)
        result.expect("malloc", "lunalloc")
        result.expect_summary(False)
        lines = result.warnings()
        if len(lines) != 1 or not lines[0].startswith("lunalloc: LUNALLOC_CONF: "):
            fail(result, "not one warning that names LUNALLOC_CONF")
        if not all(word in lines[0] for word in words):
            fail(result, f"the warning does not name {' and '.join(words)}")
    result = Run(probe, conf="decay_mss:5,stats_print:true,enabled:maybe")
    result.expect_summary(True)
    if len(result.warnings()) != 2:
        fail(result, "not one warning for each of two mistakes")


def out_of_range(_):
    """A number beyond its range is told, with who set it, and the default is in force."""
    wrong = {"profile_depth:257": "a whole number from 0 to 256",
             "cache_thread_kib:65537": "a whole number from 0 to 65536",
             "guard_slots:0": "a whole number from 1 to 4096",
             "blackbox_kib:127": "a whole number from 128 to 1048576",
             "hard_limit_mib:1099511627777": "a whole number from 0 to 1099511627776",
             "profile_near_limit_percent:101": "a whole number from 0 to 100",
             "profile_interval:0": "a whole number from 1 to 1073741824"}
    for conf, words in wrong.items():
        name = conf.split(":")[0]
        result = Run(probe, "work", conf=f"{conf},confirm_conf:true")
        lines = result.errors.splitlines()
        said = f'lunalloc: LUNALLOC_CONF: option "{name}" wants {words}; it is ignored'
        if lines[0] != said or sum("wants" in line for line in lines) != 1:
            fail(result, f"the first line is not {said!r}")
        if not any(line.startswith(f"lunalloc: {name}:") and line.endswith("by default")
                   for line in lines):
            fail(result, f"{name} is not that of the default")
    for conf in ("profile_depth:256", "cache_thread_kib:65536", "hard_limit_mib:1099511627776"):
        result = Run(probe, "work", conf=conf)
        if result.errors:
            fail(result, "something on stderr")


def disabled(_):
    """enabled:false leaves malloc to the C library, in C and C++, threads and forks."""
    for program, preload in ((probe, True), (linked, False)):
        for conf in ("enabled:false", "enabled:off,decay_ms:5"):
            result = Run(program, "work", "where", conf=conf, preload=preload)
            result.expect("malloc", "libc")
            result.expect("brk_heap", "1")
            if result.errors:
                fail(result, "something on stderr")
        Run(program, "where", preload=preload).expect("brk_heap", "0")


def file(top):
    """/etc/lunalloc.conf: lines, comments, and sections by the name of the program."""
    etc = Etc(top)
    name = os.path.basename(probe)
    on = {"stats_print:true\n", "# a comment\n\n  stats_print : on  # another\n",
          "stats_print:true", "decay_ms:5,stats_print:true\n", f"[{name}]\nstats_print:true\n",
          f"stats_print:false\n[ {name} ]\nstats_print:true\n",
          f"[other]\nstats_print:false\n[{name}]\nstats_print:true\n[more]\nstats_print:false\n",
          "stats_print:true\r\n"}
    off = {"", "\n", "[other]\nstats_print:true\n", f"[{name}x]\nstats_print:true\n",
           f"stats_print:true\n[{name}]\nstats_print:false\n", "# stats_print:true\n",
           f"[{name}\nstats_print:true\n"}
    for text in on | off:
        result = etc.run(text, probe)
        result.expect("malloc", "lunalloc")
        result.expect_summary(text in on)
        if result.warnings():
            fail(result, "a warning")
    etc.run(f"[{name}]\nenabled:false\n", probe, "work").expect("malloc", "libc")
    etc.run("[other]\nenabled:false\n", probe, "work").expect("malloc", "lunalloc")
    etc.run("enabled:false\n", linked, "work", preload=False).expect("malloc", "libc")
    alias = pathlib.Path(top, "alias")
    alias.symlink_to(probe)
    etc.run("[alias]\nstats_print:true\n", str(alias)).expect_summary(False)
    etc.run(f"[{name}]\nstats_print:true\n", str(alias)).expect_summary(True)
    result = etc.run("decay:5\n", probe)
    if len(result.warnings()) != 1 or "/etc/lunalloc.conf" not in result.errors \
            or "decay_ms" not in result.errors:
        fail(result, "not one warning that names the file and the nearest option")


def program(top):
    """Options of the program itself, which the file overrides, which the environment overrides."""
    for path, preload in ((probe_with_options, True), (linked_with_options, False)):
        result = Run(path, "work", preload=preload)
        result.expect_summary(True)
        lines = result.warnings()
        if len(lines) != 1 or not lines[0].startswith("lunalloc: lunalloc_conf: "):
            fail(result, "not one warning that names lunalloc_conf")
        Run(path, preload=preload, conf="stats_print:false").expect_summary(False)
    etc = Etc(top)
    off, on = "stats_print:false\n", "stats_print:true\n"
    for path, preload in ((probe_with_options, True), (linked_with_options, False)):
        etc.run(off, path, preload=preload).expect_summary(False)
        etc.run(off, path, preload=preload, conf="stats_print:true").expect_summary(True)
        etc.run(on, path, preload=preload, conf="stats_print:false").expect_summary(False)


def confirm(top):
    """confirm_conf:true tells each option, with the source that set it last."""
    if "lunalloc: decay_ms" in Run(probe).errors:
        sys.exit("failed: options are told that nobody asked for")
    conf = "confirm_conf:true,deepbind:on"
    result = Run(probe, conf=conf)
    lines = result.errors.splitlines()
    for line in ("lunalloc: deepbind:true from LUNALLOC_CONF", "lunalloc: decay_ms:1000 by default"):
        if line not in lines:
            fail(result, f"there is no line {line!r}")
    if len(lines) != len(set(line.split(":")[1] for line in lines)):
        fail(result, "not one line for each option")
    result = Run(probe_with_options, conf="confirm_conf:true")
    if "lunalloc: stats_print:true from lunalloc_conf" not in result.errors.splitlines():
        fail(result, "the program's own option is not told")
    result = Etc(top).run("confirm_conf:true\ndecay_ms:7\nstats_print:false\n", probe_with_options,
                          conf="decay_ms:8")
    for line in ("decay_ms:8 from LUNALLOC_CONF", "stats_print:false from /etc/lunalloc.conf",
                 "enabled:true by default"):
        if f"lunalloc: {line}" not in result.errors.splitlines():
            fail(result, f"there is no line {line!r}")


def refuses(program, conf, *words, preload=True):
    """Fails unless the process dies before it prints anything, and its message has the words."""
    environment = {"LUNALLOC_CONF": conf}
    if preload:
        environment["LD_PRELOAD"] = library
    result = subprocess.run([program], env=environment, capture_output=True, text=True, timeout=60,
                            check=False)
    if result.returncode != -signal.SIGABRT or result.stdout:
        sys.exit(f"failed: with {conf!r} it ended with {result.returncode}: {result.stderr}")
    if not all(word in result.stderr for word in words):
        sys.exit(f"failed: with {conf!r} it does not say {words}: {result.stderr}")


def abort(_):
    """abort_conf:true ends the process where an option is wrong, wherever that stands."""
    for conf in ("abort_conf:true", "abort_conf:true,decay_ms:5,stats_print:off"):
        result = Run(probe, conf=conf)
        if result.errors:
            fail(result, "something on stderr")
    wrong = {"decay_mss:5": ("decay_mss", "nearest is decay_ms"), "decay_ms:soon": ("whole number",),
             "deepbind:maybe": ("true or false",), "hugetlb:4m": ("2m, 1g or off",),
             "guard_slots:5000": ("guard_slots", "from 1 to 4096"),
             "profile_interval:0": ("profile_interval", "from 1 to 1073741824"),
             "guard_action:live": ("die or report",), "profile_kind:all": ("heap, peak",)}
    for conf, words in wrong.items():
        refuses(probe, f"{conf},abort_conf:true", "abort_conf", *words)
        refuses(probe, f"abort_conf:true,{conf}", "abort_conf", *words)
        Run(probe, conf=f"{conf},abort_conf:false").expect("malloc", "lunalloc")
    # The mistake is the program's, the wish that of the environment.
    refuses(probe_with_options, "abort_conf:true", "lunalloc_conf", "decay_ms")
    refuses(linked_with_options, "abort_conf:true", "lunalloc_conf", "decay_ms", preload=False)


def privileged(top):
    """A program with more rights than its caller heeds the off switch of the file, and no more."""
    if os.geteuid() != 0:
        skip("only root can make a setuid program of another user")
    copy = pathlib.Path(top, "setuid_probe")
    shutil.copy(linked, copy)
    Run(str(copy), conf="stats_print:true", preload=False).expect_summary(True)
    os.chmod(copy, 0o4755)
    options = {"preload": False, "user": NOBODY}
    result = Run(str(copy), "work", conf="stats_print:true,wrong:1", **options)
    if result.facts.get("privileged") == "0":
        skip("the setuid bit is not heeded here (nosuid or no_new_privs)")
    result.expect_summary(False)
    if result.errors:
        fail(result, "the environment of an unprivileged caller was read")
    Run(str(copy), "work", conf="enabled:false", **options).expect("malloc", "lunalloc")
    Run(str(copy), conf="abort_conf:true,wrong:1", **options).expect("malloc", "lunalloc")
    privileged_file(top, options)


def privileged_file(top, options):
    """The part of it that needs a private /etc."""
    etc = Etc(top)
    copy = pathlib.Path(top, "setuid_probe_with_options")
    shutil.copy(linked_with_options, copy)
    os.chmod(copy, 0o4755)
    result = etc.run("stats_print:true\nconfirm_conf:true\n", str(copy), **options)
    if result.facts.get("privileged") == "0":
        skip("the setuid bit is not heeded in a private mount namespace here")
    if result.errors:
        fail(result, "the file or the program's own options were heeded")
    etc.run("enabled:false\n", str(copy), "work", **options).expect("malloc", "libc")


def empty_environment(_):
    """No environment but the preload, none at all, and no arguments either."""
    Run(probe, "work").expect("malloc", "lunalloc")
    for arguments in (["env", "-i", f"LD_PRELOAD={library}", probe, "work"],
                      ["env", "-i", linked, "work"]):
        output = subprocess.run(arguments, capture_output=True, text=True, check=True)
        if "malloc=lunalloc" not in output.stdout or output.stderr:
            sys.exit(f"failed: {arguments}: {output.stdout}{output.stderr}")
    child = os.fork()
    if child == 0:
        libc.execve(os.fsencode(linked), None, None)
        os._exit(1)
    if os.waitpid(child, 0)[1] != 0:
        sys.exit("failed: a program without arguments and environment")


def main():
    parts = (environment, out_of_range, disabled, file, program, confirm, abort, privileged, empty_environment)
    part = {function.__name__: function for function in parts}[sys.argv[1]]
    with tempfile.TemporaryDirectory(prefix="lunalloc-options-") as top:
        os.chmod(top, 0o755)
        part(top)


if __name__ == "__main__":
    main()
