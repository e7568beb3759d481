// SPDX-License-Identifier: MIT
// What the profiler knows of single blocks, for reports of mistakes with them. For the rest see
// profiler.cpp.
#include "os/clock.hpp"
#include "os/memory.hpp"
#include "telemetry/profiler.hpp"

namespace luna {

namespace {

class TriedLock {
 public:
  explicit TriedLock(os::Lock& lock) noexcept : lock_(lock), held_(lock.try_lock()) {}
  ~TriedLock() {
    if (held_) lock_.unlock();
  }

  TriedLock(const TriedLock&) = delete;
  TriedLock& operator=(const TriedLock&) = delete;

  [[nodiscard]] bool held() const noexcept { return held_; }

 private:
  os::Lock& lock_;
  const bool held_;
};

}  // namespace

bool Profiler::begin_freed() noexcept {
  if (freed_ == nullptr) freed_ = static_cast<FreedBlocks*>(os::map(sizeof(FreedBlocks)));
  return freed_ != nullptr;
}

// The stack of a free, as far as it is kept. Without the lock: see take_stack().
void Profiler::take_stack_of_free(FreedBlock& freed) noexcept {
  const std::size_t depth = depth_;
  const std::size_t most = depth < freed.frames.size() ? depth : freed.frames.size();
  freed.depth = static_cast<std::uint32_t>(walker_.walk(freed.frames.data(), most, own_code_));
}

// 0: it is not known any more.
std::uint64_t Profiler::id_of_thread(std::uint32_t number) const noexcept {
  const ThreadLabel* label = patterns_->threads.label_of(number);
  return label != nullptr ? label->id : 0;
}

// Requires: the lock is held.
const LiveSample* Profiler::find_live(std::uintptr_t address) noexcept {
  if (const LiveSample* exact = live_.find(address); exact != nullptr) return exact;
  const LiveSample* found = nullptr;
  live_.for_each([&](const LiveSample& sample) noexcept {
    if (sample.holds(address)) found = &sample;
  });
  return found;
}

bool Profiler::find_requested_bytes(const void* pointer, std::uint64_t& bytes) noexcept {
  const TriedLock guard(lock_);
  const LiveSample* sample =
      guard.held() ? live_.find(reinterpret_cast<std::uintptr_t>(pointer)) : nullptr;
  if (sample != nullptr) bytes = sample->bytes;
  return sample != nullptr;
}

Known Profiler::find_block(const void* pointer, BlockStory& story) noexcept {
  if (!begun()) return Known::kNo;
  const TriedLock guard(lock_);
  if (!guard.held()) return Known::kBusy;
  const auto address = reinterpret_cast<std::uintptr_t>(pointer);
  const LiveSample* sample = find_live(address);
  const FreedBlock* freed = sample == nullptr ? freed_->find(address) : nullptr;
  if (freed != nullptr) {
    sample = &freed->sample;
    story.freed = *freed;
    story.freed_thread = id_of_thread(freed->thread);
    story.freed_ago_ns = os::nanoseconds() - freed->freed_ns;
  }
  if (sample == nullptr) return Known::kNo;
  story.is_freed = freed != nullptr;
  story.address = sample->address;
  story.bytes = sample->bytes;
  story.allocated = sites_.at(sample->site).stack;
  story.allocated_thread = id_of_thread(sample->thread);
  return Known::kYes;
}

}  // namespace luna
