// SPDX-License-Identifier: MIT
// luna_profile_label(). The set of a thread is a number in its ThreadState, for it may have no
// heap yet, and a heap outlives its thread.
#include "preload/labels.hpp"

#include "heap/named_heap.hpp"
#include "os/environment.hpp"
#include "preload/slow_path.hpp"

#include <lunalloc/profile.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace luna {

namespace {

constexpr std::size_t kLabelsPart = 64;  // of the memory of a profile; see Profiler::begin()
constexpr std::uint64_t kMaxMebibytes = 1024;

// The labels of the thread; and its name, if that is wanted and the program does not say what
// "thread" is.
[[nodiscard]] std::uint32_t labels_of_thread() noexcept {
  if (!process.options().profile_threads) return thread_state.labels;
  LabelTable& table = process.profiler().labels();
  const std::uint32_t set = thread_state.labels;
  if (set == LabelTable::kLost || table.at(set).has("thread")) return set;
  std::array<char, 16> name;
  return table.with(set, {"thread", os::thread_name(name.data(), name.size())});
}

// The same with the named heap that the block is of, unless the program says what "heap" is.
[[nodiscard]] std::uint32_t own_labels() noexcept {
  const std::uint32_t set = labels_of_thread();
  const NamedHeap* heap = thread_state.at;
  LabelTable& table = process.profiler().labels();
  if (heap == nullptr || set == LabelTable::kLost || table.at(set).has("heap")) return set;
  return table.with(set, {"heap", heap->name()});
}

// Longer texts are cut one byte behind the limit.
[[nodiscard]] std::string_view text_of(const char* text, std::size_t most) noexcept {
  return {text, strnlen(text, most + 1)};
}

[[nodiscard]] int remove_label(const char* key) noexcept {
  if (key == nullptr) {
    thread_state.labels = LabelTable::kNone;
    return 0;
  }
  LabelTable& table = process.profiler().labels();
  const std::uint32_t before = thread_state.labels;
  thread_state.labels = table.without(before, text_of(key, kMostKeyBytes));
  return before != LabelTable::kLost && thread_state.labels == LabelTable::kLost ? ENOMEM : 0;
}

}  // namespace

void begin_labels() noexcept {
  const Options& options = process.options();
  process.profiler().set_label_source(&own_labels);
  const std::uint64_t mebibytes = options.profile_memory;
  const std::uint64_t most = mebibytes < kMaxMebibytes ? mebibytes : kMaxMebibytes;
  process.profiler().labels().set_limit((most << 20) / kLabelsPart);
}

int set_label(const char* key, const char* value) noexcept {
  if (!process.enabled()) return ENOTSUP;
  const SlowPath path;
  if (!path.entered()) return EBUSY;
  if (value == nullptr) return remove_label(key);
  if (key == nullptr) return EINVAL;
  const Label label = {text_of(key, kMostKeyBytes), text_of(value, kMostValueBytes)};
  if (label.key.size() > kMostKeyBytes || label.value.size() > kMostValueBytes) return E2BIG;
  if (!is_label_key(label.key)) return EINVAL;
  LabelTable& table = process.profiler().labels();
  const Labels before = table.at(thread_state.labels);
  if (!before.has(label.key) && before.count() >= kMostLabels) return ENOSPC;
  thread_state.labels = table.with(thread_state.labels, label);
  return thread_state.labels == LabelTable::kLost ? ENOMEM : 0;
}

}  // namespace luna

extern "C" [[gnu::visibility("default")]] int luna_profile_label(const char* key,
                                                                 const char* value) {
  return luna::set_label(key, value);
}
