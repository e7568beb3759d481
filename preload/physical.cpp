// SPDX-License-Identifier: MIT
// lunalloc/physical.h.
#include "os/io_mapping.hpp"
#include "os/pagemap.hpp"

#include <lunalloc/physical.h>

#include <cerrno>

namespace luna {
namespace {

static_assert(static_cast<int>(os::IoAttribute::kByDriver) == LUNA_IO_BY_DRIVER);
static_assert(static_cast<int>(os::IoAttribute::kCached) == LUNA_IO_CACHED);
static_assert(static_cast<int>(os::IoAttribute::kUncached) == LUNA_IO_UNCACHED);
static_assert(static_cast<int>(os::IoAttribute::kWriteCombining) == LUNA_IO_WRITE_COMBINING);

}  // namespace
}  // namespace luna

extern "C" {

[[gnu::visibility("default")]] int luna_physical_address(const void* address, uint64_t* physical) {
  return luna::os::physical_address(address, *physical);
}

[[gnu::visibility("default")]] int luna_io_map(int file, uint64_t offset, size_t bytes,
                                               luna_io_attribute attribute, void** address) {
  // A program in C may pass any number.
  const auto number = static_cast<unsigned>(attribute);
  if (number > LUNA_IO_WRITE_COMBINING) return EINVAL;
  return luna::os::map_io(file, {offset, bytes}, static_cast<luna::os::IoAttribute>(number),
                          *address);
}

[[gnu::visibility("default")]] int luna_io_unmap(void* address, size_t bytes) {
  return luna::os::unmap_io(address, bytes);
}
}
