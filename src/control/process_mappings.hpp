// SPDX-License-Identifier: MIT
// What the process has in memory, mapping by mapping, and which of it is not the allocator's.
#pragma once

#include "control/own_ranges.hpp"
#include "os/smaps.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace luna {

// Mappings of one name that are not the allocator's.
struct ForeignMapping {
  static constexpr std::size_t kNameBytes = 96;

  [[nodiscard]] std::string_view view() const noexcept { return {name.data(), length}; }

  std::array<char, kNameBytes> name{};  // cut at its start if it is longer
  std::size_t length = 0;
  std::size_t count = 0;
  std::uint64_t resident_bytes = 0;
};

// Large: to be made in mapped memory. Threads: one.
class ProcessMappings {
 public:
  ProcessMappings() noexcept = default;
  ProcessMappings(const ProcessMappings&) = delete;
  ProcessMappings& operator=(const ProcessMappings&) = delete;

  // False: the kernel does not say. Slow.
  [[nodiscard]] bool read(const OwnRanges& own) noexcept;

  [[nodiscard]] std::uint64_t resident_bytes() const noexcept { return resident_; }
  [[nodiscard]] std::uint64_t foreign_bytes() const noexcept { return foreign_; }
  [[nodiscard]] std::uint64_t own_huge_bytes() const noexcept { return own_huge_; }

  // Those with the most bytes first; the last one may stand for all that found no room.
  [[nodiscard]] std::span<const ForeignMapping> foreign() const noexcept {
    return {groups_.data(), count_};
  }

 private:
  void note(std::string_view name, std::uint64_t bytes) noexcept;

  static constexpr std::size_t kMost = 128;

  std::uint64_t resident_ = 0;
  std::uint64_t foreign_ = 0;
  std::uint64_t own_huge_ = 0;
  std::size_t count_ = 0;
  std::array<ForeignMapping, kMost> groups_{};
  // Made for the read: who only asks for the allocator's books opens no file.
  alignas(os::SmapsReader) std::array<std::byte, sizeof(os::SmapsReader)> reader_;
};

}  // namespace luna
