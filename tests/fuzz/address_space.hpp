// SPDX-License-Identifier: MIT
// All address space that the library takes, to be given back after each input: an allocator never
// does that, for a process has one for all its life.
#pragma once

namespace luna::fuzz {

// Requires: nobody uses what was taken so far any more.
void release_all();

}  // namespace luna::fuzz
