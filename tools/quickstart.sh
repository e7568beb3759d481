#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds lunalloc and runs a real program with and without it.
#
# usage: sh tools/quickstart.sh [--no-install]
set -eu
cd "$(dirname "$0")/.."
. tools/packages.sh

install=yes
case ${1-} in
  '') ;;
  --no-install) install=no ;;
  *)
    echo "usage: sh tools/quickstart.sh [--no-install]" >&2
    exit 2
    ;;
esac

step() { printf '\n==> %s\n' "$1"; }

step "1/3  What building needs"
if [ $install = yes ]; then
  need_packages g++ meson ninja-build python3
else
  echo "  not installing anything"
fi
for program in meson ninja python3; do
  if ! command -v $program >/dev/null; then
    echo "error: $program was not found; building needs g++, meson, ninja-build and python3" >&2
    exit 1
  fi
done

step "2/3  Building build/preload/liblunalloc.so (release)"
echo "  about half a minute the first time"
log=$(mktemp)
results=$(mktemp -d)
trap 'rm -rf "$log" "$results"' EXIT
trap 'exit 130' INT TERM
if [ -f build/meson-private/coredata.dat ]; then
  setup="meson setup --reconfigure build -Dbuildtype=release"
else
  setup="meson setup build --buildtype=release"
fi
if ! $setup >"$log" 2>&1 || ! ninja -C build >>"$log" 2>&1; then
  tail -n 40 "$log" >&2
  echo "error: the build failed (see above); if build/ is from elsewhere, remove it and try again" >&2
  exit 1
fi
library=$PWD/build/preload/liblunalloc.so
if [ ! -f "$library" ]; then
  echo "error: the build made no $library" >&2
  exit 1
fi
echo "  $(du -k "$library" | cut -f1) KiB, needs only:" \
  "$(readelf -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p' | tr '\n' ' ')"

python=/usr/bin/python3
[ -x $python ] || python=$(command -v python3)
step "3/3  Running $python with glibc's malloc and with lunalloc"
echo "  tools/quickstart_workload.py: JSON, dictionaries, strings and objects, a few seconds;"
echo "  PYTHONMALLOC=malloc makes Python ask the allocator for every object"
export PYTHONMALLOC=malloc PYTHONDONTWRITEBYTECODE=1
export PYTHONHASHSEED=1

# The name of the run, the library to preload (or nothing).
run() {
  printf '  %-14s ' "$1 ..."
  if ! LD_PRELOAD=$2 $python tools/quickstart_workload.py >"$results/$1" 2>"$results/$1.err"; then
    echo "failed"
    cat "$results/$1" "$results/$1.err" >&2
    exit 1
  fi
  echo "done"
}

run glibc ''
LUNALLOC_CONF=stats_print:true
export LUNALLOC_CONF
run lunalloc "$library"

# Each result is a line: seconds, peak KiB, a checksum, and whose malloc it was.
read -r seconds_before peak_before sum_before owner_before <"$results/glibc"
read -r seconds_after peak_after sum_after owner_after <"$results/lunalloc"
if [ "$sum_before" != "$sum_after" ]; then
  echo "error: the program computed something else under lunalloc" >&2
  exit 1
fi
if [ "$owner_after" != lunalloc ]; then
  echo "error: the library was not loaded; is $python statically linked or setuid?" >&2
  exit 1
fi
awk -v t1="$seconds_before" -v t2="$seconds_after" -v m1="$peak_before" -v m2="$peak_after" '
  BEGIN {
    printf "\n  %-14s %10s %14s\n", "", "time", "peak RSS"
    printf "  %-14s %8.2f s %10.1f MiB\n", "glibc", t1, m1 / 1024
    printf "  %-14s %8.2f s %10.1f MiB\n", "lunalloc", t2, m2 / 1024
    printf "  %-14s %+8.0f %% %+10.0f %%\n", "difference", (t2 / t1 - 1) * 100, (m2 / m1 - 1) * 100
  }'
printf '\n  What lunalloc says about that run (LUNALLOC_CONF=stats_print:true):\n\n'
if [ -s "$results/lunalloc.err" ]; then
  head -n 40 "$results/lunalloc.err" | sed 's/^/    /'
else
  echo "    (nothing)"
fi
cat <<END

Same output from both runs ($owner_before, $owner_after). Now with a program of yours:

    LD_PRELOAD=$library your-program
END
