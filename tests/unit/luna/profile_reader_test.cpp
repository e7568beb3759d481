// SPDX-License-Identifier: MIT
// The reader of profiles, on what the library writes, and on what was cut short or damaged.
#include "profile_reader.hpp"

#include "profile_output.hpp"
#include "support/random.hpp"
#include "support/runtime_frames.hpp"
#include "support/sample_profile.hpp"
#include "telemetry/patterns.hpp"
#include "telemetry/pprof.hpp"
#include "telemetry/profile_json.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace luna {
namespace {

using tool::HeapProfile;
using tool::ProfileError;
using Values = std::vector<std::int64_t>;

using Writer = bool (*)(const Profile&, Modules, Output&) noexcept;

[[nodiscard]] std::string written(Writer write, const Profile& profile, Modules modules) {
  test::StringOutput string;
  EXPECT_TRUE(write(profile, modules, string.out));
  return string.text;
}

[[nodiscard]] HeapProfile read(const std::string& data) {
  std::istringstream in(data);
  return tool::read_profile(in);
}

[[nodiscard]] Values values_of(const HeapProfile& profile, std::size_t sample) {
  Values values;
  for (std::size_t i = 0; i < profile.types.size(); ++i)
    values.push_back(profile.value_of(sample, i));
  return values;
}

// The stack of a sample as module+0xoffset of each frame.
[[nodiscard]] std::string stack_of(const HeapProfile& profile, std::size_t sample) {
  std::ostringstream text;
  for (const std::uint32_t frame : profile.stack_of(profile.samples[sample])) {
    const HeapProfile::Location& location = profile.locations[frame];
    const bool is_known = location.mapping != HeapProfile::kNone;
    const HeapProfile::Mapping mapping =
        is_known ? profile.mappings[location.mapping] : HeapProfile::Mapping{};
    text << mapping.path << "+0x" << std::hex
         << location.address - mapping.begin + mapping.file_offset << " ";
  }
  return text.str();
}

// What a reader has to hold of any profile that it gives out.
void verify(const HeapProfile& profile) {
  ASSERT_FALSE(profile.types.empty());
  ASSERT_LT(profile.default_type, profile.types.size());
  ASSERT_EQ(profile.values.size(), profile.samples.size() * profile.types.size());
  for (const HeapProfile::Sample& sample : profile.samples) {
    ASSERT_LE(sample.first_frame + sample.frames, profile.frames.size());
    ASSERT_LT(sample.labels, profile.label_sets.size());
    for (const std::uint32_t frame : profile.stack_of(sample))
      ASSERT_LT(frame, profile.locations.size());
  }
  for (const HeapProfile::Location& location : profile.locations) {
    ASSERT_TRUE(location.mapping == HeapProfile::kNone ||
                location.mapping < profile.mappings.size());
    for (const HeapProfile::Line& line : location.lines)
      ASSERT_LT(line.function, profile.functions.size());
  }
}

// One with 80 sites, labels and frames of a runtime, as large as files are that get cut.
struct ManySites {
  ManySites() {
    for (std::size_t i = 0; i < kSites; ++i) {
      for (std::size_t k = 0; k < kDepth; ++k)
        stacks[i][k] = 0x401001 + (i * 97 + k * 131) % 0x2000;
      rows[i].stack = {stacks[i].data(), kDepth};
      rows[i].allocated = {i + 1, static_cast<double>(i + 1), 1000.0 + static_cast<double>(i), i,
                           i};
      rows[i].live = rows[i].allocated;
    }
    profile.rows = rows.data();
    profile.count = kSites;
  }

  static constexpr std::size_t kSites = 80;
  static constexpr std::size_t kDepth = 12;
  std::array<os::Module, 2> modules = test::SampleProfile().modules;
  std::array<std::array<std::uintptr_t, kDepth>, kSites> stacks;
  std::array<ProfileRow, kSites> rows;
  Profile profile;
};

const std::string& many_sites(Writer write) {
  static const ManySites sites;
  static const std::string pprof = written(write_pprof, sites.profile, sites.modules);
  static const std::string json = written(write_profile_json, sites.profile, sites.modules);
  return write == write_pprof ? pprof : json;
}

// What becomes of it for users, whatever it says.
void write_all(const HeapProfile& profile) {
  std::ostringstream out;
  const tool::ProfileView view = tool::choose_view(profile, {});
  tool::write_profile_text(profile, view, 5, out);
  tool::write_profile_collapsed(profile, view, out);
  tool::write_profile_json(profile, view, out);
  tool::write_profile_pprof(profile, view, out);
  EXPECT_TRUE(out.good());
}

// What the reader says of data that it refuses; empty: it reads it, and what comes out is sound.
[[nodiscard]] std::string refusal(const std::string& data) {
  try {
    const HeapProfile profile = read(data);
    verify(profile);
    write_all(profile);
  } catch (const ProfileError& error) {
    return error.what();
  }
  return {};
}

TEST(ProfileReader, ReadsWhatIsWrittenForPprof) {
  const test::SampleProfile sample;
  const HeapProfile profile = read(written(write_pprof, sample.profile, sample.modules));

  verify(profile);
  EXPECT_EQ(profile.cut, "");
  EXPECT_EQ(profile.types[profile.default_type].name, "inuse_space");
  EXPECT_EQ(profile.types[profile.default_type].unit, "bytes");
  EXPECT_EQ(profile.interval_bytes, 524'288U);
  EXPECT_EQ(profile.began_ns, 1'700'000'000'123'456'789U);
  EXPECT_EQ(profile.duration_ns, 12'500'000'000U);
  ASSERT_EQ(profile.mappings.size(), 2U);
  EXPECT_EQ(profile.mappings[0].path, "/opt/my app;1");
  EXPECT_EQ(profile.mappings[0].build_id, "00ff10");
  ASSERT_EQ(profile.samples.size(), 3U);
  EXPECT_EQ(values_of(profile, 0), (Values{40, 4001, 11, 1000}));
  EXPECT_EQ(stack_of(profile, 0),
            "/lib/libx.so.6+0x1010 /opt/my app;1+0x1100 /opt/my app;1+0x1200 ");
  EXPECT_EQ(stack_of(profile, 2), "+0x12344 /opt/my app;1+0x1200 ");
}

TEST(ProfileReader, ReadsNegativeNumbersOfGrowth) {
  test::SampleProfile sample;
  sample.profile.kind = ProfileKind::kGrowth;
  const HeapProfile pprof = read(written(write_pprof, sample.profile, sample.modules));
  const HeapProfile json = read(written(write_profile_json, sample.profile, sample.modules));

  EXPECT_EQ(values_of(pprof, 0), (Values{1, 101, -3, -300}));
  EXPECT_EQ(json.types[json.default_type].name, "growth_space");
  EXPECT_EQ(json.value_of(0, json.default_type), -300);
}

TEST(ProfileReader, ReadsAllKindsOfJson) {
  const test::SampleProfile sample;
  const HeapProfile profile = read(written(write_profile_json, sample.profile, sample.modules));

  verify(profile);
  EXPECT_EQ(profile.cut, "");
  EXPECT_EQ(profile.types[profile.default_type].name, "inuse_space");
  EXPECT_EQ(profile.mappings[0].build_id, "00ff10");
  EXPECT_EQ(profile.mappings[1].file_offset, 0x1000U);
  ASSERT_EQ(profile.samples.size(), 3U);
  EXPECT_EQ(values_of(profile, 0), (Values{40, 4001, 11, 1000, 21, 2000, -3, -300, 1, 101, 30, 3000,
                                           1'500'000'000, 150'000, 10, 1020}));
  EXPECT_EQ(stack_of(profile, 0),
            "/lib/libx.so.6+0x1010 /opt/my app;1+0x1100 /opt/my app;1+0x1200 ");
  EXPECT_EQ(stack_of(profile, 2), "+0x12344 /opt/my app;1+0x1200 ");
}

TEST(ProfileReader, BothFormatsSayTheSame) {
  const HeapProfile pprof = read(many_sites(write_pprof));
  const HeapProfile json = read(many_sites(write_profile_json));

  ASSERT_EQ(pprof.samples.size(), ManySites::kSites);
  ASSERT_EQ(json.samples.size(), ManySites::kSites);
  EXPECT_EQ(pprof.locations.size(), json.locations.size());
  for (std::size_t i = 0; i < ManySites::kSites; ++i) {
    EXPECT_EQ(stack_of(pprof, i), stack_of(json, i));
    EXPECT_EQ(pprof.value_of(i, 3), json.value_of(i, 3));
  }
}

// At every KiB: JSON gives each site that is whole, pprof nothing before its names.
TEST(ProfileReader, AFileThatIsCutShortIsReadAsFarAsItGoes) {
  const std::string& json = many_sites(write_profile_json);
  std::size_t last = 0;
  for (std::size_t bytes = 0; bytes < json.size() - 2; bytes += 1024) {  // but for its last line
    const std::string part = json.substr(0, bytes);
    if (part.find("\"sizes\"") == std::string::npos) {
      EXPECT_NE(refusal(part), "");
      continue;
    }
    const HeapProfile profile = read(part);
    verify(profile);
    EXPECT_NE(profile.cut, "");
    EXPECT_GE(profile.samples.size(), last);
    last = profile.samples.size();
  }
  EXPECT_GT(last, ManySites::kSites - 3);

  const std::string& pprof = many_sites(write_pprof);
  bool is_read = false;
  for (std::size_t bytes = 0; bytes < pprof.size(); bytes += 1024) {
    const std::string part = pprof.substr(0, bytes);
    is_read = is_read || refusal(part).empty();
    if (!is_read) continue;
    const HeapProfile profile = read(part);
    EXPECT_EQ(profile.samples.size(), ManySites::kSites);
    EXPECT_NE(profile.cut, "");
  }
  EXPECT_TRUE(is_read);  // the names of what lies in no module are a good part of it
}

TEST(ProfileReader, APprofFileWithoutItsChecksumIsRead) {
  const std::string& pprof = many_sites(write_pprof);
  const HeapProfile profile = read(pprof.substr(0, pprof.size() - 8));

  verify(profile);
  EXPECT_EQ(profile.samples.size(), ManySites::kSites);
  EXPECT_NE(profile.cut, "");
}

TEST(ProfileReader, NoCutIsFatal) {
  const std::string& json = many_sites(write_profile_json);
  const std::string& pprof = many_sites(write_pprof);
  bool whole = false;
  std::istringstream in(pprof);
  const std::string message = tool::gunzip(in, whole);
  for (std::size_t i = 0; i < 100; ++i) {
    EXPECT_NE(read(json.substr(0, json.size() - 2 - i)).cut, "");
    EXPECT_NE(refusal(message.substr(0, message.size() - 1 - i)), "") << i;
  }
}

// The checksum of gzip tells of each flipped bit, but for those of its head that mean nothing.
TEST(ProfileReader, FlippedBitsInGzipAreToldOf) {
  constexpr std::size_t kHead = 10;
  const std::string& whole = many_sites(write_pprof);
  test::Random random(1);
  for (int round = 0; round < 1000; ++round) {
    std::string data = whole;
    const std::size_t place = random.between(kHead, data.size() - 1);
    data[place] = static_cast<char>(data[place] ^ (1 << random.below(8)));
    const std::string why = refusal(data);
    EXPECT_NE(why, "") << place;
    EXPECT_EQ(why.find('\n'), std::string::npos);
  }
}

// Beneath the checksum, which somebody may have set right.
TEST(ProfileReader, FlippedBitsInTheMessageDoNoHarm) {
  std::istringstream in(many_sites(write_pprof));
  bool whole = false;
  const std::string message = tool::gunzip(in, whole);
  ASSERT_TRUE(whole);
  test::Random random(2);
  std::set<std::string> reasons;
  for (int round = 0; round < 1000; ++round) {
    std::string data = message;
    for (std::size_t flips = 1 + random.below(4); flips > 0; --flips) {
      const std::size_t place = random.below(data.size());
      data[place] = static_cast<char>(data[place] ^ (1 << random.below(8)));
    }
    reasons.insert(refusal(data));
  }
  EXPECT_GE(reasons.size(), 2U);
}

TEST(ProfileReader, FlippedBitsInJsonDoNoHarm) {
  const std::string& whole = many_sites(write_profile_json);
  test::Random random(3);
  std::set<std::string> reasons;
  for (int round = 0; round < 1000; ++round) {
    std::string data = whole.substr(0, 20'000);
    for (std::size_t flips = 1 + random.below(4); flips > 0; --flips) {
      const std::size_t place = random.below(data.size());
      data[place] = static_cast<char>(data[place] ^ (1 << random.below(8)));
    }
    reasons.insert(refusal(data));
  }
  EXPECT_GE(reasons.size(), 2U);
}

TEST(ProfileReader, SaysWhatAFileIsThatItDoesNotRead) {
  EXPECT_NE(refusal("").find("empty"), std::string::npos);
  EXPECT_NE(refusal("heap profile: 1: 2 [3: 4]").find("profile_format:json"), std::string::npos);
  EXPECT_NE(refusal("{\"a\":1}").find("no profile of lunalloc"), std::string::npos);
  EXPECT_NE(refusal("{\"format\":\"lunalloc-leak-report\"}").find("luna leaks"), std::string::npos);
  EXPECT_NE(refusal("{\"format\":\"lunalloc-heap-profile\",\"version\":2}").find("version 2"),
            std::string::npos);
  EXPECT_NE(refusal("{\"format\":\"lunalloc-heap-profile\",\"version\":1"), "");
  EXPECT_NE(refusal(std::string(5000, '{')), "");
}

TEST(ProfileReader, FramesOfRuntimesKeepTheirNames) {
  const test::RuntimeProfile sample;
  for (const Writer write : {write_pprof, write_profile_json}) {
    const HeapProfile profile = read(written(write, sample.profile, sample.modules));
    const auto stack = profile.stack_of(profile.samples[0]);
    ASSERT_EQ(stack.size(), 4U);
    const HeapProfile::Location& location = profile.locations[stack[0]];
    EXPECT_EQ(location.address, 0U);
    ASSERT_EQ(location.lines.size(), 1U);
    EXPECT_EQ(location.lines[0].line, 7U);
    EXPECT_EQ(profile.functions[location.lines[0].function].name, "make row");
    EXPECT_EQ(profile.functions[location.lines[0].function].file, "lib/db.py");
    EXPECT_TRUE(profile.locations[stack[2]].lines.empty());
  }
}

TEST(ProfileReader, CodeWithoutAModuleHasItsNameOrNone) {
  const std::string head = "{\"format\":\"lunalloc-heap-profile\",\"version\":1,";
  const HeapProfile profile =
      read(head +
           "\"code\":[{\"name\":\"compiled\",\"begin\":\"0x100\",\"end\":\"0x200\"}],"
           "\"sites\":[{\"frames\":[\"0x101\",\"0x200\",\"0x100\",\"0x201\"]}]}");

  verify(profile);
  const auto stack = profile.stack_of(profile.samples[0]);
  ASSERT_EQ(stack.size(), 4U);
  for (const std::size_t named : {0U, 1U}) {
    ASSERT_EQ(profile.locations[stack[named]].lines.size(), 1U);
    EXPECT_EQ(profile.functions[profile.locations[stack[named]].lines[0].function].name,
              "compiled");
  }
  EXPECT_TRUE(profile.locations[stack[2]].lines.empty());
  EXPECT_TRUE(profile.locations[stack[3]].lines.empty());
}

// What JSON has beside the sites, with numbers that the library told.
TEST(ProfileReader, PatternsAreRead) {
  test::SampleProfile sample;
  const auto patterns = std::make_unique<Patterns>();
  patterns->pairs.add(1, 1, 3, 3000);
  patterns->pairs.add(1, 2, 1, 500);
  for (std::uint64_t ms = 0; ms < 3000; ++ms)
    patterns->demand.note(ms * 1'000'000, ms % 100 < 50 ? 2'097'152 : 1'048'576);
  sample.profile.patterns = patterns.get();
  const HeapProfile profile = read(written(write_profile_json, sample.profile, sample.modules));

  EXPECT_EQ(profile.patterns.freed_by_same_thread, 3000);
  EXPECT_EQ(profile.patterns.freed_by_others, 500);
  EXPECT_GT(profile.patterns.wave_period_ns, 90'000'000);
  EXPECT_LT(profile.patterns.wave_period_ns, 110'000'000);
  EXPECT_GT(profile.patterns.wave_swing_bytes, 500'000);
}

TEST(ProfileReader, ChangesOfSitesAreReadAndTold) {
  const std::string rows =
      "{\"site\":1,\"of\":\"mean_size\",\"now\":4096,\"before\":1024,\"samples\":30},"
      "{\"site\":2,\"of\":\"mean_size\",\"now\":1,\"before\":2},"
      "{\"site\":-1,\"of\":\"mean_size\",\"now\":1,\"before\":2}";
  const HeapProfile profile = read(
      "{\"format\":\"lunalloc-heap-profile\",\"version\":1,"
      "\"sites\":[{\"frames\":[]},{\"frames\":[\"0x1234\"]}],"
      "\"patterns\":{\"waves\":null,\"anomalies\":[" +
      rows + "]}}");

  ASSERT_EQ(profile.patterns.changes.size(), 1U);  // the others are of no site
  EXPECT_EQ(profile.patterns.changes[0].site, 1);
  std::ostringstream text;
  tool::write_patterns_text(profile, text);
  EXPECT_EQ(text.str(),
            "\nUnlike its past, mean_size: 4.0 KiB now, 1.0 KiB before\n    [anon]+0x1233\n");
}

TEST(ProfileReader, SetsOfLabelsAreKeptOnce) {
  test::SampleProfile sample;
  sample.rows[0].labels = sample.rows[2].labels = Labels("\6tenant\4blue\4kind\1x");
  for (const Writer write : {write_pprof, write_profile_json}) {
    const HeapProfile profile = read(written(write, sample.profile, sample.modules));
    ASSERT_EQ(profile.label_sets.size(), 2U);
    EXPECT_TRUE(profile.label_sets[0].empty());
    ASSERT_EQ(profile.label_sets[1].size(), 2U);
    EXPECT_EQ(profile.label_sets[1][0].key, "tenant");
    EXPECT_EQ(profile.label_sets[1][0].value, "blue");
    EXPECT_EQ(profile.samples[0].labels, 1U);
    EXPECT_EQ(profile.samples[1].labels, 0U);
    EXPECT_EQ(profile.samples[2].labels, 1U);
  }
}

}  // namespace
}  // namespace luna
