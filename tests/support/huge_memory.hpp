// SPDX-License-Identifier: MIT
// Whether there are huge pages for a test: those that the kernel makes of plain memory, and
// those of its pool, which root may fill for as long as a test runs.
#pragma once

#include "base/align.hpp"
#include "os/memory.hpp"
#include "pages/layout.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstddef>
#include <fstream>
#include <string>

namespace luna::test {

// The kernel makes no huge pages for this process while one of these lives.
struct NoHugePages {
  NoHugePages() { prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); }
  ~NoHugePages() { prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0); }
  NoHugePages(const NoHugePages&) = delete;
  NoHugePages& operator=(const NoHugePages&) = delete;
};

// One region of committed memory of its own, without huge pages at first.
struct LoneRegion {
  LoneRegion() {
    reserved = static_cast<std::byte*>(os::reserve(2 * kRegionBytes));
    if (reserved == nullptr) std::abort();
    memory = reserved + (round_up(address_of(reserved), kRegionBytes) - address_of(reserved));
  }
  ~LoneRegion() { os::release(reserved, 2 * kRegionBytes); }
  LoneRegion(const LoneRegion&) = delete;
  LoneRegion& operator=(const LoneRegion&) = delete;

  void commit() const {
    if (!os::commit(memory, kRegionBytes)) std::abort();
    os::forbid_huge_pages(memory, kRegionBytes);
  }

  std::byte* reserved = nullptr;
  std::byte* memory = nullptr;
};

// Whether the kernel gathers pages into huge ones when it is asked to, as it does since 6.1.
[[nodiscard]] inline bool kernel_collapses() {
  if (os::page_bytes() != kPageBytes) return false;
  const LoneRegion region;
  region.commit();
  region.memory[0] = std::byte{1};
  return os::collapse_to_huge_page(region.memory, kRegionBytes);
}

inline constexpr const char* kNoCollapse = "the kernel gathers no pages into huge ones";

// The kernel's pool of huge pages of one size. Nobody else changes it meanwhile who uses this
// class too; it is as it was afterwards.
class HugePagePool {
 public:
  // `wanted`: how many pages shall be free; 0: the pool shall be empty.
  explicit HugePagePool(std::size_t page_bytes, std::size_t wanted)
      : folder_("/sys/kernel/mm/hugepages/hugepages-" + std::to_string(page_bytes / 1024) + "kB/"),
        lock_(::open((folder_ + "free_hugepages").c_str(), O_RDONLY | O_CLOEXEC)) {
    if (lock_ < 0 || ::flock(lock_, LOCK_EX) != 0) {
      reason_ = "the kernel has no pool of huge pages of this size";
    } else if (wanted == 0) {
      if (free_pages() != 0 || number_in("nr_overcommit_hugepages") != 0)
        reason_ = "the kernel's pool has free huge pages that are not ours to take away";
    } else if (free_pages() < wanted) {
      before_ = number_in("nr_hugepages");
      changed_ = write(before_ + wanted - free_pages());
      if (free_pages() < wanted) reason_ = "the kernel's pool of huge pages cannot be filled";
    }
  }

  ~HugePagePool() {
    if (changed_) write(before_);
    if (lock_ >= 0) ::close(lock_);
  }

  HugePagePool(const HugePagePool&) = delete;
  HugePagePool& operator=(const HugePagePool&) = delete;

  [[nodiscard]] bool is_as_wanted() const { return reason_.empty(); }
  [[nodiscard]] const std::string& reason() const { return reason_; }

  // Pages that nobody has, and nobody has a claim to.
  [[nodiscard]] std::size_t free_pages() const {
    return number_in("free_hugepages") - number_in("resv_hugepages");
  }

 private:
  [[nodiscard]] std::size_t number_in(const char* file) const {
    std::size_t number = 0;
    std::ifstream(folder_ + file) >> number;
    return number;
  }

  bool write(std::size_t pages) const {
    std::ofstream file(folder_ + "nr_hugepages");
    file << pages << std::endl;
    return file.good();
  }

  std::string folder_;
  int lock_;
  std::string reason_;
  bool changed_ = false;
  std::size_t before_ = 0;
};

}  // namespace luna::test
