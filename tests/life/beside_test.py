# SPDX-License-Identifier: MIT
"""Other libraries that are preloaded before lunalloc or after it; and runtimes that own SIGSEGV.

Usage: beside_test.py PART LIBRARY

What is not installed is left out, and skipped if nothing is left.
"""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

import life

part, library = sys.argv[1], os.path.abspath(sys.argv[2])

# Prints whose malloc it has, after threads and a child that allocate.
PROGRAM = """
import ctypes, json, os, subprocess, threading, time
class Info(ctypes.Structure):
    _fields_ = [("file", ctypes.c_char_p), ("base", ctypes.c_void_p),
                ("symbol", ctypes.c_char_p), ("address", ctypes.c_void_p)]
def work():
    for i in range(300): json.loads(json.dumps({str(j): "x" * j for j in range(i % 100)}))
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert subprocess.run(["/bin/sh", "-c", "exit 3"]).returncode == 3
if os.fork() == 0:
    work()
    os._exit(0)
assert os.wait()[1] == 0
libc, info = ctypes.CDLL(None), Info()
libc.dladdr(libc.aligned_alloc, ctypes.byref(info))  # Python has its own entry to malloc
print(os.path.basename(info.file.decode()), time.gmtime().tm_year, os.getuid())
"""

OTHERS = {
    "faketime": "/usr/lib/*/faketime/libfaketime.so.1",
    "eatmydata": "/usr/lib/*/libeatmydata.so",
    "jemalloc": "/usr/lib/*/libjemalloc.so.2",
}

# Its faults become exceptions: the first in the JVM, the second in code that it has compiled.
JAVA = """
public class Faults {
    static int[] none = null;
    static int length(int[] values) { return values.length; }
    public static void main(String[] arguments) {
        int caught = 0;
        for (int i = 0; i < 200000; i++) {
            try { length(i % 2 == 0 ? none : arguments.length == 0 ? new int[1] : none); }
            catch (NullPointerException e) { caught++; }
        }
        System.out.println(caught);
    }
}
"""

GO = """
package main
// #include <stdlib.h>
import "C"
import ("fmt"; "unsafe")
type record struct{ value int }
func faults(at *record) (caught bool) {
	defer func() { caught = recover() != nil }()
	return at.value < 0
}
func work(done chan int) {
	count := 0
	for i := 0; i < 2000; i++ {
		block := C.malloc(C.size_t(16 + i % 3000))
		if faults(nil) { count++ }
		C.free(unsafe.Pointer(block))
	}
	done <- count
}
func main() {
	done, caught := make(chan int), 0
	for i := 0; i < 4; i++ { go work(done) }
	for i := 0; i < 4; i++ { caught += <-done }
	fmt.Println(caught)
}
"""


def says(command, preload, conf="", **more):
    """What a program says on stdout, with these preloaded."""
    with tempfile.TemporaryDirectory() as folder:
        output, errors = life.run(command, preload, conf.replace("FOLDER", folder), **more)
    life.expect(errors == "", f"{command} with {preload}: {errors}")
    return output


def preloads():
    """Each by itself, in both orders; the first malloc is the one that serves."""
    found = {name: paths[0] for name, pattern in OTHERS.items() if (paths := glob.glob(pattern))}
    if not found:
        life.skip("none of the other libraries is installed")
    os.environ["FAKETIME"] = "@2001-02-03 04:05:06"
    command = ["/usr/bin/python3", "-c", PROGRAM]
    for name, other in found.items():
        for order in ((library, other), (other, library)):
            server, year, _ = says(command, ":".join(order), life.everything("FOLDER")).split()
            first = os.path.basename(order[0])
            expected = first if name == "jemalloc" else os.path.basename(library)
            life.expect(server.split(".so")[0] == expected.split(".so")[0],
                        f"{name}: malloc of {server} with {order}")
            life.expect((year == "2001") == (name == "faketime"), f"{name}: the year is {year}")
            print(f"{name}, {'after' if order[0] == library else 'before'} lunalloc: {server}")


def fakeroot():
    """Which preloads itself, before what was preloaded."""
    if shutil.which("fakeroot") is None:
        life.skip("there is no fakeroot")
    server, _, user = says(["fakeroot", "/usr/bin/python3", "-c", PROGRAM], library).split()
    life.expect(server.startswith("liblunalloc") and user == "0", f"{server}, user {user}")


CONFS = ("", "profile:true,profile_interval:1,profile_memory:64,guard_samples:20")


def java():
    """A hundred thousand null pointers, thrown and caught."""
    if shutil.which("javac") is None:
        life.skip("there is no JDK")
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/Faults.java", "w", encoding="utf-8") as source:
            source.write(JAVA)
        subprocess.run(["javac", "Faults.java"], cwd=folder, check=True)
        for conf in CONFS:
            output = says(["java", "-Xmx64m", "Faults"], library, conf, cwd=folder)
            life.expect(output == "100000\n", f"{output} with {conf!r}")


def go():
    """Faults that become panics, in threads that call malloc through cgo."""
    if shutil.which("go") is None:
        life.skip("there is no Go")
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/main.go", "w", encoding="utf-8") as source:
            source.write(GO)
        environment = dict(os.environ, GOCACHE=f"{folder}/cache", GO111MODULE="off")
        subprocess.run(["go", "build", "-o", "faults", "main.go"], cwd=folder, env=environment,
                       check=True)
        for conf in CONFS:
            output = says([f"{folder}/faults"], library, conf)
            life.expect(output == "8000\n", f"{output} with {conf!r}")


{"preloads": preloads, "fakeroot": fakeroot, "java": java, "go": go}[part]()
