// SPDX-License-Identifier: MIT
// What mallctl(3) does beside figures: the epoch, threads and their caches, size classes.
#include "heap/size_class.hpp"
#include "preload/jemalloc/answers.hpp"
#include "preload/jemalloc/nodes.hpp"
#include "preload/slow_path.hpp"

#include <lunalloc/control.h>

namespace luna::jemalloc {

namespace {

// The thread that gives memory back by itself, where this version has one.
constexpr const char* kBackground = "background";

}  // namespace

int epoch(const Request& request, std::size_t) noexcept {
  std::uint64_t next = 0;  // which number it is does not matter
  if (const int error = request.take(next); error != 0) return error;
  const int error = request.next != nullptr ? figures.refresh() : figures.begin();
  return error != 0 ? error : request.give(figures.epoch());
}

int get_background(std::size_t, bool& on) noexcept {
  std::uint64_t number = 0;
  if (luna_control_get_number(kBackground, &number) != 0) return ENOENT;
  on = number != 0;
  return 0;
}

int set_background(std::size_t, bool on) noexcept {
  return luna_control_set_number(kBackground, on ? 1 : 0) == 0 ? 0 : EFAULT;
}

int get_arena_of_thread(std::size_t, unsigned& arena) noexcept {
  arena = 0;
  return 0;
}

int set_arena_of_thread(std::size_t, unsigned arena) noexcept {
  return arena < kArenas ? 0 : EFAULT;
}

int get_thread_cache(std::size_t, bool& on) noexcept {
  on = true;
  return 0;
}

// A thread cannot do without.
int set_thread_cache(std::size_t, bool on) noexcept { return on ? 0 : EFAULT; }

int flush_thread_cache() noexcept {
  const SlowPath path;
  if (!path.entered()) return EAGAIN;
  if (path.heap() != nullptr) path.heap()->trim(false);
  return 0;
}

int purge() noexcept {
  process.trim(0);
  return 0;
}

int class_bytes(std::size_t size_class, std::size_t& bytes) noexcept {
  bytes = block_bytes(static_cast<SizeClass>(size_class));
  return 0;
}

int class_blocks(std::size_t size_class, std::uint32_t& blocks) noexcept {
  blocks = kSizeClassInfos[size_class].capacity;
  return 0;
}

}  // namespace luna::jemalloc
