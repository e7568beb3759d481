// SPDX-License-Identifier: MIT
// The stacks that follow the line of a mistake; the line itself is of base/report.hpp.
#pragma once

namespace luna {

// Writes to standard error what is known of the block, once samples were taken: the stacks of who
// allocated and freed it, and that of the caller. Waits for no lock and allocates nothing.
void write_mistake_stacks(const void* block) noexcept;

}  // namespace luna
