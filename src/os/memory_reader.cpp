// SPDX-License-Identifier: MIT
#include "os/memory_reader.hpp"

#include "base/align.hpp"
#include "os/memory.hpp"
#include "os/system_call.hpp"

#include <fcntl.h>
#include <sys/uio.h>

namespace luna::os {

namespace {

// Bits of an entry of /proc/self/pagemap.
constexpr std::uint64_t kInMemory = std::uint64_t{1} << 63;
constexpr std::uint64_t kSwappedOut = std::uint64_t{1} << 62;
constexpr std::uint64_t kOfFile = std::uint64_t{1} << 61;

[[nodiscard]] long open_for_reading(const char* path) noexcept {
  return system_call(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
}

}  // namespace

MemoryReader::MemoryReader() noexcept
    : page_bytes_(os::page_bytes()),
      process_(system_call(SYS_getpid)),
      page_map_(open_for_reading("/proc/self/pagemap")) {}

MemoryReader::~MemoryReader() {
  if (memory_ >= 0) system_call(SYS_close, memory_);
  if (page_map_ >= 0) system_call(SYS_close, page_map_);
}

Words MemoryReader::next(std::uintptr_t& begin, std::uintptr_t end, PagesRead pages) noexcept {
  end_ = end;
  const std::uintptr_t next_page = round_down(begin, page_bytes_) + page_bytes_;
  if (!wants(begin, pages)) {
    begin = next_page;
    return {};
  }
  const std::uintptr_t last = end_of_wanted(next_page, end, pages);
  const std::size_t wanted = last - begin < sizeof words_ ? last - begin : sizeof words_;
  const std::size_t bytes = round_down(copy(begin, wanted), sizeof(std::uintptr_t));
  if (bytes == 0 && is_known_in_memory(begin)) failed_ = true;
  begin = bytes != 0 ? begin + bytes : next_page;
  return {words_.data(), bytes / sizeof(std::uintptr_t)};
}

bool MemoryReader::works() noexcept {
  const std::uintptr_t word = reinterpret_cast<std::uintptr_t>(this);
  return copy(reinterpret_cast<std::uintptr_t>(&word), sizeof word) == sizeof word &&
         words_[0] == word;
}

// Of pages whose entries in the page map are at hand.
bool MemoryReader::is_known_in_memory(std::uintptr_t address) const noexcept {
  const std::uintptr_t page = address / page_bytes_;
  return page_map_ >= 0 && page - first_page_ < known_pages_ &&
         (page_words_[page - first_page_] & kInMemory) != 0;
}

// Where the kernel does not say, all are.
bool MemoryReader::is_resident(std::uintptr_t address) noexcept {
  const std::uintptr_t page = address / page_bytes_;
  if (page - first_resident_ >= known_resident_) {
    const std::uintptr_t rest = round_up(end_, page_bytes_) / page_bytes_ - page;
    const std::size_t count = rest < kPages ? rest : kPages;
    const long error =
        system_call(SYS_mincore, page * page_bytes_, count * page_bytes_, resident_.data());
    first_resident_ = page;
    known_resident_ = error == 0 ? count : 0;
    if (error != 0) return true;
  }
  return (resident_[page - first_resident_] & 1) != 0;
}

// Where the kernel does not say, all are.
bool MemoryReader::wants(std::uintptr_t address, PagesRead pages) noexcept {
  if (pages == PagesRead::kResident) return is_resident(address);
  if (pages == PagesRead::kAll || page_map_ < 0) return true;
  const std::uintptr_t page = address / page_bytes_;
  if (page - first_page_ >= known_pages_) {
    const long count = system_call(SYS_pread64, page_map_, page_words_.data(), sizeof page_words_,
                                   page * sizeof(std::uint64_t));
    first_page_ = page;
    known_pages_ = count > 0 ? static_cast<std::size_t>(count) / sizeof(std::uint64_t) : 0;
    if (known_pages_ == 0) return true;
  }
  const std::uint64_t word = page_words_[page - first_page_];
  if ((word & (kInMemory | kSwappedOut)) == 0) return false;
  return pages == PagesRead::kBacked || (word & kOfFile) == 0;
}

std::uintptr_t MemoryReader::end_of_wanted(std::uintptr_t begin, std::uintptr_t end,
                                           PagesRead pages) noexcept {
  const std::uintptr_t far = begin + sizeof words_;
  while (begin < end && begin < far && wants(begin, pages)) begin += page_bytes_;
  return begin < end ? begin : end;
}

// Returns how many bytes could be read.
std::size_t MemoryReader::copy(std::uintptr_t from, std::size_t bytes) noexcept {
  const struct iovec here = {words_.data(), bytes};
  const struct iovec there = {reinterpret_cast<void*>(from), bytes};
  long count = system_call(SYS_process_vm_readv, process_, &here, 1, &there, 1, 0);
  if (count > 0) return static_cast<std::size_t>(count);
  // A sandbox may forbid that, and this way also leads to what has no right to be read.
  if (memory_ < 0) memory_ = open_for_reading("/proc/self/mem");
  count = system_call(SYS_pread64, memory_, words_.data(), bytes, from);
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

}  // namespace luna::os
