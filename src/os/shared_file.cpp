// SPDX-License-Identifier: MIT
#include "os/shared_file.hpp"

#include "base/format.hpp"
#include "os/environment.hpp"
#include "os/memory.hpp"
#include "os/system_call.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

namespace luna::os {

namespace {

constexpr int kOwnerOnly = 0600;
constexpr int kNewFile = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
constexpr std::size_t kLongestPath = 4096;
constexpr std::string_view kEnd("\0", 1);  // of a text that the kernel reads
constexpr std::string_view kOld = ".old";

// Names that a process of the same number, in another container or before us, has left.
constexpr int kMaxTries = 100;

[[nodiscard]] int errno_of(long result) noexcept {
  return result < 0 ? static_cast<int>(-result) : 0;
}

// The kernel sends a signal to who goes beyond it.
[[nodiscard]] bool is_too_large(std::size_t bytes) noexcept {
  struct rlimit limit = {};
  if (system_call(SYS_prlimit64, 0, RLIMIT_FSIZE, nullptr, &limit) != 0) return false;
  return bytes > limit.rlim_cur;
}

// Where the file system cannot allocate by itself, zeros are written.
[[nodiscard]] int fill_with_zeros(long file, std::size_t bytes) noexcept {
  constexpr std::array<char, 512> kZeros{};
  for (std::size_t done = 0; done < bytes;) {
    const std::size_t left = bytes - done;
    const long count = system_call(SYS_pwrite64, file, kZeros.data(),
                                   left < kZeros.size() ? left : kZeros.size(), done);
    if (count == -EINTR) continue;
    if (count <= 0) return count == 0 ? EIO : errno_of(count);
    done += static_cast<std::size_t>(count);
  }
  return 0;
}

[[nodiscard]] int allocate(long file, std::size_t bytes) noexcept {
  if (is_too_large(bytes)) return EFBIG;
  long result = -EINTR;
  while (result == -EINTR) result = system_call(SYS_fallocate, file, 0, 0, bytes);
  if (result == -EOPNOTSUPP || result == -ENOSYS) return fill_with_zeros(file, bytes);
  return errno_of(result);
}

// Whether the page can be written to: the kernel puts the thread's signal mask, of 8 bytes, there.
// Used where it does not copy for us; then who cuts the file short right afterwards makes a fault.
[[nodiscard]] bool is_writable(std::byte* address) noexcept {
  constexpr std::size_t kBytesOfSet = 8;
  return system_call(SYS_rt_sigprocmask, SIG_BLOCK, nullptr, address, kBytesOfSet) != -EFAULT;
}

[[nodiscard]] bool copy_by_pages(std::byte* to, const std::byte* from, std::size_t count) noexcept {
  const std::size_t page = page_bytes();
  while (count != 0) {
    const std::size_t room = page - reinterpret_cast<std::uintptr_t>(to) % page;
    const std::size_t part = count < room ? count : room;
    if (!is_writable(to)) return false;
    std::memcpy(to, from, part);
    to += part;
    from += part;
    count -= part;
  }
  return true;
}

// By which the kernel finds the file of a descriptor. Of the thread: when that of main() has
// ended, /proc/self has none.
class OwnLink {
 public:
  explicit OwnLink(long file) noexcept {
    Text(buffer_.data(), buffer_.size())
        .add("/proc/thread-self/fd/")
        .add_decimal(static_cast<std::uint64_t>(file))
        .add(kEnd);
  }

  [[nodiscard]] const char* path() const noexcept { return buffer_.data(); }

 private:
  std::array<char, 48> buffer_;
};

}  // namespace

int SharedFile::create(std::string_view path, std::size_t bytes) noexcept {
  if (const int error = open_directory(path); error != 0) return error;
  int error = open_unnamed() ? 0 : open_temporary();
  if (error != 0) {
    drop();
    return error;
  }
  error = allocate(file_, bytes);
  if (error == 0) error = map(bytes);
  if (error != 0) release();
  return error;
}

// The directory stays the same, whatever the program's own is by then.
int SharedFile::open_directory(std::string_view path) noexcept {
  const std::size_t slash = path.rfind('/');
  const std::string_view name = part_of(path, slash + 1);  // all of it where there is none
  if (name.empty()) return EISDIR;
  if (name.size() + kOld.size() >= name_.size() || path.size() >= kLongestPath) return ENAMETOOLONG;
  Text(name_.data(), name_.size()).add(name).add(kEnd);
  std::array<char, kLongestPath> buffer;
  const std::string_view folder =
      slash == std::string_view::npos ? "." : part_of(path, 0, slash + 1);
  Text(buffer.data(), buffer.size()).add(folder).add(kEnd);
  directory_ =
      system_call(SYS_openat, AT_FDCWD, buffer.data(), O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  has_directory_ = directory_ >= 0;
  return errno_of(directory_);
}

// False: it cannot be made, or could not be given a name, as without /proc.
bool SharedFile::open_unnamed() noexcept {
  temporary_[0] = '\0';
  do {
    file_ = system_call(SYS_openat, directory_, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, kOwnerOnly);
  } while (file_ == -EINTR);
  if (file_ < 0) return false;
  struct stat status;
  has_file_ = system_call(SYS_newfstatat, AT_FDCWD, OwnLink(file_).path(), &status,
                          AT_SYMLINK_NOFOLLOW) == 0;
  if (!has_file_) system_call(SYS_close, file_);
  return has_file_;
}

int SharedFile::open_temporary() noexcept {
  file_ = -EEXIST;
  for (std::uint64_t i = 0; i < kMaxTries && file_ == -EEXIST; ++i) {
    Text text(temporary_.data(), temporary_.size());
    text.add(".lunalloc.box.").add_decimal(process_id()).add(".").add_decimal(i).add(kEnd);
    do {
      file_ = system_call(SYS_openat, directory_, temporary_.data(), kNewFile, kOwnerOnly);
    } while (file_ == -EINTR);
  }
  has_file_ = file_ >= 0;
  return errno_of(file_);
}

int SharedFile::map(std::size_t bytes) noexcept {
  const long address =
      system_call(SYS_mmap, nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file_, 0);
  if (address < 0 && address > -4096) return errno_of(address);
  memory_ = reinterpret_cast<std::byte*>(address);
  bytes_ = bytes;
  return 0;
}

int SharedFile::publish() noexcept {
  // Another process may be at the same.
  int error = EEXIST;
  for (int i = 0; i < kMaxTries && error == EEXIST; ++i) {
    error = keep_old();
    if (error == 0) error = name_file();
  }
  if (error != 0) {
    release();
    return error;
  }
  drop();
  return 0;
}

int SharedFile::name_file() noexcept {
  if (temporary_[0] != '\0')
    return errno_of(
        system_call(SYS_renameat, directory_, temporary_.data(), directory_, name_.data()));
  return errno_of(system_call(SYS_linkat, AT_FDCWD, OwnLink(file_).path(), directory_, name_.data(),
                              AT_SYMLINK_FOLLOW));
}

// What the process before has told is what somebody wants to read now. Nothing but a file is
// replaced: no device, and no folder.
int SharedFile::keep_old() noexcept {
  struct stat status;
  const long found =
      system_call(SYS_newfstatat, directory_, name_.data(), &status, AT_SYMLINK_NOFOLLOW);
  if (found == -ENOENT) return 0;
  if (found < 0) return errno_of(found);
  if (!S_ISREG(status.st_mode)) return S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
  std::array<char, kNameBytes> old;
  Text(old.data(), old.size()).add(name_.data()).add(kOld).add(kEnd);
  const long moved = system_call(SYS_renameat, directory_, name_.data(), directory_, old.data());
  return moved == -ENOENT ? 0 : errno_of(moved);  // another process was faster
}

bool SharedFile::write(std::size_t offset, const void* bytes, std::size_t count) noexcept {
  struct iovec source = {const_cast<void*>(bytes), count};
  struct iovec target = {memory_ + offset, count};
  // By a thread that lives: when that of main() has ended, the process is not found by its number.
  const long copied = system_call(SYS_process_vm_writev, thread_id(), &source, 1, &target, 1, 0);
  if (copied >= 0 || copied == -EFAULT) return copied == static_cast<long>(count);
  // Emulators and strict sandboxes do not have the call.
  return copy_by_pages(memory_ + offset, static_cast<const std::byte*>(bytes), count);
}

void SharedFile::release() noexcept {
  if (memory_ != nullptr) system_call(SYS_munmap, memory_, bytes_);
  memory_ = nullptr;
  bytes_ = 0;
  if (has_directory_ && temporary_[0] != '\0')
    system_call(SYS_unlinkat, directory_, temporary_.data(), 0);
  drop();
}

void SharedFile::drop() noexcept {
  if (has_directory_) system_call(SYS_close, directory_);
  has_directory_ = false;
  if (has_file_) system_call(SYS_close, file_);
  has_file_ = false;
}

}  // namespace luna::os
