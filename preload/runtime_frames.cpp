// SPDX-License-Identifier: MIT
// luna_profile_frame_name() and the two ways in which a runtime says what it runs.
#include "preload/runtime_frames.hpp"

#include "preload/slow_path.hpp"

#include <lunalloc/profile.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#define LUNA_EXPORT extern "C" [[gnu::visibility("default")]]

namespace luna {

namespace {

constexpr std::size_t kFramesPart = 32;  // of the memory of a profile; see Profiler::begin()
constexpr std::uint64_t kMaxMebibytes = 1024;

using RuntimeStack = Profiler::RuntimeStack;

// Longer texts are cut by the table. No text is an empty one.
[[nodiscard]] std::string_view text_of(const char* text, std::size_t most) noexcept {
  return text == nullptr ? std::string_view{} : std::string_view{text, strnlen(text, most)};
}

// The innermost come first, but those that found no room in the thread's array are not there.
[[nodiscard]] std::size_t copy_stack(const luna_frame_stack& stack, luna_frame* frames,
                                     std::size_t most) noexcept {
  std::size_t left = stack.count < stack.capacity ? stack.count : stack.capacity;
  std::size_t count = 0;
  while (left != 0 && count < most) frames[count++] = stack.frames[--left];
  return count;
}

// Whatever a program wrote there, nothing but what has a name is kept.
[[nodiscard]] std::size_t keep_named(luna_frame* frames, std::size_t count) noexcept {
  const RuntimeFrameTable& table = process.profiler().runtime_frames();
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count; ++i)
    if (table.holds(frames[i])) frames[kept++] = frames[i];
  return kept;
}

[[nodiscard]] RuntimeStack runtime_stack(luna_frame* frames, std::size_t most) noexcept {
  const luna_frame_stack* stack = thread_state.frames;
  int native = 1;
  std::size_t count = 0;
  if (stack != nullptr) {
    native = stack->without_native == 0 ? 1 : 0;
    count = copy_stack(*stack, frames, most);
  } else {
    count = process.frame_callback().call(frames, most, &native);
  }
  return {count != 0 ? keep_named(frames, count) : 0, native == 0};
}

}  // namespace

void begin_runtime_frames() noexcept {
  const std::uint64_t mebibytes = process.options().profile_memory;
  const std::uint64_t most = mebibytes < kMaxMebibytes ? mebibytes : kMaxMebibytes;
  process.profiler().runtime_frames().set_limit((most << 20) / kFramesPart);
  process.profiler().set_frame_source(&runtime_stack);
}

}  // namespace luna

LUNA_EXPORT luna_frame luna_profile_frame_name(const char* function, const char* file, int line) {
  using luna::RuntimeFrameTable;
  if (function == nullptr || *function == '\0' || !luna::process.enabled()) return 0;
  const luna::SlowPath path;
  if (!path.entered()) return 0;
  return luna::process.profiler().runtime_frames().find_or_add(
      {luna::text_of(function, RuntimeFrameTable::kMostFunctionBytes),
       luna::text_of(file, RuntimeFrameTable::kMostFileBytes),
       line > 0 ? static_cast<std::uint32_t>(line) : 0});
}

LUNA_EXPORT int luna_profile_frames(luna_frames_callback* callback, void* context) {
  if (!luna::process.enabled()) return ENOTSUP;
  if (callback != nullptr) return luna::process.frame_callback().set(callback, context) ? 0 : EBUSY;
  luna::process.frame_callback().clear();
  return 0;
}

LUNA_EXPORT int luna_profile_frame_stack(const luna_frame_stack* stack) {
  if (!luna::process.enabled()) return ENOTSUP;
  luna::thread_state.frames = stack;
  return 0;
}
