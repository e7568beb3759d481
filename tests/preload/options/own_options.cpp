// SPDX-License-Identifier: MIT
// Options of a program itself, as the source that links this file brings them along.
extern "C" {
extern const char* lunalloc_conf;
const char* lunalloc_conf = "stats_print:true,decay_ms:soon";
}
