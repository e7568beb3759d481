// SPDX-License-Identifier: MIT
// lunalloc/queue.h. A queue is a span of the page heap: a lead, so that free() of it is reported,
// then the queue, then its cells.
#include "heap/block_queue.hpp"
#include "os/error.hpp"
#include "preload/process.hpp"
#include "preload/slow_path.hpp"

#include <lunalloc/queue.h>

#include <bit>
#include <new>

#define LUNA_EXPORT extern "C" [[gnu::visibility("default")]]

namespace luna {
namespace {

constexpr std::size_t kLeadBytes = 64;

[[nodiscard]] BlockQueue& from_handle(luna_queue* queue) noexcept {
  return *reinterpret_cast<BlockQueue*>(queue);
}
[[nodiscard]] const BlockQueue& from_handle(const luna_queue* queue) noexcept {
  return *reinterpret_cast<const BlockQueue*>(queue);
}

// nullptr: the kernel refuses memory.
[[nodiscard]] BlockQueue* create_queue(PageHeap& pages, std::size_t capacity) noexcept {
  const std::size_t bytes = kLeadBytes + sizeof(BlockQueue) + capacity * sizeof(BlockQueue::Cell);
  auto* memory = static_cast<std::byte*>(pages.take(pages_for(bytes), 1, false));
  if (memory == nullptr) return nullptr;
  std::byte* place = memory + kLeadBytes;
  auto* cells = reinterpret_cast<BlockQueue::Cell*>(place + sizeof(BlockQueue));
  return ::new (place) BlockQueue(cells, capacity);
}

}  // namespace
}  // namespace luna

using luna::process;

LUNA_EXPORT int luna_queue_create(size_t capacity, luna_queue** queue) {
  if (queue == nullptr || capacity == 0 || capacity > LUNA_QUEUE_MAX_BLOCKS)
    return luna::os::kInvalid;
  if (!process.enabled()) return luna::os::kNotSupported;
  const luna::SlowPath path;
  if (!path.entered()) return luna::os::kBusy;
  const std::size_t rounded = std::bit_ceil(capacity < 2 ? 2 : capacity);
  luna::BlockQueue* made = luna::create_queue(process.allocator().pages(), rounded);
  if (made == nullptr) return luna::os::kNoMemory;
  *queue = reinterpret_cast<luna_queue*>(made);
  return 0;
}

LUNA_EXPORT int luna_queue_try_push(luna_queue* queue, void* pointer, size_t bytes) {
  if (pointer == nullptr) return luna::os::kInvalid;
  return luna::from_handle(queue).try_push({pointer, bytes}) ? 0 : luna::os::kTryAgain;
}

LUNA_EXPORT void* luna_queue_try_pop(luna_queue* queue, size_t* bytes) {
  luna::QueuedBlock block;
  if (!luna::from_handle(queue).try_pop(block)) return nullptr;
  if (bytes != nullptr) *bytes = block.bytes;
  return block.pointer;
}

LUNA_EXPORT size_t luna_queue_capacity(const luna_queue* queue) {
  return luna::from_handle(queue).capacity();
}

LUNA_EXPORT size_t luna_queue_count(const luna_queue* queue) {
  return luna::from_handle(queue).count();
}

LUNA_EXPORT int luna_queue_destroy(luna_queue* queue) {
  const luna::SlowPath path;
  if (!path.entered()) return luna::os::kBusy;
  process.allocator().pages().put(reinterpret_cast<std::byte*>(queue) - luna::kLeadBytes);
  return 0;
}
