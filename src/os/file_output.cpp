// SPDX-License-Identifier: MIT
#include "os/file_output.hpp"

#include "base/format.hpp"
#include "os/environment.hpp"
#include "os/system_call.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace luna::os {

namespace {

constexpr int kOwnerOnly = 0600;
constexpr int kNewFile = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
constexpr std::size_t kLongestPath = 4096;
constexpr std::string_view kEnd("\0", 1);  // of a text that the kernel reads

// Names that a process of the same number, in another container or before us, has left.
constexpr int kMaxTries = 100;

void close_file(long& file) noexcept {
  if (file >= 0) system_call(SYS_close, file);
  file = -1;
}

}  // namespace

bool FileOutput::create(std::string_view path) noexcept {
  error_ = 0;
  length_ = 0;
  written_ = 0;
  const std::size_t slash = path.rfind('/');
  const std::string_view name = part_of(path, slash + 1);  // all of it where there is none
  if (name.empty()) return fail(-EISDIR);
  if (name.size() >= name_.size() || path.size() >= kLongestPath) return fail(-ENAMETOOLONG);
  Text(name_.data(), name_.size()).add(name).add(kEnd);
  // The directory stays the same, whatever the program's own is by then.
  directory_ = open_directory(slash == std::string_view::npos ? "." : part_of(path, 0, slash + 1));
  if (directory_ < 0) return fail(directory_);
  const bool device = is_device(path);
  file_ = device ? open_device() : open_temporary();
  if (file_ < 0) return fail(file_);
  has_temporary_ = !device;
  return true;
}

// Whether the path leads to a device, a pipe or a socket, or is a link of the kernel's such as
// /dev/stdout, whatever that leads to.
bool FileOutput::is_device(std::string_view path) const noexcept {
  const auto mode = [this](int flags) noexcept {
    struct stat status;
    const long result = system_call(SYS_newfstatat, directory_, name_.data(), &status, flags);
    return result < 0 ? mode_t{S_IFREG} : status.st_mode;
  };
  if (!S_ISREG(mode(0)) && !S_ISDIR(mode(0))) return true;
  const bool kernels = path.starts_with("/dev/") || path.starts_with("/proc/");
  return kernels && S_ISLNK(mode(AT_SYMLINK_NOFOLLOW));
}

// A pipe that nobody reads is an error, and not waited for.
long FileOutput::open_device() noexcept {
  constexpr int kWrite = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY;
  const long file = system_call(SYS_openat, directory_, name_.data(), kWrite | O_NONBLOCK, 0);
  if (file >= 0) system_call(SYS_fcntl, file, F_SETFL, kWrite);
  return file;
}

long FileOutput::open_directory(std::string_view path) noexcept {
  Text(buffer_.data(), buffer_.size()).add(path).add(kEnd);
  return system_call(SYS_openat, AT_FDCWD, buffer_.data(), O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
}

long FileOutput::open_temporary() noexcept {
  long file = -EEXIST;
  for (std::uint64_t i = 0; i < kMaxTries && file == -EEXIST; ++i) {
    Text text(temporary_.data(), temporary_.size());
    text.add(".lunalloc.").add_decimal(process_id()).add(".").add_decimal(i).add(".tmp").add(kEnd);
    do {
      file = system_call(SYS_openat, directory_, temporary_.data(), kNewFile, kOwnerOnly);
    } while (file == -EINTR);
  }
  return file;
}

bool FileOutput::write(void* context, std::string_view bytes) noexcept {
  FileOutput& file = *static_cast<FileOutput*>(context);
  while (!bytes.empty()) {
    if (file.length_ == file.buffer_.size() && !file.flush()) return false;
    const std::string_view part = part_of(bytes, 0, file.buffer_.size() - file.length_);
    std::memcpy(file.buffer_.data() + file.length_, part.data(), part.size());
    file.length_ += part.size();
    bytes.remove_prefix(part.size());
  }
  return file.file_ >= 0;
}

bool FileOutput::flush() noexcept {
  if (file_ < 0) return fail(-EBADF);
  for (std::size_t done = 0; done < length_;) {
    const long count = system_call(SYS_write, file_, buffer_.data() + done, length_ - done);
    if (count == -EINTR) continue;
    if (count <= 0) return fail(count == 0 ? -EIO : count);
    done += static_cast<std::size_t>(count);
    written_ += static_cast<std::uint64_t>(count);
  }
  length_ = 0;
  return true;
}

bool FileOutput::finish() noexcept {
  if (!flush()) return false;
  // Some file systems say only now that there is no room.
  const long closed = system_call(SYS_close, file_);
  file_ = -1;
  if (closed < 0 && closed != -EINTR) return fail(closed);
  if (!has_temporary_) {
    close_file(directory_);
    return true;
  }
  const long renamed =
      system_call(SYS_renameat, directory_, temporary_.data(), directory_, name_.data());
  if (renamed < 0) return fail(renamed);
  has_temporary_ = false;
  close_file(directory_);
  return true;
}

bool FileOutput::fail(long error) noexcept {
  if (error_ == 0) error_ = error;
  abandon();
  return false;
}

void FileOutput::abandon() noexcept {
  close_file(file_);
  length_ = 0;
  if (has_temporary_) system_call(SYS_unlinkat, directory_, temporary_.data(), 0);
  has_temporary_ = false;
  close_file(directory_);
}

}  // namespace luna::os
