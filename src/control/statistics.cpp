// SPDX-License-Identifier: MIT
#include "control/statistics.hpp"

namespace luna {

namespace {

void add_row(Text& text, std::string_view name, std::uint64_t bytes,
             std::string_view note) noexcept {
  constexpr std::size_t kNameWidth = 12;
  text.add("  ").add(name);
  for (std::size_t i = name.size(); i < kNameWidth; ++i) text.add(" ");
  text.add_bytes(bytes).add(note).add("\n");
}

void add_total(Text& text, std::string_view type, std::uint64_t count,
               std::uint64_t bytes) noexcept {
  text.add("<total type=\"").add(type).add("\" count=\"").add_decimal(count);
  text.add("\" size=\"").add_decimal(bytes).add("\"/>\n");
}

void add_size(Text& text, std::string_view element, std::string_view type,
              std::uint64_t bytes) noexcept {
  text.add("<").add(element).add(" type=\"").add(type).add("\" size=\"").add_decimal(bytes);
  text.add("\"/>\n");
}

}  // namespace

void write_summary(const HeapUsage& usage, Text& text) noexcept {
  text.add("lunalloc statistics\n");
  add_row(text, "live", usage.small_bytes + usage.pages.large_bytes, " in use by the program");
  add_row(text, "  small", usage.small_bytes, " in blocks up to 16 KiB");
  add_row(text, "  large", usage.pages.large_bytes, " in blocks of whole pages");
  add_row(text, "slab free", usage.slab_free_bytes, " free or not yet used inside slabs");
  add_row(text, "dirty", usage.pages.dirty, " free pages not yet given back");
  add_row(text, "committed", usage.pages.committed, " readable and writable");
  add_row(text, "reserved", usage.pages.reserved, " of address space");
  text.add("  blocks      ").add_decimal(usage.small_blocks).add(" small, ");
  text.add_decimal(usage.pages.large_blocks).add(" large\n");
  text.add("  heaps       ").add_decimal(usage.thread_heaps).add(" of threads\n");
}

void write_profiler_summary(const ProfilerUsage& usage, Text& text) noexcept {
  if (usage.reserved_bytes == 0) return;
  text.add("  profiler    ").add_bytes(usage.touched_bytes).add(" of tables, of ");
  text.add_bytes(usage.reserved_bytes).add(" reserved\n");
  text.add("  samples     ").add_decimal(usage.live_samples).add(" live of ");
  text.add_decimal(usage.sites).add(" sites, ");
  text.add_decimal(usage.dropped_samples).add(" dropped\n");
}

void write_malloc_info(const HeapUsage& usage, Text& text) noexcept {
  text.add("<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n</sizes>\n");
  add_total(text, "fast", 0, 0);
  add_total(text, "rest", 0, usage.slab_free_bytes + usage.pages.dirty);
  add_size(text, "system", "current", usage.pages.committed);
  add_size(text, "system", "max", usage.pages.committed);
  add_size(text, "aspace", "total", usage.pages.reserved);
  add_size(text, "aspace", "mprotect", usage.pages.committed);
  text.add("</heap>\n");
  add_total(text, "fast", 0, 0);
  add_total(text, "rest", 0, usage.slab_free_bytes + usage.pages.dirty);
  add_total(text, "mmap", usage.pages.large_blocks, usage.pages.large_bytes);
  add_size(text, "system", "current", usage.pages.committed);
  add_size(text, "system", "max", usage.pages.committed);
  add_size(text, "aspace", "total", usage.pages.reserved);
  add_size(text, "aspace", "mprotect", usage.pages.committed);
  text.add("</malloc>\n");
}

}  // namespace luna
