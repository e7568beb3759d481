// SPDX-License-Identifier: MIT
// pinning: keeps a thread on a processor of its own. Cache lines can only be shared
// falsely between processors, and the scheduler likes to put threads that wake each
// other on one.
#pragma once

#include <sched.h>

#include <cstddef>

namespace bench {

// Binds the calling thread to the `index`-th processor it may use, counting round.
// Does nothing where the kernel refuses: the result is then only less telling.
inline void pin_this_thread(std::size_t index) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return;
  std::size_t skip = index % static_cast<std::size_t>(CPU_COUNT(&allowed));
  for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    if (skip-- > 0) continue;
    cpu_set_t mine;
    CPU_ZERO(&mine);
    CPU_SET(cpu, &mine);
    sched_setaffinity(0, sizeof(mine), &mine);
    return;
  }
}

}  // namespace bench
