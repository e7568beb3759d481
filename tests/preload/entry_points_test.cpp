// SPDX-License-Identifier: MIT
// Every name of the malloc family resolves to the preloaded library: one that is missing would
// mix two allocators. What each does is tested in entry_points_work_test.cpp.
#include "expect.hpp"

#include <dlfcn.h>
#include <malloc.h>

#include <cstdlib>

namespace {

constexpr const char* kNames[] = {
    "malloc", "free", "calloc", "realloc", "reallocarray", "memalign", "aligned_alloc",
    "posix_memalign", "valloc", "pvalloc", "malloc_usable_size", "cfree", "free_sized",
    "free_aligned_sized", "malloc_trim", "mallopt", "mallinfo", "mallinfo2", "malloc_stats",
    "malloc_info", "__libc_malloc", "__libc_free", "__libc_calloc", "__libc_realloc",
    "__libc_memalign", "__libc_valloc", "__libc_pvalloc", "__posix_memalign",
    // operator new, new[]
    "_Znwm", "_Znam", "_ZnwmRKSt9nothrow_t", "_ZnamRKSt9nothrow_t", "_ZnwmSt11align_val_t",
    "_ZnamSt11align_val_t", "_ZnwmSt11align_val_tRKSt9nothrow_t",
    "_ZnamSt11align_val_tRKSt9nothrow_t",
    // operator delete, delete[]
    "_ZdlPv", "_ZdaPv", "_ZdlPvm", "_ZdaPvm", "_ZdlPvRKSt9nothrow_t", "_ZdaPvRKSt9nothrow_t",
    "_ZdlPvSt11align_val_t", "_ZdaPvSt11align_val_t", "_ZdlPvmSt11align_val_t",
    "_ZdaPvmSt11align_val_t", "_ZdlPvSt11align_val_tRKSt9nothrow_t",
    "_ZdaPvSt11align_val_tRKSt9nothrow_t"};

const void* object_of(const void* address) {
  Dl_info info;
  EXPECT(dladdr(address, &info) != 0);
  return info.dli_fbase;
}

}  // namespace

int main() {
  expect::on_lunalloc();
  const void* const library = object_of(dlsym(RTLD_DEFAULT, "luna_version"));

  int elsewhere = 0;
  for (const char* name : kNames) {
    const void* const function = dlsym(RTLD_DEFAULT, name);
    if (function != nullptr && object_of(function) == library) continue;
    expect::print(STDERR_FILENO, "%s: %s\n", name,
                  function == nullptr ? "missing" : "not the library's");
    ++elsewhere;
  }
  EXPECT(elsewhere == 0);

  // The names as the linker bound them, with libc's version attached.
  EXPECT(object_of(reinterpret_cast<const void*>(&malloc)) == library);
  EXPECT(object_of(reinterpret_cast<const void*>(&free)) == library);
  EXPECT(object_of(reinterpret_cast<const void*>(&malloc_usable_size)) == library);
  return 0;
}
