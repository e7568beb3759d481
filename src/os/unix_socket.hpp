// SPDX-License-Identifier: MIT
// Unix stream sockets in a process whose program may close any descriptor at any time: each is
// known by what it is, and not by its number alone.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna::os {

// Which socket it is. The number of one that was removed is soon that of another, which was made at
// another time.
struct SocketIdentity {
  std::uint64_t device = 0;
  std::uint64_t number = 0;
  std::int64_t made_ns = 0;

  [[nodiscard]] bool operator==(const SocketIdentity&) const noexcept = default;
};

// A copy stands for the same socket; who closes it is up to those who have them. Nothing waits.
class Socket {
 public:
  // What receive() and send() return when there is nothing to be had, or no room, now.
  static constexpr long kLater = -1;
  static constexpr long kFailed = -2;

  constexpr Socket() noexcept = default;

  // Takes over a descriptor and gives it a number beyond those that programs expect to get.
  [[nodiscard]] static Socket adopt(long descriptor) noexcept;

  [[nodiscard]] bool is_open() const noexcept { return descriptor_ >= 0; }
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

  // False: the program has closed it, and the number may be that of something else.
  [[nodiscard]] bool is_ours() const noexcept;

  // Whether the process at the other end runs as the same user, or as root.
  [[nodiscard]] bool peer_may_ask() const noexcept;

  // How many bytes; 0 at the end of what comes.
  [[nodiscard]] long receive(char* buffer, std::size_t bytes) const noexcept;
  [[nodiscard]] long send(std::string_view bytes) const noexcept;
  void end_sending() const noexcept;

  // Not if it is a stranger's.
  void close() noexcept;

 private:
  int descriptor_ = -1;
  SocketIdentity identity_;
};

// Listens at a path, where only its owner may connect.
//
// Threads: one at a time. What hangs on it is given back by close() alone.
class UnixListener {
 public:
  constexpr UnixListener() noexcept = default;

  // Returns 0 or an errno value: EADDRINUSE if somebody listens there, or if what is there is no
  // socket. A socket that a dead process has left is replaced. Requires: it is not open.
  [[nodiscard]] int open(std::string_view path) noexcept;

  [[nodiscard]] bool is_open() const noexcept { return socket_.is_open(); }
  [[nodiscard]] const Socket& socket() const noexcept { return socket_; }
  [[nodiscard]] std::string_view path() const noexcept { return {path_.data(), length_}; }

  // Not open: nobody waits, or the process can have no more descriptors.
  [[nodiscard]] Socket accept() const noexcept;

  // Has whoever waits for it in another thread look again.
  void wake() const noexcept;

  // Removes the file, unless it is not this one any more.
  void remove() noexcept;
  void close() noexcept;

  static constexpr std::size_t kMaxPath = 107;

 private:
  Socket socket_;
  std::array<char, kMaxPath + 1> path_{};
  std::size_t length_ = 0;
  SocketIdentity file_;
};

}  // namespace luna::os
