// SPDX-License-Identifier: MIT
// A server of HTTP/1.1 at a unix socket: one thread, a fixed number of connections, and nobody
// who waits for it.
#pragma once

#include "os/lock.hpp"
#include "os/poll_set.hpp"
#include "os/unix_socket.hpp"
#include "os/worker_thread.hpp"
#include "server/connection.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace luna {

// Invariants:
//   1. descriptors are opened and closed under the lock, so that the child of a fork knows all
//   2. connections are changed by the thread of work() alone
//
// Threads: any, but for work() and resume_child(). The lock is held for system calls that do not
// wait, and for 30 ms where a file of a dead process is found.
class Server {
 public:
  static constexpr std::size_t kMaxConnections = 32;

  constexpr Server() noexcept = default;
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Listens there, and no more where it did before. Returns 0 or an errno value: that of
  // UnixListener::open() or ENOMEM, and it listens on where it did.
  [[nodiscard]] int open(std::string_view path) noexcept;

  // The memory of all connections, but for what answers them; empty: it was never needed.
  [[nodiscard]] std::span<const std::byte> table() noexcept;

  // Connections end when they are answered.
  void close() noexcept;

  // At the exit of the process, but not of one that was made without fork().
  void end() noexcept;

  // Serves for ever, on `thread`, which is the caller's.
  void work(const Endpoints& endpoints, os::WorkerThread& thread) noexcept;

  void prepare_fork() noexcept { lock_.lock(); }
  void resume_parent() noexcept { lock_.unlock(); }

  // The sockets are the parent's: its child has none. Returns whether the parent was listening;
  // `path`: where.
  [[nodiscard]] bool resume_child(std::array<char, 108>& buffer, std::string_view& path) noexcept;

 private:
  struct Table {
    std::array<Connection, kMaxConnections> connections;
  };

  void turn(const Endpoints& endpoints, os::WorkerThread& thread) noexcept;
  [[nodiscard]] bool add_listener(os::PollSet& polled, std::uint64_t now_ms) noexcept;
  [[nodiscard]] bool is_listening() noexcept;
  void reopen() noexcept;
  void accept_all(std::uint64_t now_ms) noexcept;
  void place(os::Socket socket, std::uint64_t now_ms) noexcept;
  [[nodiscard]] Connection* find_room() noexcept;
  void close_done(const Endpoints& endpoints) noexcept;
  void let_go(os::UnixListener& listener) noexcept;

  os::Lock lock_;
  os::UnixListener listener_;
  std::uint64_t process_ = 0;  // that listens
  std::uint32_t opened_ = 0;   // how often the listener was changed
  std::uint32_t polled_ = 0;   // the same of the one that was waited for
  std::uint64_t accepts_from_ms_ = 0;
  Table* table_ = nullptr;
};

}  // namespace luna
