// SPDX-License-Identifier: MIT
// Pools, of the heap of all and of named heaps: bounds that hold exactly, blocks that are known
// again, pointers that are none, trims, and the end of a heap below them.
#include "fuzz/address_space.hpp"
#include "fuzz/input.hpp"
#include "fuzz/shadow.hpp"
#include "heap/named_heaps.hpp"
#include "heap/pool_list.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace luna::fuzz {

namespace {

constexpr std::size_t kMaxCalls = 300;
constexpr std::size_t kMaxPoolBytes = std::size_t{4} << 20;

struct Modelled {
  Pool* pool = nullptr;
  PoolOptions options;
  Shadow blocks;
};

class Pools {
 public:
  explicit Pools(Input& input) : input_(input), parts_(*named_.attach(nullptr)) {
    first_.set_pools(&list_);
    if (input_.flag()) create_heap();
  }

  void run() {
    for (std::size_t i = 0; i < kMaxCalls && !input_.empty(); ++i) call();
    verify();
    while (!pools_.empty()) destroy(0);
    end_heap();
    must(has_gone_ || first_.usage().pages.used == 0, "no page is left in use");
    named_.detach(parts_);
  }

 private:
  void call() {
    switch (input_.byte() % 8) {
      case 0:
        return create();
      case 1:
        return allocate(1);
      case 2:
        return allocate(1 + input_.byte());
      case 3:
        return deallocate(1);
      case 4:
        return deallocate(1 + input_.byte());
      case 5:
        return try_wrong_pointers();
      case 6:
        return change();
      default:
        return verify();
    }
  }

  void create_heap() {
    luna_heap_options options{};
    options.struct_size = sizeof options;
    options.name = "fuzzed";
    options.limit_bytes = input_.number(1) << 16;
    options.flags = input_.byte() & (LUNA_HEAP_EXACT | LUNA_HEAP_WIPES);
    must(named_.create(options, heap_) == 0, "a heap can be created");
  }

  // Its pools are gone: they have no blocks, and what is freed of them is done with.
  void end_heap() {
    if (heap_ == nullptr) return;
    must(named_.destroy(*heap_, parts_) == 0, "a heap can be destroyed");
    heap_ = nullptr;
    std::erase_if(pools_, [this](Modelled& each) {
      if (each.options.heap == nullptr) return false;
      has_gone_ = true;
      must(each.pool->is_gone(), "a pool goes with its heap");
      must(each.pool->allocate(true) == nullptr, "a pool that is gone has no blocks");
      if (!each.blocks.empty())
        must(each.pool->deallocate(each.blocks.remove(0).memory, true) == PoolFree::kDone,
             "a block of a pool that is gone is done with");
      return true;
    });
  }

  void create() {
    if (pools_.size() == 6) return;
    Modelled made;
    made.options.block_bytes = input_.number(input_.byte() % 16 == 0 ? 2 : 1) * 8;
    made.options.alignment = std::size_t{8} << input_.byte() % 10;
    made.options.max_blocks = input_.number(2) % 3000;
    const std::uint8_t flags = input_.byte();
    made.options.auto_expand = (flags & 1) == 0;
    made.options.reclaim_on_free = (flags & 2) != 0;
    made.options.reclaim_on_purge = (flags & 4) != 0;
    if ((flags & 8) != 0) made.options.heap = heap_;
    const std::size_t step = round_up(made.options.block_bytes, made.options.alignment);
    if (!made.options.are_sound() || step * made.options.max_blocks > kMaxPoolBytes) return;
    made.pool = list_.create(first_.pages(), "fuzzed", made.options);
    if (made.pool == nullptr) return must(made.options.heap != nullptr, "a pool can be made");
    pools_.push_back(std::move(made));
  }

  [[nodiscard]] Modelled* draw() {
    return pools_.empty() ? nullptr : &pools_[input_.below(pools_.size())];
  }

  void allocate(std::size_t count) {
    Modelled* each = draw();
    for (; each != nullptr && count > 0; --count) {
      void* block = each->pool->allocate(true);
      if (block == nullptr) {
        must(each->blocks.count() == each->options.max_blocks || each->options.heap != nullptr,
             "no block is denied below the bound");
        return;
      }
      must(each->blocks.count() < each->options.max_blocks, "there are no more than the bound");
      must(address_of(block) % each->options.alignment == 0, "blocks are aligned");
      each->blocks.add(block, each->options.block_bytes, each->options.block_bytes);
    }
  }

  void deallocate(std::size_t count) {
    Modelled* each = draw();
    for (; each != nullptr && count > 0 && !each->blocks.empty(); --count) {
      void* memory = each->blocks.take(count % each->blocks.count()).memory;
      must(each->pool->deallocate(memory, true) == PoolFree::kDone, "a block can be freed");
      if (count == 1) {
        const PoolFree again = each->pool->deallocate(memory, true);
        must(again == PoolFree::kNotInUse || again == PoolFree::kForeign, "a block is freed once");
      }
    }
  }

  void try_wrong_pointers() {
    Modelled* each = draw();
    if (each == nullptr) return;
    must(each->pool->deallocate(this, true) == PoolFree::kForeign, "the stack is no pool's");
    if (each->blocks.empty()) return;
    const ShadowBlock& block = each->blocks.blocks()[each->blocks.draw(input_)];
    const std::size_t offset = 1 + input_.below(each->options.block_bytes);
    if (offset < each->options.block_bytes)
      must(each->pool->deallocate(static_cast<std::byte*>(block.memory) + offset, true) ==
               PoolFree::kInterior,
           "within a block starts none");
    must(list_.find(block.memory) == each->pool, "a block is found to be of its pool");
  }

  void change() {
    switch (input_.byte() % 4) {
      case 0:
        if (!pools_.empty()) destroy(input_.below(pools_.size()));
        break;
      case 1:
        list_.trim(first_.pages());
        break;
      case 2:
        if (Modelled* each = draw(); each != nullptr) each->pool->trim();
        break;
      default:
        heap_ == nullptr ? create_heap() : end_heap();
    }
  }

  void destroy(std::size_t index) {
    pools_[index].blocks.check_all();
    list_.destroy(first_.pages(), *pools_[index].pool);
    pools_.erase(pools_.begin() + static_cast<std::ptrdiff_t>(index));
  }

  void verify() {
    first_.pages().verify();
    for (Modelled& each : pools_) {
      each.blocks.check_all();
      each.pool->verify();
      const PoolUsage usage = each.pool->usage();
      must(usage.used == each.blocks.count(), "blocks in use are counted");
      must(usage.peak >= usage.used && usage.capacity >= usage.used, "there is room for them");
      must(usage.capacity <= each.options.max_blocks, "there is no more room than the bound");
    }
  }

  Input& input_;
  Allocator first_;
  os::ProtectionKeys keys_;
  NamedHeaps named_{first_, keys_};
  PoolList list_;
  ThreadParts& parts_;
  NamedHeap* heap_ = nullptr;
  std::vector<Modelled> pools_;
  bool has_gone_ = false;  // the record of a pool that is gone stays for a while
};

}  // namespace

}  // namespace luna::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  luna::fuzz::Input input(data, size);
  luna::fuzz::Pools(input).run();
  luna::fuzz::release_all();
  return 0;
}
