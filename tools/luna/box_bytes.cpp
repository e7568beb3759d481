// SPDX-License-Identifier: MIT
#include "box_bytes.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace luna::tool {

namespace {

// So that slots one behind the other are read at once.
constexpr std::size_t kWindowBytes = 2 * BoxBytes::kMostAtOnce;

// A file that was cut short meanwhile has fewer.
[[nodiscard]] std::string read_at(int file, std::uint64_t place, std::size_t bytes) {
  std::string data(bytes, '\0');
  std::size_t done = 0;
  while (done < bytes) {
    const ssize_t count = pread(file, &data[done], bytes - done, static_cast<off_t>(place + done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
  }
  data.resize(done);
  return data;
}

}  // namespace

std::string_view BoxBytes::at(std::uint64_t place, std::size_t bytes) {
  if (place >= size_) return {};
  bytes = static_cast<std::size_t>(std::min<std::uint64_t>({bytes, kMostAtOnce, size_ - place}));
  if (file_ < 0) return all_.substr(static_cast<std::size_t>(place), bytes);
  const bool is_there = place >= window_begin_ && place + bytes <= window_begin_ + window_.size();
  if (!is_there) {
    const std::uint64_t left = size_ - place;
    window_ = read_at(file_, place,
                      static_cast<std::size_t>(std::min<std::uint64_t>(kWindowBytes, left)));
    window_begin_ = place;
  }
  const auto begin = static_cast<std::size_t>(place - window_begin_);
  return std::string_view(window_).substr(begin, bytes);
}

std::uint64_t BoxBytes::next_data(std::uint64_t place) const noexcept {
  if (file_ < 0 || place >= size_) return place;
  const off_t next = lseek(file_, static_cast<off_t>(place), SEEK_DATA);
  if (next >= 0) return static_cast<std::uint64_t>(next);
  return errno == ENXIO ? size_ : place;  // where the file system knows no holes
}

}  // namespace luna::tool
