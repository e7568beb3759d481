// SPDX-License-Identifier: MIT
// A model of remote frees, small enough to try every interleaving: two threads
// that free, two heaps that may own, one slab. Each atomic operation of
// heap/remote.cpp, Allocator::publish_freed_blocks() and ThreadHeap::drain() is
// one step; the names of the steps say which.
#pragma once

#include <array>
#include <compare>
#include <cstdint>

namespace luna::test {

// What is done otherwise than it should be.
enum class Variant : std::uint8_t {
  kSound,
  kUnlistAfterCollecting,     // the owner sets `listed` to 0 after it took the bits
  kPublishBitsAfterListing,   // a thread that frees looks at `listed` before it sets its bit
  kPushOrphanWithoutALook,    // who must push an orphan takes it to have an owner still
  kReadOwnerBeforeUnlisting,  // unlist_orphan() reads the owner before `listed` becomes 0
  kReleaseWithoutCounting,    // the owner gives the slab back when it collected anything
};

enum class Step : std::uint8_t {
  kIdle,
  // A thread that frees.
  kSetBit,      // freed.fetch_or
  kLookListed,  // listed.load
  kTakeListed,  // listed.exchange(1)
  // Either, with a slab that it alone may push.
  kReadOwner,   // slab.heap()
  kPush,        // returned().push to `owner`
  kUnlist,      // unlist_orphan: listed.exchange(0)
  kReadOwner2,  // unlist_orphan: slab.heap()
  kLookBits,    // unlist_orphan: freed.load
  kRelist,      // unlist_orphan: listed.exchange(1)
  // A heap.
  kDrain,      // the slab was taken off the stack: slab.heap()
  kUnlistOwn,  // listed.exchange(0)
  kCollect,    // freed.exchange(0)
  kRelease,    // owner.store(0)
  kPutGranule,
};

// A thread that frees its block, or a heap. Plain bytes, so that states compare.
struct Actor {
  Step step = Step::kIdle;
  std::uint8_t owner = 0;  // what it read: 0 or the number of a heap
  bool holds = false;      // a thread: it has a block of the slab to free

  auto operator<=>(const Actor&) const = default;
};

struct State {
  std::uint8_t bits = 0;    // freed
  std::uint8_t listed = 0;  // of the remote area
  std::uint8_t owner = 1;   // heap 1 or 2; 0 none
  std::uint8_t used = 3;    // blocks out, as the owner counts
  bool local = true;        // a block of the owner's own is out
  bool granule_free = false;
  std::array<bool, 2> stacked{};       // on the stack of heap 1, heap 2
  std::uint8_t allocations_left = 2;   // how often a thread is given a block again
  std::uint8_t acquisitions_left = 2;  // how often the granule becomes a slab again
  std::array<Actor, 2> threads = {Actor{.holds = true}, Actor{.holds = true}};
  std::array<Actor, 2> heaps{};

  auto operator<=>(const State&) const = default;
};

// All that can happen next.
class Model {
 public:
  explicit Model(Variant variant) : variant_(variant) {}

  // Calls `visit(next state, what happened)` for each thing that can happen.
  template <typename Visit>
  void for_each_next(const State& state, Visit visit) const {
    for (std::uint8_t i = 0; i < 2; ++i) {
      if (state.threads[i].step != Step::kIdle || state.threads[i].holds) {
        State next = state;
        visit(next, step_thread(next, i));
      }
      if (state.heaps[i].step != Step::kIdle) {
        State next = state;
        visit(next, step_heap(next, i));
      } else {
        for_each_beginning(state, i, visit);
      }
    }
  }

  // What must not be in `state`; nullptr if all is well.
  [[nodiscard]] static const char* complaint(const State& state);

 private:
  // What heap `i` may begin when it is idle.
  template <typename Visit>
  static void for_each_beginning(const State& state, std::uint8_t i, Visit visit) {
    const auto number = static_cast<std::uint8_t>(i + 1);
    State next = state;
    if (begin_drain(next, i)) visit(next, "heap takes its stack");
    next = state;
    if (free_own_block(next, i, number)) visit(next, "heap frees a block of its own");
    next = state;
    if (acquire(next, number)) visit(next, "heap makes the granule a slab");
    for (std::uint8_t thread = 0; thread < 2; ++thread) {
      next = state;
      if (allocate(next, number, thread)) visit(next, "heap gives a thread a block");
    }
  }

  [[nodiscard]] const char* step_thread(State& state, std::uint8_t i) const;
  [[nodiscard]] const char* step_heap(State& state, std::uint8_t i) const;
  [[nodiscard]] const char* step_pusher(State& state, Actor& actor) const;

  [[nodiscard]] static bool begin_drain(State& state, std::uint8_t i);
  [[nodiscard]] static bool free_own_block(State& state, std::uint8_t i, std::uint8_t number);
  [[nodiscard]] static bool acquire(State& state, std::uint8_t number);
  [[nodiscard]] static bool allocate(State& state, std::uint8_t number, std::uint8_t thread);

  Variant variant_;
};

// True for one who holds the slab alone, between taking it off a stack or
// listing it and unlisting or pushing it.
[[nodiscard]] inline bool has_slab_in_hand(const Actor& actor) {
  return actor.step == Step::kReadOwner || actor.step == Step::kPush ||
         actor.step == Step::kUnlist || actor.step == Step::kDrain ||
         actor.step == Step::kUnlistOwn;
}

inline const char* Model::complaint(const State& state) {
  int places = state.stacked[0] + state.stacked[1];
  for (const Actor& actor : state.threads) places += has_slab_in_hand(actor);
  for (const Actor& actor : state.heaps) places += has_slab_in_hand(actor);
  if (places > 1) return "the slab is in two places";
  bool at_rest = places == 0;
  for (const Actor& thread : state.threads) {
    at_rest = at_rest && thread.step == Step::kIdle && !thread.holds;
    if (thread.step == Step::kPush && thread.owner == 0) return "it is pushed to no owner";
  }
  for (const Actor& heap : state.heaps) {
    at_rest = at_rest && heap.step == Step::kIdle;
    if (heap.step == Step::kPush && heap.owner == 0) return "it is pushed to no owner";
    const bool out =
        state.local || state.bits != 0 || state.threads[0].holds || state.threads[1].holds;
    if (heap.step == Step::kPutGranule && out) return "it was released with a block out";
  }
  if (at_rest && state.bits != 0) return "a freed block is lost";
  if (at_rest && state.listed != 0) return "the slab can never be listed again";
  return nullptr;
}

inline bool Model::begin_drain(State& state, std::uint8_t i) {
  if (!state.stacked[i]) return false;
  state.stacked[i] = false;
  state.heaps[i].step = Step::kDrain;
  return true;
}

inline bool Model::free_own_block(State& state, std::uint8_t i, std::uint8_t number) {
  if (state.owner != number || !state.local) return false;
  state.local = false;
  if (--state.used == 0) state.heaps[i].step = Step::kRelease;
  return true;
}

inline bool Model::acquire(State& state, std::uint8_t number) {
  if (!state.granule_free || state.acquisitions_left == 0) return false;
  --state.acquisitions_left;
  state.granule_free = false;
  state.owner = number;
  state.local = true;
  state.used = 1;
  return true;
}

// A thread's block is always the same one: it is free when its bit is clear.
inline bool Model::allocate(State& state, std::uint8_t number, std::uint8_t thread) {
  Actor& actor = state.threads[thread];
  const bool block_is_out = actor.holds || (state.bits >> thread & 1) != 0;
  if (state.owner != number || state.allocations_left == 0 || block_is_out) return false;
  if (actor.step != Step::kIdle) return false;
  // While the owner is between taking bits and counting them, it does not allocate:
  // it is one thread, and for_each_beginning asks idle heaps only.
  --state.allocations_left;
  actor.holds = true;
  ++state.used;
  return true;
}

inline const char* Model::step_thread(State& state, std::uint8_t i) const {
  Actor& actor = state.threads[i];
  const auto bit = static_cast<std::uint8_t>(1U << i);
  const bool bits_last = variant_ == Variant::kPublishBitsAfterListing;
  switch (actor.step) {
    case Step::kIdle:
      actor.step = bits_last ? Step::kLookListed : Step::kSetBit;
      return "thread begins to free its block";
    case Step::kSetBit:
      state.bits |= bit;
      actor.holds = false;
      actor.step = bits_last ? Step::kIdle : Step::kLookListed;
      return "thread sets its bit";
    case Step::kLookListed:
      actor.step = state.listed == 0 ? Step::kTakeListed : bits_last ? Step::kSetBit : Step::kIdle;
      return "thread looks at listed";
    case Step::kTakeListed:
      actor.step = state.listed == 0 ? Step::kReadOwner : Step::kIdle;
      if (bits_last) {
        state.bits |= bit;
        actor.holds = false;
      }
      state.listed = 1;
      return "thread sets listed";
    default:
      return step_pusher(state, actor);
  }
}

// The loop of publish_freed_blocks(), which drain() ends with as well.
inline const char* Model::step_pusher(State& state, Actor& actor) const {
  const bool early = variant_ == Variant::kReadOwnerBeforeUnlisting;
  switch (actor.step) {
    case Step::kReadOwner:
      actor.owner = state.owner;
      actor.step = actor.owner != 0 ? Step::kPush : Step::kUnlist;
      if (actor.step == Step::kUnlist && early) actor.owner = state.owner;
      return "pusher reads the owner";
    case Step::kPush:
      state.stacked[actor.owner - 1U] = true;
      actor.owner = 0;
      actor.step = Step::kIdle;
      return "pusher pushes the slab";
    case Step::kUnlist:
      state.listed = 0;
      actor.step = !early ? Step::kReadOwner2 : actor.owner == 0 ? Step::kIdle : Step::kLookBits;
      return "pusher sets listed to 0";
    case Step::kReadOwner2:
      actor.step = state.owner != 0 ? Step::kLookBits : Step::kIdle;
      return "pusher reads the owner again";
    case Step::kLookBits:
      actor.step = state.bits != 0 ? Step::kRelist : Step::kIdle;
      return "pusher looks for bits";
    case Step::kRelist:
      actor.step = state.listed == 0 ? Step::kReadOwner : Step::kIdle;
      state.listed = 1;
      if (actor.step == Step::kReadOwner && variant_ == Variant::kPushOrphanWithoutALook) {
        actor.owner = state.owner;
        actor.step = Step::kPush;
      }
      return "pusher sets listed again";
    default:
      return "impossible";
  }
}

inline const char* Model::step_heap(State& state, std::uint8_t i) const {
  Actor& actor = state.heaps[i];
  const bool unlist_last = variant_ == Variant::kUnlistAfterCollecting;
  switch (actor.step) {
    case Step::kDrain:
      actor.owner = state.owner;
      actor.step = actor.owner == 0       ? Step::kUnlist
                   : actor.owner != i + 1 ? Step::kPush
                   : unlist_last          ? Step::kCollect
                                          : Step::kUnlistOwn;
      return "heap reads the owner";
    case Step::kUnlistOwn:
      state.listed = 0;
      actor.step = unlist_last ? Step::kIdle : Step::kCollect;
      if (unlist_last && state.used == 0) actor.step = Step::kRelease;
      return "heap sets listed to 0";
    case Step::kCollect: {
      const auto count = static_cast<std::uint8_t>((state.bits & 1) + (state.bits >> 1));
      const bool hasty = variant_ == Variant::kReleaseWithoutCounting && count != 0;
      state.used = static_cast<std::uint8_t>(state.used - count);
      state.bits = 0;
      actor.owner = 0;
      actor.step = count != 0 && (state.used == 0 || hasty) ? Step::kRelease : Step::kIdle;
      if (unlist_last) actor.step = Step::kUnlistOwn;
      return "heap takes the bits";
    }
    case Step::kRelease:
      state.owner = 0;
      actor.step = Step::kPutGranule;
      return "heap gives up the slab";
    case Step::kPutGranule:
      state.granule_free = true;
      actor.step = Step::kIdle;
      return "heap puts the granule";
    default:
      return step_pusher(state, actor);
  }
}

}  // namespace luna::test
