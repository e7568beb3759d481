// SPDX-License-Identifier: MIT
// The functions of lunalloc/physical.h as a program calls them: on blocks of malloc, on a file in
// memory, and on a region of a PCI device where there is one.
#include "expect.hpp"

#include <fcntl.h>
#include <glob.h>
#include <lunalloc/physical.h>
#include <sys/mman.h>

#include <cerrno>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

// Whether physical addresses are told here.
bool blocks_lie_somewhere() {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  char* const block = static_cast<char*>(aligned_alloc(page, 2 * page));
  std::memset(block, 1, 2 * page);
  const bool locked = mlock(block, 2 * page) == 0;
  std::uint64_t first = 0;
  std::uint64_t inner = 0;
  std::uint64_t again = 1;
  const int error = luna_physical_address(block, &first);
  for (int i = 0; i < 100 && first != again; ++i) {  // the kernel may move the page meanwhile
    first = again;
    static_cast<void>(luna_physical_address(block + 100, &inner));
    static_cast<void>(luna_physical_address(block, &again));
  }
  if (error == 0) EXPECT(first == again && inner == first + 100 && first % page == 0);
  if (locked) munlock(block, 2 * page);
  free(block);
  EXPECT(error == 0 || error == EPERM || error == ENOTSUP);
  expect::print(1, "physical addresses: %s\n", error == 0 ? "told" : strerror(error));
  return error == 0;
}

void errors_are_told() {
  std::uint64_t physical = 7;
  EXPECT(luna_physical_address(nullptr, &physical) == EINVAL);
  EXPECT(physical == 7);
  void* address = nullptr;
  EXPECT(luna_io_map(-1, 0, 1, LUNA_IO_BY_DRIVER, &address) == EBADF);
  luna_io_attribute unknown;
  std::memset(&unknown, 9, sizeof unknown);
  EXPECT(luna_io_map(-1, 0, 1, unknown, &address) == EINVAL);
  EXPECT(address == nullptr);
}

void files_in_memory_are_mapped() {
  const int file = memfd_create("physical", MFD_CLOEXEC);
  EXPECT(file >= 0 && pwrite(file, "0123456789", 10, 0) == 10);
  void* address = nullptr;
  EXPECT(luna_io_map(file, 3, 4, LUNA_IO_UNCACHED, &address) == EINVAL);
  EXPECT(luna_io_map(file, 3, 4, LUNA_IO_WRITE_COMBINING, &address) == ENOTSUP);
  EXPECT(luna_io_map(file, 3, 4, LUNA_IO_CACHED, &address) == 0);
  EXPECT(std::memcmp(address, "3456", 4) == 0);
  std::memcpy(address, "abcd", 4);
  char read[10];
  EXPECT(pread(file, read, sizeof read, 0) == 10 && std::memcmp(read, "012abcd789", 10) == 0);
  EXPECT(luna_io_unmap(address, 4) == 0);
  close(file);
}

// The start of the first region, from the text file beside it.
std::uint64_t start_of(const char* resource0) {
  std::string name(resource0);
  name.pop_back();
  FILE* const file = fopen(name.c_str(), "re");
  std::uint64_t start = 0;
  EXPECT(file != nullptr && fscanf(file, "%" SCNx64, &start) == 1);
  fclose(file);
  return start;
}

// Nothing is read: a device might do something then.
void a_device_lies_where_its_bus_says(bool told) {
  glob_t found = {};
  const bool any = glob("/sys/bus/pci/devices/*/resource0", 0, nullptr, &found) == 0;
  int mapped = 0;
  for (std::size_t i = 0; any && i < found.gl_pathc; ++i) {
    const int file = open(found.gl_pathv[i], O_RDONLY | O_CLOEXEC);
    void* address = nullptr;
    if (file >= 0 && luna_io_map(file, 8, 8, LUNA_IO_UNCACHED, &address) == 0) {
      std::uint64_t physical = 0;
      const int error = told ? luna_physical_address(address, &physical) : ENXIO;
      // Some drivers map a page when it is touched.
      if (error == 0) EXPECT(physical == start_of(found.gl_pathv[i]) + 8);
      EXPECT(error == 0 || error == ENXIO);
      EXPECT(luna_io_unmap(address, 8) == 0);
      ++mapped;
    }
    if (file >= 0) close(file);
  }
  expect::print(1, "regions of PCI devices mapped: %d\n", mapped);
  if (any) globfree(&found);
}

}  // namespace

int main() {
  expect::on_lunalloc();
  const bool told = blocks_lie_somewhere();
  errors_are_told();
  files_in_memory_are_mapped();
  a_device_lies_where_its_bus_says(told);
  return 0;
}
