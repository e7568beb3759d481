// SPDX-License-Identifier: MIT
// Models of lock-free protocols, written as the code is: a function for each thread, whose
// operations on memory are each one step. Tries every interleaving of them, and everything that
// weakly ordered memory lets loads read and stores overtake (support/weak_memory.hpp).
#pragma once

#include "support/explore.hpp"
#include "support/weak_memory.hpp"

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace luna::test {

enum class OperationKind : std::uint8_t {
  kLoad,
  kStore,
  kModify,   // a read-modify-write
  kCompare,  // one that stores if it reads what is expected, else a load
  kAwait,    // a load that waits for what is expected
  kFence,
  kLook,   // a plain read
  kWrite,  // a plain write
};

struct Operation {
  OperationKind kind;
  std::size_t place = 0;
  std::memory_order order = std::memory_order_relaxed;
  std::uint8_t value = 0;
  std::uint8_t expected = 0;
  std::function<std::uint8_t(std::uint8_t)> change;  // of kModify
};

// What the operations of a thread gave so far; what it does next follows from that.
struct StepLog {
  static constexpr std::size_t kMost = 32;

  std::array<std::uint8_t, kMost> values{};
  std::uint8_t count = 0;

  auto operator<=>(const StepLog&) const = default;

  void add(std::uint8_t value) {
    if (count == kMost) throw std::length_error("a thread takes too many steps");
    values[count++] = value;
  }
};

// A thread as its function sees it. The function is called anew for each step and returns, or is
// left by an exception, at the first operation that has not happened yet: so it must not depend on
// anything but what its operations give.
class ModelThread {
 public:
  explicit ModelThread(const StepLog& log) : log_(log) {}

  std::uint8_t load(std::size_t place, std::memory_order order) {
    return step({OperationKind::kLoad, place, order, 0, 0, {}});
  }
  void store(std::size_t place, std::uint8_t value, std::memory_order order) {
    step({OperationKind::kStore, place, order, value, 0, {}});
  }
  std::uint8_t exchange(std::size_t place, std::uint8_t value, std::memory_order order) {
    return step({OperationKind::kModify, place, order, 0, 0, [=](std::uint8_t) { return value; }});
  }
  std::uint8_t fetch_add(std::size_t place, std::uint8_t value, std::memory_order order) {
    return step({OperationKind::kModify, place, order, 0, 0,
                 [=](std::uint8_t was) { return static_cast<std::uint8_t>(was + value); }});
  }
  std::uint8_t fetch_or(std::size_t place, std::uint8_t bits, std::memory_order order) {
    return step({OperationKind::kModify, place, order, 0, 0,
                 [=](std::uint8_t was) { return static_cast<std::uint8_t>(was | bits); }});
  }
  // False: it is something else, which was read relaxed.
  bool compare_exchange(std::size_t place, std::uint8_t expected, std::uint8_t value,
                        std::memory_order order) {
    return step({OperationKind::kCompare, place, order, value, expected, {}}) == expected;
  }
  void await(std::size_t place, std::uint8_t expected, std::memory_order order) {
    step({OperationKind::kAwait, place, order, 0, expected, {}});
  }
  void fence(std::memory_order order) { step({OperationKind::kFence, 0, order, 0, 0, {}}); }

  // Of data that is not atomic. A race with a write is a complaint.
  std::uint8_t look(std::size_t place) {
    return step({OperationKind::kLook, place, std::memory_order_relaxed, 0, 0, {}});
  }
  void write(std::size_t place, std::uint8_t value) {
    step({OperationKind::kWrite, place, std::memory_order_relaxed, value, 0, {}});
  }

  // os::Lock, but for its waiting.
  bool try_lock(std::size_t place) {
    return compare_exchange(place, 0, 1, std::memory_order_acquire);
  }
  void lock(std::size_t place) {
    do await(place, 0, std::memory_order_relaxed);
    while (!try_lock(place));
  }
  void unlock(std::size_t place) { exchange(place, 0, std::memory_order_release); }

  // What must hold whenever the thread comes by here.
  static void expect(bool holds, const char* complaint) {
    if (!holds) throw complaint;
  }

  // What the check at the end shall know of the thread.
  void note(std::uint8_t result) { result_ = result; }
  [[nodiscard]] std::uint8_t result() const { return result_; }

  struct Pause {
    Operation next;
  };

 private:
  std::uint8_t step(Operation operation) {
    if (done_ == log_.count) throw Pause{std::move(operation)};
    return log_.values[done_++];
  }

  const StepLog& log_;
  std::size_t done_ = 0;
  std::uint8_t result_ = 0;
};

struct ModelState {
  WeakMemory memory;
  std::array<StepLog, kMostThreads> logs{};
  const char* complaint = nullptr;

  auto operator<=>(const ModelState&) const = default;
};

// How all is when every thread has returned.
struct ModelEnd {
  const WeakMemory& memory;
  std::array<std::uint8_t, kMostThreads> results{};

  [[nodiscard]] std::uint8_t value(std::size_t place) const { return memory.last_value(place); }
};

class Protocol {
 public:
  using Thread = std::function<void(ModelThread&)>;

  // `places` are their names in what is printed of a complaint.
  explicit Protocol(std::vector<const char*> places) : places_(std::move(places)) {}

  Protocol& begin(std::size_t place, std::uint8_t value) {
    first_.memory.begin(place, value);
    return *this;
  }
  Protocol& thread(const char* name, Thread body) {
    threads_.emplace_back(name, std::move(body));
    return *this;
  }
  // Returns what is wrong when all threads have returned, or nullptr.
  Protocol& at_end(std::function<const char*(const ModelEnd&)> check) {
    at_end_ = std::move(check);
    return *this;
  }

  [[nodiscard]] Explored explore() const { return test::explore(*this, first_); }

  // For explore().
  [[nodiscard]] const char* complaint(const ModelState& state) const;
  template <typename Visit>
  void for_each_next(const ModelState& state, Visit visit) const {
    for (std::size_t i = 0; i < threads_.size(); ++i)
      if (const std::optional<Operation> next = next_of(state, i).operation)
        for_each_outcome(state, i, *next, visit);
  }

 private:
  struct Next {
    std::optional<Operation> operation;  // none: it has returned
    const char* complaint = nullptr;
    std::uint8_t result = 0;
  };

  [[nodiscard]] Next next_of(const ModelState& state, std::size_t thread) const;
  [[nodiscard]] std::string text_of(std::size_t thread, const char* verb, std::size_t place,
                                    std::uint8_t value) const;

  template <typename Visit>
  void for_each_outcome(const ModelState& state, std::size_t thread, const Operation& next,
                        Visit visit) const {
    switch (next.kind) {
      case OperationKind::kFence:
        return visit_fence(state, thread, next, visit);
      case OperationKind::kStore:
        return visit_stores(state, thread, next, visit);
      case OperationKind::kLook:
      case OperationKind::kWrite:
        return visit_plain(state, thread, next, visit);
      default:
        return visit_loads(state, thread, next, visit);
    }
  }
  template <typename Visit>
  void visit_fence(const ModelState& state, std::size_t thread, const Operation& next,
                   Visit visit) const {
    ModelState after = state;
    after.memory.fence(thread, next.order);
    after.logs[thread].add(0);
    visit(after, std::string(threads_[thread].first) + ": fence");
  }
  template <typename Visit>
  void visit_stores(const ModelState& state, std::size_t thread, const Operation& next,
                    Visit visit) const {
    const std::size_t end = state.memory.count(next.place) + 1;
    for (std::size_t i = state.memory.oldest(thread, next.place, next.order) + 1; i < end; ++i) {
      if (!state.memory.has_gap(next.place, i)) continue;
      ModelState after = state;
      after.memory.store(thread, next.place, i, next.value, next.order);
      after.logs[thread].add(0);
      visit(after, text_of(thread, i + 1 < end ? "stores, before others," : "stores", next.place,
                           next.value));
    }
  }
  template <typename Visit>
  void visit_plain(const ModelState& state, std::size_t thread, const Operation& next,
                   Visit visit) const {
    ModelState after = state;
    const std::size_t last = state.memory.count(next.place) - 1;
    const bool writes = next.kind == OperationKind::kWrite;
    if (!state.memory.knows_last(thread, next.place)) after.complaint = "a data race";
    if (writes) after.memory.store(thread, next.place, last + 1, next.value, next.order);
    const std::uint8_t value = writes ? next.value : state.memory.value(next.place, last);
    after.logs[thread].add(value);
    visit(after, text_of(thread, writes ? "writes" : "looks at", next.place, value));
  }
  template <typename Visit>
  void visit_loads(const ModelState& state, std::size_t thread, const Operation& next,
                   Visit visit) const {
    const std::size_t end = state.memory.count(next.place);
    for (std::size_t i = state.memory.oldest(thread, next.place, next.order); i < end; ++i) {
      const std::uint8_t value = state.memory.value(next.place, i);
      const bool is_expected = value == next.expected;
      if (next.kind == OperationKind::kAwait && !is_expected) continue;
      const bool modifies = next.kind == OperationKind::kModify ||
                            (next.kind == OperationKind::kCompare && is_expected);
      if (modifies && !state.memory.has_gap(next.place, i + 1)) continue;
      ModelState after = state;
      if (modifies) {
        const std::uint8_t now = next.change ? next.change(value) : next.value;
        after.memory.modify(thread, next.place, i, now, next.order);
      } else {
        const bool fails = next.kind == OperationKind::kCompare;
        after.memory.load(thread, next.place, i, fails ? std::memory_order_relaxed : next.order);
      }
      after.logs[thread].add(value);
      visit(after, text_of(thread, modifies ? "exchanges" : "loads", next.place, value));
    }
  }

  std::vector<const char*> places_;
  std::vector<std::pair<const char*, Thread>> threads_;
  std::function<const char*(const ModelEnd&)> at_end_ = [](const ModelEnd&) { return nullptr; };
  ModelState first_;
};

inline Protocol::Next Protocol::next_of(const ModelState& state, std::size_t thread) const {
  ModelThread running(state.logs[thread]);
  try {
    threads_[thread].second(running);
  } catch (const ModelThread::Pause& pause) {
    return {pause.next, nullptr, 0};
  } catch (const char* complaint) {
    return {std::nullopt, complaint, 0};
  }
  return {std::nullopt, nullptr, running.result()};
}

inline const char* Protocol::complaint(const ModelState& state) const {
  if (state.complaint != nullptr) return state.complaint;
  ModelEnd end = {state.memory, {}};
  bool at_end = true;
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    const Next next = next_of(state, i);
    if (next.complaint != nullptr) return next.complaint;
    at_end = at_end && !next.operation.has_value();
    end.results[i] = next.result;
  }
  if (at_end) return at_end_(end);
  bool goes_on = false;
  for_each_next(state, [&](const ModelState&, const std::string&) { goes_on = true; });
  return goes_on ? nullptr : "nobody can go on";
}

inline std::string Protocol::text_of(std::size_t thread, const char* verb, std::size_t place,
                                     std::uint8_t value) const {
  std::string text = threads_[thread].first;
  text.append(": ").append(verb).append(" ").append(places_[place]);
  return text.append(" = ").append(std::to_string(value));
}

}  // namespace luna::test
