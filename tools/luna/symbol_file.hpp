// SPDX-License-Identifier: MIT
// One program or library with what libdw finds to it: its symbols, and debug information, also in
// a separate file. For whole profiles, see symbolizer.hpp.
#pragma once

#include <elfutils/libdwfl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace luna::tool {

// Which file is meant.
struct WantedFile {
  std::string path;
  std::string build_id;         // in hexadecimal digits; empty: unknown
  std::uint64_t before_ns = 0;  // without build-id: it is none if changed later; 0: unknown
  std::vector<std::string> other_paths = {};  // where it may be too, if it is not at `path`
};

// Names as linkers know them. The texts are good as long as the file is.
struct SourceFrame {
  std::string_view function;
  std::string_view file;  // empty: unknown
  std::uint64_t line = 0;
};

// Addresses are those of the file, as addr2line takes them.
//
// Asking by rising addresses is fast: one unit of the debug information after the other is gone
// through.
class SymbolFile {
 public:
  // `debug_folder`: where separate debug files are looked for first, may be empty. Where nothing
  // is found, why_not() says so and there are no names.
  SymbolFile(const WantedFile& wanted, const std::string& debug_folder);

  SymbolFile(const SymbolFile&) = delete;
  SymbolFile& operator=(const SymbolFile&) = delete;

  [[nodiscard]] bool is_open() const noexcept { return module_ != nullptr; }
  [[nodiscard]] const std::string& why_not() const noexcept { return why_not_; }

  // Of the byte at an offset, which is loaded as code.
  [[nodiscard]] std::optional<std::uint64_t> address_of(std::uint64_t file_offset) const;

  // The function at an address, behind those that are inlined there. Empty: none is known.
  [[nodiscard]] std::vector<SourceFrame> frames_at(std::uint64_t address);

 private:
  struct Unit {
    Dwarf_Die lines;      // the unit's own entry
    Dwarf_Die functions;  // the same, or that in a file of its own
  };
  struct UnitRange {
    std::uint64_t begin;
    std::uint64_t end;
    std::size_t unit;  // a place in units_
  };
  struct FunctionRange {
    std::uint64_t begin;
    std::uint64_t end;
    Dwarf_Die entry;
  };
  struct Symbol {
    std::uint64_t begin;
    std::uint64_t end;
    int rank;  // of several at an address the least counts
    const char* name;
  };
  struct End {
    void operator()(Dwfl* session) const noexcept { dwfl_end(session); }
  };

  void open(const WantedFile& wanted);
  void read_symbols();
  void read_units();
  void read_functions(const Unit& unit);
  void add_functions(Dwarf_Die& parent, int depth);
  [[nodiscard]] const Symbol* symbol_at(std::uint64_t address) const noexcept;
  [[nodiscard]] static std::string_view symbol_name(const Symbol& symbol) noexcept;
  [[nodiscard]] std::vector<SourceFrame> named_by_symbol(std::uint64_t address) const;
  [[nodiscard]] std::string_view name_of(const FunctionRange& function) const;

  std::string why_not_;
  std::string debug_path_;
  char* debug_path_pointer_ = nullptr;
  Dwfl_Callbacks callbacks_{};
  std::unique_ptr<Dwfl, End> session_;
  Dwfl_Module* module_ = nullptr;
  std::uint64_t dwarf_bias_ = 0;  // subtracted for addresses of the debug information
  std::vector<Symbol> symbols_;
  std::vector<Unit> units_;
  std::vector<UnitRange> unit_ranges_;
  std::vector<FunctionRange> functions_;  // of the unit that was asked of last
  const Unit* functions_of_ = nullptr;
};

}  // namespace luna::tool
