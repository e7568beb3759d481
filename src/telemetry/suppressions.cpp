// SPDX-License-Identifier: MIT
#include "telemetry/suppressions.hpp"

#include "base/format.hpp"
#include "base/text_parts.hpp"
#include "os/memory.hpp"

#include <cstring>
#include <new>

namespace luna {

namespace {

// Cuts off and returns what stands before the next * or ::, which go too. `is_last`: there
// was none.
[[nodiscard]] std::string_view next_piece(std::string_view& pattern, bool& is_last) noexcept {
  const std::size_t star = pattern.find('*');
  const std::size_t colons = pattern.find("::");
  const std::size_t end = star < colons ? star : colons;
  const std::string_view piece = part_of(pattern, 0, end);
  is_last = end == std::string_view::npos;
  if (!is_last) pattern = part_of(pattern, end + (star < colons ? 1 : 2));
  return piece;
}

[[nodiscard]] std::size_t count_lines(std::string_view text) noexcept {
  std::size_t lines = 1;
  for (const char character : text)
    if (character == '\n') ++lines;
  return lines;
}

}  // namespace

// Each piece where it is found first: what is left of the text is then longest.
bool matches(std::string_view pattern, std::string_view text) noexcept {
  bool is_tied = pattern.starts_with('^');  // the next piece stands just here
  if (is_tied) pattern.remove_prefix(1);
  const bool ends = pattern.ends_with('$');
  if (ends) pattern.remove_suffix(1);
  for (bool is_last = false; !is_last; is_tied = false) {
    const std::string_view piece = next_piece(pattern, is_last);
    if (is_last && ends) return is_tied ? text == piece : text.ends_with(piece);
    const std::size_t at =
        is_tied ? (text.starts_with(piece) ? 0 : std::string_view::npos) : text.find(piece);
    if (at == std::string_view::npos) return false;
    text = part_of(text, at + piece.size());
  }
  return true;
}

bool Suppressions::keep(std::string_view text) noexcept {
  release();
  const std::size_t rows_bytes = count_lines(text) * sizeof(Suppression);
  void* memory = os::map(rows_bytes + text.size());
  if (memory == nullptr) return false;
  bytes_ = rows_bytes + text.size();
  rows_ = static_cast<Suppression*>(memory);
  char* copy = static_cast<char*>(memory) + rows_bytes;
  if (!text.empty()) std::memcpy(copy, text.data(), text.size());
  rest_ = {copy, text.size()};
  return true;
}

bool Suppressions::next_line(SuppressionError& error) noexcept {
  constexpr std::string_view kLeak = "leak:";
  if (rest_.empty()) return false;
  const std::size_t end = rest_.find('\n');
  const std::string_view line = trimmed(part_of(rest_, 0, end));
  rest_ = end == std::string_view::npos ? std::string_view{} : part_of(rest_, end + 1);
  error = {++line_, {}};
  if (line.empty() || line.starts_with('#')) return true;
  if (!line.starts_with(kLeak)) {
    error.what = "does not begin with leak:";
    return true;
  }
  const std::string_view pattern = trimmed(part_of(line, kLeak.size()));
  if (pattern.find_first_not_of("*^$:") == std::string_view::npos) {
    error.what = "has a pattern that stands for everything";
    return true;
  }
  ::new (rows_ + count_++) Suppression{pattern};
  return true;
}

Suppression* Suppressions::find(std::string_view text) noexcept {
  if (text.empty()) return nullptr;
  for (std::size_t i = 0; i < count_; ++i)
    if (matches(rows_[i].pattern, text)) return &rows_[i];
  return nullptr;
}

void Suppressions::release() noexcept {
  if (rows_ != nullptr) os::release(rows_, bytes_);
  rows_ = nullptr;
  count_ = bytes_ = line_ = 0;
  rest_ = {};
}

}  // namespace luna
