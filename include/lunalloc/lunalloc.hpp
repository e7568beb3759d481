// SPDX-License-Identifier: MIT
// lunalloc.hpp - heap.h and pool.h for C++17 and later: heaps and pools that end with their scope,
// and what lets containers allocate from heaps. Only this header; the functions are those of
// heap.h and pool.h.
//
// What throws says so. Threads and costs are those of the functions that are called.
#pragma once

#include <lunalloc/heap.h>
#include <lunalloc/pool.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <new>
#include <system_error>
#include <type_traits>
#include <utility>

namespace luna {

// What a heap shall be: heap_options("tenant").limit(64 << 20).parent(all). The functions are
// called as luna_heap_options says.
class heap_options {
 public:
  explicit heap_options(const char* name) noexcept { options_.name = name; }

  heap_options& limit(std::uint64_t bytes) noexcept {
    options_.limit_bytes = bytes;
    return *this;
  }
  heap_options& soft_limit(std::uint64_t bytes,
                           void (*function)(luna_heap*, std::uint64_t, void*)) {
    options_.soft_limit_bytes = bytes;
    options_.on_soft_limit = function;
    return *this;
  }
  heap_options& reserve(std::uint64_t bytes) noexcept {
    options_.reserve_bytes = bytes;
    return *this;
  }
  heap_options& parent(luna_heap* above) noexcept {
    options_.parent = above;
    return *this;
  }
  heap_options& flags(std::uint64_t more) noexcept {
    options_.flags |= more;
    return *this;
  }
  heap_options& on_denial(int (*function)(luna_heap*, std::size_t, void*)) noexcept {
    options_.denial = LUNA_HEAP_CALLS;
    options_.on_denial = function;
    return *this;
  }
  heap_options& abort_on_denial() noexcept {
    options_.denial = LUNA_HEAP_ABORTS;
    return *this;
  }
  // Of both functions.
  heap_options& context(void* value) noexcept {
    options_.context = value;
    return *this;
  }

  [[nodiscard]] const luna_heap_options* get() const noexcept { return &options_; }

 private:
  static luna_heap_options none() noexcept {
    luna_heap_options result{};
    result.struct_size = sizeof result;
    return result;
  }

  luna_heap_options options_ = none();
};

// Owns a heap: with it goes all that was allocated from the heap, without a destructor being
// called. A heap that a thread has entered, or that is the parent of others, cannot go: it stays.
class heap {
 public:
  // Throws std::system_error with the errno value of luna_heap_create().
  explicit heap(const heap_options& options) : heap_(luna_heap_create(options.get())) {
    if (heap_ == nullptr) throw_error(errno, "luna_heap_create");
  }
  explicit heap(const char* name) : heap(heap_options(name)) {}

  // Takes over a heap that luna_heap_create() has made.
  explicit heap(luna_heap* made) noexcept : heap_(made) {}

  heap(heap&& other) noexcept : heap_(other.release()) {}
  heap& operator=(heap&& other) noexcept {
    heap(std::move(other)).swap(*this);
    return *this;
  }
  ~heap() {
    if (heap_ != nullptr) static_cast<void>(luna_heap_destroy(heap_));
  }

  void swap(heap& other) noexcept { std::swap(heap_, other.heap_); }

  // nullptr: it was moved from, or released.
  [[nodiscard]] luna_heap* get() const noexcept { return heap_; }
  explicit operator bool() const noexcept { return heap_ != nullptr; }
  [[nodiscard]] luna_heap* release() noexcept { return std::exchange(heap_, nullptr); }

  // Requires, of all that follow: it has a heap.
  [[nodiscard]] const char* name() const noexcept { return luna_heap_name(heap_); }
  [[nodiscard]] luna_heap_stats stats() const noexcept {
    luna_heap_stats result{};
    result.struct_size = sizeof result;
    static_cast<void>(luna_heap_stats_read(heap_, &result));
    return result;
  }
  void set_limit(std::uint64_t bytes) noexcept { luna_heap_set_limit(heap_, bytes); }
  std::size_t trim() noexcept { return luna_heap_trim(heap_); }

  // These throw std::system_error with the errno value that their namesakes return.
  void reset() {
    if (const int error = luna_heap_reset(heap_); error != 0) throw_error(error, "luna_heap_reset");
  }
  void protect(luna_heap_access access) {
    if (const int error = luna_heap_protect(heap_, access); error != 0)
      throw_error(error, "luna_heap_protect");
  }
  void protect_thread(luna_heap_access access) {
    if (const int error = luna_heap_protect_thread(heap_, access); error != 0)
      throw_error(error, "luna_heap_protect_thread");
  }

 private:
  [[noreturn]] static void throw_error(int error, const char* what) {
    throw std::system_error(error, std::generic_category(), what);
  }

  luna_heap* heap_;
};

// Between its begin and its end what this thread allocates by malloc or new comes from the heap;
// nullptr: from the heap of all. Scopes of a thread end in the reverse order of their begin.
class [[nodiscard]] heap_scope {
 public:
  explicit heap_scope(luna_heap* into) noexcept : before_(luna_heap_enter(into)) {}
  explicit heap_scope(const heap& into) noexcept : heap_scope(into.get()) {}
  ~heap_scope() { luna_heap_leave(before_); }
  heap_scope(const heap_scope&) = delete;
  heap_scope& operator=(const heap_scope&) = delete;

 private:
  luna_heap* before_;
};

// A block of the heap. Throws std::bad_alloc if there is none to be had; no new_handler is
// called, for it would free memory of other heaps.
[[nodiscard]] inline void* allocate_from(luna_heap* from, std::size_t bytes,
                                         std::size_t alignment = alignof(std::max_align_t)) {
  void* block = alignment <= alignof(std::max_align_t)
                    ? luna_heap_malloc(from, bytes)
                    : luna_heap_aligned_alloc(from, alignment, bytes);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

// What a pool shall be: pool_options("messages", 256).max_blocks(1000).heap(tenant.get()). Without
// more it grows as it needs.
class pool_options {
 public:
  pool_options(const char* name, std::size_t block_bytes) noexcept
      : name_(name), block_bytes_(block_bytes) {}

  pool_options& max_blocks(std::uint64_t count) noexcept {
    options_.max_blocks = count;
    return *this;
  }
  // Memory for all blocks is taken at once. Wants max_blocks().
  pool_options& fixed() noexcept {
    options_.auto_expand = 0;
    return *this;
  }
  pool_options& alignment(std::size_t bytes) noexcept {
    options_.alignment = bytes;
    return *this;
  }
  pool_options& reclaim_on_free() noexcept {
    options_.reclaim_on_free = 1;
    return *this;
  }
  pool_options& reclaim_on_purge() noexcept {
    options_.reclaim_on_purge = 1;
    return *this;
  }
  pool_options& heap(luna_heap* of) noexcept {
    options_.heap = of;
    return *this;
  }

  [[nodiscard]] const char* name() const noexcept { return name_; }
  [[nodiscard]] std::size_t block_bytes() const noexcept { return block_bytes_; }
  [[nodiscard]] const luna_pool_options* get() const noexcept { return &options_; }

 private:
  static luna_pool_options growing() noexcept {
    luna_pool_options result{};
    result.struct_size = sizeof result;
    result.auto_expand = 1;
    return result;
  }

  const char* name_;
  std::size_t block_bytes_;
  luna_pool_options options_ = growing();
};

// Owns a pool: its blocks go with it, without a destructor being called.
class pool {
 public:
  // Throws std::system_error with the errno value of luna_pool_create().
  explicit pool(const pool_options& options) {
    const int error =
        luna_pool_create(options.name(), options.block_bytes(), options.get(), &pool_);
    if (error != 0) throw std::system_error(error, std::generic_category(), "luna_pool_create");
  }
  pool(const char* name, std::size_t block_bytes) : pool(pool_options(name, block_bytes)) {}

  // Takes over a pool that luna_pool_create() has made.
  explicit pool(luna_pool* made) noexcept : pool_(made) {}

  pool(pool&& other) noexcept : pool_(other.release()) {}
  pool& operator=(pool&& other) noexcept {
    pool(std::move(other)).swap(*this);
    return *this;
  }
  ~pool() {
    if (pool_ != nullptr) static_cast<void>(luna_pool_destroy(pool_));
  }

  void swap(pool& other) noexcept { std::swap(pool_, other.pool_); }

  // nullptr: it was moved from, or released.
  [[nodiscard]] luna_pool* get() const noexcept { return pool_; }
  explicit operator bool() const noexcept { return pool_ != nullptr; }
  [[nodiscard]] luna_pool* release() noexcept { return std::exchange(pool_, nullptr); }

  // Requires, of all that follow: it has a pool. A block; throws std::bad_alloc if the bound or
  // memory does not permit one.
  [[nodiscard]] void* allocate() {
    void* block = try_allocate();
    if (block == nullptr) throw std::bad_alloc();
    return block;
  }
  [[nodiscard]] void* try_allocate() noexcept { return luna_pool_allocate(pool_); }

  // False: it is no block of this pool, or free already; a line on stderr says so.
  bool deallocate(void* block) noexcept { return luna_pool_free(pool_, block) == 0; }

  [[nodiscard]] const char* name() const noexcept { return luna_pool_name(pool_); }
  [[nodiscard]] luna_pool_usage stats() const noexcept {
    luna_pool_usage result{};
    result.struct_size = sizeof result;
    static_cast<void>(luna_pool_stats(pool_, &result));
    return result;
  }
  std::size_t trim() noexcept { return luna_pool_trim(pool_); }

 private:
  luna_pool* pool_ = nullptr;
};

// Lets std::pmr containers allocate from a heap. Does not own it. do_allocate() throws
// std::bad_alloc.
class heap_resource final : public std::pmr::memory_resource {
 public:
  explicit heap_resource(luna_heap* from) noexcept : heap_(from) {}
  explicit heap_resource(const luna::heap& from) noexcept : heap_(from.get()) {}

  [[nodiscard]] luna_heap* get() const noexcept { return heap_; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return allocate_from(heap_, bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t, std::size_t) override {
    luna_heap_free(heap_, block);
  }
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    const auto* same_kind = dynamic_cast<const heap_resource*>(&other);
    return same_kind != nullptr && same_kind->heap_ == heap_;
  }

  luna_heap* heap_;
};

// Lets other containers allocate from a heap, which it does not own. There is none without a heap.
//
// A container stays in the heap that it was made in, whatever is assigned to it, so that what
// one tenant hands to another counts for the one that has it. Moving into a container of another
// heap therefore moves its elements one by one. Only swap() exchanges the heaps too, because it
// must not allocate; so it takes as long as ever.
template <typename T>
class allocator {
 public:
  using value_type = T;
  using propagate_on_container_copy_assignment = std::false_type;
  using propagate_on_container_move_assignment = std::false_type;
  using propagate_on_container_swap = std::true_type;
  using is_always_equal = std::false_type;

  // Not explicit: std::vector<int, luna::allocator<int>> numbers(tenant);
  allocator(luna_heap* from) noexcept : heap_(from) {}
  allocator(const luna::heap& from) noexcept : heap_(from.get()) {}
  template <typename U>
  allocator(const allocator<U>& other) noexcept : heap_(other.get()) {}

  // Throws std::bad_array_new_length, or std::bad_alloc.
  [[nodiscard]] T* allocate(std::size_t count) {
    if (count > static_cast<std::size_t>(PTRDIFF_MAX) / sizeof(T))
      throw std::bad_array_new_length();
    return static_cast<T*>(allocate_from(heap_, count * sizeof(T), alignof(T)));
  }
  void deallocate(T* block, std::size_t) noexcept { luna_heap_free(heap_, block); }

  [[nodiscard]] luna_heap* get() const noexcept { return heap_; }

 private:
  luna_heap* heap_;
};

template <typename T, typename U>
[[nodiscard]] bool operator==(const allocator<T>& left, const allocator<U>& right) noexcept {
  return left.get() == right.get();
}
template <typename T, typename U>
[[nodiscard]] bool operator!=(const allocator<T>& left, const allocator<U>& right) noexcept {
  return left.get() != right.get();
}

}  // namespace luna
