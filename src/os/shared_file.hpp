// SPDX-License-Identifier: MIT
// A file of fixed size that is mapped and shared with the page cache: what was written to it
// outlives the process, however that ends. Readable by its owner alone.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna::os {

// All of it is allocated before the first write, and the kernel copies what is written: neither
// a full disk nor who cuts the file short can make a write a fault. No descriptor is kept beyond
// publish(). Where the file system and /proc allow it the file has no name before, so that a kill
// leaves nothing behind; else it has one that begins with .lunalloc.box.
//
// Threads: write() any, the others one.
class SharedFile {
 public:
  constexpr SharedFile() noexcept = default;
  SharedFile(const SharedFile&) = delete;
  SharedFile& operator=(const SharedFile&) = delete;

  // Allocates and maps a file of zeros that is going to have this path. Returns 0 or an errno
  // value; nothing is left behind then. Requires: none is there.
  [[nodiscard]] int create(std::string_view path, std::size_t bytes) noexcept;

  // Gives it its name; a file that had it has the name with .old behind it from then on. Returns
  // 0 or an errno value; then it is gone. Requires: create() was called.
  [[nodiscard]] int publish() noexcept;

  // False: there is no such part of the file any more, or it cannot be backed. Requires: it is
  // within its bytes, from a multiple of 8 on, and the file has 8 bytes or more from there.
  [[nodiscard]] bool write(std::size_t offset, const void* bytes, std::size_t count) noexcept;

  [[nodiscard]] bool is_there() const noexcept { return memory_ != nullptr; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  // Lets go of it; the file stays, but for one that has no name yet.
  void release() noexcept;

 private:
  static constexpr std::size_t kNameBytes = 256;  // the longest that a file can have

  [[nodiscard]] int open_directory(std::string_view path) noexcept;
  [[nodiscard]] bool open_unnamed() noexcept;
  [[nodiscard]] int open_temporary() noexcept;
  [[nodiscard]] int name_file() noexcept;
  [[nodiscard]] int map(std::size_t bytes) noexcept;
  [[nodiscard]] int keep_old() noexcept;
  void drop() noexcept;

  std::byte* memory_ = nullptr;
  std::size_t bytes_ = 0;
  long directory_ = 0;
  bool has_directory_ = false;  // until the file has its name; all zeros without one
  long file_ = 0;
  bool has_file_ = false;  // likewise
  std::array<char, kNameBytes> name_{};
  std::array<char, 64> temporary_{};  // the name meanwhile; empty: it has none
};

}  // namespace luna::os
