// SPDX-License-Identifier: MIT
// What does a heap of one's own cost, from its creation to its end with all its blocks in use?
//
// Usage: heaps_bench BLOCKS BYTES ROUNDS
// Takes the heaps of the library that is preloaded: lunalloc's heaps, mimalloc's heaps, or
// jemalloc's arenas with an explicit thread cache. Every block is written to.
// Prints a line of JSON: CPU times of the first round, the least of all rounds, and what is
// resident after the first that was not before. Libraries differ in what they keep.
#include <dlfcn.h>
#include <lunalloc/heap.h>
#include <time.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

namespace {

template <typename Function>
void find(Function*& function, const char* name) {
  function = reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

void require(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "heaps_bench: %s\n", what);
  std::exit(1);
}

class Luna {
 public:
  static constexpr const char* kName = "lunalloc";
  Luna() {
    find(create_, "luna_heap_create");
    find(malloc_, "luna_heap_malloc");
    find(destroy_, "luna_heap_destroy");
  }
  [[nodiscard]] bool is_there() const { return create_ != nullptr; }
  void create() {
    luna_heap_options options{};
    options.struct_size = sizeof options;
    options.name = "bench";
    heap_ = create_(&options);
    require(heap_ != nullptr, "luna_heap_create fails");
  }
  [[nodiscard]] void* allocate(std::size_t bytes) { return malloc_(heap_, bytes); }
  void destroy() { require(destroy_(heap_) == 0, "luna_heap_destroy fails"); }

 private:
  decltype(luna_heap_create)* create_;
  decltype(luna_heap_malloc)* malloc_;
  decltype(luna_heap_destroy)* destroy_;
  luna_heap* heap_ = nullptr;
};

class Mimalloc {
 public:
  static constexpr const char* kName = "mimalloc";
  Mimalloc() {
    find(create_, "mi_heap_new");
    find(malloc_, "mi_heap_malloc");
    find(destroy_, "mi_heap_destroy");
  }
  [[nodiscard]] bool is_there() const { return create_ != nullptr; }
  void create() {
    heap_ = create_();
    require(heap_ != nullptr, "mi_heap_new fails");
  }
  [[nodiscard]] void* allocate(std::size_t bytes) { return malloc_(heap_, bytes); }
  void destroy() { destroy_(heap_); }

 private:
  void* (*create_)();
  void* (*malloc_)(void*, std::size_t);
  void (*destroy_)(void*);
  void* heap_ = nullptr;
};

class Jemalloc {
 public:
  static constexpr const char* kName = "jemalloc";
  Jemalloc() {
    find(mallctl_, "mallctl");
    find(mallocx_, "mallocx");
  }
  [[nodiscard]] bool is_there() const { return mallctl_ != nullptr && mallocx_ != nullptr; }
  void create() {
    arena_ = made("arenas.create");
    cache_ = made("tcache.create");
    // MALLOCX_ARENA() and MALLOCX_TCACHE() of its header.
    flags_ = static_cast<int>(((arena_ + 1) << 20) | ((cache_ + 2) << 8));
  }
  [[nodiscard]] void* allocate(std::size_t bytes) { return mallocx_(bytes, flags_); }
  void destroy() {
    require(mallctl_("tcache.destroy", nullptr, nullptr, &cache_, sizeof cache_) == 0,
            "tcache.destroy fails");
    char name[64];
    std::snprintf(name, sizeof name, "arena.%u.destroy", arena_);
    require(mallctl_(name, nullptr, nullptr, nullptr, 0) == 0, "arena.<i>.destroy fails");
  }

 private:
  [[nodiscard]] unsigned made(const char* name) {
    unsigned number = 0;
    std::size_t bytes = sizeof number;
    require(mallctl_(name, &number, &bytes, nullptr, 0) == 0, name);
    return number;
  }

  int (*mallctl_)(const char*, void*, std::size_t*, void*, std::size_t);
  void* (*mallocx_)(std::size_t, int);
  unsigned arena_ = 0;
  unsigned cache_ = 0;
  int flags_ = 0;
};

[[nodiscard]] double cpu_microseconds() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

[[nodiscard]] std::size_t resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/smaps_rollup", "re");
  require(file != nullptr, "the kernel does not tell what is resident");
  char line[256];
  std::size_t kilobytes = 0;
  while (std::fgets(line, sizeof line, file) != nullptr)
    if (std::sscanf(line, "Rss: %zu", &kilobytes) == 1) break;
  std::fclose(file);
  return kilobytes * 1024;
}

struct Wanted {
  std::size_t blocks;
  std::size_t bytes;
  std::size_t rounds;
};

// One heap, from its creation to its end.
struct Life {
  double create_us;
  double allocate_us;
  double destroy_us;
};

template <typename Heaps>
[[nodiscard]] Life live(Heaps& heaps, const Wanted& wanted) {
  const double start = cpu_microseconds();
  heaps.create();
  const double created = cpu_microseconds();
  for (std::size_t i = 0; i < wanted.blocks; ++i) {
    auto* block = static_cast<std::size_t*>(heaps.allocate(wanted.bytes));
    require(block != nullptr, "there is no memory");
    *block = i;
  }
  const double filled = cpu_microseconds();
  heaps.destroy();
  return {created - start, filled - created, cpu_microseconds() - filled};
}

void print(const char* name, const Life& life, const char* end) {
  std::printf("\"%s\": {\"create_us\": %.1f, \"allocate_us\": %.1f, \"destroy_us\": %.1f}%s", name,
              life.create_us, life.allocate_us, life.destroy_us, end);
}

template <typename Heaps>
[[nodiscard]] bool measure(const Wanted& wanted) {
  Heaps heaps;
  if (!heaps.is_there()) return false;
  const std::size_t before = resident_bytes();
  const Life first = live(heaps, wanted);
  const std::size_t after = resident_bytes();
  Life least = first;
  for (std::size_t round = 1; round < wanted.rounds; ++round) {
    const Life life = live(heaps, wanted);
    least = {std::min(least.create_us, life.create_us),
             std::min(least.allocate_us, life.allocate_us),
             std::min(least.destroy_us, life.destroy_us)};
  }
  std::printf("{\"library\": \"%s\", \"blocks\": %zu, \"bytes\": %zu, ", Heaps::kName,
              wanted.blocks, wanted.bytes);
  print("first", first, ", ");
  print("least", least, ", ");
  std::printf("\"kept_kib\": %zu}\n", (after - std::min(before, after)) / 1024);
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  require(count == 4, "usage: heaps_bench BLOCKS BYTES ROUNDS");
  const auto number = [&](int i) { return std::strtoull(arguments[i], nullptr, 10); };
  const Wanted wanted{number(1), std::max<std::size_t>(number(2), sizeof(std::size_t)), number(3)};
  const bool measured =
      measure<Luna>(wanted) || measure<Mimalloc>(wanted) || measure<Jemalloc>(wanted);
  require(measured, "no library with heaps is preloaded");
}
