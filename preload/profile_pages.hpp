// SPDX-License-Identifier: MIT
// Pages of the server that tell who allocates, and who leaks. docs/socket.md.
#pragma once

#include "server/connection.hpp"

#include <string_view>

namespace luna {

inline constexpr std::string_view kJsonType = "application/json";

// Begins the words of a refusal.
inline Output& refuse(Exchange& exchange, int status) noexcept {
  exchange.response.status = status;
  exchange.response.type = kPlainText;
  return exchange.out;
}

// Threads: that of the server.
void answer_heap(Exchange& exchange) noexcept;
void answer_leaks(Exchange& exchange) noexcept;

// What lives more, and was allocated, between now and then.
void answer_allocs(Exchange& exchange) noexcept;

// Nobody waits for it any more.
void end_recording() noexcept;

}  // namespace luna
