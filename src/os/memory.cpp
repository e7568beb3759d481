// SPDX-License-Identifier: MIT
#include "os/memory.hpp"

#include "base/align.hpp"
#include "os/error.hpp"
#include "os/mappings.hpp"
#include "os/system_call.hpp"

#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

namespace luna::os {

namespace {

// Values of newer kernel headers than glibc 2.35 carries everywhere.
constexpr int kMapFixedNoReplace = 0x100000;
constexpr int kMremapDontUnmap = 4;
constexpr int kMadvCold = 20;
constexpr int kMadvPageout = 21;
constexpr int kMadvCollapse = 25;
constexpr int kAnonymous = MAP_PRIVATE | MAP_ANONYMOUS;

[[nodiscard]] bool failed(long result) noexcept { return result < 0 && result > -4096; }

[[nodiscard]] void* map_memory(void* address, std::size_t bytes, int protection,
                               int flags) noexcept {
  const long result = system_call(SYS_mmap, address, bytes, protection, kAnonymous | flags, -1, 0);
  return failed(result) ? nullptr : reinterpret_cast<void*>(result);
}

[[nodiscard]] ReserveResult map_exactly(void* address, std::size_t bytes, int protection,
                                        int flags) noexcept {
  const long result = system_call(SYS_mmap, address, bytes, protection,
                                  kAnonymous | kMapFixedNoReplace | flags, -1, 0);
  if (result == reinterpret_cast<long>(address)) return ReserveResult::kDone;
  if (failed(result)) return result == -EEXIST ? ReserveResult::kOccupied : ReserveResult::kRefused;
  // A kernel before 4.17 takes the address as a hint only.
  release(reinterpret_cast<void*>(result), bytes);
  return ReserveResult::kOccupied;
}

// Advises and writes to an untouched huge page's worth of memory. True: one backs it now.
[[nodiscard]] bool touch_huge_page(void* address, std::size_t bytes) noexcept {
  if (failed(system_call(SYS_madvise, address, bytes, MADV_HUGEPAGE))) return false;
  auto* first = static_cast<volatile std::byte*>(address);
  *first = std::byte{0};  // a write: a read may be served by the kernel's page of zeros
  unsigned char last = 0;
  const std::byte* end = static_cast<std::byte*>(address) + bytes;
  return find_resident(end - page_bytes(), page_bytes(), &last) && (last & 1U) != 0;
}

}  // namespace

std::size_t page_bytes() noexcept { return ::getauxval(AT_PAGESZ); }

std::size_t address_space_limit() noexcept {
  struct rlimit limit;
  const long result = system_call(SYS_prlimit64, 0, RLIMIT_AS, nullptr, &limit);
  if (failed(result) || limit.rlim_cur == RLIM_INFINITY) return SIZE_MAX;
  return limit.rlim_cur;
}

std::size_t physical_memory() noexcept {
  struct sysinfo info;
  if (failed(system_call(SYS_sysinfo, &info))) return std::size_t{1} << 34;
  return static_cast<std::size_t>(info.totalram) * info.mem_unit;
}

void* reserve(std::size_t bytes) noexcept { return map_memory(nullptr, bytes, PROT_NONE, 0); }

ReserveResult reserve_at(void* address, std::size_t bytes) noexcept {
  return map_exactly(address, bytes, PROT_NONE, 0);
}

void* map(std::size_t bytes) noexcept {
  void* result = map_memory(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_NORESERVE);
  if (result != nullptr) forbid_huge_pages(result, bytes);
  return result;
}

void* map_shared(std::size_t bytes) noexcept {
  constexpr int kShared = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE;
  const long result = system_call(SYS_mmap, nullptr, bytes, PROT_READ | PROT_WRITE, kShared, -1, 0);
  return failed(result) ? nullptr : reinterpret_cast<void*>(result);
}

bool map_at(void* address, std::size_t bytes) noexcept {
  const ReserveResult result = map_exactly(address, bytes, PROT_READ | PROT_WRITE, MAP_NORESERVE);
  if (result == ReserveResult::kDone) forbid_huge_pages(address, bytes);
  return result == ReserveResult::kDone;
}

bool commit(void* address, std::size_t bytes) noexcept {
  return !failed(system_call(SYS_mprotect, address, bytes, PROT_READ | PROT_WRITE));
}

bool protect(void* address, std::size_t bytes) noexcept {
  return !failed(system_call(SYS_mprotect, address, bytes, PROT_NONE));
}

int set_access(void* address, std::size_t bytes, bool read, bool write) noexcept {
  const int rights = (read ? PROT_READ : 0) | (write ? PROT_WRITE : 0);
  const long result = system_call(SYS_mprotect, address, bytes, rights);
  return failed(result) ? static_cast<int>(-result) : 0;
}

bool commit_from_pool(void* address, std::size_t bytes, std::size_t huge_page_bytes) noexcept {
  // The kernel takes the logarithm of the page's size along with the flags.
  constexpr int kShift = 26;
  const int size = std::countr_zero(huge_page_bytes) << kShift;
  // Elsewhere first: a mapping that is refused at a fixed place leaves a hole there.
  void* pages = map_memory(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_HUGETLB | size);
  if (pages == nullptr) return false;
  if (!failed(system_call(SYS_mremap, pages, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, address)))
    return true;
  release(pages, bytes);
  // Kernels before 5.16 refuse to move such pages, and have cleared the place by then.
  static_cast<void>(reserve_at(address, bytes));
  return false;
}

bool purge(void* address, std::size_t bytes) noexcept {
  return !failed(system_call(SYS_madvise, address, bytes, MADV_DONTNEED));
}

bool find_resident(const void* address, std::size_t bytes, unsigned char* resident) noexcept {
  return !failed(system_call(SYS_mincore, address, bytes, resident));
}

std::size_t resident_bytes(const void* memory, std::size_t bytes) noexcept {
  constexpr std::size_t kPagesAtOnce = 512;
  const std::size_t page = page_bytes();
  const std::uintptr_t begin = round_down(address_of(memory), page);
  const std::size_t pages = (round_up(address_of(memory) + bytes, page) - begin) / page;
  std::size_t result = 0;
  for (std::size_t at = 0; at < pages; at += kPagesAtOnce) {
    const std::size_t count = pages - at < kPagesAtOnce ? pages - at : kPagesAtOnce;
    std::array<unsigned char, kPagesAtOnce> backed{};
    const auto* address = reinterpret_cast<const void*>(begin + at * page);
    if (!find_resident(address, count * page, backed.data())) continue;
    for (std::size_t i = 0; i < count; ++i) result += (backed[i] & 1U) * page;
  }
  return result;
}

bool copy_word(std::uintptr_t from, std::uintptr_t& word) noexcept {
  const struct iovec here = {&word, sizeof word};
  const struct iovec there = {reinterpret_cast<void*>(from), sizeof word};
  const long process = system_call(SYS_getpid);
  return system_call(SYS_process_vm_readv, process, &here, 1, &there, 1, 0) == sizeof word;
}

bool is_readable(std::uintptr_t address) noexcept {
  if (address == 0) return false;  // which the kernel takes for no set at all
  // The kernel copies the set of signals before it finds that it shall do nothing with
  // it: unlike a pipe or process_vm_readv(), no sandbox forbids that.
  constexpr int kNoAction = -1;
  constexpr std::size_t kBytesOfSet = 8;
  return system_call(SYS_rt_sigprocmask, kNoAction, address, nullptr, kBytesOfSet) != -EFAULT;
}

// Refused where it would split a mapping and there may be no more of them: then the addresses are
// lost, but not what is there.
void release(void* address, std::size_t bytes) noexcept {
  if (!failed(system_call(SYS_munmap, address, bytes))) return;
  if (map_memory(address, bytes, PROT_NONE, MAP_FIXED) != nullptr) return;
  // This may be refused for a moment only.
  for (int tries = 8; tries > 0 && !purge(address, bytes);) --tries;
}

void forbid_huge_pages(void* address, std::size_t bytes) noexcept {
  system_call(SYS_madvise, address, bytes, MADV_NOHUGEPAGE);
}

int advise_cold(const void* address, std::size_t bytes, bool now) noexcept {
  const long result = system_call(SYS_madvise, address, bytes, now ? kMadvPageout : kMadvCold);
  if (!failed(result)) return 0;
  return result == -ENOMEM ? kInvalid : kNotSupported;
}

bool back_with_huge_page(void* address, std::size_t bytes) noexcept {
  if (touch_huge_page(address, bytes)) return true;
  // Where pages were purged one by one, the kernel's page table is left, and with it no
  // touch makes a huge page; a fresh mapping has none.
  if (renew(address, bytes) && touch_huge_page(address, bytes)) return true;
  forbid_huge_pages(address, bytes);
  return false;
}

bool collapse_to_huge_page(void* address, std::size_t bytes) noexcept {
  // The advice comes first, for the kernel refuses where huge pages are forbidden.
  if (failed(system_call(SYS_madvise, address, bytes, MADV_HUGEPAGE))) return false;
  if (!failed(system_call(SYS_madvise, address, bytes, kMadvCollapse))) return true;
  forbid_huge_pages(address, bytes);
  return false;
}

namespace {

// Moves pages of one mapping, by way of a place that the kernel chooses: for it clears a
// place that it is given before it looks at what shall be moved there, and refuses what
// is not one mapping. False: nothing has changed.
[[nodiscard]] bool move_mapping(std::byte* from, std::byte* to, std::size_t bytes) noexcept {
  const long way =
      system_call(SYS_mremap, from, bytes, bytes, MREMAP_MAYMOVE | kMremapDontUnmap, nullptr);
  if (failed(way)) return false;
  constexpr int kThere = MREMAP_MAYMOVE | MREMAP_FIXED;
  if (failed(system_call(SYS_mremap, way, bytes, bytes, kThere, to))) {
    std::memcpy(from, reinterpret_cast<const void*>(way), bytes);
    release(reinterpret_cast<void*>(way), bytes);
    static_cast<void>(map_exactly(to, bytes, PROT_READ | PROT_WRITE, 0));
    forbid_huge_pages(to, bytes);
    return false;
  }
  // What is left behind is renewed, though it reads as zero already: so it merges
  // with its neighbours, and qemu-user, which forgets it, knows of it again.
  static_cast<void>(renew(from, bytes));
  return true;
}

// Moves mapping by mapping. Returns the bytes that were moved: all, unless the kernel
// refuses one of the mappings, or there are too many.
[[nodiscard]] std::size_t move_mappings(std::byte* from, std::byte* to,
                                        std::size_t bytes) noexcept {
  constexpr int kMaxMappings = 16;
  std::size_t done = 0;
  for (int i = 0; i < kMaxMappings && done < bytes; ++i) {
    const std::uintptr_t here = address_of(from + done);
    const std::uintptr_t end = find_mapping(from + done).end;
    if (end <= here) break;
    const std::size_t piece = end - here < bytes - done ? end - here : bytes - done;
    if (!move_mapping(from + done, to + done, piece)) break;
    done += piece;
  }
  return done;
}

}  // namespace

bool move_pages(void* from, void* to, std::size_t bytes) noexcept {
  auto* source = static_cast<std::byte*>(from);
  auto* target = static_cast<std::byte*>(to);
  if (move_mapping(source, target, bytes)) return true;
  const std::size_t moved = move_mappings(source, target, bytes);
  if (moved == bytes) return true;
  if (moved != 0) std::memcpy(source, target, moved);
  return false;
}

bool exchange_pages(void* from, void* to, std::size_t bytes) noexcept {
  const long kept =
      system_call(SYS_mremap, to, bytes, bytes, MREMAP_MAYMOVE | kMremapDontUnmap, nullptr);
  if (failed(kept)) return false;
  const bool moved =
      move_mapping(static_cast<std::byte*>(from), static_cast<std::byte*>(to), bytes);
  constexpr int kThere = MREMAP_MAYMOVE | MREMAP_FIXED;
  if (moved && !failed(system_call(SYS_mremap, kept, bytes, bytes, kThere, from))) return true;
  release(reinterpret_cast<void*>(kept), bytes);
  if (moved) static_cast<void>(renew(from, bytes));
  return moved;
}

bool renew(void* address, std::size_t bytes) noexcept {
  if (map_memory(address, bytes, PROT_READ | PROT_WRITE, MAP_FIXED) == nullptr) return false;
  forbid_huge_pages(address, bytes);  // as its neighbours, or it would not merge
  return true;
}

}  // namespace luna::os
