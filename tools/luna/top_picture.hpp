// SPDX-License-Identifier: MIT
// What `luna top` shows, computed from two looks at a process. top_source.hpp looks,
// top_layout.hpp draws.
#pragma once

#include "heap_profile.hpp"
#include "statistics.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace luna::tool {

// As it came from the process and the kernel.
struct TopLook {
  std::chrono::steady_clock::time_point at;
  Statistics statistics;
  std::optional<HeapProfile> profile;  // with names; nothing: samples were never taken
  bool is_sampling = false;

  // Of pressure.
  struct Limit {
    std::string name;
    std::uint64_t limit_bytes = 0;
    std::uint64_t used_bytes = 0;
  };
  std::vector<Limit> limits;
  double low_percent = 0;
  double moderate_percent = 0;
  double critical_percent = 0;
  double events = 0;                   // that the library was told of
  std::optional<double> some_percent;  // of the last 10 s in which threads waited for memory
  std::optional<double> full_percent;
};

// A call stack that allocates. Estimated from samples.
struct TopSite {
  std::string key;    // the same in each look at a process
  std::string place;  // "function at file.cpp:12"
  std::vector<std::string> stack;
  std::int64_t live_bytes = 0;
  std::int64_t live_objects = 0;
  std::int64_t allocated_bytes = 0;            // since the profile began
  std::optional<double> allocated_per_second;  // bytes; nothing: it was not looked at before
};

struct TopHeap {
  std::string name;
  std::uint64_t live_bytes = 0;
  std::uint64_t cached_bytes = 0;
  std::optional<std::uint64_t> resident_bytes;  // nothing: a heap of a thread
  std::uint64_t limit_bytes = 0;                // 0: none
  std::uint64_t denied = 0;
};

struct TopClass {
  std::uint64_t block_bytes = 0;
  std::uint64_t used_bytes = 0;
  std::uint64_t used_blocks = 0;
  std::uint64_t free_bytes = 0;
  double fullness = 0;
};

// Per second. Nothing: there was no look before.
struct TopRates {
  std::optional<double> resident_bytes;
  std::optional<double> live_bytes;
  std::optional<double> allocated_bytes;  // also nothing: no samples are taken
  std::optional<double> refills;
  std::optional<double> faults;
  std::optional<double> major_faults;
  std::optional<double> returned_bytes;
};

// All texts are printable, and of ASCII alone.
struct TopPicture {
  // Of what is resident.
  struct Part {
    char letter = ' ';
    std::string name;
    std::uint64_t bytes = 0;
  };
  struct Limit {
    std::string name;
    std::uint64_t limit_bytes = 0;
    std::uint64_t used_bytes = 0;
    double percent = 0;
  };

  std::uint64_t resident_bytes = 0;
  std::uint64_t live_bytes = 0;
  std::uint64_t committed_bytes = 0;
  std::vector<Part> parts;
  TopRates rates;
  bool is_sampling = false;
  bool has_samples = false;
  std::vector<TopSite> sites;
  std::vector<TopHeap> heaps;  // those of the program, then those of threads
  std::vector<TopClass> classes;
  std::string level;          // "none", "low", "moderate" or "critical", by the limits alone
  std::vector<Limit> limits;  // the nearest first
  double low_percent = 0;
  double moderate_percent = 0;
  double critical_percent = 0;
  double events = 0;
  std::optional<double> some_percent;
  std::optional<double> full_percent;
};

// `before`: an earlier look at the same process, or nullptr.
[[nodiscard]] TopPicture make_picture(const TopLook& now, const TopLook* before);

// Printable, with a question mark for each byte that is not of ASCII, so that each byte takes a
// cell whatever the locale is.
[[nodiscard]] std::string ascii(std::string_view text);

}  // namespace luna::tool
