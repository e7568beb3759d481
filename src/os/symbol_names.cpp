// SPDX-License-Identifier: MIT
#include "os/symbol_names.hpp"

#include "base/align.hpp"
#include "base/format.hpp"
#include "os/memory.hpp"
#include "os/system_call.hpp"

#include <elf.h>
#include <fcntl.h>
#include <link.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace luna::os {

namespace {

using Header = ElfW(Ehdr);
using SectionHeader = ElfW(Shdr);
using Symbol = ElfW(Sym);

constexpr std::size_t kLongestPath = 4096;
constexpr std::uint64_t kMaxPartBytes = std::uint64_t{1} << 30;
constexpr std::uint64_t kHeadBytes = 4096;  // with the program headers and, in all files, the notes

// How many bytes there were up to the end of the file.
[[nodiscard]] std::size_t read_at(long file, std::uint64_t offset, void* to,
                                  std::size_t bytes) noexcept {
  std::size_t done = 0;
  while (done < bytes) {
    const long count = system_call(SYS_pread64, file, static_cast<std::byte*>(to) + done,
                                   bytes - done, offset + done);
    if (count == -EINTR) continue;
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

template <typename Type>
[[nodiscard]] Type copy_of(const std::byte* memory, std::size_t index) noexcept {
  Type object;
  std::memcpy(&object, memory + index * sizeof object, sizeof object);
  return object;
}

[[nodiscard]] bool is_function(const Symbol& symbol) noexcept {
  const unsigned type = symbol.st_info & 0xF;
  return (type == STT_FUNC || type == STT_GNU_IFUNC) && symbol.st_shndx != SHN_UNDEF &&
         symbol.st_size != 0;
}

}  // namespace

bool SymbolNames::open(std::string_view path, std::string_view build_id) noexcept {
  close();
  std::array<char, kLongestPath> name;
  if (path.size() >= name.size()) return false;
  Text(name.data(), name.size()).add(path).add({"\0", 1});
  file_ = system_call(SYS_openat, AT_FDCWD, name.data(), O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
  if (file_ >= 0 && is_of_build(build_id) && load_sections()) return true;
  close();
  return false;
}

bool SymbolNames::is_of_build(std::string_view build_id) noexcept {
  if (build_id.empty()) return true;
  Part head;
  if (!load(0, kHeadBytes, head)) return false;
  const ElfImage image(address_of(head.memory), address_of(head.memory) + head.bytes);
  BuildIdText text;
  const bool is_same = image.build_id(text) == build_id;
  drop(head);
  return is_same;
}

bool SymbolNames::load_sections() noexcept {
  Header header;
  if (read_at(file_, 0, &header, sizeof header) != sizeof header) return false;
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return false;
  if (header.e_ident[EI_CLASS] != (sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32)) return false;
  if (header.e_shentsize != sizeof(SectionHeader)) return false;
  return load(header.e_shoff, header.e_shnum * sizeof(SectionHeader), sections_);
}

bool SymbolNames::next_table() noexcept {
  const std::size_t count = sections_.bytes / sizeof(SectionHeader);
  while (section_ < count) {
    const std::size_t section = section_++;
    if (load_table(section)) return true;
  }
  return false;
}

bool SymbolNames::load_table(std::size_t section) noexcept {
  drop(table_);
  drop(names_);
  symbols_ = 0;
  const auto table = copy_of<SectionHeader>(sections_.memory, section);
  if (table.sh_type != SHT_SYMTAB && table.sh_type != SHT_DYNSYM) return false;
  if (table.sh_entsize != sizeof(Symbol)) return false;
  if (table.sh_link >= sections_.bytes / sizeof(SectionHeader)) return false;
  const auto names = copy_of<SectionHeader>(sections_.memory, table.sh_link);
  if (!load(table.sh_offset, table.sh_size, table_)) return false;
  if (!load(names.sh_offset, names.sh_size, names_)) return false;
  symbols_ = table_.bytes / sizeof(Symbol);
  return true;
}

bool SymbolNames::read(std::size_t index, FunctionName& function) const noexcept {
  const auto symbol = copy_of<Symbol>(table_.memory, index);
  if (!is_function(symbol) || symbol.st_name >= names_.bytes) return false;
  const char* name = reinterpret_cast<const char*>(names_.memory) + symbol.st_name;
  function = {
      symbol.st_value, symbol.st_size, {name, ::strnlen(name, names_.bytes - symbol.st_name)}};
  return !function.name.empty();
}

// A part that reaches beyond the end of the file ends there.
bool SymbolNames::load(std::uint64_t offset, std::uint64_t bytes, Part& part) noexcept {
  drop(part);
  if (bytes == 0 || bytes > kMaxPartBytes) return false;
  auto* memory = static_cast<std::byte*>(map(bytes));
  if (memory == nullptr) return false;
  part = {memory, bytes};
  const std::size_t done = read_at(file_, offset, memory, bytes);
  if (done == 0) drop(part);
  return done != 0;
}

void SymbolNames::drop(Part& part) noexcept {
  if (part.memory != nullptr) release(part.memory, part.bytes);
  part = {};
}

void SymbolNames::close() noexcept {
  drop(sections_);
  drop(table_);
  drop(names_);
  section_ = symbols_ = 0;
  if (file_ >= 0) system_call(SYS_close, file_);
  file_ = -1;
}

}  // namespace luna::os
