// SPDX-License-Identifier: MIT
// A bounded queue of blocks between threads, whose operations never wait and make no system call.
// The algorithm is Dmitry Vyukov's bounded queue for many producers and many consumers (2010).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace luna {

struct QueuedBlock {
  void* pointer = nullptr;
  std::size_t bytes = 0;
};

// Each cell has a number that says whose turn it is: that of the push which may fill it, one more
// once it is filled, and that of the push one round later once it is empty again. A thread claims
// a position where the turn is its own, and then works on the cell alone. One that is stopped in
// between holds up the cell: others find the queue full, or empty, there, and wait for nothing.
//
// Threads: any, and handlers of signals.
class BlockQueue {
 public:
  struct Cell {
    std::atomic<std::size_t> turn;
    QueuedBlock block;
  };

  // Requires: `cells` has `capacity` cells, which is a power of two and at least 2.
  BlockQueue(Cell* cells, std::size_t capacity) noexcept : cells_(cells), mask_(capacity - 1) {
    // nobody else knows of them yet
    for (std::size_t i = 0; i < capacity; ++i) cells[i].turn.store(i, std::memory_order_relaxed);
  }

  BlockQueue(const BlockQueue&) = delete;
  BlockQueue& operator=(const BlockQueue&) = delete;

  // False: it is full.
  [[nodiscard]] bool try_push(const QueuedBlock& block) noexcept {
    // the claim below looks again
    std::size_t position = tail_.load(std::memory_order_relaxed);
    while (true) {
      Cell& cell = cells_[position & mask_];
      // pairs with the release in try_pop(): what it read of the cell it has read
      const std::size_t turn = cell.turn.load(std::memory_order_acquire);
      if (turn == position) {
        // Claims the position alone: what goes with it is published by the turn.
        if (!tail_.compare_exchange_weak(position, position + 1, std::memory_order_relaxed))
          continue;
        cell.block = block;
        cell.turn.store(position + 1, std::memory_order_release);  // pairs with try_pop()
        return true;
      }
      if (is_before(turn, position)) return false;
      position = tail_.load(std::memory_order_relaxed);  // others were faster; as above
    }
  }

  // False: it is empty.
  [[nodiscard]] bool try_pop(QueuedBlock& block) noexcept {
    // the claim below looks again
    std::size_t position = head_.load(std::memory_order_relaxed);
    while (true) {
      Cell& cell = cells_[position & mask_];
      // pairs with the release in try_push()
      const std::size_t turn = cell.turn.load(std::memory_order_acquire);
      if (turn == position + 1) {
        // Claims the position alone: what goes with it is published by the turn.
        if (!head_.compare_exchange_weak(position, position + 1, std::memory_order_relaxed))
          continue;
        block = cell.block;
        cell.turn.store(position + mask_ + 1, std::memory_order_release);  // pairs with try_push()
        return true;
      }
      if (is_before(turn, position + 1)) return false;
      position = head_.load(std::memory_order_relaxed);  // others were faster; as above
    }
  }

  [[nodiscard]] std::size_t capacity() const noexcept { return mask_ + 1; }

  // Exact while nobody changes it; never more than the capacity.
  [[nodiscard]] std::size_t count() const noexcept {
    // A snapshot of two numbers that need not belong together: relaxed, with no partner.
    const std::size_t head = head_.load(std::memory_order_relaxed);
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (is_before(tail, head)) return 0;
    return tail - head < capacity() ? tail - head : capacity();
  }

 private:
  // Numbers wrap around; those that are compared are never far apart.
  [[nodiscard]] static bool is_before(std::size_t one, std::size_t other) noexcept {
    return static_cast<std::ptrdiff_t>(one - other) < 0;
  }

  Cell* const cells_;
  const std::size_t mask_;
  alignas(64) std::atomic<std::size_t> tail_{0};  // of the next push
  alignas(64) std::atomic<std::size_t> head_{0};  // of the next pop
};

}  // namespace luna
