#!/bin/sh
# SPDX-License-Identifier: MIT
# As a test: each seed of a corpus, then inputs made of them, so many in all and always the same.
#
# usage: sh short_run.sh RUNS FUZZER CORPUS [OPTION...]
set -eu
runs=$1 fuzzer=$2 corpus=$3
shift 3
found=$(mktemp -d)
status=0
"$fuzzer" -seed=1 -runs="$runs" -len_control=0 -verbosity=0 -print_final_stats=1 \
  -artifact_prefix="$found/" "$@" "$found" "$corpus" </dev/null || status=$?
if [ $status -ne 0 ]; then
  echo "the input, in base64: "
  base64 "$found"/crash-* "$found"/timeout-* "$found"/leak-* "$found"/oom-* 2>/dev/null || true
fi
rm -rf "$found"
exit $status
