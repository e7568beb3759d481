// SPDX-License-Identifier: MIT
#include "telemetry/reachability.hpp"

#include "heap/allocator.hpp"
#include "os/clock.hpp"
#include "os/error.hpp"
#include "os/memory.hpp"

#include <array>
#include <new>

namespace luna {

namespace {

struct Work {
  const HeapView& view;
  Findings& findings;
};

// In the copy.
[[nodiscard]] int work_on_copy(void* context) noexcept {
  const auto& work = *static_cast<const Work*>(context);
  void* memory = os::map(sizeof(HeapGraph));
  if (memory == nullptr) return os::kNoMemory;
  auto* graph = ::new (memory) HeapGraph(work.view);
  return graph->find(work.findings);
}

}  // namespace

[[gnu::noinline]] void wipe_stack() noexcept {
  std::array<std::uintptr_t, 512> words;
  words.fill(0);
  asm volatile("" : : "r"(words.data()) : "memory");
}

Reachability::~Reachability() {
  if (leaks_ != nullptr) os::release(leaks_, leak_bytes_);
  if (findings_.memory != nullptr) os::release(findings_.memory, findings_.bytes);
}

// What the caller has in registers goes to the stack here, above the frames of those that
// are called.
int Reachability::run(const ProofSubject& subject) noexcept {
  subject_ = &subject;
  __builtin_unwind_init();
  const int error = prove_twice();
  asm volatile("" : : : "memory");  // no tail call
  return error;
}

[[gnu::noinline]] int Reachability::prove_twice() noexcept {
  stack_pointer_ = address_of(__builtin_frame_address(0));
  const std::size_t places = subject_->live.limit();
  findings_.bytes = 2 * (sizeof(Findings) + places * sizeof(Finding));
  findings_.memory = static_cast<Findings*>(os::map_shared(findings_.bytes));
  if (findings_.memory == nullptr || !threads_.begin()) return os::kNoMemory;
  Findings& first = findings_.memory[0];
  Findings& second = findings_.memory[1];
  first.entries = reinterpret_cast<Finding*>(&second + 1);
  second.entries = first.entries + places;
  if (const int error = look(first); error != 0) return error;
  os::sleep_milliseconds(options_.gap_ms);
  if (const int error = look(second); error != 0) return error;
  return compare(first, second) ? 0 : os::kNoMemory;
}

int Reachability::look(Findings& findings) noexcept {
  os::Snapshot snapshot;
  const int error = take_snapshot(snapshot, findings);
  return error != 0 ? error : snapshot.wait(options_.limit_ms);
}

// Nobody else changes what the locks guard, and whoever is stopped holds none of them.
int Reachability::take_snapshot(os::Snapshot& snapshot, Findings& findings) noexcept {
  const os::SignalGuard signals;
  const std::uint64_t begin = os::nanoseconds();
  subject_->lock.lock();
  subject_->allocator.prepare_fork();
  const bool stopped = threads_.stop(options_.stop_limit_ms);
  const std::uintptr_t begin_of_findings = address_of(findings_.memory);
  const HeapView view = {
      subject_->allocator, subject_->live, {begin_of_findings, begin_of_findings + findings_.bytes},
      subject_->own,       threads_,       stack_pointer_};
  Work work = {view, findings};
  const int error = snapshot.take(work_on_copy, &work);
  const bool stood = stopped && threads_.resume();
  subject_->allocator.resume_parent();
  subject_->lock.unlock();
  knows_registers_ = knows_registers_ && stood;
  const std::uint64_t took = os::nanoseconds() - begin;
  if (took > stop_ns_) stop_ns_ = took;
  return error;
}

// Keeps what is in both. What was born before the first snapshot, in a millisecond that
// had passed by then, cannot be mistaken for another block at its address.
bool Reachability::compare(const Findings& first, const Findings& second) noexcept {
  if (second.count == 0) return true;
  leak_bytes_ = second.count * sizeof(Leak);
  leaks_ = static_cast<Leak*>(os::map(leak_bytes_));
  if (leaks_ == nullptr) return false;
  const LeakGrade grade = knows_registers_ ? LeakGrade::kDefinite : LeakGrade::kPossible;
  std::size_t at = 0;
  for (std::size_t i = 0; i < second.count; ++i) {
    const Finding& found = second.entries[i];
    while (at < first.count && first.entries[at].address < found.address) ++at;
    if (at == first.count) break;
    const Finding& before = first.entries[at];
    if (before.address != found.address || before.born_ns != found.born_ns) continue;
    Leak& leak = leaks_[count_++];
    leak.address = found.address;
    leak.born_ns = found.born_ns;
    leak.grade = grade;
    leak.indirect = found.indirect;
  }
  return true;
}

}  // namespace luna
