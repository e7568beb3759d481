// SPDX-License-Identifier: MIT
#include "preload/server.hpp"

#include "base/format.hpp"
#include "os/clock.hpp"
#include "os/environment.hpp"
#include "preload/heaps.hpp"
#include "preload/process.hpp"
#include "preload/profile_file.hpp"
#include "preload/slow_path.hpp"
#include "telemetry/file_name.hpp"

#include <errno.h>
#include <string.h>

namespace luna {

namespace {

constexpr const char* kThreadName = "lunalloc-http";

// What the option stands for in this process.
struct SocketPath {
  SocketPath() noexcept {
    const Words option = process.words(process.options().socket);
    if (option.view().empty() || option.view() == "off") return;
    std::array<char, 65> host;
    std::array<char, 256> program;
    const FileNameParts parts = {os::process_id(), os::host_name(host.data(), host.size()),
                                 os::program_name(program.data(), program.size()),
                                 os::epoch_nanoseconds() / 1'000'000'000};
    const FileName file = expand_file_name(option.view(), parts, buffer.data(), buffer.size());
    path = file.name;
    if (path.empty()) refuse(EINVAL, file.error);
    if (!path.empty() && path.front() != '/') refuse(EINVAL, "want a path from the root, or off");
    if (path.size() > os::UnixListener::kMaxPath)
      refuse(ENAMETOOLONG,
             "the path is longer than 107 bytes, which is all that a socket can have");
  }

  void refuse(int why, std::string_view words) noexcept {
    error = why;
    mistake = words;
  }

  std::string_view path;  // empty: there is to be no server
  int error = 0;
  std::string_view mistake;

 private:
  std::array<char, 768> buffer;
};

void work(void*) noexcept { process.server().work(endpoints(), process.server_thread()); }

[[nodiscard]] bool start_thread() noexcept {
  const OutOfHeaps out;
  if (!process.server_thread().start(work, nullptr, kThreadName)) return false;
  process.server_thread().wake();
  return true;
}

// Returns 0 or an errno value.
[[nodiscard]] int open_socket(std::string_view path) noexcept {
  {
    const SlowPath slow_path;
    if (!slow_path.entered()) return EBUSY;
    if (const int error = process.server().open(path); error != 0) return error;
  }
  if (start_thread()) return 0;
  process.server().close();
  return EAGAIN;
}

[[nodiscard]] std::string_view words_of(int error) noexcept {
  if (error == EADDRINUSE)
    return "a living process listens there, or what is there is no socket; there is no server";
  if (error == EAGAIN) return "no thread can be started; there is no server";
  return strerrordesc_np(error);
}

// A function of its own, for what it keeps on the stack nobody needs who has no server.
[[gnu::noinline]] void open_first_socket() noexcept {
  const SocketPath socket;
  if (socket.error != 0) return complain("option \"socket\"", socket.mistake);
  if (socket.path.empty()) return;
  if (const int error = open_socket(socket.path); error != 0)
    complain(socket.path, words_of(error));
}

}  // namespace

void begin_server() noexcept {
  if (process.enabled() && process.options().socket.length != 0) open_first_socket();
}

int apply_socket() noexcept {
  if (!process.enabled()) return ENOTSUP;
  const SocketPath socket;
  if (socket.error != 0) return socket.error;
  if (!socket.path.empty()) return open_socket(socket.path);
  const SlowPath path;
  if (!path.entered()) return EBUSY;
  process.server().close();
  return 0;
}

// Where the path says of which process it is, the child has one of its own.
void resume_server_in_child() noexcept {
  process.server_thread().resume_child();
  std::array<char, os::UnixListener::kMaxPath + 1> buffer;
  std::string_view before;
  const bool was_open = process.server().resume_child(buffer, before);
  resume_endpoints_in_child();
  if (!was_open) return;
  const SocketPath socket;
  if (socket.error != 0 || socket.path.empty() || socket.path == before) return;
  static_cast<void>(open_socket(socket.path));
}

}  // namespace luna
