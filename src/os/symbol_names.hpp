// SPDX-License-Identifier: MIT
// The functions that an ELF file names: those of .symtab, which strip removes, and those of
// .dynsym, which are there for others to call. Slow: reads the file.
#pragma once

#include "os/elf_image.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna::os {

// One function: where the file says that it lies; see Module::bias.
struct FunctionName {
  std::uint64_t address = 0;
  std::uint64_t bytes = 0;
  std::string_view name;  // as the linker knows it
};

// Owns the open file and the tables that it has read. The file may change or be cut short
// meanwhile: it is read, not mapped, and nothing in it is trusted.
class SymbolNames {
 public:
  SymbolNames() noexcept = default;
  ~SymbolNames() { close(); }
  SymbolNames(const SymbolNames&) = delete;
  SymbolNames& operator=(const SymbolNames&) = delete;

  // False: it cannot be read, or is not the file of this build-id (empty: any).
  [[nodiscard]] bool open(std::string_view path, std::string_view build_id) noexcept;

  // Reads the next table that the file has. False after the last one.
  [[nodiscard]] bool next_table() noexcept;

  // Calls visit(const FunctionName&) for each function of the table that was read last.
  // The names are good until the next table.
  template <typename Visit>
  void for_each(Visit visit) const noexcept {
    FunctionName function;
    for (std::size_t i = 0; i < symbols_; ++i)
      if (read(i, function)) visit(static_cast<const FunctionName&>(function));
  }

 private:
  // Memory from the kernel for a part of the file.
  struct Part {
    std::byte* memory = nullptr;
    std::size_t bytes = 0;
  };

  [[nodiscard]] bool load(std::uint64_t offset, std::uint64_t bytes, Part& part) noexcept;
  static void drop(Part& part) noexcept;
  [[nodiscard]] bool load_sections() noexcept;
  [[nodiscard]] bool is_of_build(std::string_view build_id) noexcept;
  [[nodiscard]] bool load_table(std::size_t section) noexcept;
  [[nodiscard]] bool read(std::size_t index, FunctionName& function) const noexcept;
  void close() noexcept;

  long file_ = -1;
  Part sections_;
  std::size_t section_ = 0;  // the next to be looked at
  Part table_;
  std::size_t symbols_ = 0;
  Part names_;
};

}  // namespace luna::os
