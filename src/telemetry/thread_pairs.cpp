// SPDX-License-Identifier: MIT
#include "telemetry/thread_pairs.hpp"

#include "base/mixed.hpp"

namespace luna {

void ThreadPairs::add(std::uint32_t from, std::uint32_t to, double objects, double bytes) noexcept {
  if (from == 0 || to == 0) {
    unknown_bytes_ += bytes;
    return;
  }
  if (from == to) {
    own_bytes_ += bytes;
    return;
  }
  crossed_bytes_ += bytes;
  const std::size_t set = mixed(std::uint64_t{from} << 32 | to) % kSets;
  ThreadPair* least = &pairs_[set * kWays];
  for (std::size_t way = 0; way < kWays; ++way) {
    ThreadPair& pair = pairs_[set * kWays + way];
    if (pair.from == 0) pair = {from, to, 0, 0};
    if (pair.from == from && pair.to == to) {
      pair.objects += objects;
      pair.bytes += bytes;
      return;
    }
    if (pair.bytes < least->bytes) least = &pair;
  }
  merge(*least, {from, to, objects, bytes});
}

// Who stays has the bytes of both; his objects grow by the same factor, so that their mean is
// right too.
void ThreadPairs::merge(ThreadPair& old, const ThreadPair& come) noexcept {
  const double bytes = old.bytes + come.bytes;
  ++merges_;
  if (!(bytes > 0)) return;
  const bool is_new = uniform() * bytes < come.bytes;
  if (is_new) old = come;
  old.objects *= bytes / old.bytes;
  old.bytes = bytes;
}

double ThreadPairs::uniform() noexcept {
  random_ += kRandomStep;
  return (static_cast<double>(mixed(random_) >> 11) + 0.5) * 0x1p-53;
}

}  // namespace luna
