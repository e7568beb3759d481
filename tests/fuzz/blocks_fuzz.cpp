// SPDX-License-Identifier: MIT
// malloc and its like: three threads of one allocator, played by one real thread, against the
// blocks that a program would have. Each input is a list of calls.
#include "fuzz/address_space.hpp"
#include "fuzz/input.hpp"
#include "fuzz/sample_book.hpp"
#include "fuzz/shadow.hpp"
#include "fuzz/sizes.hpp"
#include "heap/allocator.hpp"
#include "os/clock.hpp"
#include "support/test_thread.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <new>

namespace luna::fuzz {

namespace {

constexpr std::size_t kMaxLiveBytes = std::size_t{24} << 20;
constexpr std::size_t kMaxLiveBlocks = 3000;
constexpr std::size_t kMaxCalls = 400;

class Blocks {
 public:
  explicit Blocks(Input& input) : input_(input) {
    allocator_.window().set_guards(input.is_odd());
    for (std::size_t i = 0; i < kThreads; ++i) threads_.emplace_back(allocator_);
  }

  void run() {
    for (std::size_t i = 0; i < kMaxCalls && !input_.empty(); ++i) call();
    verify();
    end();
  }

 private:
  static constexpr std::size_t kThreads = 3;

  void call() {
    switch (input_.byte() % 16) {
      case 0:
      case 1:
        return allocate(draw_size(input_));
      case 2:
        return allocate_zeroed();
      case 3:
        return allocate_aligned();
      case 4:
      case 5:
        return reallocate();
      case 6:
      case 7:
        return deallocate();
      case 8:
        return allocate_many();
      case 9:
        return deallocate_many();
      case 10:
        return refuse_impossible();
      case 11:
        return trim();
      case 12:
        return begin_or_end_thread();
      case 13:
        return change_sampling();
      case 14:
        return change_options();
      default:
        return verify();
    }
  }

  // Of a thread that has a heap.
  [[nodiscard]] test::TestThread& draw_thread() {
    test::TestThread& thread = threads_[input_.below(kThreads)];
    if (!thread.attached()) thread.attach();
    return thread;
  }

  [[nodiscard]] bool is_full() const {
    return shadow_.bytes() >= kMaxLiveBytes || shadow_.count() >= kMaxLiveBlocks;
  }

  void note(void* block, std::size_t bytes) {
    if (block == nullptr) return must(is_limited_, "there is memory");
    must(address_of(block) % 16 == 0, "blocks are aligned to 16");
    shadow_.add(block, bytes, allocator_.usable_bytes(block));
  }

  void allocate(std::size_t bytes) {
    test::TestThread& thread = draw_thread();
    if (!is_full()) note(thread.allocate(bytes), bytes);
  }

  void allocate_zeroed() {
    test::TestThread& thread = draw_thread();
    const std::size_t bytes = draw_size(input_);
    if (is_full()) return;
    void* block = thread.allocate_zeroed(bytes);
    must(block == nullptr || test::is_zero(block, bytes), "calloc gives zeros");
    note(block, bytes);
  }

  void allocate_aligned() {
    test::TestThread& thread = draw_thread();
    const std::size_t bytes = draw_size(input_);
    const std::size_t alignment = std::size_t{1} << input_.below(24);
    if (is_full()) return;
    void* block = thread.allocate_aligned(alignment, bytes);
    must(address_of(block) % alignment == 0, "the alignment is what was asked for");
    note(block, bytes);
  }

  void reallocate() {
    test::TestThread& thread = draw_thread();
    const std::size_t bytes = draw_size(input_);
    if (shadow_.empty() || is_full()) return;
    const ShadowBlock block = shadow_.take(shadow_.draw(input_));
    void* memory = block.memory;
    if (!allocator_.fits(memory, bytes)) memory = thread.reallocate(memory, bytes);
    if (memory == nullptr) {
      must(is_limited_, "there is memory for realloc");
      return shadow_.put_back(block);
    }
    shadow_.put_resized(block, memory, bytes, allocator_.usable_bytes(memory));
  }

  // By any thread, also one that has no heap.
  void deallocate() {
    test::TestThread& thread = threads_[input_.below(kThreads)];
    if (!shadow_.empty()) deallocate(thread, shadow_.draw(input_));
  }

  void deallocate(test::TestThread& thread, std::size_t index) {
    void* memory = shadow_.take(index).memory;
    must(thread.deallocate(memory) == Verdict::kDone, "a block can be freed");
  }

  // Blocks of one size, until lists are empty.
  void allocate_many() {
    test::TestThread& thread = draw_thread();
    const std::size_t bytes = draw_size(input_);
    const std::size_t count = input_.byte();
    for (std::size_t i = 0; i < count && !is_full(); ++i) note(thread.allocate(bytes), bytes);
  }

  // Every so many of the blocks there are, until lists are full.
  void deallocate_many() {
    test::TestThread& thread = threads_[input_.below(kThreads)];
    const std::size_t step = 1 + input_.below(4);
    const std::size_t count = input_.byte();
    for (std::size_t i = 0, at = 0; i < count && at < shadow_.count(); ++i, at += step - 1)
      deallocate(thread, at);
  }

  void refuse_impossible() {
    test::TestThread& thread = draw_thread();
    const std::size_t bytes = SIZE_MAX - input_.number(4);
    must(thread.allocate(bytes) == nullptr, "malloc refuses what cannot be");
    must(thread.allocate_zeroed(bytes) == nullptr, "calloc refuses what cannot be");
    must(thread.allocate_aligned(64, bytes) == nullptr, "memalign refuses what cannot be");
    int foreign = 0;
    must(thread.deallocate(&foreign) == Verdict::kForeign, "a foreign pointer is nobody's");
    must(allocator_.usable_bytes(&foreign) == 0, "a foreign pointer has no usable size");
  }

  void trim() {
    test::TestThread& thread = threads_[input_.below(kThreads)];
    static_cast<void>(thread.trim(input_.number(3)));
    if (input_.flag())
      allocator_.pages().tick(os::coarse_milliseconds(), allocator_.config().decay_ms);
  }

  void begin_or_end_thread() {
    test::TestThread& thread = threads_[input_.below(kThreads)];
    thread.attached() ? thread.park() : thread.attach();
  }

  void change_sampling() {
    const std::uint8_t how = input_.byte();
    if (!sampling_) sampling_ = allocator_.begin_sampling(book_.observer());
    must(sampling_, "there is memory for samples");
    book_.refuse(how >> 6);
    if ((how & 1) != 0) change_guarding(input_.byte());
    constexpr std::array<std::uint64_t, 4> kIntervals = {0, 1, 4096, 512 * 1024};
    allocator_.set_sampling_interval(kIntervals[how >> 1 & 3], how);
  }

  void change_guarding(std::uint8_t one_in) {
    const GuardObserver observer = {
        this,
        [](void*, std::uintptr_t*, std::size_t) noexcept { return std::size_t{0}; },
        [](void*, const GuardMistake&) noexcept { must(false, "there is no mistake to be told"); },
    };
    if (!allocator_.guarded().set_one_in(one_in))
      must(allocator_.guarded().begin(8, one_in, observer), "there is memory for guards");
  }

  void change_options() {
    const std::uint8_t value = input_.byte();
    switch (input_.byte() % 5) {
      case 0:
        allocator_.config().decay_ms = value % 4 * 1000;
        break;
      case 1:
        allocator_.config().thread_cache_bytes = std::size_t{value} << 12;
        break;
      case 2:
        allocator_.pages().set_placement(value % 2 == 0 ? Placement::kBestFit
                                                        : Placement::kLowAddress);
        break;
      case 3:
        allocator_.pages().set_huge_threshold(value);
        break;
      default:
        is_limited_ = value != 0;
        allocator_.pages().set_hard_limit(is_limited_ ? std::size_t{value} << 18 : SIZE_MAX);
    }
  }

  void verify() {
    shadow_.check_all();
    for (test::TestThread& thread : threads_)
      if (thread.attached()) thread.heap().verify();
    allocator_.pages().verify();
    allocator_.guarded().verify();
    verify_statistics();
  }

  // What is in lists counts too; guarded blocks do not.
  void verify_statistics() {
    const HeapUsage usage = allocator_.usage();
    std::size_t blocks = 0;
    std::size_t bytes = 0;
    for (const ShadowBlock& block : shadow_.blocks()) {
      must(allocator_.usable_bytes(block.memory) == block.usable, "the usable size stays");
      if (allocator_.guarded().own(block.memory)) continue;
      ++blocks;
      bytes += block.usable;
    }
    must(usage.small_blocks + usage.pages.large_blocks >= blocks, "all blocks are counted");
    must(usage.small_bytes + usage.pages.large_bytes >= bytes, "all bytes are counted");
    must(usage.thread_heaps <= kThreads, "ended threads leave their heaps to others");
    must(usage.pages.used <= usage.pages.committed, "what is used is committed");
    must(usage.pages.committed <= usage.pages.reserved, "what is committed is reserved");
  }

  // When all is freed, nothing is left.
  void end() {
    for (const auto& [memory, bytes] : book_.live())
      must(allocator_.usable_bytes(memory) >= bytes, "a live sample is a block");
    while (!shadow_.empty()) deallocate(threads_[shadow_.count() % kThreads], 0);
    must(book_.live().empty(), "no sample is left");
    for (test::TestThread& thread : threads_) thread.trim();
    for (test::TestThread& thread : threads_) thread.trim();
    const HeapUsage usage = allocator_.usage();
    must(usage.small_blocks == 0, "no small block is left");
    must(usage.pages.large_blocks == 0, "no large block is left");
    must(usage.pages.used == 0, "no page is left in use");
    must(usage.pages.dirty == 0, "no free page is left backed");
    for (test::TestThread& thread : threads_)
      if (thread.attached()) thread.heap().verify();
    allocator_.pages().verify();
  }

  Input& input_;
  SampleBook book_;
  Shadow shadow_;
  Allocator allocator_;
  std::deque<test::TestThread> threads_;
  bool sampling_ = false;
  bool is_limited_ = false;
};

}  // namespace

}  // namespace luna::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  luna::fuzz::Input input(data, size);
  luna::fuzz::Blocks(input).run();
  luna::fuzz::release_all();
  return 0;
}
