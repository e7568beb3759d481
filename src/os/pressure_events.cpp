// SPDX-License-Identifier: MIT
#include "os/pressure_events.hpp"

#include "base/format.hpp"
#include "os/system_call.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace luna::os {

namespace {

constexpr int kFlags = O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

[[nodiscard]] long open_path(const char* path, int flags) noexcept {
  return system_call(SYS_openat, AT_FDCWD, path, flags | kFlags, 0);
}

[[nodiscard]] long open_for(const KernelFile& file, int flags) noexcept {
  std::array<char, kLongestPath> path;
  if (!write_path(file, path)) return -ENAMETOOLONG;
  return open_path(path.data(), flags);
}

// Takes over `file`. False: not all of it could be written, and it is closed again.
[[nodiscard]] bool write_and_adopt(long file, std::string_view bytes, OwnFile& opened) noexcept {
  if (!opened.adopt(file)) return false;
  const long written = system_call(SYS_write, opened.number(), bytes.data(), bytes.size());
  if (written == static_cast<long>(bytes.size())) return true;
  opened.close();
  return false;
}

// The path may be longer than a socket's address has room for.
[[nodiscard]] WatchKind connect_to(const WatchedPath& watched, OwnFile& opened) noexcept {
  struct sockaddr_un address = {};
  if (watched.path.size() >= sizeof address.sun_path) return WatchKind::kNone;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, watched.path.data(), watched.path.size());
  constexpr int kStream = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
  if (!opened.adopt(system_call(SYS_socket, AF_UNIX, kStream, 0))) return WatchKind::kNone;
  long result = system_call(SYS_connect, opened.number(), &address, sizeof address);
  if (result == 0 && !watched.bytes.empty())
    result = system_call(SYS_sendto, opened.number(), watched.bytes.data(), watched.bytes.size(),
                         MSG_NOSIGNAL, nullptr, 0);
  if (result >= 0) return WatchKind::kStream;
  opened.close();
  return WatchKind::kNone;
}

[[nodiscard]] int digit_of(char character) noexcept {
  if (character >= 'A' && character <= 'Z') return character - 'A';
  if (character >= 'a' && character <= 'z') return character - 'a' + 26;
  if (character >= '0' && character <= '9') return character - '0' + 52;
  if (character == '+') return 62;
  return character == '/' ? 63 : -1;
}

}  // namespace

bool open_stall_trigger(const KernelFile& file, std::string_view trigger,
                        OwnFile& opened) noexcept {
  return write_and_adopt(open_for(file, O_RDWR), trigger, opened);
}

bool open_counts(const KernelFile& file, OwnFile& opened) noexcept {
  return opened.adopt(open_for(file, O_RDONLY));
}

std::string_view read_again(const OwnFile& file, char* buffer, std::size_t capacity) noexcept {
  const long count = system_call(SYS_pread64, file.number(), buffer, capacity, 0L);
  return {buffer, count > 0 ? static_cast<std::size_t>(count) : 0};
}

bool open_event(OwnFile& opened) noexcept {
  return opened.adopt(system_call(SYS_eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK));
}

bool add_notice(const OwnFile& event, std::string_view root, std::string_view directory,
                std::string_view subject, std::string_view argument) noexcept {
  const long told_of = open_for({root, directory, subject}, O_RDONLY);
  if (told_of < 0) return false;
  const long control = open_for({root, directory, "cgroup.event_control"}, O_WRONLY);
  std::array<char, 80> buffer;
  Text text(buffer.data(), buffer.size());
  text.add_decimal(static_cast<std::uint64_t>(event.number())).add(" ");
  text.add_decimal(static_cast<std::uint64_t>(told_of)).add(" ").add(argument);
  long written = control;
  if (control >= 0) {
    written = system_call(SYS_write, control, text.view().data(), text.view().size());
    system_call(SYS_close, control);
  }
  system_call(SYS_close, told_of);
  return written >= 0;
}

Drained drain(const OwnFile& file) noexcept {
  std::array<char, 512> bytes;
  constexpr int kMostReads = 64;  // whoever writes faster is heard as well
  for (int i = 0; i < kMostReads; ++i) {
    const long count = read_some(file.number(), bytes.data(), bytes.size());
    if (count > 0) continue;
    if (i > 0) return Drained::kData;
    return count == -EAGAIN ? Drained::kNothing : Drained::kEnd;
  }
  return Drained::kData;
}

// What is written to a FIFO would be read by who has written it: nothing is.
WatchKind open_watch(const WatchedPath& watched, OwnFile& opened) noexcept {
  struct stat status = {};
  if (system_call(SYS_newfstatat, AT_FDCWD, watched.path.data(), &status, 0) != 0)
    return WatchKind::kNone;
  if (S_ISSOCK(status.st_mode)) return connect_to(watched, opened);
  if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode)) return WatchKind::kNone;
  const bool is_fifo = S_ISFIFO(status.st_mode);
  const std::string_view bytes = is_fifo ? std::string_view{} : watched.bytes;
  // A FIFO that is open for writing as well has no end.
  const bool reads_only = !is_fifo && bytes.empty();
  const long file = open_path(watched.path.data(), reads_only ? O_RDONLY : O_RDWR);
  if (bytes.empty() ? !opened.adopt(file) : !write_and_adopt(file, bytes, opened))
    return WatchKind::kNone;
  return is_fifo ? WatchKind::kStream : WatchKind::kUrgent;
}

bool decode_base64(std::string_view text, std::span<char> bytes, std::size_t& count) noexcept {
  if (text.size() % 4 != 0) return false;
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  std::uint32_t pending = 0;
  unsigned bits = 0;
  count = 0;
  for (const char character : text) {
    const int digit = digit_of(character);
    if (digit < 0) return false;
    pending = pending << 6 | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    if (count == bytes.size()) return false;
    bytes[count++] = static_cast<char>(pending >> bits & 0xff);
  }
  return true;
}

}  // namespace luna::os
