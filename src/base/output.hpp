// SPDX-License-Identifier: MIT
// A stream of bytes to somewhere: a function that takes them, and what belongs to it.
// For text in a buffer of one's own, see format.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna {

// After the first failure nothing more is passed on, so that one look at ok() after
// the last part is enough.
class Output {
 public:
  // Returns whether it took all the bytes.
  using Write = bool (*)(void* context, std::string_view bytes) noexcept;

  Output(Write write, void* context) noexcept : write_(write), context_(context) {}

  Output& add(std::string_view bytes) noexcept;
  Output& add_decimal(std::uint64_t value) noexcept;
  Output& add_hex(std::uint64_t value) noexcept;                          // with 0x in front
  Output& add_bytes(std::uint64_t bytes) noexcept;                        // 1.5 MiB
  Output& add_percent(std::uint64_t part, std::uint64_t whole) noexcept;  // 12.5 %

  [[nodiscard]] bool ok() const noexcept { return ok_; }

 private:
  Write write_;
  void* context_;
  bool ok_ = true;
};

}  // namespace luna
