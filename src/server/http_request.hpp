// SPDX-License-Identifier: MIT
// The head of an HTTP/1.1 request, read from bytes that anybody may have sent. Strict: what
// could be read in two ways is refused. RFC 9112.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna {

// The texts are parts of the bytes that were read.
struct HttpRequest {
  static constexpr std::size_t kMaxHeadBytes = 4096;
  static constexpr std::size_t kMaxLineBytes = 2048;  // of the first line
  static constexpr std::size_t kMaxBodyBytes = 1024;

  std::string_view method;
  std::string_view path;    // begins with a slash; escapes stay as they are
  std::string_view query;   // what follows a question mark
  std::string_view accept;  // the first line of this name
  std::size_t head_bytes = 0;
  std::size_t body_bytes = 0;
  bool keeps_alive = false;       // the connection is wanted for more
  bool expects_continue = false;  // the body comes when it was asked for
  bool has_origin = false;        // a page in a browser asks

  // Why it is refused: a status of HTTP, and words.
  int status = 0;
  std::string_view mistake;

  [[nodiscard]] bool is(std::string_view wanted) const noexcept { return method == wanted; }
};

enum class HeadState : std::uint8_t { kIncomplete, kComplete, kRefused };

// Of bytes that go on, the same beginning has the same result, unless it is kIncomplete.
[[nodiscard]] HeadState parse_head(std::string_view bytes, HttpRequest& request) noexcept;

// The value of `name` in a query, unescaped into the buffer. False: it is not there, does not
// fit, or is escaped in a wrong way. `value` is empty then.
[[nodiscard]] bool find_parameter(std::string_view query, std::string_view name,
                                  std::array<char, HttpRequest::kMaxBodyBytes>& buffer,
                                  std::string_view& value) noexcept;

// How much a type of content is wanted, in thousandths, by a list that names it; 0 if none does.
[[nodiscard]] unsigned wanted_thousandths(std::string_view accept, std::string_view type) noexcept;

}  // namespace luna
