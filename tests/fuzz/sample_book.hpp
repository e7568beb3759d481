// SPDX-License-Identifier: MIT
// Who is told of samples: it remembers them, and that nobody tells it nonsense.
#pragma once

#include "fuzz/input.hpp"
#include "heap/samples.hpp"

#include <cstddef>
#include <map>

namespace luna::fuzz {

class SampleBook {
 public:
  [[nodiscard]] SampleObserver observer() {
    return {
        this,
        [](void* self, const SampledBlock& block) noexcept {
          return static_cast<SampleBook*>(self)->note_allocated(block);
        },
        [](void* self, void* memory) noexcept {
          return static_cast<SampleBook*>(self)->live_.erase(memory) != 0;
        },
        [](void* self, const SampledBlock& block) noexcept {
          return static_cast<SampleBook*>(self)->note_resized(block);
        },
        [](void* self, void* from, void* to) noexcept {
          static_cast<SampleBook*>(self)->note_moved(from, to);
        },
    };
  }

  // Refuses so many of the next samples.
  void refuse(std::size_t count) { refusals_ = count; }

  [[nodiscard]] const std::map<void*, std::size_t>& live() const { return live_; }

 private:
  [[nodiscard]] bool note_allocated(const SampledBlock& block) {
    if (refusals_ != 0) {
      --refusals_;
      return false;
    }
    must(block.block_bytes >= block.bytes, "a sample has room for what it was asked for");
    must(live_.emplace(block.memory, block.bytes).second, "a new sample is none yet");
    return true;
  }

  [[nodiscard]] bool note_resized(const SampledBlock& block) {
    const auto sample = live_.find(block.memory);
    must(sample != live_.end(), "a resized sample is known");
    sample->second = block.bytes;
    return true;
  }

  void note_moved(void* from, void* to) {
    const auto sample = live_.find(from);
    must(sample != live_.end(), "a moved sample is known");
    const std::size_t bytes = sample->second;
    live_.erase(sample);
    must(live_.emplace(to, bytes).second, "where a sample moves to there is none");
  }

  std::map<void*, std::size_t> live_;  // the bytes that were asked for
  std::size_t refusals_ = 0;
};

}  // namespace luna::fuzz
