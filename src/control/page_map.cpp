// SPDX-License-Identifier: MIT
#include "control/page_map.hpp"

#include "base/format.hpp"
#include "base/inline_text.hpp"
#include "control/residency.hpp"
#include "os/memory.hpp"
#include "os/pagemap.hpp"
#include "telemetry/json.hpp"

namespace luna {

namespace {

// By the numbers of PageUse and of HugeBacking.
constexpr std::array<InlineText<16>, kPageUses> kUseNames = {"slab", "spare", "large",
                                                             "kept", "dirty", "retained"};
constexpr std::array<InlineText<16>, 4> kHugeNames = {"plain", "collapsing", "huge", "hugetlb"};

[[nodiscard]] std::string_view name_of(PageUse use) noexcept {
  return kUseNames[static_cast<std::size_t>(use)];
}

[[nodiscard]] std::string_view kind_of(RegionState state) noexcept {
  if (state == RegionState::kHuge) return "huge";
  if (state == RegionState::kReserved) return "free";
  return state == RegionState::kShared ? "shared" : "span";
}

// In quotes: readers of JSON take numbers for floating point.
void add_address(Output& out, std::uintptr_t address) noexcept {
  add_name(out, "address").add("\"").add_hex(address).add("\"");
}

void add_heap(Output& out, const RegionPicture& picture) noexcept {
  if (!picture.is_of_named_heap) {
    out.add(R"(,"heap":null,"heap_number":null)");
    return;
  }
  add_string(add_name(out.add(","), "heap"), picture.heap_name.data());
  add_number(out.add(","), "heap_number", picture.heap_number);
}

}  // namespace

void PageMap::write(Output& out) noexcept {
  tells_residency_ = kernel_tells_residency();
  out.add(R"({"format":"lunalloc map","version":1)");
  add_number(out.add(","), "page_bytes", kPageBytes);
  add_number(out.add(","), "region_bytes", kRegionBytes).add(",\n \"regions\":[");
  for (auto pictures = walk_.next(); !pictures.empty() && out.ok(); pictures = walk_.next()) {
    ask_kernel(pictures);
    for (std::size_t i = 0; i < pictures.size(); ++i) write_region(pictures[i], backings_[i], out);
  }
  own_.collect(allocator_, profiler_);
  write_tables(out.add("],\n \"tables\":["));
  write_totals(out.add("],\n \"totals\":{"));
  out.add("},\n \"complete\":").add(own_.complete() ? "true}\n" : "false}\n");
}

void PageMap::ask_kernel(std::span<const RegionPicture> pictures) noexcept {
  os::HugePageScan scan;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    const RegionPicture& picture = pictures[i];
    const auto* memory = reinterpret_cast<const std::byte*>(picture.address);
    Backing& backing = backings_[i];
    if (picture.bytes == kRegionBytes) {
      backing.resident = resident_pages(memory);
      backing.resident_pages = backing.resident.count();
    } else {
      backing.resident_pages = os::resident_bytes(memory, picture.bytes) / kPageBytes;
    }
    if (!scan.count(picture.address, picture.bytes, backing.huge_bytes)) tells_huge_ = false;
  }
}

void PageMap::write_region(const RegionPicture& picture, const Backing& backing,
                           Output& out) noexcept {
  add_address(out.add(regions_ == 0 ? "\n  {" : ",\n  {"), picture.address);
  add_number(out.add(","), "bytes", picture.bytes);
  add_name(out.add(","), "kind").add("\"").add(kind_of(picture.state)).add("\"");
  add_heap(out, picture);
  add_name(out.add(","), "huge")
      .add("\"")
      .add(kHugeNames[static_cast<std::size_t>(picture.huge)])
      .add("\"");
  add_huge(out, backing.huge_bytes);
  add_resident(out, "resident_bytes", backing.resident_pages * kPageBytes);
  write_runs(picture, backing, add_name(out.add(","), "runs").add("["));
  out.add("]}");
  ++regions_;
  bytes_ += picture.bytes;
  huge_bytes_ += backing.huge_bytes;
}

// [use, pages, resident pages] and of a slab what its blocks are: most of the text is this.
void PageMap::write_runs(const RegionPicture& picture, const Backing& backing,
                         Output& out) noexcept {
  std::size_t page = 0;
  for (const PageRun& run : picture.drawn()) {
    const std::size_t resident = picture.bytes == kRegionBytes
                                     ? backing.resident.count(page, run.pages)
                                     : backing.resident_pages;
    std::array<char, 96> buffer;
    Text text(buffer.data(), buffer.size());
    text.add(page == 0 ? "[\"" : ",[\"").add(name_of(run.use)).add("\",").add_decimal(run.pages);
    if (tells_residency_)
      text.add(",").add_decimal(resident);
    else
      text.add(",null");
    if (run.use == PageUse::kSlab) {
      const SizeClassInfo& info = kSizeClassInfos[run.size_class];
      text.add(",").add_decimal(info.block_bytes).add(",").add_decimal(run.used_blocks);
      text.add(",").add_decimal(info.capacity);
      used_block_bytes_ += std::size_t{run.used_blocks} * info.block_bytes;
    }
    out.add(text.add("]").view());
    MappedPages& sum = uses_[static_cast<std::size_t>(run.use)];
    sum.pages += run.pages;
    sum.resident += resident;
    page += run.pages;
  }
}

void PageMap::write_tables(Output& out) const noexcept {
  std::string_view comma;
  for (const OwnRange& range : own_.ranges()) {
    if (range.kind == OwnKind::kArena || range.kind == OwnKind::kHuge) continue;
    add_address(out.add(comma).add("\n  {"), range.begin);
    add_number(out.add(","), "bytes", range.bytes());
    add_name(out.add(","), "kind").add("\"").add(name_of(range.kind)).add("\"");
    add_resident(out, "resident_bytes",
                 os::resident_bytes(reinterpret_cast<const void*>(range.begin), range.bytes()));
    out.add("}");
    comma = ",";
  }
}

void PageMap::write_totals(Output& out) const noexcept {
  std::size_t resident = 0;
  for (const MappedPages& sum : uses_) resident += sum.resident;
  add_number(out, "regions", regions_);
  add_number(out.add(","), "bytes", bytes_);
  add_resident(out, "resident_bytes", resident * kPageBytes);
  add_huge(out, huge_bytes_);
  add_number(out.add(","), "reserved_bytes",
             own_.bytes(OwnKind::kArena) + own_.bytes(OwnKind::kHuge));
  add_number(out.add(","), "used_block_bytes", used_block_bytes_);
  for (std::size_t i = 0; i < kPageUses; ++i) {
    add_name(out.add(",\n  "), kUseNames[i]).add("{");
    add_number(out, "pages", uses_[i].pages);
    add_resident(out, "resident_pages", uses_[i].resident);
    out.add("}");
  }
}

void PageMap::add_resident(Output& out, std::string_view name, std::size_t amount) const noexcept {
  add_name(out.add(","), name);
  if (tells_residency_)
    out.add_decimal(amount);
  else
    out.add("null");
}

void PageMap::add_huge(Output& out, std::size_t bytes) const noexcept {
  if (tells_huge_)
    add_number(out.add(","), "huge_bytes", bytes);
  else
    out.add(R"(,"huge_bytes":null)");
}

}  // namespace luna
