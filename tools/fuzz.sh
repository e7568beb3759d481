#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds the fuzzers and runs them, one after another, from their corpora. docs/fuzzing.md.
#
# usage: sh tools/fuzz.sh [--seconds N] [NAME...]
#   --seconds N  of each; 600 unless told
#   NAME         those of tests/fuzz/NAME_fuzz.cpp; all unless told
# What is found is kept in build/fuzz/findings, and what is new in build/fuzz/corpus, where the next
# run goes on. The status is 1 if anything was found.
set -u
cd "$(dirname "$0")/.." || exit 1

usage() {
  sed -n 's/^# \{0,1\}//; 5,7p' tools/fuzz.sh >&2
  exit 2
}

seconds=600 names=''
while [ $# -gt 0 ]; do
  case $1 in
    --seconds)
      [ $# -ge 2 ] || usage
      seconds=$2
      shift
      ;;
    -*) usage ;;
    *)
      [ -f "tests/fuzz/$1_fuzz.cpp" ] || usage
      names="$names $1"
      ;;
  esac
  shift
done
case $seconds in '' | *[!0-9]*) usage ;; esac
if [ -z "$names" ]; then
  names=$(find tests/fuzz -name '*_fuzz.cpp' | sed 's,.*/,,; s,_fuzz.cpp,,' | sort)
fi

build=build/fuzz
log=$build/fuzz.log
mkdir -p $build
if ! { [ -f $build/build.ninja ] || meson setup $build --native-file ci/fuzz.ini; } >$log 2>&1 ||
  ! ninja -C $build fuzzers >>$log 2>&1; then
  tail -n 40 $log
  exit 1
fi
export ASAN_OPTIONS="${ASAN_OPTIONS-detect_stack_use_after_return=1}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS-halt_on_error=1:print_stacktrace=1}"
findings=$build/findings
mkdir -p $findings

# The number behind the last `word: ` of the log.
last_of() { sed -n "s/.*$1: *\([0-9]*\).*/\1/p" "$log" | tail -n 1; }
count_findings() { find $findings -type f | wc -l; }

# While the fuzzer is at it: a line now and then where somebody looks on.
show_progress() {
  [ -t 1 ] || { wait "$1"; return; }
  while kill -0 "$1" 2>/dev/null; do
    sleep 2
    printf '\r%-79.79s' "  $(grep -a '^#' "$log" | tail -n 1)"
  done
  printf '\r%79s\r' ''
  wait "$1"
}

any=0
for name in $names; do
  fuzzer=$build/tests/fuzz/${name}_fuzz corpus=$build/corpus/$name
  log=$build/$name.log
  options='' kept_before=$(count_findings)
  if [ -f "tests/fuzz/$name.dict" ]; then options=-dict=tests/fuzz/$name.dict; fi
  mkdir -p "$corpus"
  printf '==> %s: %s s\n' "$name" "$seconds"
  # shellcheck disable=SC2086
  $fuzzer -max_total_time="$seconds" -len_control=0 -timeout=60 -report_slow_units=60 -print_final_stats=1 $options \
    -artifact_prefix="$findings/$name-" "$corpus" "tests/fuzz/corpus/$name" >"$log" 2>&1 </dev/null &
  show_progress $!
  status=$?
  kept=$(($(count_findings) - kept_before))
  if [ $status -ne 0 ] && [ $kept -eq 0 ]; then kept=1; fi
  printf '    %s runs, %s edges, %s findings\n' "$(last_of 'stat::number_of_executed_units')" \
    "$(last_of cov)" $kept
  [ $kept -eq 0 ] && continue
  any=1
  grep -a -m 1 -e '^must: ' -e 'ERROR: ' -e 'runtime error: ' -e '^lunalloc: ' "$log"
  find $findings -name "$name-*" -newer "$fuzzer" | while read -r file; do
    printf '    %s %s\n' "$fuzzer" "$file"
  done
done
exit $any
