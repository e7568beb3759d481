// SPDX-License-Identifier: MIT
#include "symbol_file.hpp"

#include "build_id_search.hpp"

#include <dwarf.h>
#include <unistd.h>

#include <algorithm>

namespace luna::tool {

namespace {

// Entries that lie deeper are of no program, and would exhaust the stack.
constexpr int kDeepest = 200;

constexpr std::uint64_t kPageBytes = 4096;
constexpr std::uint64_t kNoAddress = ~std::uint64_t{0};

// The element with the range that an address lies in; nullptr: there is none. Requires: by
// rising `begin`.
template <typename Ranges>
[[nodiscard]] auto* range_at(Ranges& ranges, std::uint64_t address) noexcept {
  const auto next = std::upper_bound(
      ranges.begin(), ranges.end(), address,
      [](std::uint64_t wanted, const auto& range) { return wanted < range.begin; });
  const bool found = next != ranges.begin() && address < std::prev(next)->end;
  return found ? &*std::prev(next) : nullptr;
}

template <typename Ranges>
void sort_ranges(Ranges& ranges) {
  std::stable_sort(ranges.begin(), ranges.end(),
                   [](const auto& one, const auto& other) { return one.begin < other.begin; });
}

// Calls use(begin, end) for each range of code of an entry.
template <typename Use>
void for_each_range(Dwarf_Die& entry, Use use) {
  Dwarf_Addr base = 0;
  Dwarf_Addr begin = 0;
  Dwarf_Addr end = 0;
  for (ptrdiff_t offset = 0; (offset = dwarf_ranges(&entry, offset, &base, &begin, &end)) > 0;)
    if (begin < end) use(begin, end);
}

[[nodiscard]] std::string_view text_of(const char* text) {
  return text != nullptr ? std::string_view(text) : std::string_view();
}

[[nodiscard]] std::string_view linker_name_of(Dwarf_Die& entry) {
  Dwarf_Attribute attribute;
  for (const unsigned name : {DW_AT_linkage_name, DW_AT_MIPS_linkage_name})
    if (dwarf_attr_integrate(&entry, name, &attribute) != nullptr)
      return text_of(dwarf_formstring(&attribute));
  return {};
}

[[nodiscard]] std::string_view any_name_of(Dwarf_Die& entry) {
  const std::string_view name = linker_name_of(entry);
  return name.empty() ? text_of(dwarf_diename(&entry)) : name;
}

[[nodiscard]] std::uint64_t number_of(Dwarf_Die& entry, unsigned name) {
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  if (dwarf_attr(&entry, name, &attribute) == nullptr || dwarf_formudata(&attribute, &value) != 0)
    return 0;
  return value;
}

// Where an inlined call stands.
void set_call_place(Dwarf_Die& unit, Dwarf_Die& call, SourceFrame& frame) {
  Dwarf_Files* files = nullptr;
  std::size_t count = 0;
  const std::uint64_t file = number_of(call, DW_AT_call_file);
  if (dwarf_getsrcfiles(&unit, &files, &count) == 0 && file < count)
    frame.file = text_of(dwarf_filesrc(files, file, nullptr, nullptr));
  frame.line = number_of(call, DW_AT_call_line);
}

void set_place(Dwarf_Die& unit, std::uint64_t address, SourceFrame& frame) {
  Dwarf_Line* const line = dwarf_getsrc_die(&unit, address);
  if (line == nullptr) return;
  int number = 0;
  frame.file = text_of(dwarf_linesrc(line, nullptr, nullptr));
  if (dwarf_lineno(line, &number) == 0 && number > 0)
    frame.line = static_cast<std::uint64_t>(number);
}

// The inlined calls that an address is part of, the outermost first.
[[nodiscard]] std::vector<Dwarf_Die> inlined_at(Dwarf_Die scope, std::uint64_t address) {
  std::vector<Dwarf_Die> calls;
  Dwarf_Die entry;
  bool more = dwarf_child(&scope, &entry) == 0;
  for (int depth = 0; more && depth < kDeepest;) {
    const int tag = dwarf_tag(&entry);
    const bool is_scope = tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block;
    if (!is_scope || dwarf_haspc(&entry, address) <= 0) {
      more = dwarf_siblingof(&entry, &entry) == 0;
      continue;
    }
    if (tag == DW_TAG_inlined_subroutine) calls.push_back(entry);
    scope = entry;
    more = dwarf_child(&scope, &entry) == 0;
    ++depth;
  }
  return calls;
}

}  // namespace

SymbolFile::SymbolFile(const WantedFile& wanted, const std::string& debug_folder)
    : debug_path_(debug_path(debug_folder)), debug_path_pointer_(debug_path_.data()) {
  callbacks_.find_elf = dwfl_build_id_find_elf;
  callbacks_.find_debuginfo = dwfl_standard_find_debuginfo;
  callbacks_.section_address = dwfl_offline_section_address;
  callbacks_.debuginfo_path = &debug_path_pointer_;
  open(wanted);
  if (!is_open()) return;
  read_symbols();
  read_units();
}

// With a base of 0 and its own addresses added, all addresses are those of the file.
void SymbolFile::open(const WantedFile& wanted) {
  const int file = find_file(wanted, callbacks_, why_not_);
  if (file < 0) return;
  session_.reset(dwfl_begin(&callbacks_));
  dwfl_report_begin(session_.get());
  module_ =
      dwfl_report_elf(session_.get(), wanted.path.c_str(), wanted.path.c_str(), file, 0, true);
  dwfl_report_end(session_.get(), nullptr, nullptr);
  if (module_ != nullptr) return;
  why_not_ = std::string("cannot be read: ") + dwfl_errmsg(-1);
  close(file);
}

std::optional<std::uint64_t> SymbolFile::address_of(std::uint64_t file_offset) const {
  GElf_Addr bias = 0;
  Elf* const elf = dwfl_module_getelf(module_, &bias);
  std::size_t count = 0;
  if (elf == nullptr || elf_getphdrnum(elf, &count) != 0) return std::nullopt;
  std::optional<std::uint64_t> only;
  for (std::size_t i = 0; i < count; ++i) {
    GElf_Phdr segment;
    if (gelf_getphdr(elf, static_cast<int>(i), &segment) == nullptr) continue;
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
    // Mappings begin at whole pages, so before what the segment has of the file.
    const std::uint64_t before = segment.p_align > 1 ? segment.p_offset % segment.p_align : 0;
    if (file_offset >= segment.p_offset - before &&
        file_offset < segment.p_offset + segment.p_filesz)
      return segment.p_vaddr + (file_offset - segment.p_offset);
    only = only ? kNoAddress : segment.p_vaddr - segment.p_vaddr % kPageBytes;
  }
  // A file with debug information alone has other offsets; its first page of code is that of the
  // mapping, if all code is one segment.
  return only != kNoAddress ? only : std::nullopt;
}

void SymbolFile::read_symbols() {
  const int count = dwfl_module_getsymtab(module_);
  for (int i = 1; i < count; ++i) {
    GElf_Sym symbol;
    GElf_Addr address = 0;
    const char* const name =
        dwfl_module_getsym_info(module_, i, &symbol, &address, nullptr, nullptr, nullptr);
    const int type = GELF_ST_TYPE(symbol.st_info);
    if (name == nullptr || *name == '\0' || symbol.st_shndx == SHN_UNDEF) continue;
    if (type != STT_FUNC && type != STT_GNU_IFUNC) continue;
    const int binding = GELF_ST_BIND(symbol.st_info);
    const int rank = binding == STB_GLOBAL ? 0 : binding == STB_WEAK ? 1 : 2;
    symbols_.push_back({address, address + symbol.st_size, rank, name});
  }
  std::sort(symbols_.begin(), symbols_.end(), [](const Symbol& one, const Symbol& other) {
    return one.begin != other.begin ? one.begin < other.begin : one.rank > other.rank;
  });
  // What is written by hand often has no size, and goes on to the next.
  for (std::size_t i = 0; i + 1 < symbols_.size(); ++i)
    if (symbols_[i].end == symbols_[i].begin) symbols_[i].end = symbols_[i + 1].begin;
}

// Not by .debug_aranges, which clang and rustc do not write.
void SymbolFile::read_units() {
  Dwarf_Addr bias = 0;
  Dwarf* const dwarf = dwfl_module_getdwarf(module_, &bias);
  if (dwarf == nullptr) return;
  dwarf_bias_ = bias;
  Dwarf_CU* unit = nullptr;
  std::uint8_t type = 0;
  Dwarf_Die entry;
  Dwarf_Die within;
  while (dwarf_get_units(dwarf, unit, &unit, nullptr, &type, &entry, &within) == 0) {
    const bool is_elsewhere = type == DW_UT_skeleton && within.addr != nullptr;
    units_.push_back({entry, is_elsewhere ? within : entry});
    for_each_range(entry, [&](std::uint64_t begin, std::uint64_t end) {
      unit_ranges_.push_back({begin, end, units_.size() - 1});
    });
  }
  sort_ranges(unit_ranges_);
}

void SymbolFile::read_functions(const Unit& unit) {
  if (functions_of_ == &unit) return;
  functions_of_ = &unit;
  functions_.clear();
  Dwarf_Die entry = unit.functions;
  add_functions(entry, 0);
  sort_ranges(functions_);
}

void SymbolFile::add_functions(Dwarf_Die& parent, int depth) {
  Dwarf_Die entry;
  if (depth == kDeepest || dwarf_child(&parent, &entry) != 0) return;
  do {
    const int tag = dwarf_tag(&entry);
    if (tag == DW_TAG_subprogram)
      for_each_range(entry, [&](std::uint64_t begin, std::uint64_t end) {
        functions_.push_back({begin, end, entry});
      });
    // Functions of classes, and of classes within functions.
    if (dwarf_haschildren(&entry) > 0 && tag != DW_TAG_enumeration_type &&
        tag != DW_TAG_array_type && tag != DW_TAG_subroutine_type)
      add_functions(entry, depth + 1);
  } while (dwarf_siblingof(&entry, &entry) == 0);
}

const SymbolFile::Symbol* SymbolFile::symbol_at(std::uint64_t address) const noexcept {
  return range_at(symbols_, address);
}

// Without the version, as in name@@VERSION.
std::string_view SymbolFile::symbol_name(const Symbol& symbol) noexcept {
  const std::string_view name(symbol.name);
  return name.substr(0, name.find('@'));
}

std::vector<SourceFrame> SymbolFile::named_by_symbol(std::uint64_t address) const {
  const Symbol* const symbol = symbol_at(address);
  if (symbol == nullptr) return {};
  return {{symbol_name(*symbol), {}, 0}};
}

// Of functions without a name for linkers, the symbol has the namespaces too.
std::string_view SymbolFile::name_of(const FunctionRange& function) const {
  Dwarf_Die entry = function.entry;
  const std::string_view name = linker_name_of(entry);
  if (!name.empty()) return name;
  const Symbol* const symbol = symbol_at(function.begin + dwarf_bias_);
  return symbol != nullptr ? symbol_name(*symbol) : any_name_of(entry);
}

std::vector<SourceFrame> SymbolFile::frames_at(std::uint64_t address) {
  const std::uint64_t there = address - dwarf_bias_;
  const UnitRange* const range = range_at(unit_ranges_, there);
  if (range == nullptr) return named_by_symbol(address);
  Unit& unit = units_[range->unit];
  read_functions(unit);
  const FunctionRange* const function = range_at(functions_, there);
  if (function == nullptr) {
    std::vector<SourceFrame> frames = named_by_symbol(address);
    if (!frames.empty()) set_place(unit.lines, there, frames[0]);
    return frames;
  }
  std::vector<Dwarf_Die> calls = inlined_at(function->entry, there);
  std::vector<SourceFrame> frames(1);
  set_place(unit.lines, there, frames[0]);
  for (auto call = calls.rbegin(); call != calls.rend(); ++call) {
    frames.back().function = any_name_of(*call);
    set_call_place(unit.functions, *call, frames.emplace_back());
  }
  frames.back().function = name_of(*function);
  return frames;
}

}  // namespace luna::tool
