// SPDX-License-Identifier: MIT
// A library with thread-local variables, which the dynamic linker keeps tables for.
extern "C" int tls_plugin_counts() {
  thread_local int number = 1;
  thread_local char room[4096];
  ++room[number % 4096];
  return number++ + room[0];
}
