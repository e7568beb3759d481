// SPDX-License-Identifier: MIT
#include "os/environment.hpp"

#include "base/format.hpp"
#include "os/system_call.hpp"

#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace luna::os {

std::string_view read_file(const char* path, char* buffer, std::size_t capacity) noexcept {
  const long file = system_call(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  if (file < 0) return {};
  std::size_t length = 0;
  while (length < capacity) {
    const long count = system_call(SYS_read, file, buffer + length, capacity - length);
    if (count == -EINTR) continue;
    if (count <= 0) break;
    length += static_cast<std::size_t>(count);
  }
  system_call(SYS_close, file);
  return {buffer, length};
}

std::string_view environment_value(std::string_view name) noexcept {
  if (environ == nullptr) return {};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (text.size() > name.size() && text.starts_with(name) && text[name.size()] == '=')
      return part_of(text, name.size() + 1);
  }
  return {};
}

bool is_static_program() noexcept {
  const auto* header = reinterpret_cast<const ElfW(Phdr)*>(::getauxval(AT_PHDR));
  const std::size_t count = ::getauxval(AT_PHNUM);
  for (std::size_t i = 0; header != nullptr && i < count; ++i)
    if (header[i].p_type == PT_INTERP) return false;
  return true;
}

bool runs_with_privileges() noexcept { return ::getauxval(AT_SECURE) != 0; }

std::string_view program_name(char* buffer, std::size_t capacity) noexcept {
  const long length = system_call(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", buffer, capacity);
  std::string_view path;
  if (length > 0) {
    path = {buffer, static_cast<std::size_t>(length)};
  } else if (const auto name = ::getauxval(AT_EXECFN); name != 0) {
    path = reinterpret_cast<const char*>(name);
  }
  return part_of(path, path.rfind('/') + 1);
}

std::uint64_t process_id() noexcept { return static_cast<std::uint64_t>(system_call(SYS_getpid)); }

std::uint64_t thread_id() noexcept { return static_cast<std::uint64_t>(system_call(SYS_gettid)); }

namespace {

// The lines of users and groups of a task; empty where the kernel does not tell.
struct Rights {
  explicit Rights(const char* path) noexcept {
    const std::string_view status = read_file(path, buffer.data(), buffer.size());
    const std::size_t begin = status.find("\nUid:");
    if (begin == std::string_view::npos) return;
    lines = part_of(status, begin, status.find("\nFDSize:", begin) - begin);
  }

  std::array<char, 1024> buffer;
  std::string_view lines;
};

}  // namespace

bool thread_has_rights_of_process() noexcept {
  const Rights thread("/proc/thread-self/status");
  const Rights leader("/proc/self/status");
  return thread.lines.empty() || leader.lines.empty() || thread.lines == leader.lines;
}

std::uintptr_t thread_key() noexcept { return static_cast<std::uintptr_t>(::pthread_self()); }

std::string_view thread_name(char* buffer, std::size_t capacity) noexcept {
  std::array<char, 16> name = {};
  if (system_call(SYS_prctl, PR_GET_NAME, name.data()) < 0) return {};
  return Text(buffer, capacity).add(name.data()).view();
}

std::string_view host_name(char* buffer, std::size_t capacity) noexcept {
  struct utsname names = {};
  if (system_call(SYS_uname, &names) < 0) return {};
  return Text(buffer, capacity).add(names.nodename).view();
}

}  // namespace luna::os
