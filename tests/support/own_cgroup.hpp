// SPDX-License-Identifier: MIT
// A real memory cgroup of version 1 that a test makes below its own, and children that fill it.
#pragma once

#include "os/cgroup.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <string>

namespace luna::test {

class OwnCgroupV1 {
 public:
  explicit OwnCgroupV1(const std::string& name) {
    const os::CgroupPlace place = os::find_cgroup({});
    if (place.version != os::CgroupVersion::kV1) return;
    const std::string folder =
        std::string(place.directory()) + "/lunalloc_" + name + "_" + std::to_string(getpid());
    if (mkdir(folder.c_str(), 0755) == 0) folder_ = folder;
  }
  // The kernel may not be done with the last process.
  ~OwnCgroupV1() {
    for (int i = 0; i < 100 && !folder_.empty() && rmdir(folder_.c_str()) != 0; ++i) usleep(50'000);
  }

  OwnCgroupV1(const OwnCgroupV1&) = delete;
  OwnCgroupV1& operator=(const OwnCgroupV1&) = delete;

  // Empty: none can be made here.
  [[nodiscard]] const std::string& folder() const { return folder_; }

  void write(const std::string& file, std::uint64_t number) const {
    std::ofstream(folder_ + "/" + file) << number;
  }

  // In a child there, which has so many bytes for a moment. What became of it, as wait(2) tells.
  // The kernel touches them, since a sanitizer would need as much again to see who did.
  [[nodiscard]] int fill(std::size_t bytes) const {
    const pid_t child = fork();
    if (child == 0) {
      write("cgroup.procs", static_cast<std::uint64_t>(getpid()));
      syscall(SYS_mmap, nullptr, bytes, PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0L);
      _exit(0);
    }
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return status;
  }

 private:
  std::string folder_;
};

}  // namespace luna::test
