// SPDX-License-Identifier: MIT
// Against what the loader says of the same modules.
#include "os/modules.hpp"

#include "base/align.hpp"
#include "os/memory.hpp"
#include "support/temporary_name.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace luna {
namespace {

struct Seen {
  os::Module module;
  std::string path;
  std::string build_id;
};

std::vector<Seen> all_modules() {
  std::vector<Seen> seen;
  seen.reserve(1000);
  os::for_each_module([&](const os::Module& module) noexcept {
    seen.push_back({module, std::string(module.path), std::string(module.build_id)});
  });
  return seen;
}

const Seen* find(const std::vector<Seen>& modules, const void* address) {
  for (const Seen& seen : modules)
    if (seen.module.begin <= address_of(address) && address_of(address) < seen.module.end)
      return &seen;
  return nullptr;
}

struct Loaded {
  std::uintptr_t bias;
  std::string build_id;
};

// The build-id by way of the addresses that the loader has computed.
std::string build_id_of(const dl_phdr_info& info, const ElfW(Phdr) & part) {
  const auto* note = reinterpret_cast<const char*>(info.dlpi_addr + part.p_vaddr);
  for (const char* end = note + part.p_filesz; note < end;) {
    ElfW(Nhdr) header;
    std::memcpy(&header, note, sizeof header);
    const char* name = note + sizeof header;
    const char* value = name + round_up(header.n_namesz, 4);
    if (header.n_type == NT_GNU_BUILD_ID && std::string_view(name) == "GNU") {
      std::string hex;
      for (unsigned i = 0; i < header.n_descsz; ++i)
        for (const int shift : {4, 0}) hex += "0123456789abcdef"[(value[i] >> shift) & 15];
      return hex;
    }
    note = value + round_up(header.n_descsz, 4);
  }
  return {};
}

// What the loader knows, by the first address of the executable segment.
std::map<std::uintptr_t, Loaded> loaded_modules() {
  std::map<std::uintptr_t, Loaded> result;
  ::dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* context) {
        Loaded loaded{info->dlpi_addr, {}};
        std::uintptr_t code = 0;
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          const ElfW(Phdr)& part = info->dlpi_phdr[i];
          if (part.p_type == PT_LOAD && (part.p_flags & PF_X) != 0 && code == 0)
            code = info->dlpi_addr + part.p_vaddr;
          if (part.p_type == PT_NOTE && loaded.build_id.empty())
            loaded.build_id = build_id_of(*info, part);
        }
        (*static_cast<std::map<std::uintptr_t, Loaded>*>(context))[code] = loaded;
        return 0;
      },
      &result);
  return result;
}

TEST(Modules, AgreeWithTheLoader) {
  const std::vector<Seen> modules = all_modules();
  const auto loaded = loaded_modules();
  ASSERT_GE(loaded.size(), 2U);

  std::size_t with_build_id = 0;
  for (const auto& [code, expected] : loaded) {
    const Seen* seen = find(modules, reinterpret_cast<const void*>(code));
    if (seen == nullptr) continue;  // an emulator loads what this kernel does not know of
    EXPECT_EQ(seen->module.bias, expected.bias) << seen->path;
    EXPECT_EQ(seen->build_id, expected.build_id) << seen->path;
    with_build_id += seen->build_id.empty() ? 0 : 1;
  }
  EXPECT_GE(with_build_id, 1U);
}

TEST(Modules, ProgramAndLibraryAreFoundByTheirPath) {
  const std::vector<Seen> modules = all_modules();

  const Seen* program = find(modules, reinterpret_cast<const void*>(&all_modules));
  const Seen* library = find(modules, reinterpret_cast<const void*>(::dlsym(RTLD_NEXT, "memcpy")));

  ASSERT_NE(program, nullptr);
  EXPECT_NE(program->path.find("modules_test"), std::string::npos);
  ASSERT_NE(library, nullptr);
  EXPECT_NE(library->path.find(".so"), std::string::npos);
}

TEST(Modules, RiseAndDoNotOverlap) {
  const std::vector<Seen> modules = all_modules();

  ASSERT_GE(modules.size(), 2U);
  for (std::size_t i = 0; i < modules.size(); ++i) {
    EXPECT_LT(modules[i].module.begin, modules[i].module.end);
    EXPECT_GE(modules[i].module.begin, i == 0 ? 0 : modules[i - 1].module.end);
  }
}

// A file of `contents`, mapped executable.
struct MappedCode {
  explicit MappedCode(const std::string& contents) {
    const int file = ::mkostemp(path.data(), O_CLOEXEC);
    if (file < 0) return;
    if (::write(file, contents.data(), contents.size()) == static_cast<ssize_t>(contents.size()))
      memory = ::mmap(nullptr, os::page_bytes(), PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
    ::close(file);
  }
  ~MappedCode() {
    if (memory != MAP_FAILED) ::munmap(memory, os::page_bytes());
    ::unlink(path.c_str());
  }

  std::string path = test::temporary_name("code");
  void* memory = MAP_FAILED;
};

// A file with one note, which says that its build-id has `claimed_bytes`.
std::string elf_with_note(std::uint32_t claimed_bytes, std::size_t headers_offset) {
  ElfW(Ehdr) header = {};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_phentsize = sizeof(ElfW(Phdr));
  header.e_phnum = 1;
  header.e_phoff = headers_offset;
  ElfW(Phdr) part = {};
  part.p_type = PT_NOTE;
  part.p_offset = sizeof header + sizeof part;
  part.p_filesz = sizeof(ElfW(Nhdr)) + 4 + 4;
  part.p_align = 4;
  const ElfW(Nhdr) note = {4, claimed_bytes, NT_GNU_BUILD_ID};
  std::string file(os::page_bytes(), '\0');
  std::memcpy(file.data(), &header, sizeof header);
  std::memcpy(file.data() + sizeof header, &part, sizeof part);
  std::memcpy(file.data() + part.p_offset, &note, sizeof note);
  std::memcpy(file.data() + part.p_offset + sizeof note, "GNU\0\x01\xab\xcd\xef", 8);
  return file;
}

std::string build_id_in(const std::string& contents) {
  MappedCode code(contents);
  const std::vector<Seen> modules = all_modules();
  const Seen* seen = find(modules, code.memory);
  if (seen == nullptr) return "not found";
  EXPECT_EQ(seen->path, code.path);
  return seen->build_id;
}

TEST(Modules, BuildIdIsReadFromItsNote) {
  EXPECT_EQ(build_id_in(elf_with_note(4, sizeof(ElfW(Ehdr)))), "01abcdef");
}

// As linkers lay out programs at a fixed address, and some of them libraries too.
TEST(Modules, BiasIsThatOfTheSegmentWithTheCode) {
  std::string file = elf_with_note(4, sizeof(ElfW(Ehdr)));
  ElfW(Phdr) part = {};
  part.p_type = PT_LOAD;
  part.p_flags = PF_R | PF_X;
  part.p_vaddr = 0x407000;
  part.p_filesz = file.size();
  std::memcpy(file.data() + sizeof(ElfW(Ehdr)), &part, sizeof part);
  MappedCode code(file);
  const std::vector<Seen> modules = all_modules();

  const Seen* seen = find(modules, code.memory);

  ASSERT_NE(seen, nullptr);
  EXPECT_EQ(seen->module.bias, address_of(code.memory) - 0x407000);
}

TEST(Modules, FileThatLiesHasNoBuildId) {
  EXPECT_EQ(build_id_in(elf_with_note(5, sizeof(ElfW(Ehdr)))), "");  // beyond the segment
  EXPECT_EQ(build_id_in(elf_with_note(~0U, sizeof(ElfW(Ehdr)))), "");
  EXPECT_EQ(build_id_in(elf_with_note(4, os::page_bytes() - 8)), "");  // beyond the mapping
  EXPECT_EQ(build_id_in(elf_with_note(4, ~std::size_t{0} - 8)), "");
  EXPECT_EQ(build_id_in(std::string(os::page_bytes(), 'x')), "");  // no ELF file
  EXPECT_EQ(build_id_in("\x7f"
                        "ELF"),
            "");
}

TEST(Modules, FileCutShortIsNoFault) {
  MappedCode code(elf_with_note(4, sizeof(ElfW(Ehdr))));
  ASSERT_NE(code.memory, MAP_FAILED);
  ASSERT_EQ(::truncate(code.path.c_str(), 0), 0);
  std::vector<char> seen(1);
  const struct iovec to = {seen.data(), 1};
  const struct iovec from = {&seen, 1};
  if (::process_vm_readv(::getpid(), &to, 1, &from, 1, 0) != 1)
    GTEST_SKIP() << "the kernel does not read memory for us here";

  const std::vector<Seen> modules = all_modules();

  ASSERT_NE(find(modules, code.memory), nullptr);
  EXPECT_EQ(find(modules, code.memory)->build_id, "");
}

TEST(Modules, PathOfADeletedFileIsAsItWas) {
  MappedCode code(elf_with_note(4, sizeof(ElfW(Ehdr))));
  ::unlink(code.path.c_str());
  const std::vector<Seen> modules = all_modules();
  const Seen* seen = find(modules, code.memory);

  ASSERT_NE(seen, nullptr);
  EXPECT_EQ(seen->path, code.path);
  EXPECT_EQ(seen->build_id, "01abcdef");
}

TEST(Modules, VdsoIsOne) {
  std::vector<char> buffer(8192);
  os::MapsReader maps(buffer.data(), buffer.size());
  bool expected = false;
  for (os::MapsLine line; maps.next(line);) expected |= line.name == "[vdso]";

  bool found = false;
  for (const Seen& seen : all_modules()) {
    if (seen.path != "[vdso]") continue;
    found = true;
    EXPECT_FALSE(seen.build_id.empty());
  }

  EXPECT_EQ(found, expected);
}

}  // namespace
}  // namespace luna
