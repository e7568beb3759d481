#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds every configuration, runs every default suite and counts the results.
#
# usage: sh tools/check.sh [--full] [--config NAME] [--only SUITE] [--no-install]
#   --full         also long stress runs, clang-tidy, and aarch64 under qemu-user
#   --config NAME  one configuration only: gcc, asan, tsan, clang, fuzz, tidy or aarch64
#   --only SUITE   one suite only, in configuration gcc (fuzz for fuzz) unless --config names another
#   --no-install   installs nothing
# The last line is `N passed, M failed, K skipped`; the status is 0 if M is 0.
set -u
cd "$(dirname "$0")/.." || exit 1
. tools/packages.sh

usage() {
  sed -n 's/^# \{0,1\}//; 4,9p' tools/check.sh >&2
  exit 2
}

full=no install=yes only_config='' only_suite=''
while [ $# -gt 0 ]; do
  case $1 in
    --full) full=yes ;;
    --no-install) install=no ;;
    --config | --only)
      [ $# -ge 2 ] || usage
      if [ "$1" = --only ]; then only_suite=$2; else only_config=$2; fi
      shift
      ;;
    *) usage ;;
  esac
  shift
done
case $only_config in '' | gcc | asan | tsan | clang | fuzz | tidy | aarch64) ;; *) usage ;; esac
case $only_suite in '') ;; fuzz) only_config=${only_config:-fuzz} ;; *) only_config=${only_config:-gcc} ;; esac

results=$(mktemp)
trap 'rm -f "$results"' EXIT
trap 'exit 130' INT TERM
started=$(date +%s)
phase_started=$started

# Prints the heading of a phase, and how long the one before it took.
phase() {
  now=$(date +%s)
  printf '\n==> %s  (at %d:%02d)\n' "$1" $(((now - started) / 60)) $(((now - started) % 60))
  phase_started=$now
}
phase_done() { printf '    took %d s\n' $(($(date +%s) - phase_started)); }

# Notes one check that is no test of meson's: configuration, result, name, reason.
note() { printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "${4-}" >>"$results"; }

wanted() { [ -z "$only_config" ] || [ "$only_config" = "$1" ]; }

# Configures and builds build/NAME, or $targets of it; further arguments are meson's. A
# failure is a failed check, and the configuration's tests are not run.
targets=''
build() {
  name=$1
  shift
  phase "$name: build"
  directory=build/$name
  if [ -f "$directory/meson-private/coredata.dat" ]; then
    set -- --reconfigure "$@"
  fi
  mkdir -p build
  # shellcheck disable=SC2086
  if meson setup "$directory" "$@" >build/"$name".log 2>&1 &&
    ninja -C "$directory" $targets >>build/"$name".log 2>&1; then
    phase_done
    note "$name" passed build
    return 0
  fi
  tail -n 40 build/"$name".log
  phase_done
  note "$name" failed build "see build/$name.log"
  return 1
}

# Runs suites of build/NAME: name, suites in one word, then what to run meson under.
run_suites() {
  name=$1 suites=$2
  shift 2
  [ -z "$only_suite" ] || suites=$only_suite
  phase "$name: $suites"
  log=build/$name/meson-logs/check-$(echo "$suites" | tr ' ' '-')
  rm -f "$log.json"
  # shellcheck disable=SC2046,SC2086
  set -- "$@" meson test -C "build/$name" --no-rebuild --logbase "${log##*/}" \
    --num-processes "$jobs" --print-errorlogs $(printf -- '--suite %s ' $suites)
  "$@" </dev/null
  python3 -B tools/count_results.py add "$name" "$log.json" >>"$results"
  phase_done
}

if [ $install = yes ]; then
  phase "packages"
  need_packages g++ gcc meson ninja-build python3 pkg-config binutils git libgtest-dev \
    libcli11-dev nlohmann-json3-dev zlib1g-dev libdw-dev libiberty-dev libncurses-dev libmicrohttpd-dev \
    tmux || exit 1
  want_packages cmake clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev util-linux gdb libjemalloc-dev curl \
    libjemalloc2 libmimalloc2.0 libtbbmalloc2 libtcmalloc-minimal4 debootstrap debhelper dpkg-dev lintian \
    python3-docutils zsh faketime eatmydata fakeroot golang-go
  # For the page of reports and its tests. A nodejs that is not Debian's brings its own npm.
  want_packages nodejs chromium
  command -v npm >/dev/null || want_packages npm
  if [ $full = yes ] || [ "$only_config" = aarch64 ]; then
    want_packages g++-aarch64-linux-gnu qemu-user googletest
  fi
  if [ -f tests/real/packages.txt ] && wanted gcc && [ "${only_suite:-real}" = real ]; then
    # shellcheck disable=SC2046
    want_packages $(sed 's/#.*//' tests/real/packages.txt)
  fi
  phase_done
fi

jobs=$(nproc 2>/dev/null || echo 2)
unset LD_PRELOAD LUNALLOC_CONF
export PYTHONDONTWRITEBYTECODE=1
export ASAN_OPTIONS="${ASAN_OPTIONS-abort_on_error=1:detect_stack_use_after_return=1}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS-halt_on_error=1:abort_on_error=1:print_stacktrace=1}"
export TSAN_OPTIONS="${TSAN_OPTIONS-halt_on_error=1:second_deadlock_stack=1}"

# A sanitizer's shadow memory may collide with a randomised address space.
fixed_addresses=''
if setarch "$(uname -m)" -R true 2>/dev/null; then
  fixed_addresses="setarch $(uname -m) -R"
fi

stress_seconds=${LUNA_STRESS_SECONDS-}
report=auto
if command -v node >/dev/null && command -v npm >/dev/null; then report=enabled; fi
if wanted gcc && build check --native-file ci/gcc.ini -Dreport=$report; then
  run_suites check "unit preload life misuse secure fault real style package"
  if [ $full = yes ] && [ -z "$only_suite" ]; then
    export LUNA_STRESS_SECONDS="${stress_seconds:-60}"
    run_suites check stress
  fi
fi
export LUNA_STRESS_SECONDS="${stress_seconds:-3}"
for sanitizer in asan tsan; do
  if wanted $sanitizer; then
    if ! command -v clang++-14 >/dev/null && [ $sanitizer = tsan ]; then
      note tsan skipped build "clang++-14 is not installed"
    elif build $sanitizer --native-file ci/$sanitizer.ini; then
      # shellcheck disable=SC2086
      run_suites $sanitizer "unit stress" $fixed_addresses
    fi
  fi
done
if wanted clang || [ "$only_config" = tidy ]; then
  if ! command -v clang++-14 >/dev/null; then
    note clang skipped build "clang++-14 is not installed"
  elif build clang --native-file ci/clang.ini; then
    [ "$only_config" = tidy ] || run_suites clang unit
  fi
fi
if wanted fuzz; then
  targets=fuzzers
  if ! command -v clang++-14 >/dev/null; then
    note fuzz skipped build "clang++-14 is not installed"
  elif build fuzz --native-file ci/fuzz.ini; then
    run_suites fuzz fuzz
  fi
  targets=''
fi
if [ $full = yes ] && [ -z "$only_config" ] || [ "$only_config" = tidy ]; then
  phase "tidy: clang-tidy over src and preload"
  if ! command -v clang-tidy-14 >/dev/null; then
    note tidy skipped clang-tidy "clang-tidy-14 is not installed"
  elif python3 -B tools/run_tidy.py build/clang; then
    note tidy passed clang-tidy
  else
    note tidy failed clang-tidy
  fi
  phase_done
fi
if [ $full = yes ] && [ -z "$only_config" ] || [ "$only_config" = aarch64 ]; then
  if ! command -v aarch64-linux-gnu-g++ >/dev/null || ! command -v qemu-aarch64 >/dev/null; then
    note aarch64 skipped build "g++-aarch64-linux-gnu or qemu-user is not installed"
  elif build aarch64 --cross-file ci/aarch64.ini; then
    run_suites aarch64 unit
  fi
fi

phase "results"
python3 -B tools/count_results.py sum "$results"
