// SPDX-License-Identifier: MIT
// The names of the functions of this program and of the C library, and files that lie.
#include "os/symbol_names.hpp"

#include "os/modules.hpp"
#include "support/temporary_name.hpp"

#include <dlfcn.h>
#include <elf.h>
#include <gtest/gtest.h>
#include <link.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

// Found by its name in .symtab.
extern "C" [[gnu::noinline]] int luna_test_function_with_a_name() { return 7; }

namespace luna {
namespace {

struct Place {
  std::string path;
  std::string build_id;
  std::uint64_t address = 0;  // as the file says
};

Place place_of(const void* code) {
  Place place;
  os::for_each_module([&](const os::Module& module) {
    const auto address = reinterpret_cast<std::uintptr_t>(code);
    if (address < module.begin || address >= module.end) return;
    place = {std::string(module.path), std::string(module.build_id), address - module.bias};
  });
  return place;
}

// All names of functions that begin there.
std::string names_at(const Place& place) {
  os::SymbolNames symbols;
  EXPECT_TRUE(symbols.open(place.path, place.build_id));
  std::string names;
  while (symbols.next_table()) {
    symbols.for_each([&](const os::FunctionName& function) {
      if (function.address == place.address) names += std::string(function.name) + " ";
    });
  }
  return names;
}

TEST(SymbolNames, FindsFunctionsOfThisProgram) {
  const auto* code = reinterpret_cast<const void*>(&luna_test_function_with_a_name);
  EXPECT_NE(names_at(place_of(code)).find("luna_test_function_with_a_name "), std::string::npos);
}

TEST(SymbolNames, FindsWhatAStrippedLibraryExports) {
  const void* code = ::dlsym(RTLD_DEFAULT, "getppid");
  ASSERT_NE(code, nullptr);
  EXPECT_NE(names_at(place_of(code)).find("getppid "), std::string::npos);
}

TEST(SymbolNames, FileOfAnotherBuildHasNone) {
  Place place = place_of(reinterpret_cast<const void*>(&luna_test_function_with_a_name));
  os::SymbolNames symbols;
  EXPECT_FALSE(symbols.open(place.path, "0123456789abcdef"));
  EXPECT_FALSE(symbols.next_table());
  EXPECT_TRUE(symbols.open(place.path, ""));
  EXPECT_FALSE(symbols.open("/no/such/file", ""));
  EXPECT_FALSE(symbols.open("/", ""));
  EXPECT_FALSE(symbols.open("/dev/null", ""));
  EXPECT_FALSE(symbols.open(std::string(5000, 'x'), ""));
}

// One section of symbols whose names are those of itself, with what a test makes of it.
struct LyingFile {
  LyingFile() {
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;
    header.e_shoff = sizeof header;
    header.e_shentsize = sizeof section;
    header.e_shnum = 1;
    section.sh_type = SHT_SYMTAB;
    section.sh_offset = sizeof header + sizeof section;
    section.sh_size = sizeof symbol;
    section.sh_entsize = sizeof symbol;
    symbol.st_info = STT_FUNC;
    symbol.st_shndx = 1;
    symbol.st_size = 16;
    symbol.st_value = 0x6262;
  }

  // How many functions it has.
  [[nodiscard]] int count() const {
    std::string name = test::temporary_name("symbols");
    ::close(::mkstemp(name.data()));
    std::ofstream stream(name, std::ios::binary);
    stream.write(reinterpret_cast<const char*>(&header), sizeof header);
    stream.write(reinterpret_cast<const char*>(&section), sizeof section);
    stream.write(reinterpret_cast<const char*>(&symbol), sizeof symbol);
    stream.close();
    os::SymbolNames symbols;
    int functions = 0;
    if (symbols.open(name, "")) {
      while (symbols.next_table()) symbols.for_each([&](const os::FunctionName&) { ++functions; });
    }
    std::remove(name.c_str());
    return functions;
  }

  ElfW(Ehdr) header = {};
  ElfW(Shdr) section = {};
  ElfW(Sym) symbol = {};
};

TEST(SymbolNames, FileThatLiesHasNone) {
  LyingFile file;
  file.symbol.st_name = 8;  // the value
  EXPECT_EQ(file.count(), 1);
  const LyingFile good = file;
  file.symbol.st_name = 1000;
  EXPECT_EQ(file.count(), 0);
  file = good;
  file.symbol.st_shndx = SHN_UNDEF;
  EXPECT_EQ(file.count(), 0);
  file = good;
  file.section.sh_link = 1;
  EXPECT_EQ(file.count(), 0);
  file = good;
  file.section.sh_size = ~std::uint64_t{0};
  EXPECT_EQ(file.count(), 0);
  file = good;
  file.section.sh_offset = ~std::uint64_t{0} - 8;
  EXPECT_EQ(file.count(), 0);
  file = good;
  file.header.e_shnum = 0xFFFF;  // beyond the end
  EXPECT_LE(file.count(), 1);
  file = good;
  file.header.e_shoff = ~std::uint64_t{0};
  EXPECT_EQ(file.count(), 0);
}

}  // namespace
}  // namespace luna
