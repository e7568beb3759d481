// SPDX-License-Identifier: MIT
// What the parts of profile_torture share: the profile's functions, rounds, and blocks that
// threads hand to each other.
#pragma once

#include "expect.hpp"
#include "profile_api.hpp"

#include <malloc.h>
#include <time.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace torture {

// So many rounds, or as many as there are in LUNA_STRESS_SECONDS if that is set.
class Rounds {
 public:
  explicit Rounds(int count) : left_(count) {
    if (const char* seconds = getenv("LUNA_STRESS_SECONDS"); seconds != nullptr)
      end_ = now() + atoll(seconds);
  }
  [[nodiscard]] bool next() { return end_ != 0 ? now() < end_ : left_-- > 0; }

 private:
  [[nodiscard]] static long long now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec;
  }

  int left_;
  long long end_ = 0;
};

// Numbers for one thread; every seed but 0 is a good one.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15) {}
  [[nodiscard]] std::size_t below(std::size_t end) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<std::size_t>(state_ >> 16) % end;
  }

 private:
  std::uint64_t state_;
};

// A block knows its size, and is filled by it, so that whoever frees it can look.
struct Head {
  std::size_t bytes;
  std::size_t mark;
};

[[nodiscard]] inline void* marked(void* memory, std::size_t bytes) {
  EXPECT(memory != nullptr);
  auto* head = static_cast<Head*>(memory);
  *head = {bytes, ~bytes};
  auto* text = static_cast<unsigned char*>(memory);
  if (bytes > sizeof(Head)) text[bytes - 1] = static_cast<unsigned char>(bytes * 31);
  return memory;
}

inline void look_at(const void* block) {
  const auto* head = static_cast<const Head*>(block);
  EXPECT_FOR(head->bytes, head->mark == ~head->bytes);
  const auto* text = static_cast<const unsigned char*>(block);
  if (head->bytes > sizeof(Head))
    EXPECT_FOR(head->bytes, text[head->bytes - 1] == static_cast<unsigned char>(head->bytes * 31));
}

[[nodiscard]] inline std::size_t some_bytes(Chance& chance) {
  const std::size_t choice = chance.below(1000);
  if (choice == 0) return sizeof(Head) + chance.below(std::size_t{12} << 20);
  if (choice < 20) return sizeof(Head) + chance.below(200'000);
  return sizeof(Head) + chance.below(choice < 200 ? 10'000 : 400);
}

// By one of the functions that give memory.
[[nodiscard]] inline void* take(Chance& chance) {
  const std::size_t bytes = some_bytes(chance);
  switch (chance.below(6)) {
    case 0: {
      void* block = expect::opaque(calloc(1, bytes));
      for (std::size_t i = 0; i < bytes; i += 509) EXPECT(static_cast<const char*>(block)[i] == 0);
      return marked(block, bytes);
    }
    case 1:
      return marked(expect::opaque(memalign(std::size_t{16} << chance.below(10), bytes)), bytes);
    case 2: {
      void* block = marked(expect::opaque(malloc(bytes)), bytes);
      const std::size_t more = some_bytes(chance);
      block = expect::opaque(realloc(block, more));
      EXPECT(block != nullptr && static_cast<Head*>(block)->mark == ~bytes);
      return marked(block, more);
    }
    default:
      return marked(expect::opaque(malloc(bytes)), bytes);
  }
}

inline void drop(void* block) {
  if (block == nullptr) return;
  look_at(block);
  free(block);
}

// Where threads put blocks down for others to free.
class Exchange {
 public:
  [[nodiscard]] void* swap(Chance& chance, void* block) {
    return places_[chance.below(places_.size())].exchange(block);
  }
  void clear() {
    for (std::atomic<void*>& place : places_) drop(place.exchange(nullptr));
  }

 private:
  std::array<std::atomic<void*>, 256> places_{};
};

inline void work(Exchange& exchange, Chance& chance, int steps) {
  for (int i = 0; i < steps; ++i) drop(exchange.swap(chance, take(chance)));
}

}  // namespace torture
