// SPDX-License-Identifier: MIT
// One connection of the server: what came, what is answered, and how long each step may take.
#pragma once

#include "os/growing_memory.hpp"
#include "os/poll_set.hpp"
#include "os/unix_socket.hpp"
#include "server/http_request.hpp"
#include "server/http_response.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna {

// A request, and where its answer goes.
struct Exchange {
  const HttpRequest& request;
  std::string_view body;
  bool is_again;  // it was asked before, and the answer was to come later
  HttpResponse& response;
  Output& out;
};

// Who answers. No lock of the server's is held.
struct Endpoints {
  void* context;
  void (*answer)(void* context, Exchange& exchange) noexcept;
  // Nobody waits any more for an answer that was to come later.
  void (*abandon)(void* context) noexcept;
};

// Large, for its buffers are in it. Whoever has it closes the socket.
//
// Threads: that of the server.
class Connection {
 public:
  static constexpr std::uint64_t kRequestMs = 5'000;    // for the head, and again for the body
  static constexpr std::uint64_t kIdleMs = 60'000;      // until the next request begins
  static constexpr std::uint64_t kStalledMs = 10'000;   // while the client takes nothing
  static constexpr std::uint64_t kLongestMs = 600'000;  // until it has taken the whole answer
  static constexpr std::uint64_t kDrainMs = 2'000;      // until it has read that we close

  Connection() noexcept = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Requires: is_free().
  void open(os::Socket socket, std::uint64_t now_ms) noexcept;

  // Nothing hangs on it; is_done(): nothing but the socket does.
  [[nodiscard]] bool is_free() const noexcept { return state_ == State::kFree; }
  [[nodiscard]] bool is_done() const noexcept { return state_ == State::kDone; }

  // All is answered and we wait for the client to see it; no request has begun; the answer is
  // to come later.
  [[nodiscard]] bool is_answered() const noexcept { return state_ == State::kDraining; }
  [[nodiscard]] bool is_waiting() const noexcept { return state_ == State::kWaiting; }
  [[nodiscard]] bool is_idle() const noexcept {
    return state_ == State::kReading && input_length_ == 0;
  }

  [[nodiscard]] const os::Socket& socket() const noexcept { return socket_; }
  [[nodiscard]] os::Ready wanted() const noexcept;
  // When turn() is to be called, if the socket is not ready before.
  [[nodiscard]] std::uint64_t deadline_ms() const noexcept { return has_more_ ? 0 : deadline_ms_; }
  void turn(os::Ready ready, std::uint64_t now_ms, const Endpoints& endpoints) noexcept;

  // Gives up whatever it is at: is_done().
  void drop(const Endpoints& endpoints) noexcept;
  void close() noexcept;

 private:
  enum class State : std::uint8_t { kFree, kReading, kWaiting, kSending, kDraining, kDone };

  void read(os::Ready ready, std::uint64_t now_ms, const Endpoints& endpoints) noexcept;
  void receive(std::uint64_t now_ms) noexcept;
  void await(std::uint64_t now_ms) noexcept;
  void answer(bool is_again, std::uint64_t now_ms, const Endpoints& endpoints) noexcept;
  void refuse(int status, std::string_view mistake, std::uint64_t now_ms) noexcept;
  void begin_sending(std::uint64_t now_ms) noexcept;
  void send(std::uint64_t now_ms) noexcept;
  void finish(std::uint64_t now_ms) noexcept;
  void drain(std::uint64_t now_ms) noexcept;
  [[nodiscard]] std::string_view unsent() const noexcept;

  os::Socket socket_;
  State state_ = State::kFree;
  bool has_ended_ = false;    // nothing more comes
  bool awaits_body_ = false;  // the head is there
  bool has_more_ = false;     // what came behind the last request was not looked at
  std::uint64_t deadline_ms_ = 0;
  std::uint64_t last_ms_ = 0;  // for the whole answer
  std::size_t input_length_ = 0;
  std::size_t head_length_ = 0;
  std::size_t sent_ = 0;
  std::size_t drained_ = 0;
  HttpRequest request_;
  HttpResponse response_;
  os::GrowingMemory body_;
  std::array<char, kMaxResponseHead> head_;
  std::array<char, HttpRequest::kMaxHeadBytes + HttpRequest::kMaxBodyBytes> input_;
};

}  // namespace luna
