// SPDX-License-Identifier: MIT
// Unwind rules that were asked for before, by address of code.
#pragma once

#include "telemetry/unwind_rule.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace luna {

// A table of fixed size, in sets of two: the newer rule and the one that it pushed there.
// An entry is one word, of the rule and what the set does not say of the address, so that
// it is whole for every reader and no access needs an order.
//
// Threads: any, also in signal handlers; no function waits. Owns the table until the end of
// the process.
class RuleCache {
 public:
  // Maps the table, which the kernel backs where it is written to. False: it refuses.
  [[nodiscard]] bool load() noexcept;

  [[nodiscard]] bool is_loaded() const noexcept { return table() != nullptr; }

  // Requires of these three: load() was true.
  // Returns zero when the rule is not here.
  [[nodiscard]] PackedRule find(std::uintptr_t code) const noexcept {
    const std::atomic<std::uint64_t>* set = table() + 2 * set_of(code);
    const std::uint64_t newer = set[0].load(std::memory_order_relaxed);  // alone: no partner
    if (newer >> kPackedRuleBits == tag_of(code)) return rule_of(newer);
    const std::uint64_t older = set[1].load(std::memory_order_relaxed);  // alone: no partner
    return older >> kPackedRuleBits == tag_of(code) ? rule_of(older) : 0;
  }

  // Requires also: `rule` is not zero. Threads that do so at once may undo each other's.
  void insert(std::uintptr_t code, PackedRule rule) noexcept;

  // Forgets all rules.
  void clear() noexcept;

  // nullptr: there is none yet.
  [[nodiscard]] const void* memory() const noexcept { return table(); }

  static constexpr std::size_t kSets = 4096;
  static constexpr std::size_t kBytes = kSets * 2 * sizeof(std::uint64_t);

 private:
  static constexpr unsigned kSetBits = 12;
  static constexpr unsigned kAddressBits = 48;
  static_assert(kAddressBits - kSetBits + kPackedRuleBits == 64);
  static_assert(kSets == std::size_t{1} << kSetBits);

  [[nodiscard]] static std::uintptr_t tag_of(std::uintptr_t code) noexcept {
    return code >> kSetBits;
  }

  // Of two addresses with the same tag, no two have the same set.
  [[nodiscard]] static std::size_t set_of(std::uintptr_t code) noexcept {
    const std::uintptr_t tag = tag_of(code);
    return (code ^ tag * 0x9e5 ^ tag >> kSetBits) & (kSets - 1);
  }

  [[nodiscard]] static PackedRule rule_of(std::uint64_t entry) noexcept {
    return entry & ((std::uint64_t{1} << kPackedRuleBits) - 1);
  }

  [[nodiscard]] std::atomic<std::uint64_t>* table() const noexcept {
    return table_.load(std::memory_order_acquire);  // pairs with the release in load()
  }

  std::atomic<std::atomic<std::uint64_t>*> table_{nullptr};
};

}  // namespace luna
