// SPDX-License-Identifier: MIT
#include "os/machine.hpp"

#include "os/memory.hpp"
#include "support/cgroup_tree.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <string>

namespace luna {
namespace {

using test::CgroupTreeV1;
using test::CgroupTreeV2;
using test::FileTree;

[[nodiscard]] std::unique_ptr<luna_machine> machine_of(const std::string& root) {
  auto machine = std::make_unique<luna_machine>();
  machine->struct_size = 4711;
  os::read_machine(root, *machine);
  EXPECT_EQ(machine->struct_size, 4711U);
  return machine;
}

TEST(Machine, OfAnEmptyTreeNothingIsKnown) {
  const FileTree tree;

  const auto machine = machine_of(tree.root());

  for (const std::uint64_t number : {machine->memory_bytes,
                                     machine->available_bytes,
                                     machine->swap_bytes,
                                     machine->swap_free_bytes,
                                     machine->overcommit_mode,
                                     machine->overcommit_percent,
                                     machine->nodes,
                                     machine->node_bytes[0],
                                     machine->node_bytes[LUNA_MACHINE_NODES - 1],
                                     machine->huge_pages,
                                     machine->huge_defrag,
                                     machine->huge_pools,
                                     machine->huge_pool[0].page_bytes,
                                     machine->address_space_bytes,
                                     machine->data_bytes,
                                     machine->mappings,
                                     machine->max_mappings,
                                     machine->cgroup_max_bytes,
                                     machine->cgroup_high_bytes,
                                     machine->cgroup_soft_bytes,
                                     machine->cgroup_bytes,
                                     machine->cgroup_working_set_bytes,
                                     machine->cgroup_high_events,
                                     machine->cgroup_max_events,
                                     machine->cgroup_oom_events,
                                     machine->cgroup_oom_kills,
                                     machine->cgroup_limit_bytes,
                                     machine->cgroup_limit_used_bytes,
                                     machine->cgroup_limit_working_set_bytes})
    EXPECT_EQ(number, LUNA_UNKNOWN);
  EXPECT_EQ(machine->cgroup_version, 0U);
  EXPECT_EQ(machine->pressure_is_measured, 0U);
  EXPECT_EQ(machine->cgroup_path[0], '\0');
  EXPECT_EQ(machine->page_bytes, os::page_bytes());
}

TEST(Machine, MemoryAndPolicy) {
  const FileTree tree;
  tree.write("/proc/meminfo",
             "MemTotal:       1000 kB\nMemFree:     1 kB\nMemAvailable:    900 kB\n"
             "SwapTotal:   0 kB\nSwapFree:   0 kB\n");
  tree.write("/proc/sys/vm/overcommit_memory", "2\n");
  tree.write("/proc/sys/vm/overcommit_ratio", "50\n");
  tree.write("/proc/sys/vm/max_map_count", "65530\n");
  tree.write("/proc/thread-self/maps", "one\ntwo\nthree\n");
  tree.write("/proc/pressure/memory", "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");

  const auto machine = machine_of(tree.root());

  EXPECT_EQ(machine->memory_bytes, 1000U << 10);
  EXPECT_EQ(machine->available_bytes, 900U << 10);
  EXPECT_EQ(machine->swap_bytes, 0U);
  EXPECT_EQ(machine->swap_free_bytes, 0U);
  EXPECT_EQ(machine->overcommit_mode, 2U);
  EXPECT_EQ(machine->overcommit_percent, 50U);
  EXPECT_EQ(machine->max_mappings, 65530U);
  EXPECT_EQ(machine->mappings, 3U);
  EXPECT_EQ(machine->pressure_is_measured, 1U);
}

TEST(Machine, NodesMayHaveGaps) {
  const FileTree tree;
  tree.write("/sys/devices/system/node/online", "0,2-3,70\n");
  tree.write("/sys/devices/system/node/node0/meminfo",
             "Node 0 MemTotal:       64 kB\nNode 0 MemFree:  1 kB\n");
  tree.write("/sys/devices/system/node/node3/meminfo", "Node 3 MemTotal:       32 kB\n");

  const auto machine = machine_of(tree.root());

  EXPECT_EQ(machine->nodes, 4U);
  EXPECT_EQ(machine->node_bytes[0], 64U << 10);
  EXPECT_EQ(machine->node_bytes[1], LUNA_UNKNOWN);
  EXPECT_EQ(machine->node_bytes[2], LUNA_UNKNOWN);
  EXPECT_EQ(machine->node_bytes[3], 32U << 10);
}

TEST(Machine, AMalformedListOfNodesIsNone) {
  const FileTree tree;
  for (const char* text :
       {"", "\n", "0", "0-\n", "-1\n", "3-2\n", "a\n", "0-99999999999\n", "0,,1\n"}) {
    tree.write("/sys/devices/system/node/online", text);
    EXPECT_EQ(machine_of(tree.root())->nodes, LUNA_UNKNOWN) << text;
  }
}

TEST(Machine, HugePages) {
  const FileTree tree;
  tree.write("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
  tree.write("/sys/kernel/mm/transparent_hugepage/defrag",
             "always defer [defer+madvise] madvise never\n");

  const auto machine = machine_of(tree.root());
  tree.write("/sys/kernel/mm/transparent_hugepage/enabled", "always madvise never\n");
  tree.write("/sys/kernel/mm/transparent_hugepage/defrag", "[later]\n");
  const auto odd = machine_of(tree.root());

  EXPECT_EQ(machine->huge_pages, std::uint64_t{LUNA_HUGE_PAGES_MADVISE});
  EXPECT_EQ(machine->huge_defrag, std::uint64_t{LUNA_HUGE_DEFRAG_DEFER_MADVISE});
  EXPECT_EQ(odd->huge_pages, LUNA_UNKNOWN);
  EXPECT_EQ(odd->huge_defrag, LUNA_UNKNOWN);
}

TEST(Machine, PoolsOfHugePagesAreSorted) {
  const FileTree tree;
  const std::string folder = "/sys/kernel/mm/hugepages/hugepages-";
  tree.write(folder + "1048576kB/nr_hugepages", "2\n");
  tree.write(folder + "1048576kB/free_hugepages", "1\n");
  tree.write(folder + "64kB/nr_hugepages", "0\n");
  tree.write(folder + "64kB/free_hugepages", "0\n");
  tree.write(folder + "2048kB/nr_hugepages", "10\n");
  tree.write(folder + "xkB/nr_hugepages", "10\n");

  const auto machine = machine_of(tree.root());

  ASSERT_EQ(machine->huge_pools, 3U);
  EXPECT_EQ(machine->huge_pool[0].page_bytes, 64U << 10);
  EXPECT_EQ(machine->huge_pool[0].pages, 0U);
  EXPECT_EQ(machine->huge_pool[1].page_bytes, 2U << 20);
  EXPECT_EQ(machine->huge_pool[1].pages, 10U);
  EXPECT_EQ(machine->huge_pool[1].free_pages, LUNA_UNKNOWN);
  EXPECT_EQ(machine->huge_pool[2].page_bytes, 1U << 30);
  EXPECT_EQ(machine->huge_pool[2].free_pages, 1U);
  EXPECT_EQ(machine->huge_pool[3].page_bytes, LUNA_UNKNOWN);
}

TEST(Machine, MorePoolsThanThereIsRoomFor) {
  const FileTree tree;
  for (int i = 1; i < 40; ++i)
    tree.write("/sys/kernel/mm/hugepages/hugepages-" + std::to_string(64 * i) + "kB/nr_hugepages",
               "1\n");

  EXPECT_EQ(machine_of(tree.root())->huge_pools, std::uint64_t{LUNA_MACHINE_POOLS});
}

TEST(Machine, CgroupAndItsTightestLimit) {
  const CgroupTreeV2 tree("/pod/app");
  tree.add("/pod/app", "max", "max", "10000", "4000");
  tree.add("/pod", "50000", "40000", "30000", "10000");

  const auto machine = machine_of(tree.root());

  EXPECT_EQ(machine->cgroup_version, 2U);
  EXPECT_STREQ(machine->cgroup_path, "/sys/fs/cgroup/pod/app");
  EXPECT_EQ(machine->cgroup_max_bytes, LUNA_UNLIMITED);
  EXPECT_EQ(machine->cgroup_bytes, 10000U);
  EXPECT_EQ(machine->cgroup_working_set_bytes, 6000U);
  EXPECT_EQ(machine->cgroup_limit_bytes, 40000U);
  EXPECT_EQ(machine->cgroup_limit_used_bytes, 30000U);
  EXPECT_EQ(machine->cgroup_limit_working_set_bytes, 20000U);
  EXPECT_EQ(machine->cgroup_oom_kills, 5U);
}

TEST(Machine, ACgroupWithoutALimit) {
  const CgroupTreeV1 tree("/app");
  tree.add("/app", test::kUnlimitedOfV1, "10000\n");
  const CgroupTreeV1 malformed("/app");
  malformed.add("/app", "x\n", "10000\n");

  const auto machine = machine_of(tree.root());

  EXPECT_EQ(machine->cgroup_version, 1U);
  EXPECT_EQ(machine->cgroup_limit_bytes, LUNA_UNLIMITED);
  EXPECT_EQ(machine->cgroup_limit_used_bytes, LUNA_UNKNOWN);
  EXPECT_EQ(machine_of(malformed.root())->cgroup_limit_bytes, LUNA_UNKNOWN);
}

TEST(Machine, ThisOne) {
  errno = 77;

  const auto machine = machine_of({});

  EXPECT_EQ(errno, 77);
  EXPECT_EQ(machine->memory_bytes >> 20, os::physical_memory() >> 20);
  EXPECT_LE(machine->available_bytes, machine->memory_bytes);
  EXPECT_GT(machine->mappings, 5U);
  EXPECT_LT(machine->mappings, machine->max_mappings);
  EXPECT_LE(machine->overcommit_mode, 2U);
}

}  // namespace
}  // namespace luna
