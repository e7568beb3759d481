// SPDX-License-Identifier: MIT
// Small files in which the kernel tells of itself: a number, a text, lines. Each is opened for
// one read and closed again, and what is not whole is not told.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace luna::os {

// In place of a number: the kernel does not say, or that there is no limit.
inline constexpr std::uint64_t kUnknown = UINT64_MAX;
inline constexpr std::uint64_t kUnlimited = UINT64_MAX - 1;

// The file root + folder + "/" + name, or root + folder if it has no name. The root is empty
// but where a test has a tree of its own.
//
// No descriptor is kept: programs close all that they find, and the number that was ours would
// soon be a file of theirs. Where one has to stay open: own_file.hpp.
struct KernelFile {
  std::string_view root;
  std::string_view folder;
  std::string_view name = {};
};

// Its path as the kernel wants it. False: it is longer than any that is known.
inline constexpr std::size_t kLongestPath = 1152;
[[nodiscard]] bool write_path(const KernelFile& file, std::span<char, kLongestPath> path) noexcept;

// To read it, closed by who calls. Below 0: an errno value, negated.
[[nodiscard]] long open_file(const KernelFile& file) noexcept;
[[nodiscard]] bool exists(const KernelFile& file) noexcept;

// As much as there is, up to the capacity. Not more than 0: at the end, or it cannot be read.
[[nodiscard]] long read_some(long file, char* buffer, std::size_t capacity) noexcept;

// Has `read(context)`, which reads files, done before it returns: by the calling thread, or by
// another that has descriptors of its own.
using FileReading = void (*)(void (*read)(void* context), void* context);
inline void read_here(void (*read)(void* context), void* context) { read(context); }

// The whole text. Empty: it cannot be read, or does not fit with one byte to spare.
[[nodiscard]] std::string_view read_text(const KernelFile& file, char* buffer,
                                         std::size_t capacity) noexcept;

// Decimal digits and nothing else. False: they are not, or the number is too large, and the
// value is as it was.
[[nodiscard]] bool parse_decimal(std::string_view text, std::uint64_t& value) noexcept;

// The number that is the only line of a file; kUnknown: there is no such.
[[nodiscard]] std::uint64_t read_number(const KernelFile& file) noexcept;

// Cuts off and returns what stands before the next `separator`, which goes too.
[[nodiscard]] std::string_view take_part(std::string_view& text, char separator) noexcept;

// Goes through the lines of a file. Owns it. Threads: one at a time.
class LineReader {
 public:
  LineReader(const KernelFile& file, char* buffer, std::size_t capacity) noexcept
      : file_(open_file(file)), buffer_(buffer), capacity_(capacity) {}
  ~LineReader();

  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  // False after the last line; one without an end is none. The text is good until the next
  // call.
  [[nodiscard]] bool next(std::string_view& line) noexcept;

  // Whether the buffer had no room for the end of the line.
  [[nodiscard]] bool is_cut() const noexcept { return is_cut_; }

 private:
  [[nodiscard]] bool take_line(std::string_view& line) noexcept;
  [[nodiscard]] bool read_more() noexcept;

  long file_;
  char* buffer_;
  std::size_t capacity_;
  std::size_t taken_ = 0;   // bytes of the buffer that are done with
  std::size_t length_ = 0;  // bytes in the buffer
  bool is_cut_ = false;     // what follows is the rest of a line
};

// What stands behind a key, as "MemTotal: 123 kB" or "inactive_file 4096": a number, in bytes
// where the file counts in kB.
struct NamedNumber {
  std::string_view key;  // with its colon
  std::uint64_t* value;
};

// Reads all of them; kUnknown: the file does not say.
void read_named(const KernelFile& file, std::span<const NamedNumber> numbers) noexcept;

}  // namespace luna::os
