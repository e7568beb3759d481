// SPDX-License-Identifier: MIT
// The head of an HTTP/1.1 response.
#pragma once

#include "base/format.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna {

inline constexpr std::string_view kPlainText = "text/plain; charset=utf-8";

// What is said of a body. The texts live on.
struct HttpResponse {
  int status = 200;
  std::string_view type = kPlainText;
  std::string_view allow = {};  // with 405: the methods that there are
  std::uint64_t later_ms = 0;   // there is none yet: to be asked for again after so long
};

// Room for each head.
inline constexpr std::size_t kMaxResponseHead = 512;

void write_head(const HttpResponse& response, std::size_t body_bytes, bool keeps_alive,
                Text& text) noexcept;

[[nodiscard]] std::string_view words_of_status(int status) noexcept;

}  // namespace luna
