// SPDX-License-Identifier: MIT
// Decodes what was written by the rules of the format, and looks at every field.
#include "telemetry/pprof.hpp"

#include "support/gzip_reader.hpp"
#include "support/perf_map.hpp"
#include "support/runtime_frames.hpp"
#include "telemetry/code_names.hpp"
#include "telemetry/protobuf.hpp"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace luna {
namespace {

std::uint64_t take_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return value;
  }
  ADD_FAILURE() << "a number has no end";
  return value;
}

// The fields of a message by their number, each in the order in which they came.
struct Message {
  explicit Message(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::uint64_t tag = take_varint(bytes);
      const std::uint64_t value = take_varint(bytes);
      if (tag % 8 == 0) {
        numbers[tag / 8].push_back(value);
        continue;
      }
      EXPECT_EQ(tag % 8, 2U);
      EXPECT_LE(value, bytes.size());
      texts[tag / 8].emplace_back(bytes.substr(0, value));
      bytes.remove_prefix(std::min<std::size_t>(value, bytes.size()));
    }
  }

  std::uint64_t number(unsigned field) const {
    const auto found = numbers.find(field);
    return found == numbers.end() ? 0 : found->second.front();
  }
  std::vector<std::uint64_t> packed(unsigned field) const {
    std::vector<std::uint64_t> result;
    const auto found = texts.find(field);
    if (found == texts.end()) return result;
    for (std::string_view bytes = found->second.front(); !bytes.empty();)
      result.push_back(take_varint(bytes));
    return result;
  }
  std::vector<Message> messages(unsigned field) const {
    std::vector<Message> result;
    const auto found = texts.find(field);
    if (found == texts.end()) return result;
    for (const std::string& bytes : found->second) result.emplace_back(bytes);
    return result;
  }

  std::map<std::uint64_t, std::vector<std::uint64_t>> numbers;
  std::map<std::uint64_t, std::vector<std::string>> texts;
};

struct Decoded {
  Decoded(const Profile& profile, Modules modules) {
    test::StringOutput string;
    EXPECT_TRUE(write_pprof(profile, modules, string.out));
    message = Message(test::unzip_stored(string.text));
  }

  std::string string(std::uint64_t index) const {
    const auto& table = message.texts.at(6);
    return index < table.size() ? table[index] : "no such string";
  }
  std::string value_type(const Message& type) const {
    return string(type.number(1)) + "/" + string(type.number(2));
  }

  Message message{""};
};

using Numbers = std::vector<std::uint64_t>;

TEST(Pprof, HeadSaysWhatIsCounted) {
  const test::SampleProfile sample;
  const Decoded decoded(sample.profile, sample.modules);

  std::vector<std::string> types;
  for (const Message& type : decoded.message.messages(1)) types.push_back(decoded.value_type(type));
  EXPECT_EQ(types, (std::vector<std::string>{"alloc_objects/count", "alloc_space/bytes",
                                             "inuse_objects/count", "inuse_space/bytes"}));
  EXPECT_EQ(decoded.string(decoded.message.number(14)), "inuse_space");
  ASSERT_EQ(decoded.message.messages(11).size(), 1U);
  EXPECT_EQ(decoded.value_type(decoded.message.messages(11)[0]), "space/bytes");
  EXPECT_EQ(decoded.message.number(12), 524'288U);
  EXPECT_EQ(decoded.message.number(9), 1'700'000'000'123'456'789U);
  EXPECT_EQ(decoded.message.number(10), 12'500'000'000U);
  EXPECT_EQ(decoded.string(0), "");
}

TEST(Pprof, HasNoOtherFields) {
  const test::SampleProfile sample;
  const Decoded decoded(sample.profile, sample.modules);

  for (const auto& [field, values] : decoded.message.numbers)
    EXPECT_TRUE(field == 9 || field == 10 || field == 12 || field == 14) << field;
  for (const auto& [field, values] : decoded.message.texts)
    EXPECT_TRUE((field >= 1 && field <= 6) || field == 11) << field;
}

TEST(Pprof, MappingsAreTheModules) {
  const test::SampleProfile sample;
  const Decoded decoded(sample.profile, sample.modules);
  const std::vector<Message> mappings = decoded.message.messages(3);

  ASSERT_EQ(mappings.size(), 2U);
  EXPECT_EQ(mappings[0].number(1), 1U);
  EXPECT_EQ(mappings[0].number(2), 0x401000U);
  EXPECT_EQ(mappings[0].number(3), 0x402000U);
  EXPECT_EQ(mappings[0].number(4), 0x1000U);
  EXPECT_EQ(decoded.string(mappings[0].number(5)), "/opt/my app;1");
  EXPECT_EQ(decoded.string(mappings[0].number(6)), "00ff10");
  EXPECT_EQ(mappings[0].number(7), 0U);  // names of functions are still to be found
  EXPECT_EQ(mappings[1].number(1), 2U);
  EXPECT_EQ(mappings[1].number(2), 0x7f0000002000U);
  EXPECT_EQ(mappings[1].number(3), 0x7f0000004000U);
  EXPECT_EQ(decoded.string(mappings[1].number(5)), "/lib/libx.so.6");
  EXPECT_EQ(decoded.string(mappings[1].number(6)), "");
}

TEST(Pprof, EachAddressIsOneLocationWithinTheCall) {
  const test::SampleProfile sample;
  const Decoded decoded(sample.profile, sample.modules);
  const std::vector<Message> locations = decoded.message.messages(4);

  const std::vector<Numbers> expected = {
      {1, 2, 0x7f0000002010}, {2, 1, 0x401100}, {3, 1, 0x401200},
      {4, 2, 0x7f0000002020}, {5, 0, 0x12344},  // in no module
  };
  ASSERT_EQ(locations.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const Message& location = locations[i];
    EXPECT_EQ((Numbers{location.number(1), location.number(2), location.number(3)}), expected[i]);
    EXPECT_EQ(location.texts.empty(), location.number(2) != 0);
  }
}

TEST(Pprof, SamplesHaveTheirStacksInnermostFirst) {
  const test::SampleProfile sample;
  const Decoded decoded(sample.profile, sample.modules);
  const std::vector<Message> samples = decoded.message.messages(2);

  ASSERT_EQ(samples.size(), 3U);
  EXPECT_EQ(samples[0].packed(1), (Numbers{1, 2, 3}));
  EXPECT_EQ(samples[0].packed(2), (Numbers{40, 4001, 11, 1000}));
  EXPECT_EQ(samples[1].packed(1), (Numbers{4, 3}));
  EXPECT_EQ(samples[1].packed(2), (Numbers{3, 3'145'728, 2, 2'097'152}));
  EXPECT_EQ(samples[2].packed(1), (Numbers{5, 3}));
  EXPECT_EQ(samples[2].packed(2), (Numbers{1, 700, 0, 0}));
}

// The types of the values, and the samples' values.
struct OfKind {
  explicit OfKind(ProfileKind kind, std::string_view first_column = {}) {
    test::SampleProfile sample;
    sample.profile.kind = kind;
    sample.profile.first_column = first_column;
    const Decoded decoded(sample.profile, sample.modules);
    for (const Message& type : decoded.message.messages(1)) types += decoded.value_type(type) + " ";
    for (const Message& found : decoded.message.messages(2)) values.push_back(found.packed(2));
    main = decoded.string(decoded.message.number(14));
    began = decoded.message.number(9);
    duration = decoded.message.number(10);
  }

  std::string types;
  std::string main;
  std::vector<Numbers> values;
  std::uint64_t began = 0;
  std::uint64_t duration = 0;
};

TEST(Pprof, ReadersShowAtFirstWhatIsAskedFor) {
  EXPECT_EQ(OfKind(ProfileKind::kGrowth, "alloc_space").main, "alloc_space");
  EXPECT_EQ(OfKind(ProfileKind::kGrowth, "no column").main, "inuse_space");
}

TEST(Pprof, PeakIsWhatWasInUse) {
  const OfKind peak(ProfileKind::kPeak);

  EXPECT_EQ(peak.types, "inuse_objects/count inuse_space/bytes ");
  EXPECT_EQ(peak.main, "inuse_space");
  EXPECT_EQ(peak.values, (std::vector<Numbers>{{21, 2000}, {3, 3'145'728}}));
}

// Of ten bytes each, as the format wants it.
TEST(Pprof, GrowthHasNegativeNumbers) {
  const OfKind growth(ProfileKind::kGrowth);

  EXPECT_EQ(growth.types,
            "alloc_objects/count alloc_space/bytes inuse_objects/count inuse_space/bytes ");
  EXPECT_EQ(growth.main, "inuse_space");
  EXPECT_EQ(growth.values, (std::vector<Numbers>{{1, 101, UINT64_MAX - 2, UINT64_MAX - 299},
                                                 {2, 2'097'152, 1, 1'048'576}}));
  EXPECT_EQ(growth.began, 1'700'000'002'123'456'789U);
  EXPECT_EQ(growth.duration, 10'500'000'000U);
}

TEST(Pprof, LifetimesAreSums) {
  const OfKind lifetimes(ProfileKind::kLifetimes);

  EXPECT_EQ(lifetimes.types, "freed_objects/count freed_space/bytes lifetime/nanoseconds ");
  EXPECT_EQ(lifetimes.main, "freed_space");
  EXPECT_EQ(lifetimes.values, (std::vector<Numbers>{{30, 3000, 1'500'000'000}}));
  EXPECT_EQ(lifetimes.duration, 12'500'000'000U);
}

TEST(Pprof, TemporaryIsAPartOfWhatWasAllocated) {
  const OfKind temporary(ProfileKind::kTemporary);

  EXPECT_EQ(temporary.types, "alloc_objects/count alloc_space/bytes ");
  EXPECT_EQ(temporary.main, "alloc_space");
  EXPECT_EQ(temporary.values, (std::vector<Numbers>{{10, 1020}}));
}

TEST(Pprof, CommentsSayWhatIsMissing) {
  test::SampleProfile sample;
  sample.profile.dropped_samples = 9;
  sample.profile.max_depth = 3;
  const Decoded decoded(sample.profile, sample.modules);

  const Numbers& comments = decoded.message.numbers.at(13);

  ASSERT_EQ(comments.size(), 2U);
  EXPECT_EQ(decoded.string(comments[0]), "dropped_samples: 9");
  EXPECT_EQ(decoded.string(comments[1]),
            "stacks of the greatest depth, 3 frames, beyond which they are cut: 1");
}

TEST(Pprof, ACommentSaysWhatSamplesCost) {
  test::SampleProfile sample;
  sample.profile.max_depth = 64;
  sample.profile.cost = {4096, 3, 2'500'000, 1'000'000'000};
  const Decoded decoded(sample.profile, sample.modules);
  const Numbers& comments = decoded.message.numbers.at(13);

  ASSERT_EQ(comments.size(), 1U);
  EXPECT_EQ(decoded.string(comments[0]),
            "sampling: 2500000 of 1000000000 ns of CPU time; interval asked for: 4096, widened: 3");
}

// Rows with the same set share its texts; the first row has nothing to say and is left out.
TEST(Pprof, SamplesHaveLabels) {
  static constexpr std::string_view kSet("\4kind\0\6tenant\3a\xFF-", 17);
  test::SampleProfile sample;
  sample.rows[0].labels = Labels("\4only\1x");
  sample.rows[0].allocated = sample.rows[0].live = {};
  sample.rows[1].labels = sample.rows[2].labels = Labels(kSet);
  sample.profile.dropped_samples = 9;
  const Decoded decoded(sample.profile, sample.modules);

  const std::vector<Message> samples = decoded.message.messages(2);
  ASSERT_EQ(samples.size(), 2U);
  for (const Message& one : samples) {
    const std::vector<Message> labels = one.messages(3);
    ASSERT_EQ(labels.size(), 2U);
    EXPECT_EQ(decoded.string(labels[0].number(1)), "kind");
    EXPECT_EQ(decoded.string(labels[0].number(2)), "");
    EXPECT_NE(labels[0].number(2), 0U);  // else readers take it for a number
    EXPECT_EQ(decoded.string(labels[1].number(1)), "tenant");
    EXPECT_EQ(decoded.string(labels[1].number(2)), "a\xEF\xBF\xBD-");
  }
  EXPECT_EQ(decoded.string(decoded.message.numbers.at(13)[0]), "dropped_samples: 9");
}

TEST(Pprof, UnlabelledSamplesAreAComment) {
  test::SampleProfile sample;
  sample.profile.dropped_samples = 9;
  sample.profile.unlabelled_samples = 4;
  sample.profile.max_depth = 3;
  const Decoded decoded(sample.profile, sample.modules);

  const Numbers& comments = decoded.message.numbers.at(13);
  ASSERT_EQ(comments.size(), 3U);
  EXPECT_EQ(decoded.string(comments[1]), "unlabelled_samples: 4");
}

TEST(Pprof, NothingMissingIsNoComment) {
  test::SampleProfile sample;
  sample.profile.max_depth = 4;
  const Decoded decoded(sample.profile, sample.modules);

  EXPECT_FALSE(decoded.message.numbers.contains(13));
}

TEST(Pprof, StringsAreValidUtf8) {
  test::SampleProfile sample;
  sample.modules[1].path = "/lib/\xFF";
  const Decoded decoded(sample.profile, sample.modules);

  EXPECT_EQ(decoded.string(decoded.message.messages(3)[1].number(5)), "/lib/\xEF\xBF\xBD");
}

TEST(Pprof, EmptyProfileHasItsHead) {
  const Decoded decoded(Profile{}, {});

  EXPECT_EQ(decoded.message.messages(1).size(), 4U);
  EXPECT_TRUE(decoded.message.messages(2).empty());
}

// More addresses than the table has room for at first, and numbers of several bytes.
TEST(Pprof, ManySitesKeepTheirAddresses) {
  std::vector<std::uintptr_t> frames(5000);
  for (std::size_t i = 0; i < frames.size(); ++i) frames[i] = 0x401001 + 7 * i;
  std::vector<ProfileRow> rows(frames.size() - 1);
  for (std::size_t i = 0; i < rows.size(); ++i)
    rows[i] = {{&frames[i], 2}, {1, 1e15, 1e18, 1}, {1, 1, 1, 1}};
  Profile profile;
  profile.rows = rows.data();
  profile.count = rows.size();
  const Decoded decoded(profile, {});

  std::map<std::uint64_t, std::uint64_t> addresses;
  for (const Message& location : decoded.message.messages(4))
    addresses[location.number(1)] = location.number(3);
  EXPECT_EQ(addresses.size(), frames.size());
  const std::vector<Message> samples = decoded.message.messages(2);
  ASSERT_EQ(samples.size(), rows.size());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const Numbers stack = samples[i].packed(1);
    ASSERT_EQ(stack.size(), 2U);
    ASSERT_EQ(addresses[stack[0]] + 1, frames[i]);
    ASSERT_EQ(addresses[stack[1]] + 1, frames[i + 1]);
    ASSERT_EQ(samples[i].packed(2)[1], std::uint64_t{1'000'000'000'000'000'000});
  }
}

TEST(Pprof, OutputThatFailsIsReported) {
  const test::SampleProfile sample;
  test::FullOutput full{100};

  EXPECT_FALSE(write_pprof(sample.profile, sample.modules, full.out));
}

// Function, file and line of each location that has a name, and where it lies.
std::vector<std::string> named_locations(const Decoded& decoded) {
  std::map<std::uint64_t, std::string> functions;
  for (const Message& function : decoded.message.messages(5)) {
    EXPECT_EQ(function.number(3), 0U);
    functions[function.number(1)] =
        decoded.string(function.number(2)) + "@" + decoded.string(function.number(4));
  }
  std::vector<std::string> found;
  for (const Message& location : decoded.message.messages(4)) {
    for (const Message& line : location.messages(4)) {
      EXPECT_EQ(location.number(2), 0U);  // in no mapping
      found.push_back(functions[line.number(1)] + ":" + std::to_string(line.number(2)) + " at " +
                      std::to_string(location.number(3)));
    }
  }
  return found;
}

TEST(Pprof, FramesOfARuntimeAreFunctionsWithoutAnAddress) {
  test::RuntimeProfile sample;
  sample.rows[1].labels = Labels("\6tenant\4blue");
  sample.profile.dropped_samples = 5;
  sample.profile.refused_frame_names = 3;
  const Decoded decoded(sample.profile, sample.modules);

  EXPECT_EQ(named_locations(decoded),
            (std::vector<std::string>{"make row@lib/db.py:7 at 0", "<main>@:0 at 0",
                                      "[anon]@:0 at " + std::to_string(0x12344)}));
  EXPECT_EQ(decoded.message.messages(4).size(), 7U);
  EXPECT_EQ(decoded.message.messages(2)[0].packed(1), (Numbers{1, 2, 3, 4}));
  EXPECT_EQ(decoded.string(decoded.message.numbers.at(13).back()), "refused_frame_names: 3");
}

TEST(Pprof, CodeMadeAtRunTimeIsAFunctionAtItsAddress) {
  const test::SampleProfile sample;
  const test::PerfMap map("12000 1000 JS:*f app.js\n");
  CodeNames names;
  ASSERT_TRUE(names.add(sample.rows[2].stack, sample.modules));
  ASSERT_TRUE(names.load());
  const Decoded decoded(sample.profile, Modules(sample.modules).with(names));

  EXPECT_EQ(named_locations(decoded),
            (std::vector<std::string>{"JS:*f app.js@:0 at " + std::to_string(0x12344)}));
}

}  // namespace
}  // namespace luna
