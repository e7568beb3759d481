// SPDX-License-Identifier: MIT
#include "heap/pool_chunks.hpp"

#include "heap/named_heap.hpp"

#include <bit>
#include <new>

namespace luna {

namespace {

__extension__ using Wide = unsigned __int128;

// Threads begin their search at different words, so that they do not take turns with one line.
[[nodiscard]] int first_word_of_thread() noexcept {
  const auto thread = reinterpret_cast<std::uintptr_t>(__builtin_thread_pointer());
  return static_cast<int>((thread >> 12) * 0x9e3779b97f4a7c15 >> 58);
}

}  // namespace

bool PoolChunk::is_empty() const noexcept {
  // Sequentially consistent: of two threads that free the last two blocks, one sees both freed.
  for (std::size_t i = 0; i < words_in_use(); ++i)
    if (words[i].load() != empty_word(i)) return false;
  return true;
}

PoolChunks::PoolChunks(PageHeap& pages, const Shape& shape, NamedHeap* heap) noexcept
    : pages_(pages),
      heap_(heap),
      shape_(shape),
      unit_shift_(static_cast<unsigned>(
          std::countr_zero(std::bit_ceil(pages_of(shape.chunk_blocks) * kPageBytes)))),
      inverse_(UINT64_MAX / shape.block_bytes + 1) {}

PoolChunks::~PoolChunks() {
  for_each([this](PoolChunk& chunk) noexcept {
    put_memory(chunk.memory.load(), pages_of(chunk.blocks.load()));
  });
  for (const auto& place : levels_)
    if (Level* level = place.load(); level != nullptr) pages_.put(level);
}

void* PoolChunks::take_block() noexcept {
  while (true) {
    if (void* block = take_hinted(); block != nullptr) [[likely]]
      return block;
    if (void* block = take_any(); block != nullptr) return block;
  }
}

// Oldest chunks first, so that the others get empty.
void* PoolChunks::take_hinted() noexcept {
  for (const auto& place : levels_) {
    // pairs with the release in add_level()
    Level* level = place.load(std::memory_order_acquire);
    if (level == nullptr) return nullptr;
    for (std::size_t i = 0; i < level->open_words; ++i) {
      // A hint: what it leads to is looked at.
      std::uint64_t open = level->open[i].load(std::memory_order_relaxed);
      for (; open != 0; open &= open - 1) {
        PoolChunk& chunk = level->chunks[i * 64 + static_cast<std::size_t>(std::countr_zero(open))];
        // likewise
        void* block = take_of(chunk, chunk.open.load(std::memory_order_relaxed));
        if (block != nullptr) [[likely]]
          return block;
      }
    }
  }
  return nullptr;
}

// Hints are behind where a thread has yet to give them, and may be lost where two change them.
void* PoolChunks::take_any() noexcept {
  void* block = nullptr;
  for_each([&](PoolChunk& chunk) noexcept {
    if (block != nullptr) return;
    block = take_of(chunk, chunk.all_words());
    if (block == nullptr) return;
    // hints again
    chunk.open.fetch_or(chunk.all_words(), std::memory_order_relaxed);
    chunk.level_open->fetch_or(chunk.level_bit, std::memory_order_relaxed);
  });
  return block;
}

void* PoolChunks::take_of(PoolChunk& chunk, std::uint64_t words) noexcept {
  const int first = first_word_of_thread();
  std::uint64_t turned = std::rotr(words, first);
  for (; turned != 0; turned &= turned - 1) {
    const auto word = static_cast<std::size_t>(std::countr_zero(turned) + first) % 64;
    if (void* block = take_in(chunk, word); block != nullptr) [[likely]]
      return block;
  }
  return nullptr;
}

void* PoolChunks::take_in(PoolChunk& chunk, std::size_t word) noexcept {
  std::atomic<std::uint64_t>& blocks = chunk.words[word];
  std::uint64_t before = blocks.load(std::memory_order_relaxed);  // the step below looks again
  std::uint64_t taken = 0;
  do {
    taken = before | (before + 1);  // the lowest that is free; of a full word that closes it
    if ((taken & PoolChunk::kClosed) != 0) return nullptr;
  } while (!blocks.compare_exchange_weak(before, taken));
  if (taken == ~PoolChunk::kClosed) {
    // Hints: relaxed, with no partner.
    const std::uint64_t bit = std::uint64_t{1} << word;
    const std::uint64_t open = chunk.open.fetch_and(~bit, std::memory_order_relaxed);
    if ((open & ~bit) == 0)
      chunk.level_open->fetch_and(~chunk.level_bit, std::memory_order_relaxed);
  }
  // It cannot change while a block is in use.
  std::byte* memory = chunk.memory.load(std::memory_order_relaxed);
  const auto bit = static_cast<std::size_t>(std::countr_zero(taken & ~before));
  return memory + shape_.lead_bytes + (word * PoolChunk::kBlocksPerWord + bit) * shape_.block_bytes;
}

bool PoolChunks::is_in_use(const PoolChunk& chunk, std::size_t block) noexcept {
  const std::uint64_t bit = std::uint64_t{1} << block % PoolChunk::kBlocksPerWord;
  return (chunk.words[block / PoolChunk::kBlocksPerWord].load() & bit) != 0;
}

bool PoolChunks::mark_free(PoolChunk& chunk, std::size_t block) noexcept {
  const std::size_t word = block / PoolChunk::kBlocksPerWord;
  const std::uint64_t bit = std::uint64_t{1} << block % PoolChunk::kBlocksPerWord;
  if ((chunk.words[word].fetch_and(~bit) & bit) == 0) return false;
  // Hints: relaxed, with no partner.
  const std::uint64_t word_bit = std::uint64_t{1} << word;
  if ((chunk.open.load(std::memory_order_relaxed) & word_bit) == 0)
    chunk.open.fetch_or(word_bit, std::memory_order_relaxed);
  if ((chunk.level_open->load(std::memory_order_relaxed) & chunk.level_bit) == 0)
    chunk.level_open->fetch_or(chunk.level_bit, std::memory_order_relaxed);
  return true;
}

// Chains change under those who go along them. Who is led astray finds nothing, and looks at all.
PoolChunk* PoolChunks::find(const void* pointer) const noexcept {
  PoolChunk* found = find_hashed(pointer);
  if (found != nullptr) [[likely]]
    return found;
  for_each([&](PoolChunk& chunk) noexcept {
    if (lies_in(chunk, pointer)) found = &chunk;
  });
  return found;
}

PoolChunk* PoolChunks::find_hashed(const void* pointer) const noexcept {
  constexpr int kMaxSteps = 64;
  const Level* newest = newest_.load(std::memory_order_acquire);  // pairs with add_level()
  if (newest == nullptr) return nullptr;
  // pairs with the release in link(), as does that below
  PoolChunk* at =
      newest->buckets[bucket_of(*newest, unit_of(pointer))].load(std::memory_order_acquire);
  for (int i = 0; at != nullptr && i < kMaxSteps; ++i) {
    if (lies_in(*at, pointer)) return at;
    at = at->next.load(std::memory_order_acquire);
  }
  return nullptr;
}

std::size_t PoolChunks::block_at(const PoolChunk& chunk, const void* pointer) const noexcept {
  // The caller says that it is in use; if not, what comes out is no more than a wrong number.
  const std::byte* memory = chunk.memory.load(std::memory_order_relaxed);
  const std::uintptr_t offset = address_of(pointer) - address_of(memory) - shape_.lead_bytes;
  // The quotient without a division: exact where there is no remainder, and else it does not
  // matter.
  const auto block = static_cast<std::size_t>(static_cast<Wide>(offset) * inverse_ >> 64);
  return block * shape_.block_bytes == offset && block < chunk.blocks.load() ? block : SIZE_MAX;
}

bool PoolChunks::add(std::uint32_t blocks) noexcept {
  if (unused_ == nullptr && !add_level()) return false;
  std::byte* memory = take_memory(pages_of(blocks));
  if (memory == nullptr) return false;
  PoolChunk& chunk = *unused_;
  unused_ = chunk.next.load();
  // Closed before anybody can come by: a record that is used for the first time has zeros there.
  for (auto& word : chunk.words) word.store(PoolChunk::kClosed);
  chunk.blocks.store(blocks);
  chunk.memory.store(memory);
  link(chunk);
  for (std::size_t i = 0; i < chunk.words_in_use(); ++i) chunk.words[i].store(chunk.empty_word(i));
  chunk.open.store(chunk.all_words());
  chunk.level_open->fetch_or(chunk.level_bit);
  return true;
}

std::byte* PoolChunks::take_memory(std::size_t pages) noexcept {
  const std::size_t unit_pages = (std::size_t{1} << unit_shift_) / kPageBytes;
  if (heap_ != nullptr) return static_cast<std::byte*>(heap_->take_chunk(pages, unit_pages));
  void* memory = pages_.take(pages, unit_pages, false);
  if (memory != nullptr && !pages_.open_end(memory, pages)) {
    pages_.put(memory);
    memory = nullptr;
  }
  return static_cast<std::byte*>(memory);
}

void PoolChunks::put_memory(std::byte* memory, std::size_t pages) noexcept {
  if (heap_ != nullptr) return heap_->put_chunk(memory, pages);
  pages_.put(memory);
}

bool PoolChunks::close(PoolChunk& chunk) noexcept {
  const std::size_t words = chunk.words_in_use();
  for (std::size_t i = 0; i < words; ++i) {
    std::uint64_t empty = chunk.empty_word(i);
    if (chunk.words[i].compare_exchange_strong(empty, PoolChunk::kClosed)) continue;
    while (i-- > 0) chunk.words[i].store(chunk.empty_word(i));
    return false;
  }
  return true;
}

void PoolChunks::remove(PoolChunk& chunk) noexcept {
  std::byte* memory = chunk.memory.load();
  const Level& newest = *newest_.load();
  std::atomic<PoolChunk*>* at = &newest.buckets[bucket_of(newest, unit_of(memory))];
  while (at->load() != &chunk) at = &at->load()->next;
  at->store(chunk.next.load());
  chunk.memory.store(nullptr);
  chunk.open.store(0);
  chunk.level_open->fetch_and(~chunk.level_bit);
  chunk.next.store(unused_);
  unused_ = &chunk;
  put_memory(memory, pages_of(chunk.blocks.load()));
}

void PoolChunks::forget() noexcept {
  for_each([](PoolChunk& chunk) noexcept {
    for (auto& word : chunk.words) word.store(PoolChunk::kClosed);
    chunk.memory.store(nullptr);
  });
}

bool PoolChunks::add_level() noexcept {
  std::size_t number = 0;
  while (number < kMaxLevels && levels_[number].load() != nullptr) ++number;
  if (number == kMaxLevels) return false;
  const std::size_t count = kFirstLevelChunks << number;
  const std::size_t open_words = (count + 63) / 64;
  const std::size_t buckets = count * 4;
  const std::size_t bytes = sizeof(Level) + count * sizeof(PoolChunk) +
                            open_words * sizeof(std::uint64_t) + buckets * sizeof(PoolChunk*);
  auto* memory = static_cast<std::byte*>(pages_.take(pages_for(bytes), 1, true));
  if (memory == nullptr) return false;
  auto* level = ::new (memory) Level{};
  level->chunk_count = count;
  level->open_words = open_words;
  level->bucket_mask = buckets - 1;
  // Zeros are what all of them begin as.
  level->chunks = reinterpret_cast<PoolChunk*>(level + 1);
  level->open = reinterpret_cast<std::atomic<std::uint64_t>*>(level->chunks + count);
  level->buckets = reinterpret_cast<std::atomic<PoolChunk*>*>(level->open + open_words);
  for (std::size_t i = count; i-- > 0;) {
    PoolChunk& chunk = level->chunks[i];
    chunk.level_open = &level->open[i / 64];
    chunk.level_bit = std::uint64_t{1} << i % 64;
    chunk.next.store(unused_);
    unused_ = &chunk;
  }
  // Chains of the old table come apart meanwhile, and whoever goes along them looks at all.
  newest_.store(level, std::memory_order_release);  // pairs with the acquire in find_hashed()
  for_each([this](PoolChunk& chunk) noexcept { link(chunk); });
  levels_[number].store(level,
                        std::memory_order_release);  // pairs with take_hinted() and for_each()
  return true;
}

void PoolChunks::link(PoolChunk& chunk) noexcept {
  const Level& newest = *newest_.load(std::memory_order_relaxed);  // set under the lock
  const std::uintptr_t unit = unit_of(chunk.memory.load());
  std::atomic<PoolChunk*>& bucket = newest.buckets[bucket_of(newest, unit)];
  // pair with the acquires in find_hashed(): who stands at the chunk goes on from there
  chunk.next.store(bucket.load(), std::memory_order_release);
  bucket.store(&chunk, std::memory_order_release);
}

}  // namespace luna
