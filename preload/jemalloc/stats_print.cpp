// SPDX-License-Identifier: MIT
// malloc_stats_print(3) of jemalloc: lunalloc's own statistics, as text or JSON.
#include "base/check.hpp"
#include "control/statistics_writer.hpp"
#include "preload/mapped_snapshot.hpp"
#include "preload/slow_path.hpp"

#include <lunalloc/stats.h>

#include <array>
#include <cstring>

#define LUNA_EXPORT extern "C" [[gnu::visibility("default")]]

using WriteText = void(void* context, const char* text);

// A program may set it, to get what would go to stderr.
LUNA_EXPORT WriteText* malloc_message;
constinit WriteText* malloc_message = nullptr;

namespace luna::jemalloc {

namespace {

void write_to_stderr(void*, const char* text) { write_error(text); }

// Hands texts to the program, a few lines at a time, each with a 0 at its end.
class TextOutput {
 public:
  TextOutput(WriteText* write, void* context) noexcept : write_(write), context_(context) {}
  ~TextOutput() { flush(); }
  TextOutput(const TextOutput&) = delete;
  TextOutput& operator=(const TextOutput&) = delete;

  [[nodiscard]] Output output() noexcept { return {&TextOutput::add, this}; }

 private:
  static bool add(void* self, std::string_view bytes) noexcept {
    auto& out = *static_cast<TextOutput*>(self);
    while (!bytes.empty()) {
      const std::size_t length = bytes.copy(&out.text_[out.length_], kMost - out.length_);
      out.length_ += length;
      bytes.remove_prefix(length);
      if (out.length_ == kMost) out.flush();
    }
    return true;
  }

  void flush() noexcept {
    if (length_ == 0) return;
    text_[length_] = '\0';
    length_ = 0;
    write_(context_, text_.data());
  }

  static constexpr std::size_t kMost = 1023;

  WriteText* write_;
  void* context_;
  std::size_t length_ = 0;
  std::array<char, kMost + 1> text_;
};

[[nodiscard]] bool has(const char* letters, char letter) noexcept {
  return letters != nullptr && std::strchr(letters, letter) != nullptr;
}

// Letters leave parts out: a what there is of each arena, which threads are here; b size classes.
[[nodiscard]] unsigned wanted(const char* letters) noexcept {
  unsigned what = LUNA_STATS_RESIDENT;
  if (!has(letters, 'a')) what |= LUNA_STATS_THREADS;
  if (!has(letters, 'b')) what |= LUNA_STATS_CLASSES;
  return what;
}

[[nodiscard]] const StatisticsSnapshot* take(MappedSnapshot& mapped, unsigned what) noexcept {
  const SlowPath path;
  return path.entered() ? mapped.take(what) : nullptr;
}

}  // namespace

}  // namespace luna::jemalloc

// The program's function may allocate, and do so for good: it is called when all has been read.
LUNA_EXPORT void malloc_stats_print(WriteText* write, void* context, const char* letters) {
  if (write == nullptr) write = malloc_message;
  if (write == nullptr) write = luna::jemalloc::write_to_stderr;
  luna::MappedSnapshot mapped;
  const luna::StatisticsSnapshot* snapshot =
      luna::jemalloc::take(mapped, luna::jemalloc::wanted(letters));
  if (snapshot == nullptr) return;
  luna::jemalloc::TextOutput text(write, context);
  luna::Output out = text.output();
  if (luna::jemalloc::has(letters, 'J')) {
    luna::write_statistics_json(*snapshot, out);
  } else {
    luna::write_statistics_text(*snapshot, out);
  }
}
