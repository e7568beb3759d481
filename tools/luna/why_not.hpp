// SPDX-License-Identifier: MIT
// Why the memory of a process cannot be reached, in words that say what to do.
#pragma once

#include <sys/types.h>

#include <string>

namespace luna::tool {

// Whether it is there for the threads alone that it has beside the first, which has no memory.
[[nodiscard]] bool runs_without_main_thread(pid_t process);

// `error`: the value of errno; 0: no memory is seen.
[[nodiscard]] std::string why_not(pid_t process, int error);

}  // namespace luna::tool
