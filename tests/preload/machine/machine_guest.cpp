// SPDX-License-Identifier: MIT
// Prints what luna_machine_read() says, then waits until its standard input ends, so that a test
// can read the same of it.
#include "expect.hpp"

#include <dlfcn.h>
#include <lunalloc/machine.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

namespace {

void print(const char* name, std::uint64_t value) {
  std::printf("%s %llu\n", name, static_cast<unsigned long long>(value));
}

void print_machine(const luna_machine& machine) {
  print("memory_bytes", machine.memory_bytes);
  print("available_bytes", machine.available_bytes);
  print("swap_bytes", machine.swap_bytes);
  print("swap_free_bytes", machine.swap_free_bytes);
  print("page_bytes", machine.page_bytes);
  print("overcommit_mode", machine.overcommit_mode);
  print("overcommit_percent", machine.overcommit_percent);
  print("pressure_is_measured", machine.pressure_is_measured);
  print("nodes", machine.nodes);
  for (int i = 0; i < LUNA_MACHINE_NODES; ++i)
    if (machine.node_bytes[i] != LUNA_UNKNOWN)
      print(("node" + std::to_string(i)).c_str(), machine.node_bytes[i]);
  print("huge_pages", machine.huge_pages);
  print("huge_defrag", machine.huge_defrag);
  for (std::uint64_t i = 0; machine.huge_pools != LUNA_UNKNOWN && i < machine.huge_pools; ++i) {
    const luna_huge_pool& pool = machine.huge_pool[i];
    const std::string name = "pool" + std::to_string(pool.page_bytes);
    print(name.c_str(), pool.pages);
    print((name + "free").c_str(), pool.free_pages);
  }
  print("address_space_limit", machine.address_space_limit);
  print("address_space_bytes", machine.address_space_bytes);
  print("data_limit", machine.data_limit);
  print("data_bytes", machine.data_bytes);
  print("mappings", machine.mappings);
  print("max_mappings", machine.max_mappings);
  print("cgroup_version", machine.cgroup_version);
  print("cgroup_max_bytes", machine.cgroup_max_bytes);
  print("cgroup_high_bytes", machine.cgroup_high_bytes);
  print("cgroup_soft_bytes", machine.cgroup_soft_bytes);
  print("cgroup_bytes", machine.cgroup_bytes);
  print("cgroup_working_set_bytes", machine.cgroup_working_set_bytes);
  print("cgroup_high_events", machine.cgroup_high_events);
  print("cgroup_max_events", machine.cgroup_max_events);
  print("cgroup_oom_events", machine.cgroup_oom_events);
  print("cgroup_oom_kills", machine.cgroup_oom_kills);
  print("cgroup_limit_bytes", machine.cgroup_limit_bytes);
  print("cgroup_limit_used_bytes", machine.cgroup_limit_used_bytes);
  print("cgroup_limit_working_set_bytes", machine.cgroup_limit_working_set_bytes);
  std::printf("cgroup_path %s\n", machine.cgroup_path);
}

}  // namespace

int main() {
  expect::on_lunalloc();
  auto* const read =
      reinterpret_cast<decltype(luna_machine_read)*>(dlsym(RTLD_DEFAULT, "luna_machine_read"));
  EXPECT(read != nullptr);
  static luna_machine machine;
  for (const std::size_t bytes : {std::size_t{0}, sizeof machine - 8, sizeof machine + 8}) {
    machine.struct_size = bytes;
    machine.memory_bytes = 4711;
    EXPECT(read(&machine) == EINVAL && machine.memory_bytes == 4711);
  }
  std::puts("the buffer of the stream is there now");
  machine.struct_size = sizeof machine;
  errno = 77;
  EXPECT(read(&machine) == 0);
  EXPECT(errno == 77);
  EXPECT(std::memchr(machine.cgroup_path, 0, sizeof machine.cgroup_path) != nullptr);
  print_machine(machine);
  std::puts("done");
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  return 0;
}
