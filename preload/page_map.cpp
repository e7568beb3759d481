// SPDX-License-Identifier: MIT
#include "preload/page_map.hpp"

#include "control/page_map.hpp"
#include "os/memory.hpp"
#include "preload/descriptor_output.hpp"
#include "preload/process.hpp"
#include "preload/profile_file.hpp"
#include "preload/slow_path.hpp"

#include <errno.h>
#include <lunalloc/stats.h>
#include <string.h>

#include <new>

namespace luna {

namespace {

[[nodiscard]] int write_file(std::string_view path, os::FileOutput& file) noexcept {
  if (!file.create(path)) return file.error();
  Output out = file.output();
  if (!write_map(out)) return ENOMEM;
  return file.finish() ? 0 : file.error();
}

}  // namespace

// In memory of its own: too large for the stack of a small thread.
bool write_map(Output& out) noexcept {
  void* memory = os::map(sizeof(PageMap));
  if (memory == nullptr) return false;
  auto* map = ::new (memory) PageMap(process.allocator(), process.profiler());
  map->add_table(process.server().table());
  map->add_table(process.black_box().table());
  map->write(out);
  map->~PageMap();
  os::release(memory, sizeof(PageMap));
  return true;
}

void write_map_at_exit() noexcept {
  MappedOutput mapped;
  if (mapped.file == nullptr) return;
  const std::string_view path = expand_profile_path(".map.json", *mapped.path);
  if (path.empty()) return;
  const int error = write_file(path, *mapped.file);
  if (error != 0) complain(path, strerrordesc_np(error));
}

}  // namespace luna

extern "C" [[gnu::visibility("default")]] int luna_map_write(int file) {
  const luna::SlowPath path;
  if (!path.entered()) return EBUSY;
  luna::DescriptorOutput descriptor(file);
  luna::Output out = descriptor.output();
  if (!luna::write_map(out)) return ENOMEM;
  return descriptor.finish();
}
