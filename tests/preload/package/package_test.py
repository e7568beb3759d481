# SPDX-License-Identifier: MIT
"""Installs the built library into a fresh folder, and builds and runs programs with it.

Usage: package_test.py BUILD SOURCES PART C++-COMPILER…

Each PART is a way to link, a function below. The folder is not the prefix that was configured,
so every part also shows that the installed tree can be moved.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
# What each program prints, without the version.
SAYS = {"replaced.c": "malloc is lunalloc", "replaced.cpp": "operator new is lunalloc",
        "twins.c": "luna_malloc is lunalloc", "wrapped.c": "threads inherit from lunalloc"}
WRAPPED = ("-Wl,--wrap=pthread_create", "-Wl,--wrap=thrd_create")
C_FLAGS = ["-std=gnu11", "-O2", "-fno-builtin", "-Wall", "-Wextra", "-Werror"]
CPP_FLAGS = ["-std=c++20", "-O2", "-fno-builtin", "-Wall", "-Wextra", "-Werror"]
CMAKE_PROJECT = """
cmake_minimum_required(VERSION 3.13)
project(packaged C CXX)
find_package(lunalloc {version} REQUIRED CONFIG)
set(CMAKE_CXX_STANDARD 20)
add_executable(shared_c {sources}/replaced.c)
target_link_libraries(shared_c lunalloc::lunalloc)
add_executable(shared_cpp {sources}/replaced.cpp)
target_link_libraries(shared_cpp lunalloc::lunalloc)
add_executable(jemalloc_c {sources}/replaced.c)
target_link_libraries(jemalloc_c lunalloc::jemalloc)
add_executable(static_c {sources}/replaced.c)
target_link_libraries(static_c lunalloc::static)
add_executable(static_cpp {sources}/replaced.cpp)
target_link_libraries(static_cpp lunalloc::static)
add_executable(twins_c {sources}/twins.c)
target_link_libraries(twins_c lunalloc::twins)
"""


class Installed:
    """The tree that `meson install` made, and the compilers to use it with."""

    def __init__(self, top, build, sources, compiler):
        self.top, self.sources, self.cpp_compiler = top, sources, compiler
        options = {option["name"]: option["value"] for option in introspect(build, "buildoptions")}
        run("meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", top / "root")
        self.version = introspect(build, "projectinfo")["version"]
        self.prefix = top / "root" / options["prefix"].lstrip("/")
        self.libraries = self.prefix / options["libdir"]
        self.headers = self.prefix / options["includedir"]

    def compiler_of(self, source):
        """The command that compiles and links a program."""
        if source.endswith(".cpp"):
            return [*self.cpp_compiler, *CPP_FLAGS]
        return [need("cc", "a C compiler"), *C_FLAGS]

    def build(self, source, *flags):
        """The program made of a source, with what is needed to link it."""
        program = self.top / (source.replace(".", "_") + "_program")
        run(*self.compiler_of(source), self.sources / source, *flags, "-o", program)
        return program

    def expect(self, source, program, *arguments):
        """Runs the program, which ends by saying which version it met."""
        output = run(program, *arguments, env={"LD_LIBRARY_PATH": str(self.libraries)})
        if output.strip() != f"{SAYS[source]} {self.version}":
            sys.exit(f"failed: {program.name} printed {output!r}")
        print(f"{program.name}: {output.strip()}")


def run(*command, env=None):
    """The output of a command that must succeed."""
    clean = {name: value for name, value in os.environ.items()
             if name not in ("LD_PRELOAD", "LUNALLOC_CONF", "DESTDIR")}
    result = subprocess.run([str(word) for word in command], env={**clean, **(env or {})},
                            capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(f"failed with {result.returncode}: {' '.join(map(str, command))}\n"
                 f"{result.stdout}{result.stderr}")
    return result.stdout


def introspect(build, what):
    """What meson knows of the build."""
    return json.loads((build / "meson-info" / f"intro-{what}.json").read_text())


def skip(reason):
    """Ends the test as skipped."""
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def need(program, title):
    """The path of a program that the test cannot do without."""
    path = shutil.which(program)
    if path is None:
        skip(f"{title} ({program}) is not installed")
    return path


def needed_libraries(program):
    """The DT_NEEDED and DT_SONAME names of an ELF file, by their tag."""
    names = {"NEEDED": [], "SONAME": []}
    for line in run(need("readelf", "binutils"), "--wide", "--dynamic", program).splitlines():
        for tag, found in names.items():
            if f"({tag})" in line:
                found.append(line.split("[")[1].rstrip("]"))
    return names


def expect_needs(program, library, wanted):
    """Fails unless the program asks the dynamic linker for the library as it should."""
    if (library in needed_libraries(program)["NEEDED"]) != wanted:
        sys.exit(f"failed: {program.name} {'lacks' if wanted else 'has'} DT_NEEDED {library}")


def files(installed):
    """Every file is where it belongs, and the library's name to preload leads to its soname."""
    libraries = ["liblunalloc.so", "liblunalloc-jemalloc.so", "liblunalloc.a",
                 "liblunalloc-twins.a", "pkgconfig/lunalloc.pc", "pkgconfig/lunalloc-jemalloc.pc",
                 "pkgconfig/lunalloc-static.pc", "pkgconfig/lunalloc-twins.pc",
                 "cmake/lunalloc/lunallocConfig.cmake",
                 "cmake/lunalloc/lunallocConfigVersion.cmake"]
    wanted = [installed.libraries / name for name in libraries]
    wanted.append(installed.headers / "lunalloc" / "lunalloc.h")
    for path in wanted:
        if not path.is_file():
            sys.exit(f"failed: {path.relative_to(installed.top)} is not installed")
    for name in ("liblunalloc.so.1-gdb.py", "lunalloc_gdb/__init__.py"):
        if not any(installed.prefix.rglob(name)):
            sys.exit(f"failed: {name} is not installed")
    for name in ("liblunalloc-jemalloc.so", "liblunalloc.so"):
        preloaded = installed.libraries / name
        if needed_libraries(preloaded)["SONAME"] != [preloaded.resolve().name]:
            sys.exit(f"failed: the soname of {preloaded.name} is not the name of its file")
    for path in installed.prefix.rglob("*.cmake"):
        if str(installed.prefix) in path.read_text():
            sys.exit(f"failed: {path.name} names the folder it was installed to")
    output = run("cat", "/proc/self/maps", env={"LD_PRELOAD": str(preloaded)})
    if "liblunalloc" not in output:
        sys.exit("failed: the installed library was not preloaded")


def pkg_config(installed):
    """Modules for the shared library, the archive and the twins; --static for all static."""
    program = need("pkg-config", "pkg-config")
    environment = {"PKG_CONFIG_PATH": str(installed.libraries / "pkgconfig"),
                   "PKG_CONFIG_LIBDIR": ""}

    def flags(*arguments):
        return run(program, f"--define-variable=prefix={installed.prefix}", "--cflags", "--libs",
                   *arguments, env=environment).split()

    if run(program, "--modversion", "lunalloc", env=environment).strip() != installed.version:
        sys.exit("failed: lunalloc.pc has another version")
    for source in ("replaced.c", "replaced.cpp"):
        shared = installed.build(source, *flags("lunalloc"))
        expect_needs(shared, "liblunalloc.so.1", True)
        installed.expect(source, shared)
        linked_in = installed.build(source, *flags("lunalloc-static"))
        expect_needs(linked_in, "liblunalloc.so.1", False)
        installed.expect(source, linked_in)
        # The C library warns of dlopen, which lunalloc does not reach in a static program.
        all_static = installed.build(source, "-static", *flags("--static", "lunalloc"))
        installed.expect(source, all_static)
    for_jemalloc = installed.build("replaced.c", *flags("lunalloc-jemalloc"))
    expect_needs(for_jemalloc, "liblunalloc-jemalloc.so.1", True)
    installed.expect("replaced.c", for_jemalloc)
    installed.expect("twins.c", installed.build("twins.c", *flags("lunalloc-twins")))


def cmake(installed):
    """The CMake package: four targets, and versions that it refuses."""
    program = need("cmake", "CMake")
    compilers = [f"-DCMAKE_C_COMPILER={need('cc', 'a C compiler')}",
                 f"-DCMAKE_CXX_COMPILER={shutil.which(installed.cpp_compiler[-1])}"]
    project, build = installed.top / "project", installed.top / "cmake"
    project.mkdir()
    (project / "CMakeLists.txt").write_text(
        CMAKE_PROJECT.format(sources=installed.sources, version=installed.version))
    run(program, "-S", project, "-B", build, *compilers, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug",
        f"-DCMAKE_PREFIX_PATH={installed.prefix}")
    run(program, "--build", build)
    for name, source in {"shared_c": "replaced.c", "shared_cpp": "replaced.cpp",
                         "jemalloc_c": "replaced.c",
                         "static_c": "replaced.c", "static_cpp": "replaced.cpp",
                         "twins_c": "twins.c"}.items():
        expect_needs(build / name, "liblunalloc.so.1", name.startswith("shared"))
        installed.expect(source, build / name)
    for version, wanted in {"": True, "0.1": True, "0.0.9": False, "0.2": False,
                            "1.0": False}.items():
        if cmake_accepts(installed, program, version) != wanted:
            sys.exit(f"failed: CMake takes {installed.version} for {version or 'any version'}"
                     f" {'not' if wanted else 'as well'}")


def cmake_accepts(installed, program, version):
    """True if find_package takes the installed package for the version."""
    script = installed.top / "find.cmake"
    script.write_text(
        f'set(CMAKE_PREFIX_PATH "{installed.prefix}")\n'
        f'set(PACKAGE_FIND_VERSION "{version}")\n'
        "string(REPLACE . \";\" parts \"${PACKAGE_FIND_VERSION}\")\n"
        "list(APPEND parts 0 0)\nlist(GET parts 0 PACKAGE_FIND_VERSION_MAJOR)\n"
        "list(GET parts 1 PACKAGE_FIND_VERSION_MINOR)\n"
        f'include("{installed.libraries}/cmake/lunalloc/lunallocConfigVersion.cmake")\n'
        'message("compatible=${PACKAGE_VERSION_COMPATIBLE}")\n')
    result = subprocess.run([program, "-P", script], capture_output=True, text=True, check=True)
    return "compatible=TRUE" in result.stderr


def archive(installed):
    """liblunalloc.a named on the command line, as in a makefile without pkg-config."""
    for source in ("replaced.c", "replaced.cpp"):
        program = installed.build(source, f"-I{installed.headers}",
                                  installed.libraries / "liblunalloc.a", "-pthread")
        expect_needs(program, "liblunalloc.so.1", False)
        installed.expect(source, program)
    program = installed.build("wrapped.c", f"-I{installed.headers}", *WRAPPED,
                              installed.libraries / "liblunalloc.a", "-pthread")
    installed.expect("wrapped.c", program)


def twins(installed):
    """liblunalloc-twins.a beside the C library's malloc, also where lunalloc is preloaded."""
    program = installed.build("twins.c", f"-I{installed.headers}",
                              installed.libraries / "liblunalloc-twins.a", "-pthread")
    expect_needs(program, "liblunalloc.so.1", False)
    installed.expect("twins.c", program)
    defined = run(need("nm", "binutils"), "--defined-only", program).split()
    for name in ("malloc", "free", "calloc", "realloc", "_Znwm", "dlopen"):
        if name in defined:
            sys.exit(f"failed: the twins bring {name} along")


def all_static(installed):
    """No dynamic linker at all: -static and -static-pie, by the C library's own archive."""
    for kind in ("-static", "-static-pie"):
        for source in ("replaced.c", "replaced.cpp"):
            program = installed.build(source, kind, f"-I{installed.headers}",
                                      installed.libraries / "liblunalloc.a", "-pthread")
            installed.expect(source, program)
            # There is no other malloc to hand over to, so the off switch is ignored.
            run(program, env={"LUNALLOC_CONF": "enabled:false"})
        program = installed.build("wrapped.c", kind, f"-I{installed.headers}", *WRAPPED,
                                  installed.libraries / "liblunalloc.a", "-pthread")
        installed.expect("wrapped.c", program)
        program = installed.build("twins.c", kind, f"-I{installed.headers}",
                                  installed.libraries / "liblunalloc-twins.a", "-pthread")
        # Without a dynamic linker there is no way to the malloc of the C library.
        installed.expect("twins.c", program, "static")


def main():
    build, sources = (pathlib.Path(name).resolve() for name in sys.argv[1:3])
    part = {function.__name__: function for function in
            (files, pkg_config, cmake, archive, twins, all_static)}[sys.argv[3]]
    need("meson", "meson")
    with tempfile.TemporaryDirectory(prefix="lunalloc-package-") as top:
        part(Installed(pathlib.Path(top), build, sources, sys.argv[4:]))


if __name__ == "__main__":
    main()
