// SPDX-License-Identifier: MIT
// What a report makes of a profile; on the page in a browser, see tests/preload/report.
#include "profile_reader.hpp"
#include "report/findings.hpp"
#include "report/flame_tree.hpp"
#include "report/report_data.hpp"
#include "report/report_json.hpp"
#include "support/temporary_name.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

namespace luna::tool {
namespace {

using Json = nlohmann::ordered_json;

// Stacks of functions by name, innermost first, with what lives and what was allocated.
struct Stack {
  std::vector<std::string> functions;
  std::int64_t live;
  std::int64_t allocated;
};

[[nodiscard]] HeapProfile profile_of(const std::vector<Stack>& stacks) {
  HeapProfile profile;
  profile.types = {{"alloc_space", "bytes"}, {"inuse_space", "bytes"}};
  profile.default_type = 1;
  std::map<std::string, std::uint32_t> places;
  for (const Stack& stack : stacks) {
    profile.samples.push_back(
        {profile.frames.size(), static_cast<std::uint32_t>(stack.functions.size()), 0});
    for (const std::string& function : stack.functions) {
      const auto next = static_cast<std::uint32_t>(places.size());
      const auto [place, is_new] = places.try_emplace(function, next);
      if (is_new) {
        profile.functions.push_back({function, "shop.cpp"});
        profile.locations.push_back({1, HeapProfile::kNone, {{next, 7}}});
      }
      profile.frames.push_back(place->second);
    }
    profile.values.insert(profile.values.end(), {stack.allocated, stack.live});
  }
  return profile;
}

// "main;serve;render" and what lives, of each node but the root.
[[nodiscard]] std::map<std::string, std::int64_t> live_of(const FlameTree& tree,
                                                          bool earlier = false) {
  std::map<std::string, std::int64_t> result;
  std::vector<std::string> paths(tree.nodes.size());
  for (std::size_t i = 1; i < tree.nodes.size(); ++i) {
    const FlameTree::Node& node = tree.nodes[i];
    EXPECT_LT(node.parent, i);
    paths[i] = paths[node.parent] + "/" +
               (node.merged != 0 ? std::to_string(node.merged) : tree.names[node.name].text);
    result[paths[i]] = tree.value_of(i, 0, earlier);
  }
  return result;
}

using Values = std::map<std::string, std::int64_t>;

TEST(FlameTree, HasEachFrameOnceBelowItsCaller) {
  const HeapProfile profile = profile_of({{{"render", "serve", "main"}, 70, 90},
                                          {{"load", "main"}, 20, 20},
                                          {{"serve", "main"}, 10, 40}});

  const FlameTree tree = make_flame_tree(profile, nullptr, 100);

  ASSERT_EQ(tree.types.size(), 2U);
  EXPECT_EQ(tree.types[0].name, "inuse");
  EXPECT_EQ(tree.types[1].name, "alloc");
  EXPECT_EQ(tree.value_of(0, 0, false), 100);
  EXPECT_EQ(tree.value_of(0, 1, false), 150);
  EXPECT_EQ(
      live_of(tree),
      (Values{
          {"/main", 100}, {"/main/load", 20}, {"/main/serve", 80}, {"/main/serve/render", 70}}));
}

TEST(FlameTree, ComparesByNamesWithAnEarlierProfile) {
  const HeapProfile now = profile_of({{{"new", "main"}, 5, 5}, {{"kept", "main"}, 30, 30}});
  const HeapProfile before = profile_of({{{"kept", "main"}, 10, 10}, {{"gone", "main"}, 2, 2}});

  const FlameTree tree = make_flame_tree(now, &before, 100);

  EXPECT_EQ(live_of(tree),
            (Values{{"/main", 35}, {"/main/gone", 0}, {"/main/kept", 30}, {"/main/new", 5}}));
  EXPECT_EQ(live_of(tree, true),
            (Values{{"/main", 12}, {"/main/gone", 2}, {"/main/kept", 10}, {"/main/new", 0}}));
}

TEST(FlameTree, MergesWhatIsTooSmallAndLosesNothing) {
  std::vector<Stack> stacks = {{{"large", "main"}, 1'000'000, 1'000'000}};
  for (int i = 0; i < 50; ++i) stacks.push_back({{"small" + std::to_string(i), "main"}, 1, 1});

  const FlameTree tree = make_flame_tree(profile_of(stacks), nullptr, 100);

  EXPECT_EQ(live_of(tree),
            (Values{{"/main", 1'000'050}, {"/main/large", 1'000'000}, {"/main/50", 50}}));
}

TEST(FlameTree, HasNoMoreNodesThanThereIsRoomForAndTheirMergedRests) {
  std::vector<Stack> stacks;
  for (int i = 0; i < 1000; ++i) {
    const std::string number = std::to_string(i);
    stacks.push_back({{"inner" + number, "outer" + std::to_string(i / 100), "main"}, 1 + i, 1});
  }

  const FlameTree tree = make_flame_tree(profile_of(stacks), nullptr, 110);

  EXPECT_LT(tree.nodes.size(), 330U);
  std::map<std::string, std::int64_t> values = live_of(tree);
  std::int64_t outer = 0;
  for (int i = 0; i < 10; ++i) outer += values["/main/outer" + std::to_string(i)];
  EXPECT_EQ(outer, 500'500);
  // Those with most were unfolded.
  EXPECT_EQ(values.count("/main/outer9/inner999"), 1U);
  EXPECT_EQ(values["/main/outer0/100"], 5050);
}

TEST(FlameTree, OfAnEmptyProfileIsTheRoot) {
  const FlameTree tree = make_flame_tree(profile_of({}), nullptr, 100);

  EXPECT_EQ(tree.nodes.size(), 1U);
  EXPECT_EQ(tree.value_of(0, 0, false), 0);
}

TEST(ReportJson, CannotEndTheElementThatItIsIn) {
  const std::string hostile = "</script><script>alert(1)</script>\xE2\x80\xA8<!--";

  const std::string text = json_for_html({{"name", hostile}});

  EXPECT_EQ(text.find('<'), std::string::npos);
  EXPECT_EQ(text.find("\xE2\x80\xA8"), std::string::npos);
  EXPECT_EQ(Json::parse(text)["name"].get<std::string>(), hostile);
}

TEST(ReportJson, StandsInThePageAndNothingElseOfItChanges) {
  ReportData data;
  data.subject = "</script><b>";
  data.profile = profile_of({{{"f<script>", "main"}, 10, 10}});
  std::ostringstream out;

  write_report(data, "<p>before</p><!-- data --><p>after</p>", out);

  const std::string page = out.str();
  EXPECT_TRUE(page.starts_with("<p>before</p><script id=\"data\" type=\"application/json\">{"));
  EXPECT_TRUE(page.ends_with("}</script><p>after</p>"));
  EXPECT_EQ(page.find("<b>"), std::string::npos);
  EXPECT_EQ(page.find("f<script>"), std::string::npos);
}

TEST(ReportJson, IsPackedWhereItIsLarge) {
  ReportData data;
  data.subject = std::string(100'000, 'x');
  std::ostringstream out;

  write_report(data, "<!-- data -->", out);

  EXPECT_TRUE(out.str().starts_with("<script id=\"data\" type=\"text/plain\">H4sI"));
  EXPECT_LT(out.str().size(), 2000U);
}

TEST(ReportJson, HasTheStacksOfSitesWithMost) {
  ReportData data;
  data.profile = profile_of({{{"small", "main"}, 1, 1}, {{"large", "main"}, 9, 9}});

  const Json report = report_json(data);

  const Json& rows = report["sites"]["rows"];
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0]["place"], "large at shop.cpp:7");
  EXPECT_EQ(report["frames"][rows[0]["stack"][0].get<std::size_t>()][0], "large");
  EXPECT_EQ(report["leaks"], nullptr);
  EXPECT_EQ(report["timeline"], nullptr);
}

TEST(ReportJson, HasTheMomentsAndEventsOfABlackBox) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  ReportData data;
  BlackBox& box = data.box.emplace();
  box.header.began_ns = kSecond;
  for (std::uint64_t i = 1; i <= 2; ++i) {
    BoxStatistics& row = box.statistics.emplace_back();
    row.moment.monotonic_ns = (i + 1) * kSecond;
    row.numbers.resident_bytes = i * 100;
    row.numbers.cgroup_limit_bytes = LUNA_BLACKBOX_UNLIMITED;
    row.numbers.live_bytes = i == 1 ? LUNA_BLACKBOX_UNKNOWN : 7;
  }
  Event& event = box.events.emplace_back();
  event.moment.monotonic_ns = 3 * kSecond;
  event.head.kind = LUNA_BLACKBOX_PRESSURE;
  event.head.level = LUNA_BLACKBOX_CRITICAL;
  event.head.used_bytes = 95;
  event.head.limit_bytes = LUNA_BLACKBOX_UNKNOWN;
  event.source = "cgroup";

  const Json report = report_json(data);

  EXPECT_EQ(report["timeline"]["seconds"].dump(), "[1.0,2.0]");
  ASSERT_EQ(report["timeline"]["series"].size(), 2U);
  EXPECT_EQ(report["timeline"]["series"][0]["values"].dump(), "[100,200]");
  EXPECT_EQ(report["timeline"]["series"][1]["values"].dump(), "[null,7]");
  const Json& row = report["events"]["rows"][0];
  EXPECT_EQ(row["seconds"], 2.0);
  EXPECT_EQ(row["kind"], "pressure");
  EXPECT_EQ(row["level"], "critical");
  EXPECT_EQ(row["used_bytes"], 95);
  EXPECT_EQ(row["limit_bytes"], nullptr);
  EXPECT_FALSE(report["events"]["has_exit"]);
}

[[nodiscard]] LeakFile leaks_of(const std::string& sites) {
  std::istringstream in(R"({"format":"lunalloc-leak-report","version":1,"sites":[)" + sites + "]}");
  return read_leak_report(in);
}

TEST(Findings, BeginWithALeak) {
  ReportData data;
  data.profile = profile_of({{{"cache", "main"}, 60, 60}, {{"orders", "main"}, 40, 40}});
  data.leaks = leaks_of(R"({"verdict":"leak","confidence":0.97,"live_bytes":40,"live_objects":4,
    "reason":"grew all the time","frames":[{"function":"orders","file":"shop.cpp","line":3}]})");

  const std::vector<Finding> found = find_most(data, 3);

  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].title, "orders at shop.cpp:3 leaks");
  EXPECT_EQ(found[0].section, "leaks");
  EXPECT_EQ(found[0].evidence[1], "grew all the time");
  EXPECT_EQ(found[1].title, "cache at shop.cpp:7 holds most of what lives");
}

TEST(Findings, NameFunctionsWithoutTheirParameters) {
  ReportData data;
  data.profile = profile_of({{{"(anonymous namespace)::add(Row (&)(int), int)", "main"}, 60, 60}});

  EXPECT_EQ(find_most(data, 3).at(0).title,
            "(anonymous namespace)::add at shop.cpp:7 holds most of what lives");
}

TEST(Findings, AreOfSitesThatChangedAndGoOn) {
  ReportData data;
  data.profile = profile_of({{{"begun", "main"}, 1, 9}, {{"ended", "main"}, 1, 9}});
  data.profile->patterns.changes = {{1, "bytes_per_second", 0, 5000}, {0, "mean_size", 64, 32}};

  const std::vector<Finding> found = find_most(data, 3);

  const Finding& last = found.back();
  EXPECT_EQ(last.title, "begun at shop.cpp:7 is unlike its past");
  EXPECT_EQ(last.evidence[0], "mean size: 64 B now, 32 B before");
}

TEST(Findings, AreNotOfWhatIsSuppressedOrSteady) {
  ReportData data;
  data.leaks = leaks_of(R"({"verdict":"leak","confidence":0.97,"live_bytes":40,"suppressed":true,
    "frames":[]},{"verdict":"steady","confidence":0.9,"live_bytes":40,"frames":[]})");

  EXPECT_TRUE(find_most(data, 3).empty());
}

TEST(Findings, TellOfFreeMemoryThatIsResident) {
  ReportData data;
  data.statistics = {{"resident", {{"resident_dirty_bytes", 500}, {"resident_slab_bytes", 100}}},
                     {"totals", {{"small_bytes", 90}}},
                     {"reconciliation", {{"process_resident_bytes", 1000}}}};

  const std::vector<Finding> found = find_most(data, 3);

  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].title, "Much of what is resident is free memory");
  EXPECT_EQ(found[0].evidence[0], "500 B of 1000 B resident, 50.0 %");
}

class ReportFiles : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(mkdtemp(folder_.data()), nullptr); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string write(const std::string& name, const std::string& text) const {
    std::string path = folder_;
    path += "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  [[nodiscard]] std::string refusal(const std::string& text) {
    try {
      add_report_file(data_, write("refused", text));
    } catch (const ProfileError& error) {
      return error.what();
    }
    return {};
  }

  std::string folder_ = test::temporary_name("report");
  ReportData data_;
};

const std::string kProfile = R"({"format":"lunalloc-heap-profile","version":1,
"lifetime_bounds_ns":[1000,4000],"size_bounds":[16,32],
"sites":[{"frames":["0x10"],"freed":{"objects":3,"lifetimes":[1,2,0]},"sizes":[0,4,5]},
{"frames":["0x20"],"freed":{"objects":1,"lifetimes":[0,0,9]},"sizes":[1,0,0]}]})";

TEST_F(ReportFiles, AreKnownByWhatTheyHold) {
  add_report_file(
      data_, write("leaks.txt", R"({"format":"lunalloc-leak-report","version":1,"sites":[]})"));
  add_report_file(data_, write("profile", kProfile));
  add_report_file(data_, write("x", R"({ "lunalloc_statistics": 1, "totals": {} })"));
  add_report_file(data_, write("y", R"({"format":"lunalloc timeline","version":1})"));

  EXPECT_TRUE(data_.leaks.has_value());
  EXPECT_TRUE(data_.profile.has_value());
  EXPECT_TRUE(data_.statistics.is_object());
  EXPECT_TRUE(data_.timeline.is_object());
  EXPECT_EQ(data_.sources[1].what, "heap profile");
}

TEST_F(ReportFiles, HaveHistogramsOfAllSites) {
  add_report_file(data_, write("profile", kProfile));

  const Json report = report_json(data_);

  EXPECT_EQ(report["sizes"].dump(), R"({"bounds":[16,32],"objects":[1,4,5]})");
  EXPECT_EQ(report["lifetimes"].dump(), R"({"bounds":[1000,4000],"objects":[1,2,9]})");
}

TEST_F(ReportFiles, ThatAreNothingKnownAreRefused) {
  EXPECT_NE(refusal("").find("it is empty"), std::string::npos);
  EXPECT_NE(refusal("{\"a\":1}").find("it is nothing that can be reported of"), std::string::npos);
  EXPECT_NE(refusal("{\"lunalloc_statistics\":1,").find("cut short"), std::string::npos);
  EXPECT_NE(refusal("LUNABBOX").find("refused"), std::string::npos);
  EXPECT_NE(refusal(R"({"format":"luna-profile"})").find("--format pprof"), std::string::npos);
}

TEST_F(ReportFiles, AreOneOfAKind) {
  add_report_file(data_, write("profile", kProfile));

  EXPECT_NE(refusal(kProfile).find("second heap profile"), std::string::npos);
}

TEST_F(ReportFiles, GiveATimeline) {
  add_report_file(data_, write("timeline", R"({"format":"lunalloc timeline","version":1,
    "columns":["seconds","live_bytes","other"],"rows":[[1.5,20,1],[0.5,10,1],"wrong",[3,null,1]]})"));

  const Json timeline = report_json(data_)["timeline"];

  EXPECT_EQ(timeline["seconds"].dump(), "[0.5,1.5,3.0]");
  ASSERT_EQ(timeline["series"].size(), 1U);
  EXPECT_EQ(timeline["series"][0]["name"], "live_bytes");
  EXPECT_EQ(timeline["series"][0]["values"].dump(), "[10,20,null]");
}

}  // namespace
}  // namespace luna::tool
