// SPDX-License-Identifier: MIT
#include "profile_reader.hpp"

#include <zlib.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <istream>
#include <new>
#include <system_error>
#include <vector>

namespace luna::tool {

namespace {

// Far more than a profile of a million samples; what is more is a trap for readers.
constexpr std::size_t kMostBytes = std::size_t{1} << 30;
constexpr std::size_t kStep = std::size_t{1} << 18;

[[noreturn]] void throw_too_large() {
  throw ProfileError(ProfileError::kNoProfile,
                     "it has more than 1 GiB inside, which no profile has; give the file that "
                     "lunalloc wrote");
}

class Inflater {
 public:
  Inflater() {
    constexpr int kGzip = 15 + 16;
    if (inflateInit2(&stream_, kGzip) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Adds what these bytes mean. False: it is at its end.
  [[nodiscard]] bool add(std::string_view bytes, std::string& data) {
    std::string input(bytes);
    stream_.next_in = reinterpret_cast<Bytef*>(input.data());
    stream_.avail_in = static_cast<uInt>(input.size());
    do {
      stream_.next_out = room_.data();
      stream_.avail_out = static_cast<uInt>(room_.size());
      const int result = inflate(&stream_, Z_NO_FLUSH);
      const std::size_t made = room_.size() - stream_.avail_out;
      if (made > kMostBytes - data.size()) throw_too_large();
      data.append(reinterpret_cast<const char*>(room_.data()), made);
      if (result == Z_STREAM_END) return false;
      if (result != Z_OK && result != Z_BUF_ERROR)
        throw ProfileError(ProfileError::kNoProfile,
                           "it is damaged: its checksum or its blocks are wrong; take another "
                           "copy, or write the profile again");
    } while (stream_.avail_out == 0);
    return true;
  }

 private:
  z_stream stream_{};
  std::vector<Bytef> room_ = std::vector<Bytef>(kStep);
};

// The next bytes; empty: there are no more.
[[nodiscard]] std::string_view read_step(std::istream& in, std::string& buffer) {
  buffer.resize(kStep);
  in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
  return {buffer.data(), static_cast<std::size_t>(in.gcount())};
}

[[nodiscard]] std::string read_all(std::istream& in) {
  std::string data;
  std::string buffer;
  for (;;) {
    const std::string_view bytes = read_step(in, buffer);
    if (bytes.empty()) return data;
    if (bytes.size() > kMostBytes - data.size()) throw_too_large();
    data += bytes;
  }
}

}  // namespace

std::string gunzip(std::istream& in, bool& whole) {
  Inflater inflater;
  std::string data;
  std::string buffer;
  for (;;) {
    const std::string_view bytes = read_step(in, buffer);
    whole = !bytes.empty();
    if (!whole || !inflater.add(bytes, data)) return data;
  }
}

HeapProfile read_profile(std::istream& in) {
  constexpr int kGzipMagic = 0x1F;
  constexpr int kFirstTag = 0x0A;  // of the first type of values
  const int first = in.peek();
  if (first == std::istream::traits_type::eof())
    throw ProfileError(ProfileError::kNoProfile,
                       "it is empty; write the profile again, and wait until it is there");
  if (first == '{') return parse_json_profile(in);
  if (first == kGzipMagic) {
    bool whole = false;
    const std::string data = gunzip(in, whole);
    return parse_pprof(data, whole);
  }
  if (first == kFirstTag) return parse_pprof(read_all(in), true);
  throw ProfileError(ProfileError::kNoProfile,
                     "it is no profile that can be read; profile_format:json and "
                     "profile_format:pprof write such");
}

HeapProfile read_profile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::error_code ignored;
  const bool is_folder = std::filesystem::is_directory(path, ignored);
  if (!file || is_folder)
    throw ProfileError(ProfileError::kCannotOpen,
                       std::generic_category().message(is_folder ? EISDIR : errno) +
                           "; does the option `profile_file` name another file?");
  const std::uintmax_t bytes = std::filesystem::file_size(path, ignored);
  // JSON is taken piece by piece, and has many.
  if (!ignored && bytes > kMostBytes && file.peek() != '{') throw_too_large();
  try {
    return read_profile(file);
  } catch (const std::bad_alloc&) {
    throw ProfileError(ProfileError::kNoProfile, "there is no memory for all that it says");
  }
}

}  // namespace luna::tool
