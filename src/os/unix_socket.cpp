// SPDX-License-Identifier: MIT
#include "os/unix_socket.hpp"

#include "os/clock.hpp"
#include "os/system_call.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>

namespace luna::os {

namespace {

constexpr int kOwnerOnly = 0600;
constexpr int kStream = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
constexpr int kWaiting = 128;  // connections that the kernel keeps until they are accepted

[[nodiscard]] SocketIdentity identity_of(const struct stat& status) noexcept {
  constexpr std::int64_t kSecond = 1'000'000'000;
  // Of a socket, which nobody writes to, the time does not change.
  return {status.st_dev, status.st_ino, status.st_mtim.tv_sec * kSecond + status.st_mtim.tv_nsec};
}

// A device of 0 and a number of 0 are no socket's.
[[nodiscard]] SocketIdentity identity_of(long descriptor) noexcept {
  struct stat status;
  if (system_call(SYS_newfstatat, descriptor, "", &status, AT_EMPTY_PATH) != 0) return {};
  return S_ISSOCK(status.st_mode) ? identity_of(status) : SocketIdentity{};
}

[[nodiscard]] SocketIdentity identity_at(const char* path) noexcept {
  struct stat status;
  if (system_call(SYS_newfstatat, AT_FDCWD, path, &status, AT_SYMLINK_NOFOLLOW) != 0) return {};
  return S_ISSOCK(status.st_mode) ? identity_of(status) : SocketIdentity{};
}

// Near the end of what most processes may have, but not beyond what select() knows.
[[nodiscard]] long first_number() noexcept {
  constexpr rlim_t kMost = FD_SETSIZE;
  constexpr rlim_t kRoom = 64;
  struct rlimit limit = {kMost, kMost};
  system_call(SYS_prlimit64, 0, RLIMIT_NOFILE, nullptr, &limit);
  const rlim_t most = limit.rlim_cur < kMost ? limit.rlim_cur : kMost;
  return static_cast<long>(most > 2 * kRoom ? most - kRoom : most / 2);
}

static_assert(sizeof(sockaddr_un::sun_path) == UnixListener::kMaxPath + 1);

struct Address {
  explicit Address(std::string_view path) noexcept {
    name.sun_family = AF_UNIX;
    path.copy(name.sun_path, UnixListener::kMaxPath);
  }
  struct sockaddr_un name = {};
};

[[nodiscard]] bool is_refused(const Address& address) noexcept {
  const long probe = system_call(SYS_socket, AF_UNIX, kStream, 0);
  if (probe < 0) return false;
  const long result = system_call(SYS_connect, probe, &address.name, sizeof address.name);
  system_call(SYS_close, probe);
  return result == -ECONNREFUSED;
}

// Removes a socket at which nobody listens. Who has just made one may be about to listen, so it
// is asked more than once.
[[nodiscard]] bool remove_stale(const Address& address) noexcept {
  constexpr int kTries = 4;
  constexpr std::uint64_t kPauseMs = 10;
  const SocketIdentity file = identity_at(address.name.sun_path);
  if (file == SocketIdentity{}) return false;
  for (int i = 0; i < kTries; ++i) {
    if (i != 0) sleep_milliseconds(kPauseMs);
    if (!is_refused(address)) return false;
  }
  if (!(identity_at(address.name.sun_path) == file)) return false;
  return system_call(SYS_unlinkat, AT_FDCWD, address.name.sun_path, 0) == 0;
}

[[nodiscard]] long bind_to(long descriptor, const Address& address) noexcept {
  // The file gets the mode that the socket has, so that it never has another.
  system_call(SYS_fchmod, descriptor, kOwnerOnly);
  const long bound = system_call(SYS_bind, descriptor, &address.name, sizeof address.name);
  if (bound != -EADDRINUSE || !remove_stale(address)) return bound;
  return system_call(SYS_bind, descriptor, &address.name, sizeof address.name);
}

}  // namespace

Socket Socket::adopt(long descriptor) noexcept {
  Socket socket;
  if (descriptor < 0) return socket;
  socket.identity_ = identity_of(descriptor);
  if (socket.identity_ == SocketIdentity{}) {  // close() would not know it
    system_call(SYS_close, descriptor);
    return socket;
  }
  socket.descriptor_ = static_cast<int>(descriptor);
  const long high = system_call(SYS_fcntl, descriptor, F_DUPFD_CLOEXEC, first_number());
  if (high < 0) return socket;
  system_call(SYS_close, descriptor);
  socket.descriptor_ = static_cast<int>(high);
  return socket;
}

bool Socket::is_ours() const noexcept {
  return is_open() && !(identity_ == SocketIdentity{}) && identity_of(descriptor_) == identity_;
}

bool Socket::peer_may_ask() const noexcept {
  struct ucred peer = {};
  socklen_t bytes = sizeof peer;
  if (system_call(SYS_getsockopt, descriptor_, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) != 0)
    return false;
  return peer.uid == 0 || peer.uid == static_cast<uid_t>(system_call(SYS_geteuid));
}

long Socket::receive(char* buffer, std::size_t bytes) const noexcept {
  const long count = system_call(SYS_recvfrom, descriptor_, buffer, bytes, MSG_DONTWAIT, nullptr);
  if (count >= 0) return count;
  return count == -EAGAIN || count == -EINTR ? kLater : kFailed;
}

long Socket::send(std::string_view bytes) const noexcept {
  constexpr int kFlags = MSG_DONTWAIT | MSG_NOSIGNAL;
  const long count =
      system_call(SYS_sendto, descriptor_, bytes.data(), bytes.size(), kFlags, nullptr);
  if (count >= 0) return count;
  return count == -EAGAIN || count == -EINTR ? kLater : kFailed;
}

void Socket::end_sending() const noexcept { system_call(SYS_shutdown, descriptor_, SHUT_WR); }

void Socket::close() noexcept {
  if (is_ours()) system_call(SYS_close, descriptor_);
  descriptor_ = -1;
}

int UnixListener::open(std::string_view path) noexcept {
  if (path.empty()) return EINVAL;
  if (path.size() > kMaxPath) return ENAMETOOLONG;
  length_ = path.copy(path_.data(), kMaxPath);
  path_[length_] = '\0';
  const Address address(this->path());
  const long descriptor = system_call(SYS_socket, AF_UNIX, kStream, 0);
  if (descriptor < 0) return static_cast<int>(-descriptor);
  socket_ = Socket::adopt(descriptor);
  long result = bind_to(socket_.descriptor(), address);
  if (result == 0) file_ = identity_at(path_.data());
  if (result == 0) result = system_call(SYS_listen, socket_.descriptor(), kWaiting);
  if (result != 0) close();
  return static_cast<int>(-result);
}

Socket UnixListener::accept() const noexcept {
  constexpr int kFlags = SOCK_NONBLOCK | SOCK_CLOEXEC;
  return Socket::adopt(system_call(SYS_accept4, socket_.descriptor(), nullptr, nullptr, kFlags));
}

void UnixListener::wake() const noexcept {
  if (socket_.is_ours()) system_call(SYS_shutdown, socket_.descriptor(), SHUT_RDWR);
}

void UnixListener::remove() noexcept {
  if (!(file_ == SocketIdentity{}) && identity_at(path_.data()) == file_)
    system_call(SYS_unlinkat, AT_FDCWD, path_.data(), 0);
  file_ = {};
}

void UnixListener::close() noexcept { socket_.close(); }

}  // namespace luna::os
