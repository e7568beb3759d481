// SPDX-License-Identifier: MIT
// Named heaps: two threads and up to six heaps, with limits, parents, protection, wiping and
// guards, against the blocks that a program would have in each. Each input is a list of calls.
#include "fuzz/address_space.hpp"
#include "fuzz/caller.hpp"
#include "fuzz/input.hpp"
#include "fuzz/sample_book.hpp"
#include "fuzz/shadow.hpp"
#include "fuzz/sizes.hpp"
#include "os/error.hpp"
#include "os/memory.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace luna::fuzz {

namespace {

constexpr std::size_t kMaxLiveBytes = std::size_t{6} << 20;  // of each heap
constexpr std::size_t kMaxCalls = 300;

// A heap of the model, and what it has.
struct Modelled {
  [[nodiscard]] bool has(std::uint64_t flag) const { return (flags & flag) != 0; }
  [[nodiscard]] bool is_readable() const { return access != LUNA_HEAP_NO_ACCESS; }

  // A limit that is set below what is in use takes nothing away.
  [[nodiscard]] std::size_t most() const {
    return heap->limit() > used_at_limit ? heap->limit() : used_at_limit;
  }

  NamedHeap* heap = nullptr;      // of the first one: the heap of all
  std::size_t parent = 0;         // 0: none
  std::size_t used_at_limit = 0;  // when the limit was set
  std::uint64_t flags = 0;
  luna_heap_access access = LUNA_HEAP_READ_WRITE;
  Shadow blocks;
};

class Heaps {
 public:
  explicit Heaps(Input& input) : input_(input), heaps_(1) {
    first_.window().set_guards(input.is_odd());
    for (auto& caller : callers_) caller = std::make_unique<Caller>(first_, named_);
  }

  void run() {
    for (std::size_t i = 0; i < kMaxCalls && !input_.empty(); ++i) call();
    verify();
    end();
  }

 private:
  void call() {
    switch (input_.byte() % 16) {
      case 0:
      case 1:
        return allocate();
      case 2:
        return allocate_zeroed();
      case 3:
        return allocate_aligned();
      case 4:
        return allocate_many();
      case 5:
      case 6:
        return deallocate();
      case 7:
        return reallocate();
      case 8:
        return transfer();
      case 9:
        return create();
      case 10:
        return reset();
      case 11:
        return destroy(draw_heap());
      case 12:
        return protect();
      case 13:
        return set_limit();
      case 14:
        return change_thread();
      default:
        return verify();
    }
  }

  [[nodiscard]] Caller& draw_caller() { return *callers_[input_.below(callers_.size())]; }
  [[nodiscard]] std::size_t draw_heap() { return input_.below(heaps_.size()); }

  [[nodiscard]] Modelled* draw_heap_with_block() {
    Modelled& heap = heaps_[draw_heap()];
    return heap.blocks.empty() ? nullptr : &heap;
  }

  // A block that an allocation returned, and what must hold of its heap and those above it.
  void note(Modelled& heap, void* block, std::size_t bytes) {
    must(address_of(block) % 16 == 0, "blocks are aligned to 16");
    must(named_.of(block) == heap.heap, "a block is of the heap it was taken from");
    must(heap.access == LUNA_HEAP_READ_WRITE, "nothing is taken from a protected heap");
    heap.blocks.add(block, bytes, first_.usable_bytes(block));
    for (const Modelled* at = &heap; at->heap != nullptr; at = &heaps_[at->parent])
      must(at->heap->limit() == 0 || at->heap->quota().used() <= at->most(), "limits hold");
  }

  // nullptr is right where a limit or a protection is in the way.
  void note_or_deny(Modelled& heap, void* block, std::size_t bytes) {
    if (block != nullptr) return note(heap, block, bytes);
    bool may_deny = heap.access != LUNA_HEAP_READ_WRITE;
    for (const NamedHeap* at = heap.heap; at != nullptr; at = at->parent())
      may_deny = may_deny || at->limit() != 0;
    must(may_deny, "nothing is denied without a limit");
  }

  void allocate() {
    Caller& caller = draw_caller();
    Modelled& heap = heaps_[draw_heap()];
    const std::size_t bytes = draw_size(input_);
    if (heap.blocks.bytes() < kMaxLiveBytes)
      note_or_deny(heap, caller.allocate(heap.heap, bytes), bytes);
  }

  void allocate_zeroed() {
    Caller& caller = draw_caller();
    Modelled& heap = heaps_[draw_heap()];
    const std::size_t bytes = draw_size(input_);
    if (heap.blocks.bytes() >= kMaxLiveBytes) return;
    void* block = caller.allocate(
        heap.heap, [&](auto& from, ThreadHeap& part) { return from.allocate_zeroed(part, bytes); });
    must(block == nullptr || test::is_zero(block, bytes), "calloc gives zeros");
    note_or_deny(heap, block, bytes);
  }

  void allocate_aligned() {
    Caller& caller = draw_caller();
    Modelled& heap = heaps_[draw_heap()];
    const std::size_t bytes = draw_size(input_);
    const std::size_t alignment = std::size_t{16} << input_.below(18);
    if (heap.blocks.bytes() >= kMaxLiveBytes) return;
    void* block = caller.allocate(heap.heap, [&](auto& from, ThreadHeap& part) {
      return from.allocate_aligned(part, alignment, bytes);
    });
    must(address_of(block) % alignment == 0, "the alignment is what was asked for");
    note_or_deny(heap, block, bytes);
  }

  void allocate_many() {
    Caller& caller = draw_caller();
    Modelled& heap = heaps_[draw_heap()];
    const std::size_t bytes = draw_size(input_);
    const std::size_t count = input_.byte() / 4;
    for (std::size_t i = 0; i < count && heap.blocks.bytes() < kMaxLiveBytes; ++i)
      note_or_deny(heap, caller.allocate(heap.heap, bytes), bytes);
  }

  void deallocate() {
    Caller& caller = draw_caller();
    Modelled* heap = draw_heap_with_block();
    if (heap == nullptr) return;
    const std::size_t index = heap->blocks.draw(input_);
    for (std::size_t count = 1 + input_.byte() % 16; count > 0 && !heap->blocks.empty(); --count)
      deallocate(caller, *heap, index % heap->blocks.count());
  }

  void deallocate(Caller& caller, Modelled& heap, std::size_t index) {
    const ShadowBlock block =
        heap.is_readable() ? heap.blocks.take(index) : heap.blocks.remove(index);
    caller.deallocate(block.memory);
    if (heap.has(LUNA_HEAP_WIPES)) must_be_wiped(block);
  }

  // But for the words that a free block needs itself; where it was not given back meanwhile.
  static void must_be_wiped(const ShadowBlock& block) {
    for (std::size_t at = 16; at + sizeof(std::uintptr_t) <= block.usable && at < 4096; at += 8) {
      std::uintptr_t word = 0;
      if (os::copy_word(address_of(block.memory) + at, word))
        must(word == 0, "a freed block is wiped");
    }
  }

  void reallocate() {
    Caller& caller = draw_caller();
    const std::size_t bytes = draw_size(input_);
    Modelled* heap = draw_heap_with_block();
    if (heap == nullptr || !heap->is_readable() || heap->blocks.bytes() >= kMaxLiveBytes) return;
    const ShadowBlock block = heap->blocks.take(heap->blocks.draw(input_));
    void* resized = caller.reallocate(block.memory, bytes);
    if (resized == nullptr) {
      must(bytes > block.usable, "what shrinks can stay");
      return heap->blocks.put_back(block);
    }
    if (heap->access != LUNA_HEAP_READ_WRITE) {
      must(resized == block.memory, "in a protected heap a block stays where it is");
      return heap->blocks.put_back(block);
    }
    must(named_.of(resized) == heap->heap, "a block stays in its heap");
    heap->blocks.put_resized(block, resized, bytes, first_.usable_bytes(resized));
  }

  void transfer() {
    Caller& caller = draw_caller();
    Modelled* from = draw_heap_with_block();
    const std::size_t target = draw_heap();
    if (from == nullptr || !from->is_readable()) return;
    Modelled& to = heaps_[target];
    if (from == &to || to.blocks.bytes() >= kMaxLiveBytes) return;
    const ShadowBlock block = from->blocks.take(from->blocks.draw(input_));
    void* moved = caller.transfer(block.memory, to.heap);
    if (moved == nullptr) return from->blocks.put_back(block);
    must(named_.of(moved) == to.heap, "a block is where it was transferred to");
    to.blocks.put_resized(block, moved, block.bytes, first_.usable_bytes(moved));
  }

  void create() {
    if (heaps_.size() == 7) return;
    Modelled model;
    model.parent = draw_heap();
    model.flags = input_.byte() & (LUNA_HEAP_EXACT | LUNA_HEAP_WIPES | LUNA_HEAP_KEY |
                                   LUNA_HEAP_INHERITED | LUNA_HEAP_GUARDS);
    if (model.has(LUNA_HEAP_KEY)) model.flags &= ~std::uint64_t{LUNA_HEAP_GUARDS};
    luna_heap_options options{};
    options.struct_size = sizeof options;
    options.name = "fuzzed";
    options.flags = model.flags;
    options.limit_bytes = input_.number(2) << 10;
    if (options.limit_bytes != 0) options.reserve_bytes = options.limit_bytes / 256 * input_.byte();
    options.soft_limit_bytes = input_.number(1) << 14;
    options.parent = reinterpret_cast<luna_heap*>(heaps_[model.parent].heap);
    if (model.has(LUNA_HEAP_GUARDS)) begin_guards();
    must(named_.create(options, model.heap) == 0, "a heap can be created");
    must(model.heap->quota().used() == 0, "a new heap is empty");
    heaps_.push_back(std::move(model));
  }

  void begin_guards() {
    const GuardObserver observer = {
        this,
        [](void*, std::uintptr_t*, std::size_t) noexcept { return std::size_t{0}; },
        [](void*, const GuardMistake&) noexcept { must(false, "there is no mistake to be told"); },
    };
    must(first_.guarded().begin(16, 0, observer), "there is memory for guards");
  }

  [[nodiscard]] bool has_children(std::size_t index) const {
    for (const Modelled& heap : heaps_)
      if (index != 0 && heap.parent == index) return true;
    return false;
  }

  void reset() {
    const std::size_t index = draw_heap();
    if (index == 0) return;
    Caller& caller = draw_caller();
    Modelled& heap = heaps_[index];
    must(named_.reset(*heap.heap, caller.parts()) == 0, "a heap can be reset");
    heap.access = LUNA_HEAP_READ_WRITE;
    free_too_late(caller, heap);
    if (!has_children(index))
      must(heap.heap->quota().used() == 0, "a heap that was reset is empty");
  }

  void destroy(std::size_t index) {
    if (index == 0) return;
    Caller& caller = draw_caller();
    Modelled& heap = heaps_[index];
    const int error = named_.destroy(*heap.heap, caller.parts());
    must(error == (has_children(index) ? os::kBusy : 0),
         "a heap without children can be destroyed");
    if (error != 0) return;
    free_too_late(caller, heap);
    heaps_.erase(heaps_.begin() + static_cast<std::ptrdiff_t>(index));
    for (Modelled& other : heaps_)
      if (other.parent > index) --other.parent;
  }

  // What is freed when its heap is gone is ignored.
  static void free_too_late(Caller& caller, Modelled& heap) {
    for (std::size_t i = 0; !heap.blocks.empty(); ++i) {
      const ShadowBlock block = heap.blocks.remove(0);
      if (i < 3) caller.deallocate(block.memory);
    }
  }

  void protect() {
    Modelled& heap = heaps_[draw_heap()];
    if (heap.heap == nullptr) return;
    heap.access = static_cast<luna_heap_access>(input_.below(3));
    must(heap.heap->protect(heap.access) == 0, "a heap can be protected");
  }

  void set_limit() {
    Modelled& heap = heaps_[draw_heap()];
    if (heap.heap == nullptr) return;
    heap.used_at_limit = heap.heap->quota().used();
    heap.heap->set_limit(input_.number(2) << 10);
  }

  void change_thread() {
    auto& caller = callers_[input_.below(callers_.size())];
    switch (input_.byte() % 4) {
      case 0:
        caller.reset();
        caller = std::make_unique<Caller>(first_, named_);
        break;
      case 1:
        static_cast<void>(first_.trim(&caller->own(), 0));
        break;
      case 2:
        static_cast<void>(named_.trim());
        break;
      default:
        is_sampled_ = first_.begin_sampling(book_.observer());
        must(is_sampled_, "there is memory for samples");
        first_.set_sampling_interval(input_.number(2), 1);
        named_.follow();
    }
  }

  void verify() {
    for (const auto& caller : callers_) {
      caller->publish();
      caller->verify();
    }
    first_.pages().verify();
    first_.guarded().verify();
    for (Modelled& heap : heaps_) {
      if (heap.is_readable()) heap.blocks.check_all();
      if (heap.heap != nullptr) verify_statistics(heap);
    }
  }

  void verify_statistics(Modelled& heap) {
    NamedHeap& named = *heap.heap;
    named.allocator().pages().verify();
    for (const auto& caller : callers_) {
      ThreadHeap* part = caller->parts().at(named.number());
      if (part != nullptr && named.is_open()) part->drain();
    }
    const luna_heap_stats statistics = named.statistics(nullptr);
    must(statistics.peak_bytes >= statistics.used_bytes, "the peak is the most that was");
    if (!named.is_open()) return;
    must(statistics.live_blocks >= heap.blocks.count(), "live blocks are counted");
    must(statistics.live_bytes >= heap.blocks.bytes(), "live bytes are counted");
    // What threads hold apart while samples are taken has no count, and is taken for live.
    must(is_sampled_ || statistics.live_blocks == heap.blocks.count(), "free blocks are not live");
    must(is_sampled_ || statistics.live_bytes == heap.blocks.bytes(), "free bytes are not live");
    if (!heap.has(LUNA_HEAP_EXACT)) return;
    std::uint64_t charged = 0;  // a guarded block with its page
    for (const ShadowBlock& block : heap.blocks.blocks())
      charged += first_.guarded().own(block.memory) ? os::page_bytes() : block.usable;
    for (const Modelled& other : heaps_)
      if (other.heap != nullptr && other.heap->parent() == &named)
        charged += other.heap->quota().used();
    must(statistics.used_bytes == charged, "an exact heap is charged what is in use");
  }

  // The heaps first, those without children before the others.
  void end() {
    for (std::size_t i = heaps_.size() - 1; heaps_.size() > 1;
         i = i > 1 ? i - 1 : heaps_.size() - 1)
      destroy(i);
    while (!heaps_[0].blocks.empty()) deallocate(*callers_[0], heaps_[0], 0);
    must(book_.live().empty(), "no sample is left");
    must(named_.count() == 0, "no heap is left");
    for (const auto& caller : callers_) static_cast<void>(first_.trim(&caller->own(), 0));
    for (const auto& caller : callers_) static_cast<void>(first_.trim(&caller->own(), 0));
    must(whole_usage(first_).pages.used == 0, "no page is left in use");
    for (auto& caller : callers_) caller.reset();
  }

  Input& input_;
  SampleBook book_;
  Allocator first_;
  os::ProtectionKeys keys_;
  NamedHeaps named_{first_, keys_};
  std::vector<Modelled> heaps_;  // the first is the heap of all; parents come before children
  std::array<std::unique_ptr<Caller>, 2> callers_;
  bool is_sampled_ = false;
};

}  // namespace

}  // namespace luna::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  luna::fuzz::Input input(data, size);
  luna::fuzz::Heaps(input).run();
  luna::fuzz::release_all();
  return 0;
}
