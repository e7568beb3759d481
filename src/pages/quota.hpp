// SPDX-License-Identifier: MIT
// How many bytes one of several heaps may have in use, and what it has. Quotas form a tree: what
// one is charged, those above it are charged too.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace luna {

// Threads: any. What is claimed by several at once never exceeds a limit; one of them may be
// denied for what another one claims and does not get.
class Quota {
 public:
  static constexpr std::size_t kNoLimit = SIZE_MAX;

  // Requires: nothing is charged, and `parent` lives as long.
  void begin(Quota* parent, std::size_t limit_bytes) noexcept {
    parent_ = parent;
    limit_.store(limit_bytes, std::memory_order_relaxed);
    used_.store(0, std::memory_order_relaxed);
    peak_.store(0, std::memory_order_relaxed);
  }

  // Charges so many bytes here and above. False: some limit does not permit it, and nothing has
  // changed.
  [[nodiscard]] bool claim(std::size_t bytes) noexcept {
    for (Quota* at = this; at != nullptr; at = at->parent_) {
      if (at->add(bytes)) continue;
      for (Quota* charged = this; charged != at; charged = charged->parent_)
        charged->subtract(bytes);
      return false;
    }
    for (Quota* at = this; at != nullptr; at = at->parent_) at->note_peak();
    return true;
  }

  void release(std::size_t bytes) noexcept {
    for (Quota* at = this; at != nullptr; at = at->parent_) at->subtract(bytes);
  }

  // Less than what is charged by now denies what comes next, and takes nothing away.
  void set_limit(std::size_t bytes) noexcept { limit_.store(bytes, std::memory_order_relaxed); }
  [[nodiscard]] std::size_t limit() const noexcept {
    return limit_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::size_t used() const noexcept { return used_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t peak() const noexcept { return peak_.load(std::memory_order_relaxed); }
  [[nodiscard]] Quota* parent() const noexcept { return parent_; }

 private:
  // Only the sum itself has to be right, so no order is wanted here or below.
  [[nodiscard]] bool add(std::size_t bytes) noexcept {
    std::size_t used = used_.load(std::memory_order_relaxed);
    do {
      const std::size_t limit = limit_.load(std::memory_order_relaxed);
      if (bytes > limit || used > limit - bytes) return false;
    } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
    return true;
  }
  void subtract(std::size_t bytes) noexcept { used_.fetch_sub(bytes, std::memory_order_relaxed); }
  void note_peak() noexcept {
    const std::size_t now = used();
    std::size_t peak = peak_.load(std::memory_order_relaxed);
    while (now > peak && !peak_.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
    }
  }

  Quota* parent_ = nullptr;
  std::atomic<std::size_t> limit_{kNoLimit};
  std::atomic<std::size_t> used_{0};
  std::atomic<std::size_t> peak_{0};
};

// What a page heap has claimed of its quota, under its lock. Without a quota nothing is denied.
class Charge {
 public:
  void begin(Quota* quota) noexcept { quota_ = quota; }

  // Claims what is missing to have so many bytes in use. False: it is denied.
  [[nodiscard]] bool covers(std::size_t bytes) noexcept {
    if (quota_ == nullptr || bytes <= bytes_) return true;
    if (!quota_->claim(bytes - bytes_)) return false;
    bytes_ = bytes;
    return true;
  }

  // So much is in use now. What is not yet covered will be when it is known how much it is.
  void settle(std::size_t bytes) noexcept {
    if (quota_ == nullptr || bytes >= bytes_) return;
    quota_->release(bytes_ - bytes);
    bytes_ = bytes;
  }

 private:
  Quota* quota_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace luna
