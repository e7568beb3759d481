// SPDX-License-Identifier: MIT
// The option socket: a server of HTTP on a thread of its own. What it answers: endpoints.cpp.
#pragma once

#include "server/connection.hpp"

namespace luna {

// What the option asks for when the process begins; failures go to stderr.
void begin_server() noexcept;

// For the control: begins, moves or ends it. Returns 0 or an errno value.
[[nodiscard]] int apply_socket() noexcept;

// After the rest of the library is ready again.
void resume_server_in_child() noexcept;

// Of the thread that serves.
[[nodiscard]] Endpoints endpoints() noexcept;

// Ends what an endpoint had begun in the parent.
void resume_endpoints_in_child() noexcept;

}  // namespace luna
