// SPDX-License-Identifier: MIT
// By glibc's _dl_find_object(), which exists so that exceptions need not take the lock of
// the loader, as dl_iterate_phdr() does.
#include "os/unwind_table.hpp"

#include <dlfcn.h>

namespace luna::os {

const std::byte* find_unwind_table(std::uintptr_t code) noexcept {
  dl_find_object object;
  if (::_dl_find_object(reinterpret_cast<void*>(code), &object) != 0) return nullptr;
  return static_cast<const std::byte*>(object.dlfo_eh_frame);
}

}  // namespace luna::os
