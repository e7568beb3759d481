// SPDX-License-Identifier: MIT
// What must hold of any bytes that are read as a request, for random tests and for libFuzzer.
#pragma once

#include "server/http_request.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>

namespace luna::test {

// The line is the caller's; clang++ 14 has no std::source_location.
inline void must(bool holds, int line = __builtin_LINE()) {
  if (holds) return;
  std::fprintf(stderr, "request_fuzz.hpp:%d: does not hold\n", line);
  std::abort();
}

[[nodiscard]] inline bool lies_in(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

inline void check_complete(std::string_view bytes, const HttpRequest& request) {
  must(request.head_bytes <= bytes.size() && request.head_bytes <= HttpRequest::kMaxHeadBytes);
  must(request.body_bytes <= HttpRequest::kMaxBodyBytes && request.status == 0);
  must(bytes.substr(0, request.head_bytes).ends_with("\r\n\r\n"));
  must(request.path.starts_with('/') && !request.method.empty());
  for (const std::string_view text :
       {request.method, request.path, request.query, request.accept}) {
    must(lies_in(text, bytes));
    must(text.find('\n') == std::string_view::npos && text.find('\0') == std::string_view::npos);
  }
}

// Says how they were read. The bytes lie at the end of a block of their own, so that a sanitizer
// sees who reads beyond.
inline HeadState fuzz_request(const std::uint8_t* data, std::size_t size) {
  const std::unique_ptr<char[]> block(new char[size + 1]);
  for (std::size_t i = 0; i < size; ++i) block[i + 1] = static_cast<char>(data[i]);
  const std::string_view bytes(block.get() + 1, size);
  HttpRequest request;
  const HeadState state = parse_head(bytes, request);
  if (state == HeadState::kComplete) check_complete(bytes, request);
  must((state == HeadState::kRefused) == (request.status != 0));
  must(state != HeadState::kRefused || !request.mistake.empty());
  must(state != HeadState::kIncomplete || size < HttpRequest::kMaxHeadBytes);
  // More bytes change nothing of what is decided, and fewer decide nothing else.
  HttpRequest half;
  const HeadState before = parse_head(bytes.substr(0, size / 2), half);
  must(before == HeadState::kIncomplete ||
       (before == state && half.status == request.status && half.head_bytes == request.head_bytes));
  std::array<char, HttpRequest::kMaxBodyBytes> buffer;
  std::string_view value;
  if (find_parameter(request.query, "value", buffer, value))
    must(lies_in(value, {buffer.data(), buffer.size()}));
  must(wanted_thousandths(request.accept, "text/plain") < 2000);
  return state;
}

}  // namespace luna::test
