// SPDX-License-Identifier: MIT
// One request of HTTP/1.1 over a connection of its own, to the server of docs/socket.md.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>

namespace luna::tool {

struct HttpQuestion {
  std::string method = "GET";
  std::string target;  // path and query, escaped
  std::string body = {};
  std::string accept = {};
  std::size_t most_bytes = std::size_t{1} << 30;  // of the body of the answer
};

struct HttpAnswer {
  int status = 0;
  std::string body;
};

// What came is no answer, or none came.
struct HttpError : std::runtime_error {
  explicit HttpError(const std::string& what, bool late = false)
      : std::runtime_error(what), is_late(late) {}
  bool is_late;
};

// Owns the descriptor of a connected socket. Nothing that is read is trusted: heads have 8 KiB at
// most, bodies what the question allows, and all of it has to be there by `end`.
class HttpClient {
 public:
  using Clock = std::chrono::steady_clock;

  explicit HttpClient(int socket) noexcept : socket_(socket) {}
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Once. Throws HttpError, and Interrupted of signal_watch.hpp.
  [[nodiscard]] HttpAnswer ask(const HttpQuestion& question, Clock::time_point end);

 private:
  void wait(short events, Clock::time_point end) const;
  void send(const std::string& text, Clock::time_point end) const;
  [[nodiscard]] bool receive(std::string& text, Clock::time_point end) const;

  int socket_;
};

// For a part of a path or of a query: all but letters, digits and "-._" as %XX.
[[nodiscard]] std::string escaped(const std::string& text);

}  // namespace luna::tool
