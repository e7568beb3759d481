// SPDX-License-Identifier: MIT
// The labels that a thread had when a sample was taken, such as tenant=blue; for how they are
// kept, see label_table.hpp.
#pragma once

#include "base/format.hpp"
#include "base/output.hpp"

#include <cstddef>
#include <string_view>

namespace luna {

inline constexpr std::size_t kMostLabels = 8;
inline constexpr std::size_t kMostKeyBytes = 31;
inline constexpr std::size_t kMostValueBytes = 63;

struct Label {
  std::string_view key;
  std::string_view value;  // any bytes
};

// Labels by rising key, no key twice. In memory: for each a byte with the length of its key, the
// key, a byte with the length of its value, the value.
class Labels {
 public:
  constexpr Labels() noexcept = default;
  constexpr explicit Labels(std::string_view packed) noexcept
      : text_(packed.data()), bytes_(packed.size()) {}

  [[nodiscard]] constexpr bool empty() const noexcept { return bytes_ == 0; }
  [[nodiscard]] constexpr std::string_view packed() const noexcept { return {text_, bytes_}; }

  // Calls use(const Label&) for each.
  template <typename Use>
  void for_each(Use use) const noexcept {
    for (std::string_view rest = packed(); !rest.empty();) {
      const std::string_view key = take(rest);
      use(Label{key, take(rest)});
    }
  }

  [[nodiscard]] std::size_t count() const noexcept {
    std::size_t count = 0;
    for_each([&](const Label&) noexcept { ++count; });
    return count;
  }

  [[nodiscard]] bool has(std::string_view key) const noexcept {
    bool found = false;
    for_each([&](const Label& label) noexcept { found = found || label.key == key; });
    return found;
  }

  // The very same, of those that one table keeps.
  [[nodiscard]] constexpr bool is_same(const Labels& other) const noexcept {
    return bytes_ == other.bytes_ && (bytes_ == 0 || text_ == other.text_);
  }

 private:
  [[nodiscard]] static std::string_view take(std::string_view& rest) noexcept {
    const auto bytes = static_cast<unsigned char>(rest.front());
    const std::string_view text = part_of(rest, 1, bytes);
    rest = part_of(rest, std::size_t{1} + bytes);
    return text;
  }

  const char* text_ = nullptr;
  std::size_t bytes_ = 0;
};

// A key of 1 to kMostKeyBytes letters, digits and any of "_-./", so that no format needs
// to change it.
[[nodiscard]] bool is_label_key(std::string_view key) noexcept;

// For people: " [key=value]" for each label, with \xHH for control characters and the escape
// character itself.
void add_labels(Output& out, const Labels& labels) noexcept;

// For folded stacks: "[key=value]" for each, with ; between two of them. What would end the
// frame or the line is _.
void add_label_frames(Output& out, const Labels& labels) noexcept;

// For JSON: an object, of strings.
void add_label_object(Output& out, const Labels& labels) noexcept;

}  // namespace luna
