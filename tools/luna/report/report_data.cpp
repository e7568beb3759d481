// SPDX-License-Identifier: MIT
#include "report_data.hpp"

#include "frame_names.hpp"
#include "profile_file.hpp"

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>
#include <utility>

namespace luna::tool {

namespace {

using Json = nlohmann::ordered_json;

// Of a file of JSON other than a profile; more is a trap.
constexpr std::uintmax_t kMostBytes = std::uintmax_t{1} << 28;
constexpr std::size_t kHeadBytes = 4096;

enum class Kind { kProfile, kNamedProfile, kLeaks, kStatistics, kMap, kTimeline, kBlackBox };

struct Mark {
  std::string_view words;
  Kind kind;
};

// Each stands near the beginning of its kind of JSON, and of no other.
constexpr std::array<Mark, 7> kMarks = {{
    {"\"lunalloc-heap-profile\"", Kind::kProfile},
    {"\"lunalloc-leak-report\"", Kind::kLeaks},
    {"\"luna-leak-report\"", Kind::kLeaks},
    {"\"luna-profile\"", Kind::kNamedProfile},
    {"\"lunalloc_statistics\"", Kind::kStatistics},
    {"\"lunalloc map\"", Kind::kMap},
    {"\"lunalloc timeline\"", Kind::kTimeline},
}};

[[noreturn]] void refuse(ProfileError::Status status, const std::string& path,
                         const std::string& why) {
  throw ProfileError(status, path + ": " + why);
}

[[nodiscard]] Kind kind_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::error_code ignored;
  const bool is_folder = std::filesystem::is_directory(path, ignored);
  if (!file || is_folder)
    refuse(ProfileError::kCannotOpen, path,
           std::generic_category().message(is_folder ? EISDIR : errno) +
               "; name files that lunalloc wrote, or a process");
  std::string head(kHeadBytes, '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(file.gcount()));
  if (head.starts_with(LUNA_BLACKBOX_MAGIC)) return Kind::kBlackBox;
  if (head.empty() || head[head.find_first_not_of(" \t\r\n") % head.size()] != '{')
    return Kind::kProfile;  // whose reader knows the others
  const Mark* first = nullptr;
  std::size_t place = head.size();
  for (const Mark& mark : kMarks)
    if (const std::size_t found = head.find(mark.words); found < place) {
      place = found;
      first = &mark;
    }
  if (first != nullptr) return first->kind;
  refuse(ProfileError::kNoProfile, path,
         "it is nothing that can be reported of: a profile, a report of leaks or statistics as "
         "JSON, a profile for pprof, a map or a black box");
}

[[nodiscard]] Json read_json(const std::string& path) {
  std::error_code error;
  if (std::filesystem::file_size(path, error) > kMostBytes || error)
    refuse(ProfileError::kNoProfile, path, "it has more than 256 MiB, which no such file has");
  std::ifstream file(path, std::ios::binary);
  Json json = Json::parse(file, nullptr, false);
  if (!json.is_object())
    refuse(ProfileError::kNoProfile, path,
           "it was cut short or is damaged; take another copy, or write it again");
  return json;
}

[[nodiscard]] BlackBox read_box(const std::string& path) {
  try {
    return read_black_box(path);
  } catch (const Unreadable& why) {
    refuse(static_cast<ProfileError::Status>(why.status()), path, why.what());
  }
}

template <typename Part>
void set_once(std::optional<Part>& part, Part value, const std::string& path, const char* what) {
  if (part)
    refuse(ProfileError::kUsage, path,
           std::string("it is a second ") + what + ", and a report is of one; see --base");
  part = std::move(value);
}

void set_once(Json& part, Json value, const std::string& path, const char* what) {
  if (!part.is_null())
    refuse(ProfileError::kUsage, path, std::string("there is ") + what + " already");
  part = std::move(value);
}

}  // namespace

void add_report_file(ReportData& data, const std::string& path) {
  ReportSource source{std::string(base_name(path)), {}, {}};
  switch (kind_of(path)) {
    case Kind::kProfile:
      set_once(data.profile, read_profile_of(path), path, "heap profile");
      source.what = "heap profile";
      source.cut = data.profile->cut;
      break;
    case Kind::kNamedProfile:
      refuse(ProfileError::kNoProfile, path,
             "it is what `luna profile --format json` wrote; give what that has read, or have it "
             "write --format pprof");
    case Kind::kLeaks:
      set_once(data.leaks, read_leak_report(path), path, "report of leaks");
      source.what = "report of leaks";
      source.cut = data.leaks->stacks.cut;
      break;
    case Kind::kBlackBox:
      set_once(data.box, read_box(path), path, "black box");
      source.what = "black box";
      if (data.box->missing_bytes != 0) source.cut = "it was cut short";
      break;
    case Kind::kStatistics:
      set_once(data.statistics, read_json(path), path, "a file of statistics");
      source.what = "statistics";
      break;
    case Kind::kMap:
      set_once(data.map, read_json(path), path, "a map");
      source.what = "map of pages";
      break;
    case Kind::kTimeline:
      set_once(data.timeline, read_json(path), path, "a timeline");
      source.what = "timeline";
      break;
  }
  data.sources.push_back(std::move(source));
}

void add_earlier_profile(ReportData& data, const std::string& path) {
  data.earlier = read_profile_of(path);
  data.sources.push_back(
      {std::string(base_name(path)), "heap profile to compare with", data.earlier->cut});
}

}  // namespace luna::tool
