// SPDX-License-Identifier: MIT
// Takes a JSON profile piece by piece, so that one with a million sites fits into memory, and one
// that was cut short gives the sites before the cut.
#include "json_profile_columns.hpp"
#include "profile_reader.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <istream>
#include <map>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace luna::tool {

namespace {

struct PatternMember {
  std::string_view group;
  std::string_view key;
  std::int64_t HeapProfile::Patterns::*member;
};

constexpr std::array<PatternMember, 5> kPatterns = {{
    {"freed_bytes", "by_same_thread", &HeapProfile::Patterns::freed_by_same_thread},
    {"freed_bytes", "by_others", &HeapProfile::Patterns::freed_by_others},
    {"waves", "period_ns", &HeapProfile::Patterns::wave_period_ns},
    {"waves", "swing_bytes", &HeapProfile::Patterns::wave_swing_bytes},
    {"waves", "mean_bytes", &HeapProfile::Patterns::wave_mean_bytes},
}};

// What is shown of each kind where nobody chooses.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kKinds = {{
    {"heap", "inuse_space"},
    {"peak", "peak_space"},
    {"growth", "growth_space"},
    {"lifetimes", "space_time"},
    {"temporary", "temporary_space"},
}};

// Where values lie: the members of the whole, of its modules and sites, and what is in these.
enum Depth : std::size_t {
  kWhole = 1,
  kGroup = 2,
  kRow = 3,
  kMember = 4,
  kFrame = 5,
  kDeepest = 16
};

// Each address is looked for in all of them.
constexpr std::size_t kMostModules = 10'000;
// Of a kind: an empty one has three bytes in the file, and many times that in memory.
constexpr std::size_t kMostRows = std::size_t{1} << 22;

struct NamedCode {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::string name;
};

// The parser's callbacks; a false ends it.
class JsonHandler : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t value) override { return add_number(value); }
  bool number_unsigned(number_unsigned_t value) override {
    return add_number(static_cast<std::int64_t>(std::min<std::uint64_t>(value, INT64_MAX)));
  }
  bool number_float(number_float_t value, const string_t&) override {
    constexpr double kMost = 9e18;
    return add_number(std::isfinite(value) ? std::llround(std::clamp(value, -kMost, kMost)) : 0);
  }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return enter(); }
  bool start_array(std::size_t) override {
    element_ = 0;
    return enter();
  }
  bool key(string_t& name) override {
    keys_[depth_].swap(name);
    return true;
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool string(string_t& text) override;
  bool end_object() override;
  bool parse_error(std::size_t place, const std::string&,
                   const nlohmann::json::exception&) override {
    error_place_ = place;
    return false;
  }

  // Of what was read. Throws where that is no profile.
  [[nodiscard]] HeapProfile finish(bool whole);

 private:
  [[nodiscard]] bool enter() {
    if (++depth_ >= kDeepest) return false;
    keys_[depth_].clear();
    return true;
  }
  [[nodiscard]] bool is_in(Depth depth, std::string_view rows) const {
    return depth_ == depth && keys_[kWhole] == rows;
  }
  [[nodiscard]] bool add_number(std::int64_t value);
  void add_pattern(std::int64_t value);
  void add_to_histograms(std::int64_t value);
  [[nodiscard]] bool is_in_change() const {
    return is_in(kMember, "patterns") && keys_[kGroup] == "anomalies";
  }
  [[nodiscard]] bool add_head_text(const std::string& text);
  [[nodiscard]] bool add_module_text(const std::string& text);
  [[nodiscard]] bool add_code_text(const std::string& text);
  [[nodiscard]] bool add_site_text(const std::string& text);
  [[nodiscard]] bool add_address(std::uint64_t address);
  void add_runtime_frame();
  void add_site();
  [[nodiscard]] std::uint32_t place_of_mapping(std::uint64_t address) const;
  void name_code();

  HeapProfile profile_;
  std::array<std::string, kDeepest> keys_;  // the last key at each depth
  std::size_t depth_ = 0;
  std::size_t element_ = 0;  // the next one of an array of numbers
  std::size_t error_place_ = 0;
  std::string format_;
  std::int64_t version_ = 0;
  HeapProfile::Mapping module_;
  HeapProfile::Patterns::Change change_;
  NamedCode code_;
  std::vector<NamedCode> codes_;
  HeapProfile::Function function_;  // of a frame that a runtime named
  std::uint64_t line_ = 0;
  std::vector<std::uint32_t> stack_;
  std::array<std::int64_t, kProfileColumns.size()> values_{};
  std::vector<HeapProfile::Label> labels_;
  std::unordered_map<std::uint64_t, std::uint32_t> addresses_;
  std::map<std::string, std::uint32_t> runtime_frames_;
  std::map<std::string, std::uint32_t> label_sets_;
};

// A text of texts, each with its end.
void add_part(std::string& key, std::string_view part) { key.append(part).append(1, '\0'); }

[[nodiscard]] bool read_hex(std::string_view text, std::uint64_t& value) {
  if (!text.starts_with("0x")) return false;
  const char* const end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data() + 2, end, value, 16);
  return error == std::errc{} && last == end;
}

bool JsonHandler::add_number(std::int64_t value) {
  if (depth_ == kWhole) {
    const auto amount = static_cast<std::uint64_t>(value);
    if (keys_[kWhole] == "version") version_ = value;
    if (keys_[kWhole] == "interval_bytes") profile_.interval_bytes = amount;
    if (keys_[kWhole] == "began_ns") profile_.began_ns = amount;
    if (keys_[kWhole] == "duration_ns") profile_.duration_ns = amount;
    if (keys_[kWhole] == "dropped_samples" && value != 0 && profile_.comments.empty())
      profile_.comments.push_back("dropped_samples: " + std::to_string(value));
  }
  if (keys_[kWhole] == "patterns") add_pattern(value);
  add_to_histograms(value);
  if (is_in(kFrame, "sites") && keys_[kFrame] == "line") line_ = static_cast<std::uint64_t>(value);
  if (!is_in(kMember, "sites")) return true;
  for (std::size_t i = 0; i < kProfileColumns.size(); ++i)
    if (keys_[kMember] == kProfileColumns[i].key && keys_[kRow] == kProfileColumns[i].group)
      values_[i] = value;
  return true;
}

// A number in the array that is the last key.
void JsonHandler::add_to_histograms(std::int64_t value) {
  if (is_in(kGroup, "size_bounds")) profile_.sizes.bounds.push_back(value);
  if (is_in(kGroup, "lifetime_bounds_ns")) profile_.lifetimes.bounds.push_back(value);
  HeapProfile::Histogram* histogram = nullptr;
  if (is_in(kMember, "sites") && keys_[kRow] == "sizes") histogram = &profile_.sizes;
  if (is_in(kFrame, "sites") && keys_[kRow] == "freed" && keys_[kMember] == "lifetimes")
    histogram = &profile_.lifetimes;
  if (histogram == nullptr || element_ > histogram->bounds.size()) return;
  histogram->objects.resize(histogram->bounds.size() + 1);
  std::int64_t& sum = histogram->objects[element_++];
  sum = wrapped_sum(sum, value);
}

void JsonHandler::add_pattern(std::int64_t value) {
  for (const PatternMember& one : kPatterns)
    if (depth_ == kRow && keys_[kGroup] == one.group && keys_[kRow] == one.key)
      profile_.patterns.*one.member = value;
  if (!is_in_change()) return;
  if (keys_[kMember] == "site") change_.site = value;
  if (keys_[kMember] == "now") change_.now = value;
  if (keys_[kMember] == "before") change_.before = value;
}

bool JsonHandler::string(string_t& text) {
  if (depth_ == kWhole) return add_head_text(text);
  if (is_in(kRow, "modules")) return add_module_text(text);
  if (is_in(kRow, "code")) return add_code_text(text);
  if (keys_[kWhole] == "sites") return add_site_text(text);
  if (is_in_change() && keys_[kMember] == "of") change_.of = text;
  return true;
}

bool JsonHandler::add_head_text(const std::string& text) {
  if (keys_[kWhole] == "format") format_ = text;
  if (keys_[kWhole] != "kind") return true;
  for (const auto& [kind, shown] : kKinds)
    for (std::size_t i = 0; i < kProfileColumns.size() && kind == text; ++i)
      if (kProfileColumns[i].name == shown) profile_.default_type = i;
  return true;
}

bool JsonHandler::add_module_text(const std::string& text) {
  const std::string& key = keys_[kRow];
  if (key == "path") module_.path = text;
  if (key == "build_id") module_.build_id = text;
  if (key == "begin") return read_hex(text, module_.begin);
  if (key == "end") return read_hex(text, module_.end);
  if (key == "file_offset") return read_hex(text, module_.file_offset);
  if (key == "bias") return read_hex(text, module_.bias.emplace());
  return true;
}

bool JsonHandler::add_code_text(const std::string& text) {
  if (keys_[kRow] == "name") code_.name = text;
  if (keys_[kRow] == "begin") return read_hex(text, code_.begin);
  if (keys_[kRow] == "end") return read_hex(text, code_.end);
  return true;
}

bool JsonHandler::add_site_text(const std::string& text) {
  if (depth_ == kMember && keys_[kRow] == "frames") {
    std::uint64_t address = 0;
    return read_hex(text, address) && add_address(address);
  }
  if (depth_ == kMember && keys_[kRow] == "labels") labels_.push_back({keys_[kMember], text});
  if (depth_ == kFrame && keys_[kFrame] == "function") function_.name = text;
  if (depth_ == kFrame && keys_[kFrame] == "file") function_.file = text;
  return true;
}

// It returns behind the call, which may be the end of another function or line.
bool JsonHandler::add_address(std::uint64_t address) {
  if (address == 0) return false;
  const auto next = static_cast<std::uint32_t>(profile_.locations.size());
  const auto [found, is_new] = addresses_.try_emplace(address - 1, next);
  if (is_new) profile_.locations.push_back({address - 1, place_of_mapping(address - 1), {}});
  stack_.push_back(found->second);
  return next < kMostRows;
}

void JsonHandler::add_runtime_frame() {
  std::string key;
  add_part(key, function_.name);
  add_part(key, function_.file);
  add_part(key, std::to_string(line_));
  const auto next = static_cast<std::uint32_t>(profile_.locations.size());
  const auto [found, is_new] = runtime_frames_.try_emplace(std::move(key), next);
  if (is_new) {
    const auto function = static_cast<std::uint32_t>(profile_.functions.size());
    profile_.functions.push_back(std::move(function_));
    profile_.locations.push_back({0, HeapProfile::kNone, {{function, line_}}});
  }
  stack_.push_back(found->second);
  function_ = {};
  line_ = 0;
}

std::uint32_t JsonHandler::place_of_mapping(std::uint64_t address) const {
  for (std::size_t i = 0; i < profile_.mappings.size(); ++i)
    if (address >= profile_.mappings[i].begin && address < profile_.mappings[i].end)
      return static_cast<std::uint32_t>(i);
  return HeapProfile::kNone;
}

bool JsonHandler::end_object() {
  if (is_in(kRow, "modules")) {
    if (profile_.mappings.size() == kMostModules) return false;
    profile_.mappings.push_back(std::exchange(module_, {}));
  }
  if (is_in(kRow, "code")) codes_.push_back(std::exchange(code_, {}));
  if (is_in(kRow, "sites")) add_site();
  if (is_in_change()) profile_.patterns.changes.push_back(std::exchange(change_, {}));
  if (is_in(kFrame, "sites") && keys_[kRow] == "frames") add_runtime_frame();
  --depth_;
  return profile_.samples.size() <= kMostRows && profile_.locations.size() <= kMostRows &&
         codes_.size() <= kMostRows && profile_.patterns.changes.size() <= kMostRows;
}

void JsonHandler::add_site() {
  std::string key;
  for (const HeapProfile::Label& label : labels_) {
    add_part(key, label.key);
    add_part(key, label.value);
  }
  std::uint32_t labels = 0;
  if (!labels_.empty()) {
    labels = static_cast<std::uint32_t>(profile_.label_sets.size());
    const auto [found, is_new] = label_sets_.try_emplace(std::move(key), labels);
    if (is_new) profile_.label_sets.push_back(labels_);
    labels = found->second;
  }
  profile_.samples.push_back(
      {profile_.frames.size(), static_cast<std::uint32_t>(stack_.size()), labels});
  profile_.frames.insert(profile_.frames.end(), stack_.begin(), stack_.end());
  profile_.values.insert(profile_.values.end(), values_.begin(), values_.end());
  stack_.clear();
  values_ = {};
  labels_.clear();
}

// What compilers made at run time is known by ranges, and lies in no module.
void JsonHandler::name_code() {
  std::sort(codes_.begin(), codes_.end(),
            [](const NamedCode& one, const NamedCode& other) { return one.end < other.end; });
  std::vector<std::uint32_t> functions(codes_.size(), HeapProfile::kNone);
  for (HeapProfile::Location& location : profile_.locations) {
    if (location.mapping != HeapProfile::kNone || !location.lines.empty()) continue;
    const auto code = std::upper_bound(
        codes_.begin(), codes_.end(), location.address,
        [](std::uint64_t address, const NamedCode& one) { return address < one.end; });
    if (code == codes_.end() || location.address < code->begin) continue;
    std::uint32_t& function = functions[static_cast<std::size_t>(code - codes_.begin())];
    if (function == HeapProfile::kNone) {
      function = static_cast<std::uint32_t>(profile_.functions.size());
      profile_.functions.push_back({code->name, {}});
    }
    location.lines = {{function, 0}};
  }
}

HeapProfile JsonHandler::finish(bool whole) {
  if (format_ == "lunalloc-leak-report")
    throw ProfileError(ProfileError::kNoProfile,
                       "it is a report of leaks; `luna leaks` prints such");
  if (format_ != "lunalloc-heap-profile")
    throw ProfileError(ProfileError::kNoProfile,
                       "it is no profile of lunalloc; profile_format:json writes such");
  if (version_ != 1)
    throw ProfileError(ProfileError::kOtherVersion,
                       "its format has version " + std::to_string(version_) +
                           ", and this program knows 1; use the `luna` of the lunalloc that "
                           "wrote it");
  if (!whole && profile_.samples.empty())
    throw ProfileError(ProfileError::kNoProfile,
                       "it ends before its first site; take another copy, or write it again");
  if (!whole && error_place_ != 0)
    profile_.cut = "it was cut short or damaged at byte " + std::to_string(error_place_);
  if (!whole && error_place_ == 0)
    profile_.cut = "it is damaged: an address is none, or there are too many rows";
  for (const ProfileColumn& column : kProfileColumns)
    profile_.types.push_back({std::string(column.name), std::string(column.unit)});
  name_code();
  std::erase_if(profile_.patterns.changes, [this](const HeapProfile::Patterns::Change& change) {
    return change.site < 0 || static_cast<std::size_t>(change.site) >= profile_.samples.size();
  });
  return std::move(profile_);
}

}  // namespace

HeapProfile parse_json_profile(std::istream& in) {
  JsonHandler handler;
  const bool whole = nlohmann::json::sax_parse(in, &handler);
  return handler.finish(whole);
}

}  // namespace luna::tool
