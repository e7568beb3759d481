// SPDX-License-Identifier: MIT
// A profile of the heap as it stands in a file, in whichever format; profile_reader.hpp reads it,
// symbolizer.hpp gives names to its frames, profile_view.hpp chooses what of it is told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace luna::tool {

// A file that cannot be read or written at all; what() is a line that says why, and what to do.
class ProfileError : public std::runtime_error {
 public:
  // Of the command.
  enum Status { kDone, kCannotOpen, kUsage, kNoProfile, kOtherVersion, kCutShort };

  ProfileError(Status status, const std::string& what)
      : std::runtime_error(what), status_(status) {}
  [[nodiscard]] Status status() const noexcept { return status_; }

 private:
  Status status_;
};

// As numbers of a damaged file may be anything, sums of them wrap around.
[[nodiscard]] constexpr std::int64_t wrapped_sum(std::int64_t one, std::int64_t other) noexcept {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(one) +
                                   static_cast<std::uint64_t>(other));
}
[[nodiscard]] constexpr std::int64_t wrapped_difference(std::int64_t one,
                                                        std::int64_t other) noexcept {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(one) -
                                   static_cast<std::uint64_t>(other));
}

// Everything is named by its place in a vector, as in the protobuf of pprof.
//
// Invariants, which the readers see to:
//   1. each sample has types.size() values, and its frames are places in `locations`
//   2. the mapping of a location, the functions of its lines and the labels of a sample exist, and
//   the sites
//      of patterns
struct HeapProfile {
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  struct ValueType {
    std::string name;
    std::string unit;
  };
  struct Mapping {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::uint64_t file_offset = 0;  // of the byte at `begin`
    // What the loader added to the addresses in the file. A profile for pprof does not tell it.
    std::optional<std::uint64_t> bias;
    std::string path;
    std::string build_id;  // in hexadecimal digits; empty: it has none
  };
  struct Function {
    std::string name;
    std::string file;  // may be empty
  };
  struct Line {
    std::uint32_t function = 0;
    std::uint64_t line = 0;  // 0: unknown
  };
  // A frame of the stack. Several lines: the first are inlined into the last.
  struct Location {
    std::uint64_t address = 0;  // within the call; 0: it has none
    std::uint32_t mapping = kNone;
    std::vector<Line> lines;  // empty: no name is known
  };
  struct Label {
    std::string key;
    std::string value;
  };
  struct Sample {
    std::size_t first_frame = 0;
    std::uint32_t frames = 0;
    std::uint32_t labels = 0;  // a place in label_sets
  };
  // What the profiler noticed beside the sums, as docs/telemetry.md tells; only of JSON.
  struct Patterns {
    // A site that is unlike its past.
    struct Change {
      std::int64_t site = 0;  // a place in `samples`
      std::string of;
      std::int64_t now = 0;
      std::int64_t before = 0;
    };

    std::int64_t freed_by_same_thread = 0;  // bytes
    std::int64_t freed_by_others = 0;
    std::int64_t wave_period_ns = 0;  // 0: there are no waves
    std::int64_t wave_swing_bytes = 0;
    std::int64_t wave_mean_bytes = 0;
    std::vector<Change> changes;
  };

  // How many objects of all samples are of which sizes or lifetimes; only of JSON. Bucket i has
  // what is below bounds[i], or for sizes not above it; the last, which has no bound, what is more.
  struct Histogram {
    std::vector<std::int64_t> bounds;
    std::vector<std::int64_t> objects;
  };

  // The places of its locations, innermost first.
  [[nodiscard]] std::span<const std::uint32_t> stack_of(const Sample& sample) const noexcept {
    return std::span(frames).subspan(sample.first_frame, sample.frames);
  }
  [[nodiscard]] std::int64_t value_of(std::size_t sample, std::size_t type) const noexcept {
    return values[sample * types.size() + type];
  }

  std::vector<ValueType> types;
  std::size_t default_type = 0;  // the one that is shown where nobody chooses
  std::uint64_t interval_bytes = 0;
  std::uint64_t began_ns = 0;  // since 1970
  std::uint64_t duration_ns = 0;
  std::vector<std::string> comments;
  std::vector<Mapping> mappings;
  std::vector<Function> functions;
  std::vector<Location> locations;
  std::vector<std::vector<Label>> label_sets = {{}};  // the first is that without labels
  std::vector<std::uint32_t> frames;                  // of all samples
  std::vector<std::int64_t> values;                   // of all samples
  std::vector<Sample> samples;
  Patterns patterns;
  Histogram sizes;      // bytes that were asked for, of what was allocated
  Histogram lifetimes;  // nanoseconds, of what was freed
  std::string cut;      // why it was not read to its end; empty: it was
};

}  // namespace luna::tool
