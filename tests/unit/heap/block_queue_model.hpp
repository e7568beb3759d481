// SPDX-License-Identifier: MIT
// A model of the queue of blocks, small enough to try every interleaving: two threads that push,
// two that pop, two cells. Each access of BlockQueue to what others see is one step; the names of
// the steps say which.
#pragma once

#include <array>
#include <compare>
#include <cstdint>

namespace luna::test {

// What is done otherwise than it should be.
enum class QueueVariant : std::uint8_t {
  kSound,
  kPublishBeforeWriting,  // try_push() gives the turn on before the block is in the cell
  kReleaseBeforeReading,  // try_pop() gives the turn on before it has read the cell
  kPushWithoutATurn,      // try_push() does not look whose turn it is
  kClaimWithoutALook,     // a position is claimed though another thread was faster
};

enum class QueueStep : std::uint8_t {
  kIdle,    // next: tail_.load or head_.load
  kTurn,    // cell.turn.load
  kClaim,   // compare_exchange
  kCell,    // the block is written or read
  kPassOn,  // cell.turn.store
};

inline constexpr std::uint8_t kModelCells = 2;
inline constexpr std::uint8_t kModelPushes = 2;  // of each thread that pushes

// A thread. Plain bytes, so that states compare.
struct QueueActor {
  QueueStep step = QueueStep::kIdle;
  std::uint8_t position = 0;
  std::uint8_t begun = 0;              // pushes or pops
  std::array<std::uint8_t, 2> seen{};  // by a thread that pops: the last number of each that pushes

  auto operator<=>(const QueueActor&) const = default;
};

struct QueueState {
  std::array<std::uint8_t, kModelCells> turns = {0, 1};
  std::array<std::uint8_t, kModelCells> blocks{};  // 0: none
  std::uint8_t tail = 0;
  std::uint8_t head = 0;
  std::uint8_t popped = 0;  // a bit for each block
  const char* complaint = nullptr;
  std::array<QueueActor, 2> pushers{};
  std::array<QueueActor, 2> poppers{};

  auto operator<=>(const QueueState&) const = default;
};

// All that can happen next.
class QueueModel {
 public:
  explicit QueueModel(QueueVariant variant) : variant_(variant) {}

  // Calls visit(next state, what happened) for each thing that can happen.
  template <typename Visit>
  void for_each_next(const QueueState& state, Visit visit) const {
    for (std::uint8_t i = 0; i < 2; ++i) {
      QueueState next = state;
      if (push(next, i)) visit(next, "a push goes on");
      next = state;
      if (pop(next, i)) visit(next, "a pop goes on");
    }
  }

  // What must not be in `state`; nullptr if all is well.
  [[nodiscard]] static const char* complaint(const QueueState& state);

 private:
  // Take one step. False: there is nothing to do.
  [[nodiscard]] bool push(QueueState& state, std::uint8_t i) const;
  [[nodiscard]] bool pop(QueueState& state, std::uint8_t i) const;
  [[nodiscard]] bool claims(std::uint8_t& shared, QueueActor& actor) const;

  // The blocks of a thread are numbered, and differ from those of the other.
  [[nodiscard]] static std::uint8_t block_of(std::uint8_t thread, std::uint8_t number) {
    return static_cast<std::uint8_t>(1 + thread * kModelPushes + number);
  }
  static void write(QueueState& state, std::uint8_t i);
  static void read(QueueState& state, std::uint8_t i);

  QueueVariant variant_;
};

inline const char* QueueModel::complaint(const QueueState& state) {
  if (state.complaint != nullptr) return state.complaint;
  for (const QueueActor& actor : state.pushers)
    if (actor.step != QueueStep::kIdle) return nullptr;
  for (const QueueActor& actor : state.poppers)
    if (actor.step != QueueStep::kIdle) return nullptr;
  int in_cells = 0;
  for (const std::uint8_t block : state.blocks) in_cells += block != 0;
  return in_cells == state.tail - state.head ? nullptr : "a block is lost";
}

inline bool QueueModel::claims(std::uint8_t& shared, QueueActor& actor) const {
  if (shared != actor.position && variant_ != QueueVariant::kClaimWithoutALook) {
    actor.position = shared;
    actor.step = QueueStep::kTurn;
    return false;
  }
  shared = static_cast<std::uint8_t>(actor.position + 1);
  return true;
}

inline void QueueModel::write(QueueState& state, std::uint8_t i) {
  QueueActor& actor = state.pushers[i];
  std::uint8_t& block = state.blocks[actor.position % kModelCells];
  if (block != 0) state.complaint = "a block is overwritten";
  block = block_of(i, static_cast<std::uint8_t>(actor.begun - 1));
}

inline void QueueModel::read(QueueState& state, std::uint8_t i) {
  QueueActor& actor = state.poppers[i];
  std::uint8_t& block = state.blocks[actor.position % kModelCells];
  if (block == 0) {
    state.complaint = "an empty cell is popped";
    return;
  }
  const auto bit = static_cast<std::uint8_t>(1U << block);
  if ((state.popped & bit) != 0) state.complaint = "a block is popped twice";
  state.popped |= bit;
  std::uint8_t& seen = actor.seen[(block - 1U) / kModelPushes];
  if (block <= seen) state.complaint = "blocks of a thread come out in another order";
  seen = block;
  block = 0;
}

inline bool QueueModel::push(QueueState& state, std::uint8_t i) const {
  QueueActor& actor = state.pushers[i];
  const std::uint8_t cell = actor.position % kModelCells;
  const bool passes_on_first = variant_ == QueueVariant::kPublishBeforeWriting;
  switch (actor.step) {
    case QueueStep::kIdle:
      if (actor.begun == kModelPushes) return false;
      ++actor.begun;
      actor.position = state.tail;
      actor.step = QueueStep::kTurn;
      return true;
    case QueueStep::kTurn:
      if (state.turns[cell] == actor.position || variant_ == QueueVariant::kPushWithoutATurn)
        actor.step = QueueStep::kClaim;
      else if (state.turns[cell] < actor.position)
        actor.step = QueueStep::kIdle;  // full
      else
        actor.position = state.tail;  // others were faster
      return true;
    case QueueStep::kClaim:
      if (claims(state.tail, actor))
        actor.step = passes_on_first ? QueueStep::kPassOn : QueueStep::kCell;
      return true;
    case QueueStep::kCell:
      write(state, i);
      actor.step = passes_on_first ? QueueStep::kIdle : QueueStep::kPassOn;
      return true;
    case QueueStep::kPassOn:
      state.turns[cell] = static_cast<std::uint8_t>(actor.position + 1);
      actor.step = passes_on_first ? QueueStep::kCell : QueueStep::kIdle;
      return true;
  }
  return false;
}

inline bool QueueModel::pop(QueueState& state, std::uint8_t i) const {
  QueueActor& actor = state.poppers[i];
  const std::uint8_t cell = actor.position % kModelCells;
  const bool passes_on_first = variant_ == QueueVariant::kReleaseBeforeReading;
  switch (actor.step) {
    case QueueStep::kIdle:
      if (actor.begun == kModelPushes) return false;
      ++actor.begun;
      actor.position = state.head;
      actor.step = QueueStep::kTurn;
      return true;
    case QueueStep::kTurn:
      if (state.turns[cell] == actor.position + 1)
        actor.step = QueueStep::kClaim;
      else if (state.turns[cell] < actor.position + 1)
        actor.step = QueueStep::kIdle;  // empty
      else
        actor.position = state.head;  // others were faster
      return true;
    case QueueStep::kClaim:
      if (claims(state.head, actor))
        actor.step = passes_on_first ? QueueStep::kPassOn : QueueStep::kCell;
      return true;
    case QueueStep::kCell:
      read(state, i);
      actor.step = passes_on_first ? QueueStep::kIdle : QueueStep::kPassOn;
      return true;
    case QueueStep::kPassOn:
      state.turns[cell] = static_cast<std::uint8_t>(actor.position + kModelCells);
      actor.step = passes_on_first ? QueueStep::kCell : QueueStep::kIdle;
      return true;
  }
  return false;
}

}  // namespace luna::test
