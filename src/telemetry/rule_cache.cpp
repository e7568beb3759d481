// SPDX-License-Identifier: MIT
#include "telemetry/rule_cache.hpp"

#include "os/memory.hpp"

namespace luna {

bool RuleCache::load() noexcept {
  if (is_loaded()) return true;
  auto* fresh = static_cast<std::atomic<std::uint64_t>*>(os::map(kBytes));
  if (fresh == nullptr) return false;
  std::atomic<std::uint64_t>* none = nullptr;
  // pairs with the acquire in table(); the loser's own look at the table is its next one
  if (!table_.compare_exchange_strong(none, fresh, std::memory_order_release,
                                      std::memory_order_relaxed))
    os::release(fresh, kBytes);
  return true;
}

void RuleCache::insert(std::uintptr_t code, PackedRule rule) noexcept {
  if (code >> kAddressBits != 0) return;  // five levels of page tables, where asked for
  std::atomic<std::uint64_t>* set = table() + 2 * set_of(code);
  // Each entry is true by itself, whatever becomes of the other: no order is needed.
  set[1].store(set[0].load(std::memory_order_relaxed), std::memory_order_relaxed);
  set[0].store(tag_of(code) << kPackedRuleBits | rule, std::memory_order_relaxed);
}

void RuleCache::clear() noexcept {
  if (!is_loaded() || os::purge(table(), kBytes)) return;
  // Locked memory is not purged.
  for (std::size_t i = 0; i < 2 * kSets; ++i) table()[i].store(0, std::memory_order_relaxed);
}

}  // namespace luna
