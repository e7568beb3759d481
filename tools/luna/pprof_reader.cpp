// SPDX-License-Identifier: MIT
// The numbers of the fields are those of profile.proto, in github.com/google/pprof. What refers to
// others may stand before them, so the message is gone through once for each kind.
#include "profile_reader.hpp"
#include "protobuf_reader.hpp"

#include <map>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace luna::tool {

namespace {

// Field numbers of Profile.
enum Field : std::uint32_t {
  kSampleType = 1,
  kSample = 2,
  kMapping = 3,
  kLocation = 4,
  kFunction = 5,
  kStringTable = 6,
  kTimeNanos = 9,
  kDurationNanos = 10,
  kPeriod = 12,
  kComment = 13,
  kDefaultSampleType = 14,
};

constexpr std::size_t kMostTypes = 64;
constexpr std::size_t kMostRows = std::size_t{1} << 22;  // of a kind, of which each has two bytes
constexpr std::size_t kMostTextBytes = std::size_t{1} << 29;

// Where the name of code that lies in no module is not known, its address says more.
constexpr std::string_view kUnnamedCode = "[anon]";

using Places = std::unordered_map<std::uint64_t, std::uint32_t>;  // by the numbers of the file

[[noreturn]] void throw_damaged() {
  throw ProfileError(ProfileError::kNoProfile,
                     "it is damaged, or no profile; take another copy, or write it again");
}

class PprofReader {
 public:
  PprofReader(std::string_view data, bool whole) : data_(data), whole_(whole) {}

  [[nodiscard]] HeapProfile read() {
    read_strings();
    for_each(kSampleType, [this](const ProtobufReader& field) { add_type(field.bytes()); });
    if (profile_.types.empty()) throw_damaged();
    read_head();
    for_each(kMapping, [this](const ProtobufReader& field) { add_mapping(field.bytes()); });
    for_each(kFunction, [this](const ProtobufReader& field) { add_function(field.bytes()); });
    for_each(kLocation, [this](const ProtobufReader& field) { add_location(field.bytes()); });
    for_each(kSample, [this](const ProtobufReader& field) { add_sample(field.bytes()); });
    if (!whole_) profile_.cut = "it was cut short; of its end there are no names";
    return std::move(profile_);
  }

 private:
  // Calls visit for each field of the number. A message that was cut short ends where it ends.
  template <typename Visit>
  void for_each(std::uint32_t field, Visit visit) {
    ProtobufReader reader(data_);
    for (std::size_t rows = 0; reader.next();) {
      if (reader.field() != field) continue;
      if (++rows > kMostRows) throw_damaged();
      visit(reader);
    }
    if (!reader.is_whole() && whole_) throw_damaged();
  }

  // Calls visit for each field of a message within, which has to be whole.
  template <typename Visit>
  static void for_each_in(std::string_view message, Visit visit) {
    ProtobufReader reader(message);
    while (reader.next()) visit(reader);
    if (!reader.is_whole()) throw_damaged();
  }

  // They stand at the end, so without the rest of the file the others have no names.
  void read_strings() {
    for_each(kStringTable,
             [this](const ProtobufReader& field) { strings_.push_back(field.bytes()); });
    if (!whole_ && strings_.empty())
      throw ProfileError(ProfileError::kNoProfile,
                         "it was cut short before the names that stand at its end, without which "
                         "it cannot be read; take another copy, or write it again");
  }

  // A long text that very many refer to would take more memory than there is.
  [[nodiscard]] std::string text(std::uint64_t place) {
    if (place >= strings_.size()) {
      if (whole_) throw_damaged();
      return {};
    }
    const std::string_view found = strings_[static_cast<std::size_t>(place)];
    if (found.size() > kMostTextBytes - text_bytes_) throw_damaged();
    text_bytes_ += found.size();
    return std::string(found);
  }

  void read_head() {
    std::uint64_t shown = 0;
    ProtobufReader reader(data_);
    while (reader.next()) {
      if (reader.field() == kTimeNanos) profile_.began_ns = reader.number();
      if (reader.field() == kDurationNanos) profile_.duration_ns = reader.number();
      if (reader.field() == kPeriod) profile_.interval_bytes = reader.number();
      if (reader.field() == kDefaultSampleType) shown = reader.number();
      if (reader.field() == kComment && !reader.is_bytes())
        profile_.comments.push_back(text(reader.number()));
    }
    profile_.default_type = profile_.types.size() - 1;
    const std::string name = text(shown);
    for (std::size_t i = 0; i < profile_.types.size(); ++i)
      if (profile_.types[i].name == name) profile_.default_type = i;
  }

  void add_type(std::string_view message) {
    if (profile_.types.size() == kMostTypes) throw_damaged();
    HeapProfile::ValueType& type = profile_.types.emplace_back();
    for_each_in(message, [&](const ProtobufReader& field) {
      if (field.field() == 1) type.name = text(field.number());
      if (field.field() == 2) type.unit = text(field.number());
    });
    if (type.name.empty()) throw_damaged();
  }

  void add_mapping(std::string_view message) {
    std::uint64_t number = 0;
    HeapProfile::Mapping& mapping = profile_.mappings.emplace_back();
    for_each_in(message, [&](const ProtobufReader& field) {
      if (field.field() == 1) number = field.number();
      if (field.field() == 2) mapping.begin = field.number();
      if (field.field() == 3) mapping.end = field.number();
      if (field.field() == 4) mapping.file_offset = field.number();
      if (field.field() == 5) mapping.path = text(field.number());
      if (field.field() == 6) mapping.build_id = text(field.number());
    });
    mappings_[number] = static_cast<std::uint32_t>(profile_.mappings.size() - 1);
  }

  void add_function(std::string_view message) {
    std::uint64_t number = 0;
    HeapProfile::Function& function = profile_.functions.emplace_back();
    for_each_in(message, [&](const ProtobufReader& field) {
      if (field.field() == 1) number = field.number();
      if (field.field() == 2) function.name = text(field.number());
      if (field.field() == 4) function.file = text(field.number());
    });
    functions_[number] = static_cast<std::uint32_t>(profile_.functions.size() - 1);
  }

  void add_location(std::string_view message) {
    std::uint64_t number = 0;
    HeapProfile::Location& location = profile_.locations.emplace_back();
    for_each_in(message, [&](const ProtobufReader& field) {
      if (field.field() == 1) number = field.number();
      if (field.field() == 2 && field.number() != 0)
        location.mapping = place_of(mappings_, field.number());
      if (field.field() == 3) location.address = field.number();
      if (field.field() == 4) add_line(location, field.bytes());
    });
    locations_[number] = static_cast<std::uint32_t>(profile_.locations.size() - 1);
  }

  void add_line(HeapProfile::Location& location, std::string_view message) {
    HeapProfile::Line line{HeapProfile::kNone, 0};
    for_each_in(message, [&](const ProtobufReader& field) {
      if (field.field() == 1) line.function = place_of(functions_, field.number());
      if (field.field() == 2) line.line = field.number();
    });
    if (line.function == HeapProfile::kNone) return;
    if (profile_.functions[line.function].name != kUnnamedCode) location.lines.push_back(line);
  }

  // kNone: it is beyond the cut.
  [[nodiscard]] std::uint32_t place_of(const Places& places, std::uint64_t number) const {
    const auto found = places.find(number);
    if (found != places.end()) return found->second;
    if (whole_) throw_damaged();
    return HeapProfile::kNone;
  }

  void add_sample(std::string_view message) {
    HeapProfile::Sample sample{profile_.frames.size(), 0, 0};
    const std::size_t first_value = profile_.values.size();
    std::vector<HeapProfile::Label> labels;
    for_each_in(message, [&](const ProtobufReader& field) {
      bool fine = true;
      if (field.field() == 1)
        fine = field.for_each_number([this](std::uint64_t number) { add_frame(number); });
      if (field.field() == 2)
        fine = field.for_each_number([this](std::uint64_t value) {
          profile_.values.push_back(static_cast<std::int64_t>(value));
        });
      if (field.field() == 3) add_label(labels, field.bytes());
      if (!fine) throw_damaged();
    });
    if (profile_.values.size() - first_value != profile_.types.size()) throw_damaged();
    sample.frames = static_cast<std::uint32_t>(profile_.frames.size() - sample.first_frame);
    sample.labels = place_of_labels(std::move(labels));
    profile_.samples.push_back(sample);
  }

  void add_frame(std::uint64_t number) {
    const std::uint32_t place = place_of(locations_, number);
    if (place != HeapProfile::kNone) profile_.frames.push_back(place);
  }

  // Labels that are numbers are left out: lunalloc writes none.
  void add_label(std::vector<HeapProfile::Label>& labels, std::string_view message) {
    HeapProfile::Label label;
    bool is_text = false;
    for_each_in(message, [&](const ProtobufReader& field) {
      if (field.field() == 1) label.key = text(field.number());
      if (field.field() == 2) {
        label.value = text(field.number());
        is_text = true;
      }
    });
    if (is_text) labels.push_back(std::move(label));
  }

  [[nodiscard]] std::uint32_t place_of_labels(std::vector<HeapProfile::Label> labels) {
    if (labels.empty()) return 0;
    std::string key;
    for (const HeapProfile::Label& label : labels)
      key.append(label.key).append(1, '\0').append(label.value).append(1, '\0');
    const auto next = static_cast<std::uint32_t>(profile_.label_sets.size());
    const auto [found, is_new] = label_sets_.try_emplace(std::move(key), next);
    if (is_new) profile_.label_sets.push_back(std::move(labels));
    return found->second;
  }

  std::string_view data_;
  bool whole_;
  std::vector<std::string_view> strings_;
  std::size_t text_bytes_ = 0;  // that were copied
  Places mappings_;
  Places functions_;
  Places locations_;
  std::map<std::string, std::uint32_t> label_sets_;
  HeapProfile profile_;
};

}  // namespace

HeapProfile parse_pprof(std::string_view data, bool whole) {
  return PprofReader(data, whole).read();
}

}  // namespace luna::tool
