// SPDX-License-Identifier: MIT
#include "server/http_response.hpp"

#include "base/inline_text.hpp"

namespace luna {

namespace {

struct Status {
  int number;
  InlineText<32> words;
};

constexpr Status kStatuses[] = {
    {200, "OK"},
    {400, "Bad Request"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {417, "Expectation Failed"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

}  // namespace

std::string_view words_of_status(int status) noexcept {
  for (const Status& known : kStatuses)
    if (known.number == status) return known.words;
  return "Unknown";
}

void write_head(const HttpResponse& response, std::size_t body_bytes, bool keeps_alive,
                Text& text) noexcept {
  text.add("HTTP/1.1 ").add_decimal(static_cast<std::uint64_t>(response.status)).add(" ");
  text.add(words_of_status(response.status)).add("\r\nContent-Type: ").add(response.type);
  text.add("\r\nContent-Length: ").add_decimal(body_bytes);
  if (!response.allow.empty()) text.add("\r\nAllow: ").add(response.allow);
  if (response.status == 503) text.add("\r\nRetry-After: 1");
  text.add("\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: ");
  text.add(keeps_alive ? "keep-alive" : "close").add("\r\n\r\n");
}

}  // namespace luna
