// SPDX-License-Identifier: MIT
// Takes a map region by region, so that one of a large heap fits into memory, and one that was cut
// short gives the regions before the cut.
#include "heap_profile.hpp"
#include "json_values.hpp"
#include "page_map.hpp"

#include <algorithm>
#include <array>
#include <istream>
#include <string_view>
#include <utility>

namespace luna::tool {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, PageMap::kOther> kUseNames = {"slab", "spare", "large",
                                                                     "kept", "dirty", "retained"};

// So that no sum of a damaged map overflows, nor the memory: 2 TiB in regions of 2 MiB, and all of
// the addresses that a process has.
constexpr std::size_t kMostRegions = std::size_t{1} << 20;
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 47;

// In the whole, and in the arrays of regions and tables.
constexpr int kHeadDepth = 1;
constexpr int kRowDepth = 2;

[[nodiscard]] ProfileError damaged(const std::string& what) {
  return {ProfileError::kNoProfile, "it is damaged: " + what};
}

[[nodiscard]] std::uint64_t amount_of(const Json& value) {
  return value.is_number_unsigned() ? std::min(value.get<std::uint64_t>(), kMostBytes) : 0;
}

[[nodiscard]] std::uint64_t amount_in(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() ? amount_of(*found) : 0;
}

[[nodiscard]] bool is_known_in(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_unsigned();
}

class Regions {
 public:
  explicit Regions(PageMap& map) : map_(map) {}

  void set_page_bytes(std::uint64_t bytes) { page_bytes_ = bytes; }

  void add(const Json& row) {
    if (map_.regions.size() == kMostRegions) throw damaged("it has too many regions");
    PageMap::Region& region = map_.regions.emplace_back();
    region.address = address_in(row, "address");
    region.bytes = amount_in(row, "bytes");
    bytes_ += region.bytes;
    if (bytes_ > kMostBytes) throw damaged("its regions are larger than any process");
    region.kind = text_in(row, "kind");
    region.huge = text_in(row, "huge");
    if (const auto heap = row.find("heap"); heap != row.end() && heap->is_string())
      region.heap = heap->get<std::string>();
    if (!is_known_in(row, "huge_bytes"))
      map_.huge_bytes.reset();
    else if (map_.huge_bytes)
      *map_.huge_bytes += std::min(amount_in(row, "huge_bytes"), region.bytes);
    std::uint64_t place = 0;
    if (const auto runs = row.find("runs"); runs != row.end() && runs->is_array())
      for (const Json& run : *runs) place += add_run(region, run, place);
    if (place != region.bytes)
      throw damaged("the runs of region " + text_in(row, "address") + " are not as long as it is");
  }

 private:
  // Returns its bytes.
  std::uint64_t add_run(PageMap::Region& region, const Json& run, std::uint64_t place) {
    if (!run.is_array() || run.size() < 3 || !run[0].is_string())
      throw damaged("a run makes no sense");
    const auto name = std::find(kUseNames.begin(), kUseNames.end(), run[0].get<std::string>());
    const auto use = static_cast<std::size_t>(name - kUseNames.begin());
    PageAmount amount;
    amount.bytes = std::min(amount_of(run[1]), kMostBytes / page_bytes_) * page_bytes_;
    if (amount.bytes > region.bytes - place) throw damaged("a run is longer than its region");
    const bool is_known = run[2].is_number_unsigned();
    amount.resident = is_known
                          ? std::min(amount_of(run[2]), amount.bytes / page_bytes_) * page_bytes_
                          : amount.bytes;
    if (use == PageMap::kLarge) amount.live = amount.bytes;
    if (use == PageMap::kSlab && run.size() > 4)
      amount.live = std::min(std::min(amount_of(run[3]), amount.bytes) *
                                 std::min(amount_of(run[4]), std::uint64_t{1} << 16),
                             amount.bytes);
    add_to(map_.uses[use], amount);
    add_to(region.sum, amount);
    if (use == PageMap::kDirty || use == PageMap::kRetained)
      region.free_pages_bytes += amount.bytes;
    spread(region, amount, place);
    return amount.bytes;
  }

  static void add_to(PageAmount& sum, const PageAmount& amount) {
    sum.bytes += amount.bytes;
    sum.resident += amount.resident;
    sum.live += amount.live;
  }

  // Over the cells that the run lies in, evenly.
  static void spread(PageMap::Region& region, const PageAmount& amount, std::uint64_t place) {
    if (amount.bytes == 0) return;
    const double cell_bytes = static_cast<double>(region.bytes) / PageMap::kCells;
    const double begin = static_cast<double>(place);
    const double end = static_cast<double>(place + amount.bytes);
    for (auto i = static_cast<std::size_t>(begin / cell_bytes); i < PageMap::kCells; ++i) {
      const double cell_begin = static_cast<double>(i) * cell_bytes;
      const double shared = std::min(end, cell_begin + cell_bytes) - std::max(begin, cell_begin);
      if (shared <= 0) break;
      const double part = shared / static_cast<double>(amount.bytes);
      region.cells[i].bytes += shared;
      region.cells[i].resident += part * static_cast<double>(amount.resident);
      region.cells[i].live += part * static_cast<double>(amount.live);
    }
  }

  PageMap& map_;
  std::uint64_t page_bytes_ = 4096;
  std::uint64_t bytes_ = 0;  // of all regions
};

void check_head(const Json& head) {
  if (text_in(head, "format") != "lunalloc map")
    throw ProfileError(ProfileError::kNoProfile,
                       "it is no map of pages; `luna map PID` or the option map_at_exit makes one");
  if (const std::int64_t version = number_in(head, "version"); version != 1)
    throw ProfileError(ProfileError::kOtherVersion,
                       "its format has version " + std::to_string(version) +
                           ", and this program knows 1; use the `luna` of the lunalloc that "
                           "wrote it");
}

}  // namespace

PageMap read_page_map(std::istream& in) {
  PageMap map;
  Regions regions(map);
  Json head = Json::object();
  std::string section;
  const auto begin_section = [&](const std::string& name) {
    section = name;
    if (name != "regions") return;
    check_head(head);
    const std::uint64_t bytes = amount_in(head, "page_bytes");
    if (bytes == 0) throw damaged("pages have no size");
    regions.set_page_bytes(bytes);
  };
  const auto keep = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::key && depth == kHeadDepth)
      begin_section(parsed.get<std::string>());
    if (event == Json::parse_event_t::value && depth == kHeadDepth) head[section] = parsed;
    if (event != Json::parse_event_t::object_end || depth != kRowDepth) return true;
    if (section == "regions") regions.add(parsed);
    if (section == "tables")
      map.table_bytes = std::min(map.table_bytes + amount_in(parsed, "resident_bytes"), kMostBytes);
    return false;
  };
  const bool whole = !Json::parse(in, keep, false).is_discarded();
  check_head(head);
  if (!whole || !head.contains("complete")) map.cut = "it was cut short or is damaged";
  std::sort(map.regions.begin(), map.regions.end(),
            [](const auto& one, const auto& other) { return one.address < other.address; });
  return map;
}

}  // namespace luna::tool
