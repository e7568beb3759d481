// SPDX-License-Identifier: MIT
#include "os/guard.hpp"

#include "os/memory.hpp"
#include "os/system_call.hpp"

#include <sys/mman.h>

#include <atomic>
#include <cerrno>

namespace luna::os {

namespace {

// Values of kernel headers of 6.13.
constexpr int kMadvGuardInstall = 102;
constexpr int kMadvGuardRemove = 103;

// Guards in force that are mappings. Only ever grows where the kernel has marks but refuses one,
// as for memory that is locked.
constinit std::atomic<std::size_t> mapped_guards{0};

[[nodiscard]] bool guard_by_mapping(void* address, std::size_t bytes) noexcept {
  if (mapped_guards.fetch_add(1, std::memory_order_relaxed) < kMaxMappedGuards &&
      protect(address, bytes))
    return true;
  mapped_guards.fetch_sub(1, std::memory_order_relaxed);
  return false;
}

}  // namespace

bool guard(void* address, std::size_t bytes) noexcept {
  const long result = system_call(SYS_madvise, address, bytes, kMadvGuardInstall);
  return result == 0 || (result == -EINVAL && guard_by_mapping(address, bytes));
}

// Which of both they are is not known; neither call changes what the other one made. A kernel
// without marks says that it does not know the advice.
bool unguard(void* address, std::size_t bytes) noexcept {
  const long result = system_call(SYS_madvise, address, bytes, kMadvGuardRemove);
  if (mapped_guards.load(std::memory_order_relaxed) == 0) return result == 0;
  if ((result != 0 && result != -EINVAL) || !commit(address, bytes)) return false;
  if (result != 0) mapped_guards.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

}  // namespace luna::os
