// SPDX-License-Identifier: MIT
// Where all memory of the allocator is: arenas, huge blocks, tables, thread heaps, and what
// the profiler and others who watch have.
#pragma once

#include "heap/allocator.hpp"
#include "telemetry/profiler.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace luna {

enum class OwnKind : std::uint8_t { kArena, kHuge, kMetadata, kTelemetry, kGuarded };

[[nodiscard]] std::string_view name_of(OwnKind kind) noexcept;

struct OwnRange {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  OwnKind kind = OwnKind::kArena;

  [[nodiscard]] std::size_t bytes() const noexcept { return end - begin; }
};

// Not among them: the library itself, and what a thread that writes statistics or a profile maps
// for that. Large: to be made in mapped memory. Threads: one.
class OwnRanges {
 public:
  OwnRanges() noexcept = default;
  OwnRanges(const OwnRanges&) = delete;
  OwnRanges& operator=(const OwnRanges&) = delete;

  // One that others have; then the rest. Takes each lock for a short time.
  void add(const void* memory, std::size_t bytes, OwnKind kind) noexcept;
  void collect(Allocator& allocator, Profiler& profiler) noexcept;

  [[nodiscard]] std::span<const OwnRange> ranges() const noexcept {
    return {ranges_.data(), count_};
  }

  // Whether there was room for all.
  [[nodiscard]] bool complete() const noexcept { return complete_; }

  // Address space of a kind.
  [[nodiscard]] std::size_t bytes(OwnKind kind) const noexcept;

  // Whether a mapping lies in one of them; and how much of it is backed and lies in any.
  [[nodiscard]] bool cover(std::uintptr_t begin, std::uintptr_t end) const noexcept;
  [[nodiscard]] std::size_t resident_within(std::uintptr_t begin,
                                            std::uintptr_t end) const noexcept;

 private:
  void add_named(NamedHeaps& heaps) noexcept;
  void add_blocks(PageHeap& pages) noexcept;
  void add_heaps(Allocator& allocator) noexcept;

  static constexpr std::size_t kMost = 2048;

  std::size_t count_ = 0;
  bool complete_ = true;
  std::array<OwnRange, kMost> ranges_{};
};

}  // namespace luna
