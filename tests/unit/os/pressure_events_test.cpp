// SPDX-License-Identifier: MIT
#include "os/pressure_events.hpp"

#include "os/pressure_stall.hpp"
#include "os/worker_thread.hpp"
#include "support/file_tree.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

namespace luna::os {
namespace {

using test::FileTree;

// What the text stands for, or "refused".
[[nodiscard]] std::string decoded(std::string_view text, std::size_t room = 64) {
  std::array<char, 64> bytes{};
  std::size_t count = 0;
  if (!decode_base64(text, std::span(bytes).first(room), count)) return "refused";
  return {bytes.data(), count};
}

TEST(DecodeBase64, OfEveryLength) {
  EXPECT_EQ(decoded(""), "");
  EXPECT_EQ(decoded("YQ=="), "a");
  EXPECT_EQ(decoded("YWI="), "ab");
  EXPECT_EQ(decoded("YWJj"), "abc");
  EXPECT_EQ(decoded("c29tZSAyMDAwMDAgMjAwMDAwMAA="), std::string("some 200000 2000000\0", 20));
  EXPECT_EQ(decoded("+/+/"), "\xfb\xff\xbf");
}

TEST(DecodeBase64, RefusesWhatIsNone) {
  EXPECT_EQ(decoded("YQ"), "refused");
  EXPECT_EQ(decoded("Y-=="), "refused");
  EXPECT_EQ(decoded("===="), "refused");
  EXPECT_EQ(decoded("YWJj", 2), "refused");
  EXPECT_EQ(decoded("YWJj", 3), "abc");
}

// A socket at a path that waits for who connects.
struct Listening {
  explicit Listening(const std::string& path) {
    struct sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    EXPECT_EQ(bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(socket, 1), 0);
  }
  ~Listening() {
    close(peer);
    close(socket);
  }

  [[nodiscard]] std::string received() {
    peer = accept(socket, nullptr, nullptr);
    std::array<char, 64> bytes{};
    const ssize_t count = recv(peer, bytes.data(), bytes.size(), MSG_DONTWAIT);
    return {bytes.data(), count > 0 ? static_cast<std::size_t>(count) : 0};
  }

  int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  int peer = -1;
};

TEST(OpenWatch, OfASocket) {
  const FileTree tree;
  const std::string path = tree.root() + "/socket";
  Listening service(path);
  OwnFile file;

  ASSERT_EQ(open_watch({path, "some 1 2"}, file), WatchKind::kStream);
  EXPECT_EQ(service.received(), "some 1 2");
  EXPECT_EQ(drain(file), Drained::kNothing);
  ASSERT_EQ(write(service.peer, "x", 1), 1);
  EXPECT_EQ(drain(file), Drained::kData);
  EXPECT_EQ(drain(file), Drained::kNothing);
  // What was said last is heard, and then that it was the last.
  ASSERT_EQ(write(service.peer, "x", 1), 1);
  shutdown(service.peer, SHUT_RDWR);
  EXPECT_EQ(drain(file), Drained::kData);
  EXPECT_EQ(drain(file), Drained::kEnd);
  file.close();
}

TEST(OpenWatch, OfASocketThatNobodyServes) {
  const FileTree tree;
  const std::string path = tree.root() + "/socket";
  { const Listening gone(path); }
  const std::string too_long = "/" + std::string(150, 'a');
  OwnFile file;

  EXPECT_EQ(open_watch({path, ""}, file), WatchKind::kNone);
  EXPECT_EQ(open_watch({too_long, ""}, file), WatchKind::kNone);
  EXPECT_FALSE(file.is_open());
}

TEST(OpenWatch, OfAFifo) {
  const FileTree tree;
  const std::string path = tree.root() + "/fifo";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  OwnFile file;

  ASSERT_EQ(open_watch({path, "not for itself"}, file), WatchKind::kStream);
  EXPECT_EQ(drain(file), Drained::kNothing);
  std::ofstream(path) << "pressure";
  EXPECT_EQ(drain(file), Drained::kData);
  EXPECT_EQ(drain(file), Drained::kNothing);
  file.close();
}

TEST(OpenWatch, OfAFile) {
  const FileTree tree;
  tree.write("/file", "");
  const std::string path = tree.root() + "/file";
  OwnFile file;

  ASSERT_EQ(open_watch({path, "some 1 2"}, file), WatchKind::kUrgent);
  std::ifstream text(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator(text), {}), "some 1 2");
  file.close();
}

TEST(OpenWatch, OfWhatIsNoneOfThem) {
  const FileTree tree;
  OwnFile file;

  EXPECT_EQ(open_watch({"/dev/null", ""}, file), WatchKind::kNone);
  EXPECT_EQ(open_watch({tree.root(), ""}, file), WatchKind::kNone);
  EXPECT_EQ(open_watch({"/does/not/exist", ""}, file), WatchKind::kNone);
}

TEST(ReadAgain, BeginsAtTheFirstByte) {
  const FileTree tree;
  tree.write("/memory.events", "low 1\n");
  OwnFile file;
  std::array<char, 64> buffer;

  ASSERT_TRUE(open_counts({tree.root(), "/memory.events"}, file));
  EXPECT_EQ(read_again(file, buffer.data(), buffer.size()), "low 1\n");
  tree.write("/memory.events", "low 2\n");
  EXPECT_EQ(read_again(file, buffer.data(), buffer.size()), "low 2\n");
  file.close();
}

TEST(AddNotice, SaysOfWhichFile) {
  const FileTree tree;
  tree.write("/app/cgroup.event_control", "");
  tree.write("/app/memory.usage_in_bytes", "4096\n");
  OwnFile event;
  ASSERT_TRUE(open_event(event));

  EXPECT_TRUE(add_notice(event, tree.root(), "/app", "memory.usage_in_bytes", "8192"));
  EXPECT_FALSE(add_notice(event, tree.root(), "/app", "memory.pressure_level", "low"));
  std::ifstream text(tree.root() + "/app/cgroup.event_control");
  int number = 0;
  int of = 0;
  int bytes = 0;
  text >> number >> of >> bytes;
  EXPECT_EQ(number, event.number());
  EXPECT_GT(of, 2);
  EXPECT_EQ(bytes, 8192);
  event.close();
}

TEST(OpenStallTrigger, WritesItOrIsNotOpen) {
  const FileTree tree;
  tree.write("/memory.pressure", "");
  OwnFile file;

  EXPECT_FALSE(open_stall_trigger({tree.root(), "/none"}, "some 1 2", file));
  EXPECT_FALSE(file.is_open());
  ASSERT_TRUE(open_stall_trigger({tree.root(), "/memory.pressure"}, "some 1 2", file));
  std::ifstream text(tree.root() + "/memory.pressure");
  EXPECT_EQ(std::string(std::istreambuf_iterator(text), {}), "some 1 2");
  file.close();
}

// Asked without the library: not every kernel measures stalls, nor lets everybody ask.
[[nodiscard]] bool kernel_takes(std::string_view trigger) {
  const int file = open("/proc/pressure/memory", O_RDWR | O_NONBLOCK);
  if (file < 0) return false;
  const bool taken = write(file, trigger.data(), trigger.size()) > 0;
  close(file);
  return taken;
}

// Of a file without a trigger the kernel says at once that it is broken.
TEST(OpenStallTrigger, TheKernelTakesIt) {
  constexpr std::string_view kTrigger = {"some 200000 2000000", 20};
  OwnFile file;
  const bool is_possible = kernel_takes(kTrigger);
  ASSERT_EQ(open_stall_trigger(kMachinePressure, kTrigger, file), is_possible);
  if (!is_possible) return;
  WorkerThread thread;
  std::array<AwaitedFile, 1> files{{{file.number(), true}}};

  EXPECT_FALSE(thread.sleep(1, files));
  EXPECT_FALSE(files[0].broken);
  file.close();
  EXPECT_FALSE(open_stall_trigger(kMachinePressure, "some of nonsense", file));
  EXPECT_FALSE(file.is_open());
  thread.forget_files();
}

}  // namespace
}  // namespace luna::os
