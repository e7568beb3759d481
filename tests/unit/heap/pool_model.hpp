// SPDX-License-Identifier: MIT
// A model of a pool, small enough to try every interleaving: two threads that allocate and free,
// one that trims, two chunks of one block each. Each access of Pool and PoolChunks to what others
// see is one step; the names of the steps say which. Together the threads never want more than
// there may be.
#pragma once

#include <array>
#include <compare>
#include <cstdint>

namespace luna::test {

// What is done otherwise than it should be.
enum class PoolVariant : std::uint8_t {
  kSound,
  kDenyBySecondLook,      // whether to deny is read off another look at the count
  kRetireWithoutClosing,  // a chunk that looked empty is taken out
  kAddOpenChunk,          // a new record has an open word before its chunk is ready
  kClosePlacesLater,      // places are given up after the words are closed
};

enum class PoolStep : std::uint8_t {
  kIdle,
  // A thread that allocates: take_place(), grow(), take_in().
  kReadCount,
  kTakePlace,
  kLookAgain,  // at the count, in the broken variant
  kLockToGrow,
  kAddRecord,
  kOpenWord,
  kAddPlace,
  kSearch,
  // One that frees.
  kMarkFree,
  kDropPlace,
  // The one that trims: retire_if_empty() for each chunk.
  kLookEmpty,
  kGiveUpPlace,
  kClose,
  kReturnPlace,
  kRemove,
};

struct PoolCount {
  std::uint8_t used = 0;
  std::uint8_t capacity = 0;

  auto operator<=>(const PoolCount&) const = default;
};

enum class PoolWord : std::uint8_t { kFree, kTaken, kClosed };

struct PoolRecord {
  bool memory = false;
  PoolWord word = PoolWord::kFree;  // as the zeros that records begin with

  auto operator<=>(const PoolRecord&) const = default;
};

// Plain bytes, so that states compare.
struct PoolActor {
  PoolStep step = PoolStep::kIdle;
  PoolCount seen{};
  std::uint8_t first = 0;  // the record where its search begins
  std::uint8_t at = 0;     // a record
  std::uint8_t left = 2;   // what it has yet to begin
  bool holds = false;      // the block of that record

  auto operator<=>(const PoolActor&) const = default;
};

struct PoolState {
  static constexpr std::uint8_t kMaxBlocks = 2;

  PoolCount count;
  bool locked = false;
  std::array<PoolRecord, kMaxBlocks> records{};
  std::array<PoolActor, 2> users = {PoolActor{.first = 0}, PoolActor{.first = 1}};
  PoolActor trimmer;
  const char* complaint = nullptr;

  auto operator<=>(const PoolState&) const = default;
};

// All that can happen next.
class PoolModel {
 public:
  explicit PoolModel(PoolVariant variant) : variant_(variant) {}

  // Calls visit(next state, what happened) for each thing that can happen.
  template <typename Visit>
  void for_each_next(const PoolState& state, Visit visit) const {
    for (std::uint8_t i = 0; i < 2; ++i) {
      PoolState next = state;
      if (use(next, next.users[i])) visit(next, "a thread goes on");
    }
    PoolState next = state;
    if (trim(next, next.trimmer)) visit(next, "trimming goes on");
  }

  // What must not be in `state`; nullptr if all is well.
  [[nodiscard]] static const char* complaint(const PoolState& state);

 private:
  // Take one step. False: there is nothing to do, or the lock is held.
  [[nodiscard]] bool use(PoolState& state, PoolActor& actor) const;
  [[nodiscard]] bool trim(PoolState& state, PoolActor& actor) const;

  void take_place(PoolState& state, PoolActor& actor) const;
  static void deny_or_grow(PoolState& state, PoolActor& actor);
  [[nodiscard]] bool lock_to_grow(PoolState& state, PoolActor& actor) const;
  static void search(PoolState& state, PoolActor& actor);
  static void next_chunk(PoolState& state, PoolActor& actor);

  PoolVariant variant_;
};

inline const char* PoolModel::complaint(const PoolState& state) {
  if (state.complaint != nullptr) return state.complaint;
  int taken = 0;
  int free = 0;
  int chunks = 0;
  for (const PoolRecord& record : state.records) {
    chunks += record.memory;
    taken += record.memory && record.word == PoolWord::kTaken;
    free += record.memory && record.word == PoolWord::kFree;
  }
  int searching = 0;
  bool at_rest = state.trimmer.step == PoolStep::kIdle;
  for (const PoolActor& user : state.users) {
    searching += user.step == PoolStep::kSearch;
    at_rest = at_rest && user.step == PoolStep::kIdle;
  }
  // Whatever the others are at, and even if they never go on.
  if (searching > free) return "a thread searches where nothing is";
  if (!at_rest) return nullptr;
  if (taken != state.count.used) return "places and blocks do not agree";
  return chunks == state.count.capacity ? nullptr : "places and chunks do not agree";
}

inline void PoolModel::deny_or_grow(PoolState& state, PoolActor& actor) {
  if (actor.seen.capacity == PoolState::kMaxBlocks) state.complaint = "denied below the bound";
  actor.step = PoolStep::kLockToGrow;
}

inline void PoolModel::take_place(PoolState& state, PoolActor& actor) const {
  if (actor.seen.used == actor.seen.capacity) {
    if (variant_ == PoolVariant::kDenyBySecondLook)
      actor.step = PoolStep::kLookAgain;
    else
      deny_or_grow(state, actor);
  } else if (state.count == actor.seen) {
    ++state.count.used;
    actor.at = actor.first;
    actor.step = PoolStep::kSearch;
  } else {
    actor.seen = state.count;
  }
}

inline bool PoolModel::lock_to_grow(PoolState& state, PoolActor& actor) const {
  if (state.locked) return false;
  const PoolCount count = state.count;
  if (count.used < count.capacity || count.capacity == PoolState::kMaxBlocks) {
    actor.step = PoolStep::kReadCount;
    return true;
  }
  state.locked = true;
  actor.at = state.records[0].memory ? 1 : 0;
  if (variant_ != PoolVariant::kAddOpenChunk) state.records[actor.at].word = PoolWord::kClosed;
  actor.step = PoolStep::kAddRecord;
  return true;
}

inline void PoolModel::search(PoolState& state, PoolActor& actor) {
  PoolRecord& record = state.records[actor.at];
  if (!record.memory || record.word != PoolWord::kFree) {
    actor.at ^= 1;
    return;
  }
  record.word = PoolWord::kTaken;
  actor.holds = true;
  actor.step = PoolStep::kIdle;
}

inline bool PoolModel::use(PoolState& state, PoolActor& actor) const {
  PoolRecord& record = state.records[actor.at];
  switch (actor.step) {
    case PoolStep::kIdle:
      if (!actor.holds && actor.left == 0) return false;
      if (!actor.holds) --actor.left;
      actor.step = actor.holds ? PoolStep::kMarkFree : PoolStep::kReadCount;
      return true;
    case PoolStep::kReadCount:
      actor.seen = state.count;
      actor.step = PoolStep::kTakePlace;
      return true;
    case PoolStep::kTakePlace:
      take_place(state, actor);
      return true;
    case PoolStep::kLookAgain:
      actor.seen = state.count;
      deny_or_grow(state, actor);
      return true;
    case PoolStep::kLockToGrow:
      return lock_to_grow(state, actor);
    case PoolStep::kAddRecord:
      record.memory = true;
      actor.step = PoolStep::kOpenWord;
      return true;
    case PoolStep::kOpenWord:
      record.word = PoolWord::kFree;
      actor.step = PoolStep::kAddPlace;
      return true;
    case PoolStep::kAddPlace:
      ++state.count.capacity;
      state.locked = false;
      actor.step = PoolStep::kReadCount;
      return true;
    case PoolStep::kSearch:
      search(state, actor);
      return true;
    case PoolStep::kMarkFree:
      if (!record.memory || record.word != PoolWord::kTaken)
        state.complaint = "a block is gone that is in use";
      record.word = PoolWord::kFree;
      actor.holds = false;
      actor.step = PoolStep::kDropPlace;
      return true;
    case PoolStep::kDropPlace:
      --state.count.used;
      actor.step = PoolStep::kIdle;
      return true;
    default:
      return false;
  }
}

inline void PoolModel::next_chunk(PoolState& state, PoolActor& actor) {
  actor.step = actor.at == 0 ? PoolStep::kLookEmpty : PoolStep::kIdle;
  if (actor.at == 1) state.locked = false;
  actor.at = 1;
}

inline bool PoolModel::trim(PoolState& state, PoolActor& actor) const {
  PoolRecord& record = state.records[actor.at];
  const bool closes = variant_ != PoolVariant::kRetireWithoutClosing;
  const bool later = variant_ == PoolVariant::kClosePlacesLater;
  switch (actor.step) {
    case PoolStep::kIdle:
      if (state.locked || actor.left == 0) return false;
      --actor.left;
      state.locked = true;
      actor.at = 0;
      actor.step = PoolStep::kLookEmpty;
      return true;
    case PoolStep::kLookEmpty:
      if (!record.memory || record.word != PoolWord::kFree)
        next_chunk(state, actor);
      else
        actor.step = later ? PoolStep::kClose : PoolStep::kGiveUpPlace;
      return true;
    case PoolStep::kGiveUpPlace:
      if (state.count.used == state.count.capacity) {
        if (later) record.word = PoolWord::kFree;
        next_chunk(state, actor);
        return true;
      }
      --state.count.capacity;
      actor.step = later ? PoolStep::kRemove : PoolStep::kClose;
      return true;
    case PoolStep::kClose:
      if (record.word != PoolWord::kFree && closes) {
        actor.step = PoolStep::kReturnPlace;
        if (later) next_chunk(state, actor);
        return true;
      }
      record.word = PoolWord::kClosed;
      actor.step = later ? PoolStep::kGiveUpPlace : PoolStep::kRemove;
      return true;
    case PoolStep::kReturnPlace:
      ++state.count.capacity;
      next_chunk(state, actor);
      return true;
    case PoolStep::kRemove:
      record.memory = false;
      next_chunk(state, actor);
      return true;
    default:
      return false;
  }
}

}  // namespace luna::test
