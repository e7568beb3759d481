// SPDX-License-Identifier: MIT
// mallctl: names, types, error codes and MIBs as jemalloc has them, and what its writes do.
#include "jemalloc_api.hpp"

#include "lunalloc/control.h"

#include <array>
#include <cstring>

namespace {

using jemalloc::get;
using jemalloc::set;

constexpr char kNoSuchName[] = "no.such.name";

struct Value {
  const char* name;
  std::size_t bytes;
};

// What can be read, and cannot be set.
constexpr std::array<Value, 55> kReadOnly = {{
    {"version", 8},
    {"config.cache_oblivious", 1},
    {"config.debug", 1},
    {"config.fill", 1},
    {"config.lazy_lock", 1},
    {"config.malloc_conf", 8},
    {"config.prof", 1},
    {"config.prof_libgcc", 1},
    {"config.prof_libunwind", 1},
    {"config.stats", 1},
    {"config.utrace", 1},
    {"config.xmalloc", 1},
    {"opt.abort_conf", 1},
    {"opt.confirm_conf", 1},
    {"opt.dirty_decay_ms", 8},
    {"opt.dss", 8},
    {"opt.lg_prof_sample", 8},
    {"opt.muzzy_decay_ms", 8},
    {"opt.narenas", 4},
    {"opt.percpu_arena", 8},
    {"opt.prof", 1},
    {"opt.prof_active", 1},
    {"opt.prof_final", 1},
    {"opt.prof_leak", 1},
    {"opt.stats_print", 1},
    {"opt.tcache", 1},
    {"opt.tcache_max", 8},
    {"arena.0.initialized", 1},
    {"arenas.narenas", 4},
    {"arenas.quantum", 8},
    {"arenas.page", 8},
    {"arenas.tcache_max", 8},
    {"arenas.nbins", 4},
    {"arenas.nhbins", 4},
    {"arenas.bin.0.size", 8},
    {"arenas.bin.63.nregs", 4},
    {"arenas.bin.7.slab_size", 8},
    {"prof.lg_sample", 8},
    {"stats.allocated", 8},
    {"stats.active", 8},
    {"stats.retained", 8},
    {"stats.arenas.0.nthreads", 4},
    {"stats.arenas.0.dirty_decay_ms", 8},
    {"stats.arenas.0.muzzy_decay_ms", 8},
    {"stats.arenas.0.pactive", 8},
    {"stats.arenas.0.pdirty", 8},
    {"stats.arenas.0.pmuzzy", 8},
    {"stats.arenas.0.retained", 8},
    {"stats.arenas.0.tcache_bytes", 8},
    {"stats.arenas.0.dirty_nmadvise", 8},
    {"stats.arenas.0.dirty_purged", 8},
    {"stats.arenas.0.small.allocated", 8},
    {"stats.arenas.0.large.allocated", 8},
    {"stats.arenas.1.pactive", 8},
    {"stats.arenas.4096.pactive", 8},
}};

constexpr std::array<Value, 9> kSettings = {{
    {"epoch", 8},
    {"thread.arena", 4},
    {"thread.tcache.enabled", 1},
    {"arena.0.dirty_decay_ms", 8},
    {"arena.0.muzzy_decay_ms", 8},
    {"arenas.dirty_decay_ms", 8},
    {"arenas.muzzy_decay_ms", 8},
    {"prof.active", 1},
    {"thread.arena", 4},
}};

constexpr std::array<const char*, 8> kActions = {
    "arena.0.purge",    "arena.4096.purge", "arena.1.purge",       "arena.0.decay",
    "arena.4096.decay", "thread.idle",      "thread.tcache.flush", "arena.1.decay",
};

constexpr std::array<const char*, 24> kUnknown = {
    "",
    kNoSuchName,
    "version.",
    "version.x",
    ".version",
    "stats",
    "stats.arenas",
    "stats.arenas.0",
    "stats.arenas.2.pactive",
    "stats.arenas.x.pactive",
    "stats.arenas..pactive",
    "stats.arenas.#.pactive",
    "stats.arenas.18446744073709551616.pactive",
    "arenas.bin.64.size",
    "arenas.bin.-1.size",
    "arenas..page",
    "arena.0",
    "arena.4095.purge",
    "thread.allocated",
    "thread.allocatedp",
    "thread.deallocatedp",
    "arenas.nlextents",
    "arenas.create",
    "stats.zero_reallocs",
};

// One that is too short or too long gives what there is room for, and says how much that is.
void expect_sizes(const Value& value) {
  std::array<unsigned char, 16> whole{};
  std::size_t bytes = value.bytes;
  EXPECT(mallctl(value.name, whole.data(), &bytes, nullptr, 0) == 0 && bytes == value.bytes);
  for (const std::size_t wrong : {std::size_t{0}, value.bytes - 1, value.bytes + 1}) {
    std::array<unsigned char, 16> part;
    part.fill(0xee);
    bytes = wrong;
    EXPECT(mallctl(value.name, part.data(), &bytes, nullptr, 0) == EINVAL);
    EXPECT_FOR(wrong, bytes == std::min(wrong, value.bytes));
    EXPECT_FOR(wrong, part[bytes] == 0xee);
  }
  EXPECT(mallctl(value.name, nullptr, nullptr, nullptr, 0) == 0);
}

// The MIB of a name answers as the name does, and its beginning is the same wherever it is cut.
void expect_same_by_mib(const Value& value) {
  std::array<std::size_t, 8> mib;
  std::size_t count = mib.size();
  EXPECT(mallctlnametomib(value.name, mib.data(), &count) == 0 && count > 0 && count < 7);
  std::array<unsigned char, 8> by_name{};
  std::array<unsigned char, 8> by_mib{};
  std::size_t bytes = value.bytes;
  EXPECT(mallctl(value.name, by_name.data(), &bytes, nullptr, 0) == 0);
  EXPECT(mallctlbymib(mib.data(), count, by_mib.data(), &bytes, nullptr, 0) == 0);
  EXPECT(by_name == by_mib && bytes == value.bytes);
  for (std::size_t cut = 0; cut < count; ++cut) {
    std::array<std::size_t, 8> start;
    std::size_t parts = cut;
    EXPECT(mallctlnametomib(value.name, start.data(), &parts) == 0 && parts == cut);
    EXPECT(std::memcmp(start.data(), mib.data(), cut * sizeof(std::size_t)) == 0);
    EXPECT(mallctlbymib(mib.data(), cut, nullptr, nullptr, nullptr, 0) == ENOENT);
  }
  EXPECT(mallctlbymib(mib.data(), count + 1, nullptr, nullptr, nullptr, 0) == ENOENT);
  mib[0] += 1000;
  EXPECT(mallctlbymib(mib.data(), count, nullptr, nullptr, nullptr, 0) == ENOENT);
}

void expect_reading() {
  for (const Value& value : kReadOnly) {
    expect_sizes(value);
    expect_same_by_mib(value);
    std::uint64_t next = 0;
    EXPECT(mallctl(value.name, nullptr, nullptr, &next, value.bytes) == EPERM);
    EXPECT(mallctl(value.name, nullptr, nullptr, nullptr, 1) == EPERM);
  }
}

void expect_settings() {
  for (const Value& value : kSettings) {
    expect_sizes(value);
    expect_same_by_mib(value);
    std::array<unsigned char, 16> next{};
    for (const std::size_t wrong : {std::size_t{0}, value.bytes - 1, value.bytes + 1})
      EXPECT(mallctl(value.name, nullptr, nullptr, next.data(), wrong) == EINVAL);
  }
}

void expect_actions() {
  for (const char* name : kActions) {
    std::uint64_t value = 0;
    std::size_t bytes = sizeof value;
    EXPECT(mallctl(name, nullptr, nullptr, nullptr, 0) == 0);
    EXPECT(mallctl(name, &value, &bytes, nullptr, 0) == EPERM);
    EXPECT(mallctl(name, nullptr, nullptr, &value, bytes) == EPERM);
  }
}

void expect_unknown() {
  for (const char* name : kUnknown) {
    std::array<unsigned char, 8> value{};
    std::size_t bytes = value.size();
    EXPECT(mallctl(name, value.data(), &bytes, nullptr, 0) == ENOENT && bytes == value.size());
  }
  std::array<std::size_t, 8> mib;
  std::size_t count = mib.size();
  for (const char* name : {kNoSuchName, "", "version.", "stats..x", "arenas.bin.64", "arena.2"})
    EXPECT(mallctlnametomib(name, mib.data(), &count) == ENOENT && count == mib.size());
}

// Words that names have in common are the same numbers.
void expect_common_beginnings() {
  std::array<std::size_t, 4> one;
  std::array<std::size_t, 5> other;
  std::size_t parts = one.size();
  EXPECT(mallctlnametomib("stats.arenas.0.pactive", one.data(), &parts) == 0 && parts == 4);
  parts = other.size();
  EXPECT(mallctlnametomib("stats.arenas.4096.small.allocated", other.data(), &parts) == 0);
  EXPECT(parts == 5 && one[0] == other[0] && one[1] == other[1] && other[2] == 4096);
  EXPECT(mallctlnametomib("stats.arenas.1.large.allocated", other.data(), &parts) == 0);
  EXPECT(one[3] != other[3] && other[2] == 1);
  parts = 2;
  EXPECT(mallctlnametomib("stats.retained", other.data(), &parts) == 0 && one[0] == other[0]);
}

// As the manual of jemalloc does it, over all size classes.
void expect_numbers_in_mibs() {
  std::array<std::size_t, 4> mib;
  std::size_t count = mib.size();
  EXPECT(mallctlnametomib("arenas.bin.0.size", mib.data(), &count) == 0 && count == 4);
  const auto classes = get<unsigned>("arenas.nbins");
  std::size_t before = 0;
  for (unsigned i = 0; i < classes; ++i) {
    std::size_t size = 0;
    std::size_t bytes = sizeof size;
    mib[2] = i;
    EXPECT(mallctlbymib(mib.data(), count, &size, &bytes, nullptr, 0) == 0);
    EXPECT_FOR(i, size > before && nallocx(size, 0) == size && nallocx(size - 1, 0) == size);
    before = size;
  }
  mib[2] = classes;
  EXPECT(mallctlbymib(mib.data(), count, nullptr, nullptr, nullptr, 0) == ENOENT);
  std::array<std::size_t, 3> start;
  count = start.size();
  EXPECT(mallctlnametomib("arenas.bin", start.data(), &count) == 0 && count == 2);
  EXPECT(start[0] == mib[0] && start[1] == mib[1]);
}

void expect_values() {
  EXPECT(std::strncmp(get<const char*>("version"), "5.3.0-lunalloc-", 15) == 0);
  EXPECT(get<unsigned>("arenas.narenas") == 1 && get<unsigned>("opt.narenas") == 1);
  EXPECT(get<std::size_t>("arenas.page") == 4096 && get<std::size_t>("arenas.quantum") == 16);
  EXPECT(get<bool>("opt.prof") && get<bool>("config.prof") && !get<bool>("opt.prof_active"));
  EXPECT(get<std::size_t>("prof.lg_sample") == 19);
}

// There is one decay time, by whatever name.
void expect_decay() {
  EXPECT(set<std::int64_t>("arenas.dirty_decay_ms", 5000) == 0);
  std::uint64_t ours = 0;
  EXPECT(luna_control_get_number("decay.ms", &ours) == 0 && ours == 5000);
  EXPECT(get<std::int64_t>("arena.0.dirty_decay_ms") == 5000);
  EXPECT(get<std::int64_t>("opt.dirty_decay_ms") == 5000);
  EXPECT(set<std::int64_t>("arena.0.dirty_decay_ms", -1) == 0);
  EXPECT(get<std::int64_t>("arenas.dirty_decay_ms") == -1);
  for (const std::int64_t wrong : {INT64_C(-2), INT64_MIN, INT64_MAX}) {
    EXPECT(set("arenas.dirty_decay_ms", wrong) == EFAULT);
    EXPECT(set("arena.0.muzzy_decay_ms", wrong) == EFAULT);
  }
  EXPECT(set<std::int64_t>("arena.4096.dirty_decay_ms", 5) == EFAULT);
  EXPECT(get<std::int64_t>("arenas.dirty_decay_ms") == -1);
  EXPECT(set<std::int64_t>("arenas.muzzy_decay_ms", 100) == 0);
  EXPECT(get<std::int64_t>("arenas.muzzy_decay_ms") == 0);
  std::int64_t value = 7;
  std::size_t bytes = sizeof value;
  EXPECT(mallctl("arenas.dirty_decay_ms", &value, &bytes, &value, bytes) == 0 && value == -1);
  EXPECT(set<std::int64_t>("arenas.dirty_decay_ms", 1000) == 0);
}

void expect_of_threads() {
  EXPECT(get<unsigned>("thread.arena") == 0 && set<unsigned>("thread.arena", 0) == 0);
  EXPECT(set<unsigned>("thread.arena", 1) == EFAULT);
  EXPECT(get<bool>("thread.tcache.enabled") && set("thread.tcache.enabled", true) == 0);
  EXPECT(set("thread.tcache.enabled", false) == EFAULT && get<bool>("thread.tcache.enabled"));
}

// It is there as soon as the library has a thread for it.
void expect_background() {
  std::uint64_t number = 0;
  const bool there = luna_control_get_number("background", &number) == 0;
  bool value = false;
  std::size_t bytes = sizeof value;
  for (const char* name : {"background_thread", "opt.background_thread"})
    EXPECT(mallctl(name, &value, &bytes, nullptr, 0) == (there ? 0 : ENOENT));
  if (!there) EXPECT(set("background_thread", true) == ENOENT);
}

void expect_epoch() {
  const auto before = get<std::uint64_t>("epoch");
  EXPECT(before > 0);
  jemalloc::refresh();
  EXPECT(get<std::uint64_t>("epoch") == before + 1);
}

}  // namespace

int main() {
  expect::on_lunalloc();
  expect_values();
  expect_reading();
  expect_settings();
  expect_actions();
  expect_unknown();
  expect_common_beginnings();
  expect_numbers_in_mibs();
  expect_decay();
  expect_of_threads();
  expect_background();
  expect_epoch();
  return 0;
}
