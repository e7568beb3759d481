// SPDX-License-Identifier: MIT
// record: the value that the two big maps hold: a few fields and a payload of its
// own, so that each entry is a node and one more block.
#pragma once

#include "random.hpp"

#include <cstdint>
#include <cstring>
#include <memory>

namespace bench {

class Record {
 public:
  Record() = default;
  Record(Random& random, std::size_t low_bytes, std::size_t high_bytes)
      : identity_(random.next() & 0xFFFFFFFF),
        bytes_(static_cast<std::uint32_t>(random.between(low_bytes, high_bytes))),
        payload_(new unsigned char[bytes_]) {
    std::memset(payload_.get(), static_cast<int>(identity_ & 0xFF), bytes_);
  }

  // Uses the node and the payload: two places in memory, as a real lookup does.
  std::uint64_t read() { return identity_ + payload_[bytes_ / 2] + ++hits_; }

 private:
  std::uint64_t identity_ = 0;
  std::uint32_t bytes_ = 0;
  std::uint32_t hits_ = 0;
  std::unique_ptr<unsigned char[]> payload_;
};

}  // namespace bench
