// SPDX-License-Identifier: MIT
// The reader of black boxes, on what is not as it should be.
#include "blackbox_reader.hpp"

#include "blackbox/black_box.hpp"
#include "support/file_tree.hpp"
#include "support/profiled.hpp"
#include "support/random.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace luna {
namespace {

constexpr std::size_t kBytes = BoxFile::kLeastKib << 10;

// One with records of each kind, and more than fit of some.
[[nodiscard]] std::string full_box() {
  test::FileTree tree;
  const std::string path = tree.root() + "/box";
  test::Profiled profiled;
  void* const block = profiled.thread.allocate(1000);
  BlackBox box;
  EXPECT_EQ(box.begin(path, kBytes, {"host", "program", "version"}), 0);
  for (std::uint64_t i = 1; i <= 5; ++i) {
    box.tick(i << 40, profiled.allocator, profiled.profiler);
    for (int note = 0; note < 30; ++note) box.note({.source = "a test", .text = "an event"});
  }
  profiled.thread.deallocate(block);
  std::ifstream file(path, std::ios::binary);
  std::string data{std::istreambuf_iterator<char>(file), {}};
  box.resume_child(false);
  return data;
}

[[nodiscard]] tool::Status status_of(const std::string& data, std::string* why = nullptr) {
  try {
    static_cast<void>(tool::parse_black_box(data));
  } catch (const tool::Unreadable& error) {
    if (why != nullptr) *why = error.what();
    return error.status();
  }
  return tool::Status::kDone;
}

TEST(BlackboxReader, KnowsTheChecksum) {
  EXPECT_EQ(tool::add_to_checksum(0, "123456789"), 0xcbf43926U);
  EXPECT_EQ(tool::add_to_checksum(tool::add_to_checksum(0, "1234"), "56789"), 0xcbf43926U);
}

TEST(BlackboxReader, ReadsAllThatThereIs) {
  const tool::BlackBox box = tool::parse_black_box(full_box());
  EXPECT_EQ(box.statistics.size(), 5U);
  EXPECT_EQ(box.sites.size(), 2U);  // as many as there is room for
  EXPECT_EQ(box.events.size(), 64U);
  EXPECT_EQ(box.torn + box.missing_bytes, 0U);
}

// Nothing but what is beyond the cut is lost.
TEST(BlackboxReader, ReadsAFileThatIsCutShortAsFarAsItGoes) {
  const std::string data = full_box();
  std::size_t last = 0;
  for (std::size_t bytes = 0; bytes < kBytes; bytes += 1024) {
    if (bytes < sizeof(luna_blackbox_header)) {
      EXPECT_EQ(status_of(data.substr(0, bytes)), tool::Status::kNoBlackBox);
      continue;
    }
    const tool::BlackBox box = tool::parse_black_box(data.substr(0, bytes));
    EXPECT_EQ(box.missing_bytes, kBytes - bytes);
    const std::size_t found = box.statistics.size() + box.events.size() + box.sites.size();
    EXPECT_GE(found, last);
    EXPECT_LE(box.torn, 1U);  // that which lies across the cut
    last = found;
  }
  EXPECT_EQ(status_of(data.substr(0, 100)), tool::Status::kNoBlackBox);
}

// None makes a record that was not written, unless the checksum cannot tell.
TEST(BlackboxReader, FlippedBitsCostTheirRecordAlone) {
  const std::string data = full_box();
  test::Random random(7);
  for (int round = 0; round < 300; ++round) {
    std::string flipped = data;
    const std::size_t count = 1 + random.below(8);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t at =
          sizeof(luna_blackbox_header) + random.below(kBytes - sizeof(luna_blackbox_header));
      flipped[at] = static_cast<char>(flipped[at] ^ 1 << random.below(8));
    }
    const tool::BlackBox box = tool::parse_black_box(flipped);
    EXPECT_LE(box.torn, count);
    for (const tool::Event& event : box.events) {
      EXPECT_EQ(event.source, "a test");
      EXPECT_EQ(event.text, "an event");
    }
    EXPECT_GE(box.statistics.size() + box.events.size() + box.sites.size() + count, 71U);
  }
}

TEST(BlackboxReader, ADamagedHeaderIsToldOf) {
  const std::string data = full_box();
  for (std::size_t at = 0; at < sizeof(luna_blackbox_header); ++at) {
    std::string flipped = data;
    flipped[at] = static_cast<char>(flipped[at] ^ 4);
    EXPECT_NE(status_of(flipped), tool::Status::kDone) << at;
  }
}

// With a checksum that is right, so that the records are read.
TEST(BlackboxReader, PayloadsThatMakeNoSenseAreLeftOut) {
  const std::string data = full_box();
  luna_blackbox_header header;
  std::memcpy(&header, data.data(), sizeof header);
  test::Random random(8);
  for (int round = 0; round < 300; ++round) {
    std::string changed = data;
    const luna_blackbox_ring& ring = header.ring[random.below(LUNA_BLACKBOX_RINGS)];
    char* const slot = changed.data() + ring.offset;
    luna_blackbox_record record;
    std::memcpy(&record, slot, sizeof record);
    const std::size_t words = record.payload_bytes / 4;
    const std::uint32_t word = static_cast<std::uint32_t>(random.next());
    std::memcpy(slot + sizeof record + 4 * random.below(words), &word, sizeof word);
    if (random.below(2) == 0)
      record.payload_bytes = static_cast<std::uint32_t>(random.below(record.payload_bytes));
    record.checksum = tool::add_to_checksum(
        0, {reinterpret_cast<const char*>(&record), offsetof(luna_blackbox_record, checksum)});
    record.checksum =
        tool::add_to_checksum(record.checksum, {slot + sizeof record, record.payload_bytes});
    std::memcpy(slot, &record, sizeof record);
    const tool::BlackBox box = tool::parse_black_box(changed);
    EXPECT_LE(box.torn, 1U);
  }
}

struct BoxOnDisk : test::FileTree {
  // The data, and nothing behind it up to so many bytes.
  BoxOnDisk(const std::string& data, std::uintmax_t bytes) {
    write("/box", data);
    std::filesystem::resize_file(root() + "/box", bytes);
  }

  [[nodiscard]] tool::BlackBox read() const { return tool::read_black_box(root() + "/box"); }

  [[nodiscard]] std::string why_not() const {
    try {
      static_cast<void>(read());
    } catch (const tool::Unreadable& error) {
      return error.what();
    }
    return "";
  }
};

constexpr std::uintmax_t kHuge = std::uintmax_t{4} << 30;

// No more is read than there can be.
TEST(BlackboxReader, AHugeFileOfHolesIsNone) {
  const BoxOnDisk box("", kHuge);

  EXPECT_NE(box.why_not().find("it is not a black box"), std::string::npos) << box.why_not();
}

TEST(BlackboxReader, HolesBehindABlackBoxAreLeftOut) {
  const BoxOnDisk box(full_box(), kHuge);

  EXPECT_EQ(box.read().statistics.size(), 5U);
  EXPECT_EQ(box.read().missing_bytes, 0U);
}

TEST(BlackboxReader, AHeaderThatTellsOfTooManyBytesIsToldOf) {
  std::string data = full_box();
  luna_blackbox_header header;
  std::memcpy(&header, data.data(), sizeof header);
  header.file_bytes = (std::uint64_t{1} << 30) + 1;
  header.checksum = tool::add_to_checksum(
      0, {reinterpret_cast<const char*>(&header), offsetof(luna_blackbox_header, checksum)});
  std::memcpy(data.data(), &header, sizeof header);
  const BoxOnDisk box(data, kHuge);

  EXPECT_NE(box.why_not().find("1073741825 bytes"), std::string::npos) << box.why_not();
}

// The header may say what it likes.
TEST(BlackboxReader, RingsThatLieAreNoHarm) {
  const std::string data = full_box();
  test::Random random(9);
  for (int round = 0; round < 300; ++round) {
    std::string changed = data;
    luna_blackbox_header header;
    std::memcpy(&header, changed.data(), sizeof header);
    luna_blackbox_ring& ring = header.ring[random.below(LUNA_BLACKBOX_RINGS)];
    const std::uint64_t number = random.next() >> random.below(64);
    switch (random.below(4)) {
      case 0:
        ring.slots = number;
        break;
      case 1:
        ring.offset = number;
        break;
      case 2:
        ring.slot_bytes = static_cast<std::uint32_t>(number);
        break;
      default:
        ring.kind = static_cast<std::uint32_t>(number);
    }
    header.checksum = tool::add_to_checksum(
        0, {reinterpret_cast<const char*>(&header), offsetof(luna_blackbox_header, checksum)});
    std::memcpy(changed.data(), &header, sizeof header);
    EXPECT_EQ(status_of(changed), tool::Status::kDone);
  }
}

TEST(BlackboxReader, SaysWhatIsWrong) {
  std::string why;
  EXPECT_EQ(status_of("", &why), tool::Status::kNoBlackBox);
  EXPECT_EQ(status_of(std::string(5000, '\0'), &why), tool::Status::kNoBlackBox);
  EXPECT_NE(why.find("is not a black box"), std::string::npos);
  std::string data = full_box();
  data[8] = 2;
  EXPECT_EQ(status_of(data, &why), tool::Status::kOtherVersion);
  EXPECT_NE(why.find("version 2"), std::string::npos);
  try {
    static_cast<void>(tool::read_black_box("/nowhere/box"));
    FAIL();
  } catch (const tool::Unreadable& error) {
    EXPECT_EQ(error.status(), tool::Status::kCannotOpen);
  }
}

}  // namespace
}  // namespace luna
