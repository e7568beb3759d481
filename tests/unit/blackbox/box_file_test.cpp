// SPDX-License-Identifier: MIT
// Records in rings, and what a reader makes of them.
#include "blackbox/box_file.hpp"

#include "blackbox_reader.hpp"
#include "support/file_tree.hpp"
#include "support/random.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace luna {
namespace {

constexpr std::size_t kBytes = BoxFile::kLeastKib << 10;

struct Box : test::FileTree {
  Box() { EXPECT_EQ(file.create(path, kBytes, {"a host", "a program", "1.2.3"}), 0); }
  ~Box() { file.release(); }

  [[nodiscard]] bool note(const std::string& text) {
    BoxFile::SmallRecord record;
    luna_blackbox_event head = {};
    head.kind = LUNA_BLACKBOX_MESSAGE;
    head.text_bytes = static_cast<std::uint32_t>(text.size());
    std::memcpy(record.payload(), &head, sizeof head);
    std::memcpy(record.payload() + sizeof head, text.data(), text.size());
    return file.append(LUNA_BLACKBOX_EVENT_KIND, record, sizeof head + text.size());
  }

  [[nodiscard]] tool::BlackBox read() const { return tool::read_black_box(path); }

  std::string path = root() + "/box";
  BoxFile file;
};

TEST(BoxFile, TellsWhoKeepsIt) {
  const Box box;
  const tool::BlackBox found = box.read();
  EXPECT_EQ(found.host, "a host");
  EXPECT_EQ(found.program, "a program");
  EXPECT_EQ(found.lunalloc_version, "1.2.3");
  EXPECT_EQ(found.header.process, static_cast<std::uint64_t>(::getpid()));
  EXPECT_EQ(found.header.file_bytes, kBytes);
  EXPECT_EQ(found.torn + found.missing_bytes, 0U);
  EXPECT_TRUE(found.statistics.empty() && found.events.empty() && found.sites.empty());
}

TEST(BoxFile, LongNamesAreCutOff) {
  test::FileTree tree;
  BoxFile file;
  const std::string name(1000, 'n');
  ASSERT_EQ(file.create(tree.root() + "/box", kBytes, {name, name, name}), 0);
  const tool::BlackBox found = tool::read_black_box(tree.root() + "/box");
  EXPECT_EQ(found.host, std::string(71, 'n'));
  EXPECT_EQ(found.lunalloc_version, std::string(31, 'n'));
  EXPECT_EQ(found.program, std::string(227, 'n'));
  file.release();
}

TEST(BoxFile, RingsFillTheFileAndDoNotMeet) {
  for (const std::size_t kib : {128U, 129U, 200U, 1024U, 1048576U}) {
    const luna_blackbox_header header = lay_out_box(kib << 10);
    std::uint64_t at = LUNA_BLACKBOX_HEADER_BYTES;
    for (const luna_blackbox_ring& ring : header.ring) {
      EXPECT_GE(ring.offset, at) << kib;
      EXPECT_EQ(ring.offset % BoxFile::kSmallSlotBytes, 0U) << kib;
      EXPECT_GE(ring.slots, 2U) << kib;
      at = ring.offset + ring.slots * ring.slot_bytes;
    }
    EXPECT_EQ(at, kib << 10) << kib;
  }
}

TEST(BoxFile, ARingKeepsItsLastRecords) {
  Box box;
  const std::uint64_t slots = lay_out_box(kBytes).ring[LUNA_BLACKBOX_EVENT_KIND - 1].slots;
  const std::uint64_t count = slots * 2 + 3;
  for (std::uint64_t i = 1; i <= count; ++i) ASSERT_TRUE(box.note("number " + std::to_string(i)));
  const tool::BlackBox found = box.read();
  ASSERT_EQ(found.events.size(), slots);
  for (std::uint64_t i = 0; i < slots; ++i) {
    const std::uint64_t number = count - slots + 1 + i;
    EXPECT_EQ(found.events[i].moment.sequence, number);
    EXPECT_EQ(found.events[i].text, "number " + std::to_string(number));
  }
}

// One by one, each byte of a record that is written anew as if the process had died there.
TEST(BoxFile, ATornRecordIsLeftOut) {
  Box box;
  ASSERT_TRUE(box.note("before"));
  ASSERT_TRUE(box.note("torn"));
  ASSERT_TRUE(box.note("after"));
  std::ifstream stream(box.path, std::ios::binary);
  std::string data{std::istreambuf_iterator<char>(stream), {}};
  const std::size_t at =
      lay_out_box(kBytes).ring[LUNA_BLACKBOX_EVENT_KIND - 1].offset + BoxFile::kSmallSlotBytes;
  const std::size_t length = sizeof(luna_blackbox_record) + sizeof(luna_blackbox_event) + 4;
  for (std::size_t written = 0; written < length; ++written) {
    std::string torn = data;
    std::memset(torn.data() + at + written, 0x5a, length - written);
    const tool::BlackBox found = tool::parse_black_box(torn);
    ASSERT_EQ(found.torn, 1U) << written;
    ASSERT_EQ(found.events.size(), 2U) << written;
    EXPECT_EQ(found.events[0].text, "before");
    EXPECT_EQ(found.events[1].text, "after");
  }
}

// One in the wrong place, as after an error of a disk.
TEST(BoxFile, ARecordCountsInItsOwnSlotAlone) {
  Box box;
  ASSERT_TRUE(box.note("somewhere"));
  std::ifstream stream(box.path, std::ios::binary);
  std::string data{std::istreambuf_iterator<char>(stream), {}};
  const std::size_t at = lay_out_box(kBytes).ring[LUNA_BLACKBOX_EVENT_KIND - 1].offset;
  data.replace(at + BoxFile::kSmallSlotBytes, BoxFile::kSmallSlotBytes,
               data.substr(at, BoxFile::kSmallSlotBytes));
  const tool::BlackBox found = tool::parse_black_box(data);
  EXPECT_EQ(found.events.size(), 1U);
  EXPECT_EQ(found.torn, 1U);
}

TEST(BoxFile, ThreadsMayWriteAtOnce) {
  Box box;
  constexpr int kEach = 10;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&box] {
      for (int number = 0; number < kEach; ++number) EXPECT_TRUE(box.note("from a thread"));
    });
  for (std::thread& thread : threads) thread.join();
  const tool::BlackBox found = box.read();
  EXPECT_EQ(found.torn, 0U);
  ASSERT_EQ(found.events.size(), 4U * kEach);
  EXPECT_EQ(found.events.back().moment.sequence, 4U * kEach);
}

// Records as large as they can be, and as fast as they can be written.
[[noreturn]] void write_for_ever(Box& box) {
  auto large = std::make_unique<BoxFile::SitesRecord>();
  large->bytes.fill('s');
  luna_blackbox_sites head = {};
  std::memcpy(large->payload(), &head, sizeof head);
  for (;;) {
    static_cast<void>(
        box.file.append(LUNA_BLACKBOX_SITES_KIND, *large, BoxFile::SitesRecord::kMostPayload));
    static_cast<void>(box.note("an event"));
  }
}

template <typename Rows>
void expect_contiguous(const Rows& rows) {
  ASSERT_FALSE(rows.empty());
  for (std::size_t i = 1; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].moment.sequence, rows[i - 1].moment.sequence + 1);
    EXPECT_GE(rows[i].moment.monotonic_ns, rows[i - 1].moment.monotonic_ns);
  }
}

// One thread, so that one record at most is torn: the oldest of its ring.
TEST(BoxFile, KilledWhileItIsWrittenItIsWholeButForOneRecord) {
  for (int round = 0; round < 50; ++round) {
    Box box;
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) write_for_ever(box);
    while (box.read().sites.size() < 2) std::this_thread::yield();
    ::usleep(static_cast<useconds_t>(round) * 100);
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    const tool::BlackBox found = box.read();
    EXPECT_LE(found.torn, 1U);
    expect_contiguous(found.events);
    expect_contiguous(found.sites);
  }
}

}  // namespace
}  // namespace luna
