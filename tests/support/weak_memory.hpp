// SPDX-License-Identifier: MIT
// Memory as C++ allows it to be: what was stored to each place is a list of messages, and each
// thread has a view of it, the oldest message of each place that it may still read. Orders decide
// which views are joined. After Kang et al., "A promising semantics for relaxed-memory concurrency"
// (2017), without promises.
//
// What it shows: stores that others see late and in another order, also of the two places in which
// two threads store; stale loads; what fences and read-modify-writes repair; reads of plain data
// that were not ordered after the last write. What it does not: a load that reads what is stored
// later in the order of the program (load buffering), an exchange that fails for no reason, and a
// plain write that races with a read alone.
#pragma once

#include <array>
#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

namespace luna::test {

inline constexpr std::size_t kMostPlaces = 10;
inline constexpr std::size_t kMostMessages = 12;  // in a place
inline constexpr std::size_t kMostThreads = 4;

using View = std::array<std::uint8_t, kMostPlaces>;  // the index of a message of each place

inline void join(View& view, const View& other) {
  for (std::size_t i = 0; i < view.size(); ++i)
    if (view[i] < other[i]) view[i] = other[i];
}

[[nodiscard]] constexpr bool acquires(std::memory_order order) {
  return order == std::memory_order_acquire || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}
[[nodiscard]] constexpr bool releases(std::memory_order order) {
  return order == std::memory_order_release || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}

struct Message {
  std::uint8_t value = 0;
  bool is_joined = false;  // to the one before it, by a read-modify-write: nothing comes between
  View view{};             // of who reads it and acquires

  auto operator<=>(const Message&) const = default;
};

class WeakMemory {
 public:
  auto operator<=>(const WeakMemory&) const = default;

  void begin(std::size_t place, std::uint8_t value) { at(place, 0).value = value; }

  [[nodiscard]] std::uint8_t value(std::size_t place, std::size_t index) const {
    return places_[place].messages[index].value;
  }
  [[nodiscard]] std::uint8_t last_value(std::size_t place) const {
    return value(place, count(place) - 1);
  }
  [[nodiscard]] std::size_t count(std::size_t place) const { return places_[place].more + 1U; }

  // The oldest message that the thread may read, and before which it may not store.
  [[nodiscard]] std::size_t oldest(std::size_t thread, std::size_t place,
                                   std::memory_order order) const {
    const std::uint8_t own = threads_[thread].now[place];
    return order == std::memory_order_seq_cst && ordered_[place] > own ? ordered_[place] : own;
  }

  // Whether a message may be put there, before the one that is there now.
  [[nodiscard]] bool has_gap(std::size_t place, std::size_t index) const {
    return index == count(place) || !places_[place].messages[index].is_joined;
  }

  // Whether the thread knows all that was stored.
  [[nodiscard]] bool knows_last(std::size_t thread, std::size_t place) const {
    return threads_[thread].now[place] + 1U == count(place);
  }

  void load(std::size_t thread, std::size_t place, std::size_t index, std::memory_order order) {
    Views& views = threads_[thread];
    views.now[place] = static_cast<std::uint8_t>(index);
    join(views.acquired, at(place, index).view);
    if (acquires(order)) join(views.now, at(place, index).view);
    if (order == std::memory_order_seq_cst) note_order(place, index);
  }

  // Requires: oldest() < index, has_gap().
  void store(std::size_t thread, std::size_t place, std::size_t index, std::uint8_t value,
             std::memory_order order) {
    make_gap(place, index);
    Views& views = threads_[thread];
    views.now[place] = static_cast<std::uint8_t>(index);
    Message& message = at(place, index);
    message = {value, false, releases(order) ? views.now : views.released};
    message.view[place] = static_cast<std::uint8_t>(index);
    if (order == std::memory_order_seq_cst) note_order(place, index);
  }

  // Reads the message at `index` and stores one behind it. Requires: oldest() <= index, has_gap()
  // behind it.
  void modify(std::size_t thread, std::size_t place, std::size_t index, std::uint8_t value,
              std::memory_order order) {
    load(thread, place, index, order);
    store(thread, place, index + 1, value, order);
    Message& message = at(place, index + 1);
    message.is_joined = true;
    join(message.view, at(place, index).view);  // a release sequence
  }

  void fence(std::size_t thread, std::memory_order order) {
    Views& views = threads_[thread];
    if (acquires(order)) join(views.now, views.acquired);
    if (order == std::memory_order_seq_cst) {
      join(views.now, ordered_);
      ordered_ = views.now;
    }
    if (releases(order)) views.released = views.now;
  }

 private:
  struct Place {
    std::array<Message, kMostMessages> messages{};
    std::uint8_t more = 0;  // beside the first, which is what it begins with

    auto operator<=>(const Place&) const = default;
  };
  struct Views {
    View now{};       // what it may not read any more lies before
    View acquired{};  // joined to it by its next fence that acquires
    View released{};  // that a relaxed store passes on: as of its last fence that releases

    auto operator<=>(const Views&) const = default;
  };

  [[nodiscard]] Message& at(std::size_t place, std::size_t index) {
    return places_[place].messages[index];
  }

  void note_order(std::size_t place, std::size_t index) {
    if (ordered_[place] < index) ordered_[place] = static_cast<std::uint8_t>(index);
  }

  void make_gap(std::size_t place, std::size_t index) {
    if (count(place) == kMostMessages) throw std::length_error("too many stores to one place");
    for (std::size_t i = count(place); i > index; --i) at(place, i) = at(place, i - 1);
    ++places_[place].more;
    const auto move_on = [=](View& view) {
      if (view[place] >= index) ++view[place];
    };
    for (Views& views : threads_) {
      move_on(views.now);
      move_on(views.acquired);
      move_on(views.released);
    }
    move_on(ordered_);
    for (Place& other : places_)
      for (Message& message : other.messages) move_on(message.view);
  }

  std::array<Place, kMostPlaces> places_{};
  std::array<Views, kMostThreads> threads_{};
  View ordered_{};  // what sequentially consistent operations and fences so far have seen
};

}  // namespace luna::test
