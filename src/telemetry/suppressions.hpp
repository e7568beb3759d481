// SPDX-License-Identifier: MIT
// Leaks that somebody knows of and does not want to hear about, in the syntax of
// LeakSanitizer's files: lines of leak:pattern.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna {

// Whether a pattern stands for a text. It may stand anywhere in the text, unless it begins
// with ^ or ends with $; * stands for any characters. So does ::, since the names of C++
// functions are matched as the linker knows them: Pool::grow finds _ZN4Pool4growEv.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view text) noexcept;

struct Suppression {
  std::string_view pattern;
  std::uint64_t count = 0;  // sites that it matched
  double bytes = 0;         // live at them
};

// What is wrong with a line of the file.
struct SuppressionError {
  std::size_t line;  // from 1
  std::string_view what;
};

// Owns the text of the file and a row for each pattern, in memory from the kernel.
class Suppressions {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{1} << 20;

  Suppressions() noexcept = default;
  ~Suppressions() { release(); }
  Suppressions(const Suppressions&) = delete;
  Suppressions& operator=(const Suppressions&) = delete;

  // Keeps the patterns of a text, which is copied. Calls complain(const SuppressionError&)
  // for each line that is none; the others count. False: no memory, and there are none.
  template <typename Complain>
  [[nodiscard]] bool parse(std::string_view text, Complain complain) noexcept {
    if (!keep(text)) return false;
    for (SuppressionError error; next_line(error);)
      if (!error.what.empty()) complain(static_cast<const SuppressionError&>(error));
    return true;
  }

  // The first whose pattern stands for the text; nullptr: none does.
  [[nodiscard]] Suppression* find(std::string_view text) noexcept;

  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] const Suppression& operator[](std::size_t index) const noexcept {
    return rows_[index];
  }

 private:
  [[nodiscard]] bool keep(std::string_view text) noexcept;
  [[nodiscard]] bool next_line(SuppressionError& error) noexcept;
  void release() noexcept;

  Suppression* rows_ = nullptr;  // the text lies behind them
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
  std::string_view rest_;  // of the text, not read yet
  std::size_t line_ = 0;
};

}  // namespace luna
