// SPDX-License-Identifier: MIT
// The semaphores of the probes: in a section of their own, by whose name tools find them, and
// which must be writable, although nothing of ours writes there.
#include "os/probe.hpp"

#define LUNA_SEMAPHORE(name)                   \
  ".pushsection .probes,\"aw\",\"progbits\"\n" \
  ".balign 2\n"                                \
  ".globl " name                               \
  "\n"                                         \
  ".hidden " name                              \
  "\n"                                         \
  ".type " name                                \
  ", %object\n"                                \
  ".size " name ", 2\n" name                   \
  ": .2byte 0\n"                               \
  ".popsection\n"

asm(LUNA_SEMAPHORE("otel_memory_alloc_semaphore"));
asm(LUNA_SEMAPHORE("otel_memory_free_semaphore"));
