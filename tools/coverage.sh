#!/bin/sh
# SPDX-License-Identifier: MIT
# Which lines of src/ and preload/ the tests run: builds a library that counts them, runs suites with
# it, and prints what share of each folder ran, and what did not. docs/coverage.md says why not.
#
# usage: sh tools/coverage.sh [--build DIRECTORY] [--no-tests] [SUITE]...
#   --build DIRECTORY  builds there instead of in build/coverage
#   --no-tests         sums up what was counted so far
#   SUITE              runs these instead of unit, preload, misuse, secure, life and fault
set -u
cd "$(dirname "$0")/.." || exit 1
. tools/packages.sh

usage() {
  sed -n 's/^# \{0,1\}//; 6,9p' tools/coverage.sh >&2
  exit 2
}

directory=build/coverage tests=yes
while [ $# -gt 0 ]; do
  case $1 in
    --build)
      [ $# -ge 2 ] || usage
      directory=$2
      shift
      ;;
    --no-tests) tests=no ;;
    -*) usage ;;
    *) break ;;
  esac
  shift
done
[ $# -gt 0 ] || set -- unit preload misuse secure life fault

need_packages gcovr g++ meson ninja-build python3 libgtest-dev || exit 1
# Sums up counts in a file of its own, from the options of gcovr. gcov finds negative counts of branches
# where one thread wrote the counts of others at work, which gcovr 5.2 takes for an error: in a thread of
# its own that makes the others wait for ever.
sum_up() {
  sum=$1
  shift
  if ! gcovr --root . --filter src/ --filter preload/ --gcov-ignore-parse-errors -j 1 \
    --json "$sum" "$@" >"$directory/gcovr.log" 2>&1; then
    tail -n 20 "$directory/gcovr.log" >&2
    exit 1
  fi
}

if [ $tests = yes ]; then
  if ! [ -f "$directory/build.ninja" ]; then
    meson setup "$directory" --native-file ci/coverage.ini || exit 1
  fi
  rm -f "$directory"/counts-*.json
  # Tests look at standard error, where gcc's runtime would say that it cannot write in a sandbox.
  unset LD_PRELOAD LUNALLOC_CONF
  export GCOV_ERROR_FILE=/dev/null
  # One by one: a process that is killed while it writes makes the next one begin from nothing. What a
  # test ran counts if it fails too, as those do which measure what the counters take.
  for suite; do
    find "$directory" -name '*.gcda' -delete
    meson test -C "$directory" --timeout-multiplier 4 --suite "$suite" </dev/null
    sum_up "$directory/counts-$suite.json" "$directory"
  done
fi
set --
for counts in "$directory"/counts-*.json; do
  set -- "$@" --add-tracefile "$counts"
done
sum_up "$directory/coverage.json" "$@"
python3 -B tools/coverage_report.py "$directory/coverage.json" "$directory/uncovered.txt"
