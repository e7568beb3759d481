// SPDX-License-Identifier: MIT
// Names for the addresses of a process that runs, from the files that it has mapped; for what a
// process says, see verb.hpp.
#pragma once

#include "symbolizer.hpp"

#include <sys/types.h>

#include <string>

namespace luna::tool {

// Looks for files as the process sees them, also through another mount namespace or root, and for
// those that were deleted or replaced since by what the kernel still has of them.
[[nodiscard]] Symbolizer symbolizer_for(pid_t process, const std::string& debug_folder);

}  // namespace luna::tool
