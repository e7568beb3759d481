// SPDX-License-Identifier: MIT
// lunalloc.hpp: what lives in a heap by way of its classes is in that heap, counts for it, and
// goes with it. A program that is linked with the library, in C++17.
#include "expect.hpp"

#include <lunalloc/lunalloc.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

using Text = std::basic_string<char, std::char_traits<char>, luna::allocator<char>>;
using Numbers = std::vector<int, luna::allocator<int>>;

[[nodiscard]] std::size_t heaps() { return luna_heap_list(nullptr, 0); }

// The value of the system_error that the call throws; 0: none.
template <typename Call>
[[nodiscard]] int error_of(Call call) {
  try {
    call();
  } catch (const std::system_error& error) {
    return error.code().value();
  }
  return 0;
}

template <typename Exception, typename Call>
[[nodiscard]] bool throws(Call call) {
  try {
    call();
  } catch (const Exception&) {
    return true;
  }
  return false;
}

void heap_ends_with_its_owner() {
  {
    luna::heap first("first");
    luna::heap second(std::move(first));
    EXPECT(!first && second && heaps() == 1 && std::string(second.name()) == "first");
    luna::heap third("third");
    EXPECT(heaps() == 2);
    third = std::move(second);
    EXPECT(heaps() == 1 && std::string(third.name()) == "first");
    luna_heap* released = third.release();
    EXPECT(released != nullptr && !third && heaps() == 1);
    const luna::heap again(released);
    EXPECT(again.get() == released);
  }
  EXPECT(heaps() == 0);
  EXPECT(error_of([] { luna::heap nameless(""); }) == EINVAL);
}

struct Seen {
  int denials = 0;
  int soft = 0;
};

int count_denial(luna_heap*, std::size_t, void* context) {
  ++static_cast<Seen*>(context)->denials;
  return 0;
}
void count_soft(luna_heap*, std::uint64_t used, void* context) {
  EXPECT(used > 1 * kMiB);
  ++static_cast<Seen*>(context)->soft;
}

void options_are_heeded() {
  luna::heap above(luna::heap_options("above").limit(4 * kMiB).reserve(1 * kMiB));
  Seen seen;
  const luna::heap below(luna::heap_options("below")
                             .parent(above.get())
                             .flags(LUNA_HEAP_EXACT)
                             .flags(LUNA_HEAP_WIPES)
                             .soft_limit(1 * kMiB, &count_soft)
                             .on_denial(&count_denial)
                             .context(&seen));
  EXPECT(above.stats().children == 1 && above.stats().limit_bytes == 4 * kMiB);
  EXPECT(throws<std::bad_alloc>([&] { Numbers{2 * kMiB, below}; }));
  EXPECT(seen.denials == 1 && seen.soft == 0);
  above.set_limit(16 * kMiB);
  const std::size_t count = Numbers(2 * kMiB, below).size();
  EXPECT(count == 2 * kMiB && seen.denials == 1 && seen.soft == 1);
  EXPECT(below.stats().peak_bytes >= 8 * kMiB && below.stats().live_bytes == 0);
}

// Until the heap denies it.
void fill(const luna::heap& own, std::size_t bytes) {
  while (luna_heap_malloc(own.get(), bytes) != nullptr) {
  }
}

void reserve_stays_open_for_an_error_path() {
  luna::heap own(luna::heap_options("own").limit(4 * kMiB).reserve(1 * kMiB));
  fill(own, 100'000);
  EXPECT(own.stats().used_bytes <= 3 * kMiB);
  for (int i = 0; i < 1000; ++i) EXPECT_FOR(i, luna::allocate_from(own.get(), 100) != nullptr);
  EXPECT(luna::allocate_from(own.get(), kMiB / 2) != nullptr);
  EXPECT(own.stats().denied == 1 && own.stats().used_bytes <= 4 * kMiB);
}

void limits_change_while_the_reserve_is_open() {
  luna::heap above(luna::heap_options("above").limit(3 * kMiB));
  luna::heap below(luna::heap_options("below").parent(above.get()).limit(2 * kMiB).reserve(kMiB));
  fill(below, 100'000);
  below.set_limit(kMiB / 2);
  fill(below, 100);
  EXPECT(luna_heap_malloc(below.get(), 2 * kMiB) == nullptr);
  below.set_limit(0);
  fill(below, 100'000);
  EXPECT(below.stats().used_bytes > 2 * kMiB);
  above.set_limit(0);
  EXPECT(luna_heap_malloc(below.get(), 8 * kMiB) != nullptr);
}

// At the limit there is no room for a copy. Were it denied, the process would end.
void blocks_can_always_shrink() {
  const luna::heap own(
      luna::heap_options("own").limit(1 * kMiB).flags(LUNA_HEAP_EXACT).abort_on_denial());
  auto* block = static_cast<char*>(luna_heap_malloc(own.get(), 900'000));
  block[99] = 7;
  for (const std::size_t bytes : {600'000UL, 20'000UL, 100UL}) {
    block = static_cast<char*>(luna_heap_realloc(own.get(), block, bytes));
    EXPECT_FOR(bytes, block != nullptr && block[99] == 7);
  }
  EXPECT(own.stats().denied == 0 && own.stats().live_blocks == 1);
  EXPECT(own.stats().used_bytes < 1000);
}

void reset_and_protect() {
  luna::heap own("own");
  static_cast<void>(luna::allocate_from(own.get(), 1000));
  EXPECT(own.stats().live_blocks == 1);
  own.reset();
  EXPECT(own.stats().live_blocks == 0);
  {
    const luna::heap_scope scope(own);
    EXPECT(error_of([&] { own.reset(); }) == EBUSY);
  }
  own.protect(LUNA_HEAP_READ);
  EXPECT(throws<std::bad_alloc>([&] { static_cast<void>(luna::allocate_from(own.get(), 10)); }));
  own.protect(LUNA_HEAP_READ_WRITE);
  EXPECT(error_of([&] { own.protect(static_cast<luna_heap_access>(3)); }) == EINVAL);
}

void scopes_nest() {
  const luna::heap outer("outer");
  const luna::heap inner("inner");
  const auto heap_of_new = [] { return luna_heap_of(std::make_unique<int[]>(100).get()); };
  {
    const luna::heap_scope in_outer(outer);
    EXPECT(heap_of_new() == outer.get());
    {
      const luna::heap_scope in_inner(inner);
      EXPECT(heap_of_new() == inner.get());
      const luna::heap_scope in_none(nullptr);
      EXPECT(heap_of_new() == nullptr);
    }
    EXPECT(heap_of_new() == outer.get());
  }
  EXPECT(heap_of_new() == nullptr);
}

[[nodiscard]] int destroyed(luna::heap& own) { return luna_heap_destroy(own.release()); }

// A thread that ends in a heap has left it, and those around it.
void ended_threads_have_left() {
  luna::heap outer("outer");
  luna::heap inner("inner");
  std::thread([&] {
    luna_heap_enter(outer.get());
    luna_heap_enter(inner.get());
    EXPECT(luna_heap_reset(outer.get()) == EBUSY && luna_heap_reset(inner.get()) == EBUSY);
  }).join();
  EXPECT(destroyed(inner) == 0 && destroyed(outer) == 0);
}

// The child of a fork has entered what its thread had, as often, and nothing else.
void children_can_leave() {
  luna::heap outer("outer");
  luna::heap inner("inner");
  std::atomic<bool> ends{false};
  std::atomic<bool> entered{false};
  std::thread other([&] {
    const luna::heap_scope scope(inner);
    entered = true;
    while (!ends) std::this_thread::yield();
  });
  while (!entered) std::this_thread::yield();
  luna_heap* none = luna_heap_enter(outer.get());
  luna_heap* before = luna_heap_enter(outer.get());
  const pid_t child = fork();
  if (child == 0) {
    EXPECT(luna_heap_reset(inner.get()) == 0);
    luna_heap_leave(before);
    EXPECT(luna_heap_reset(outer.get()) == EBUSY);
    luna_heap_leave(none);
    EXPECT(destroyed(outer) == 0 && destroyed(inner) == 0);
    _exit(0);
  }
  int status = -1;
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
  luna_heap_leave(before);
  luna_heap_leave(none);
  EXPECT(luna_heap_reset(inner.get()) == EBUSY);
  ends = true;
  other.join();
  EXPECT(luna_heap_reset(inner.get()) == 0);
}

void resource_serves_pmr() {
  const luna::heap one("one");
  const luna::heap two("two");
  luna::heap_resource of_one(one);
  luna::heap_resource also_of_one(one.get());
  luna::heap_resource of_two(two);
  EXPECT(of_one == also_of_one && of_one != of_two);
  EXPECT(of_one != *std::pmr::new_delete_resource());
  std::pmr::vector<std::pmr::string> lines(&of_one);
  for (int i = 0; i < 1000; ++i) lines.emplace_back("a line that is too long for no allocation");
  EXPECT(luna_heap_of(lines.data()) == one.get());
  EXPECT(luna_heap_of(lines[999].data()) == one.get());
  EXPECT(one.stats().live_blocks == 1001 && two.stats().live_blocks == 0);
  for (std::size_t alignment = 1; alignment <= 4096; alignment *= 2) {
    void* first = of_two.allocate(100, alignment);
    void* second = of_two.allocate(100, alignment);
    for (const void* block : {first, second})
      EXPECT_FOR(alignment, reinterpret_cast<std::uintptr_t>(block) % alignment == 0);
    EXPECT(two.stats().live_blocks == 2);
    of_two.deallocate(first, 100, alignment);
    of_two.deallocate(second, 100, alignment);
  }
  EXPECT(two.stats().live_blocks == 0);
  luna_heap_set_limit(one.get(), 1 * kMiB);
  EXPECT(throws<std::bad_alloc>([&] { static_cast<void>(of_one.allocate(2 * kMiB)); }));
}

struct alignas(256) Wide {
  char bytes[256];
};

void containers_live_in_heaps() {
  const luna::heap own("own");
  {
    Numbers numbers(own);
    numbers.resize(1000);
    std::iota(numbers.begin(), numbers.end(), 0);
    std::map<int, int, std::less<>, luna::allocator<std::pair<const int, int>>> squares(own);
    std::unordered_map<int, Text, std::hash<int>, std::equal_to<>,
                       luna::allocator<std::pair<const int, Text>>>
        names(16, std::hash<int>(), std::equal_to<>(), own);
    for (int i = 0; i < 100; ++i) {
      squares.emplace(i, i * i);
      names.emplace(i, Text(100, 'x', own));
    }
    const auto shared = std::allocate_shared<Text>(luna::allocator<Text>(own), 100, 'y', own);
    const std::vector<Wide, luna::allocator<Wide>> wide(3, own);
    EXPECT(numbers[999] == 999 && squares.at(99) == 9801 && names.at(99).size() == 100);
    EXPECT(reinterpret_cast<std::uintptr_t>(wide.data()) % alignof(Wide) == 0);
    for (const void* block :
         {static_cast<const void*>(numbers.data()), static_cast<const void*>(&squares.at(5)),
          static_cast<const void*>(names.at(5).data()), static_cast<const void*>(shared.get()),
          static_cast<const void*>(shared->data()), static_cast<const void*>(wide.data())})
      EXPECT(luna_heap_of(block) == own.get());
    EXPECT(own.stats().live_blocks >= 1 + 100 + 200 + 1 + 2 + 1);
  }
  EXPECT(own.stats().live_blocks == 0);
  EXPECT(throws<std::bad_array_new_length>(
      [&] { static_cast<void>(luna::allocator<int>(own).allocate(SIZE_MAX / 2)); }));
}

// What is assigned to a container counts for the container's heap, not for the one it comes from.
void containers_stay_in_their_heaps() {
  const luna::heap left("left");
  const luna::heap right("right");
  Numbers of_left(1000, 1, left);
  Numbers of_right(2000, 2, right);
  const int* first = of_left.data();
  EXPECT(of_left.get_allocator() != of_right.get_allocator());
  EXPECT(of_left.get_allocator() == luna::allocator<char>(left));

  swap(of_left, of_right);
  EXPECT(of_right.data() == first && luna_heap_of(of_left.data()) == right.get());
  swap(of_left, of_right);

  Numbers copy(of_right);
  EXPECT(luna_heap_of(copy.data()) == right.get());
  copy = of_left;
  EXPECT(luna_heap_of(copy.data()) == right.get() && copy.size() == 1000 && copy[0] == 1);
  of_left = std::move(of_right);
  EXPECT(luna_heap_of(of_left.data()) == left.get() && of_left.size() == 2000 && of_left[0] == 2);
  std::thread([numbers = std::move(of_left)] { EXPECT(numbers[1999] == 2); }).join();
  EXPECT(left.stats().live_blocks == 0);
}

std::size_t pools() {
  std::size_t count = 0;
  EXPECT(luna_pool_list(nullptr, &count) == 0);
  return count;
}

void pools_end_with_their_owner() {
  luna::heap own("tenant");
  {
    luna::pool messages(
        luna::pool_options("messages", 200).max_blocks(3).alignment(64).fixed().heap(own.get()));
    luna::pool others("others", 24);
    EXPECT(pools() == 2 && std::string(messages.name()) == "messages");
    std::vector<void*> blocks;
    for (int i = 0; i < 3; ++i) blocks.push_back(messages.allocate());
    EXPECT(messages.try_allocate() == nullptr);
    bool is_denied = false;
    try {
      static_cast<void>(messages.allocate());
    } catch (const std::bad_alloc&) {
      is_denied = true;
    }
    EXPECT(is_denied && messages.stats().denied == 2 && messages.stats().used_blocks == 3);
    EXPECT(reinterpret_cast<std::uintptr_t>(blocks[1]) % 64 == 0);
    EXPECT(luna_heap_of(blocks[0]) == own.get() && own.stats().live_blocks == 1);
    EXPECT(!others.deallocate(blocks[0]) && messages.deallocate(blocks[0]));

    luna::pool moved = std::move(messages);
    EXPECT(!messages && moved.stats().used_blocks == 2);
    others = std::move(moved);
    EXPECT(pools() == 1 && std::string(others.name()) == "messages");
    luna::pool again(others.release());
    EXPECT(!others && again.trim() == 0);
  }
  EXPECT(pools() == 0 && own.stats().live_blocks == 0);
  try {
    const luna::pool none("none", 0);
    EXPECT(false);
  } catch (const std::system_error& error) {
    EXPECT(error.code().value() == EINVAL);
  }
}

}  // namespace

int main() {
  expect::on_lunalloc();
  heap_ends_with_its_owner();
  options_are_heeded();
  reserve_stays_open_for_an_error_path();
  limits_change_while_the_reserve_is_open();
  blocks_can_always_shrink();
  reset_and_protect();
  scopes_nest();
  ended_threads_have_left();
  children_can_leave();
  resource_serves_pmr();
  containers_live_in_heaps();
  containers_stay_in_their_heaps();
  pools_end_with_their_owner();
  EXPECT(heaps() == 0);
  return 0;
}
