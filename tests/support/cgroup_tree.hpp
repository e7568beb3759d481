// SPDX-License-Identifier: MIT
// Trees of files as the kernel shows them for the memory cgroups of both versions.
#pragma once

#include "support/file_tree.hpp"

#include <string>

namespace luna::test {

inline constexpr const char* kUnlimitedOfV1 = "9223372036854771712\n";

struct CgroupTreeV2 : FileTree {
  // The hierarchy is mounted as `mounted`, which is / where all of it can be seen.
  explicit CgroupTreeV2(const std::string& path, const std::string& mounted = "/") {
    write("/proc/thread-self/cgroup", "0::" + path + "\n");
    write("/proc/thread-self/mountinfo",
          "22 1 0:21 / /proc rw,nosuid - proc proc rw\n"
          "30 23 0:26 " +
              mounted + " /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n");
  }

  // The path is that below the mount point.
  void add(const std::string& path, const std::string& max, const std::string& high,
           const std::string& current, const std::string& inactive) const {
    const std::string folder = "/sys/fs/cgroup" + path + "/";
    write(folder + "memory.max", max + "\n");
    write(folder + "memory.high", high + "\n");
    write(folder + "memory.current", current + "\n");
    write(folder + "memory.stat",
          "anon 4096\nfile 8192\ninactive_anon 3\ninactive_file " + inactive + "\n");
    write(folder + "memory.events", "low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\n");
  }
};

struct CgroupTreeV1 : FileTree {
  explicit CgroupTreeV1(const std::string& path, const std::string& mounted = "/") {
    write("/proc/thread-self/cgroup",
          "5:cpu,cpuacct:/other\n4:memory:" + path + "\n0::/elsewhere\n");
    write("/proc/thread-self/mountinfo",
          "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
          "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
          "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
          "35 31 0:32 " +
              mounted + " /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n");
  }

  void add(const std::string& path, const std::string& limit, const std::string& usage) const {
    const std::string folder = "/sys/fs/cgroup/memory" + path + "/";
    write(folder + "memory.limit_in_bytes", limit);
    write(folder + "memory.soft_limit_in_bytes", kUnlimitedOfV1);
    write(folder + "memory.usage_in_bytes", usage);
    write(folder + "memory.use_hierarchy", "1\n");
    write(folder + "memory.failcnt", "7\n");
    write(folder + "memory.oom_control", "oom_kill_disable 0\nunder_oom 1\noom_kill 2\n");
    write(folder + "memory.stat", "inactive_file 11\ntotal_inactive_file 1000\n");
  }
};

}  // namespace luna::test
