// SPDX-License-Identifier: MIT
// The machine and the limits that the process runs under, in one struct: lunalloc/machine.h
// says what is in it. See memory_limit.hpp for the limit that is nearest.
#pragma once

#include <lunalloc/machine.h>

#include <string_view>

namespace luna::os {

// Fills all but struct_size. The files are looked for below `root`; what is asked of the kernel
// without a file (limits of the process, the size of a page) is of this process.
void read_machine(std::string_view root, luna_machine& machine) noexcept;

}  // namespace luna::os
