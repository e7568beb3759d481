// SPDX-License-Identifier: MIT
// What a program does with the library while its system calls fail. Each function checks what holds
// whatever fails: what is refused is refused with an error that the headers name, what was handed
// out keeps its contents, and what was made can be ended.
#pragma once

#include "blocks.hpp"

namespace fault {

// Some of the functions below, in a random order.
void work(blocks::Random& random, const char* folder);

// All of them, in their order.
void work_through(blocks::Random& random, const char* folder);

}  // namespace fault
