// SPDX-License-Identifier: MIT
#include "os/file_output.hpp"

#include "support/temporary_name.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

namespace luna {
namespace {

namespace fs = std::filesystem;

struct Folder {
  Folder() { path = ::mkdtemp(name.data()); }
  ~Folder() { fs::remove_all(path); }

  // Names of all that lies in it.
  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const auto& entry : fs::directory_iterator(path))
      result.push_back(entry.path().filename());
    return result;
  }

  std::string read(const std::string& entry) const {
    std::ifstream stream(path + "/" + entry, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  std::string name = test::temporary_name("output");
  std::string path;
  std::unique_ptr<os::FileOutput> file = std::make_unique<os::FileOutput>();
};

using Names = std::vector<std::string>;

// What a program reads there, and that the pipe is one still.
TEST(FileOutput, APipeIsWrittenToAndStays) {
  Folder folder;
  const std::string path = folder.path + "/pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_FALSE(folder.file->create(path));
  EXPECT_EQ(folder.file->error(), ENXIO);  // nobody reads it
  const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_TRUE(folder.file->create(path));
  folder.file->output().add("some text");
  EXPECT_TRUE(folder.file->finish());

  char text[16] = {};
  EXPECT_EQ(::read(reader, text, sizeof text), 9);
  EXPECT_STREQ(text, "some text");
  ::close(reader);
  EXPECT_TRUE(fs::is_fifo(path));
  EXPECT_EQ(folder.names(), Names{"pipe"});
}

TEST(FileOutput, ADeviceIsNotReplaced) {
  Folder folder;
  fs::create_symlink("/dev/null", folder.path + "/nothing");
  ASSERT_TRUE(folder.file->create(folder.path + "/nothing"));
  folder.file->output().add("some text");
  EXPECT_TRUE(folder.file->finish());

  EXPECT_TRUE(fs::is_symlink(folder.path + "/nothing"));
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST(FileOutput, ALinkOfTheKernelsIsFollowed) {
  Folder folder;
  const std::string path = folder.path + "/redirected";
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT, 0600);
  ASSERT_EQ(::write(file, "before ", 7), 7);
  ASSERT_TRUE(folder.file->create("/proc/self/fd/" + std::to_string(file)));
  folder.file->output().add("some text");
  EXPECT_TRUE(folder.file->finish());
  ::close(file);

  EXPECT_EQ(folder.read("redirected"), "before some text");
  EXPECT_EQ(folder.names(), Names{"redirected"});
}

TEST(FileOutput, NameAppearsOnlyWhenAllIsWritten) {
  Folder folder;
  ASSERT_TRUE(folder.file->create(folder.path + "/final"));
  Output out = folder.file->output();
  out.add("some").add(" text");
  EXPECT_FALSE(fs::exists(folder.path + "/final"));
  EXPECT_EQ(folder.names().size(), 1U);

  EXPECT_TRUE(folder.file->finish());

  EXPECT_TRUE(out.ok());
  EXPECT_EQ(folder.names(), Names{"final"});
  EXPECT_EQ(folder.read("final"), "some text");
}

TEST(FileOutput, LeavesErrnoAlone) {
  Folder folder;
  const std::string path = folder.path + "/final";
  const std::string nowhere = folder.path + "/none/final";
  errno = 77;

  const bool created = folder.file->create(path);
  folder.file->output().add("text");
  const bool finished = folder.file->finish();
  const bool created_nowhere = folder.file->create(nowhere);

  EXPECT_EQ(errno, 77);
  EXPECT_TRUE(created && finished && !created_nowhere);
}

TEST(FileOutput, OnlyTheOwnerMayRead) {
  Folder folder;
  ASSERT_TRUE(folder.file->create(folder.path + "/final"));
  ASSERT_TRUE(folder.file->finish());
  struct stat status = {};

  ASSERT_EQ(::stat((folder.path + "/final").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  EXPECT_EQ(status.st_size, 0);
}

TEST(FileOutput, LongTextIsWhole) {
  Folder folder;
  ASSERT_TRUE(folder.file->create(folder.path + "/final"));
  Output out = folder.file->output();
  std::string expected;
  for (int i = 0; i < 20'000; ++i) {
    expected += std::to_string(i) + " ";
    out.add_decimal(static_cast<std::uint64_t>(i)).add(" ");
  }
  const std::string large(100'000, 'x');
  out.add(large);

  EXPECT_TRUE(folder.file->finish());
  EXPECT_EQ(folder.read("final"), expected + large);
}

TEST(FileOutput, FileThatWasThereIsReplacedAsAWhole) {
  Folder folder;
  std::ofstream(folder.path + "/final") << "before";
  ASSERT_TRUE(folder.file->create(folder.path + "/final"));
  folder.file->output().add("after");
  EXPECT_EQ(folder.read("final"), "before");

  EXPECT_TRUE(folder.file->finish());

  EXPECT_EQ(folder.read("final"), "after");
}

TEST(FileOutput, SymbolicLinkIsReplacedNotFollowed) {
  Folder folder;
  std::ofstream(folder.path + "/target") << "kept";
  fs::create_symlink(folder.path + "/target", folder.path + "/final");
  ASSERT_TRUE(folder.file->create(folder.path + "/final"));
  folder.file->output().add("new");

  EXPECT_TRUE(folder.file->finish());

  EXPECT_EQ(folder.read("target"), "kept");
  EXPECT_FALSE(fs::is_symlink(folder.path + "/final"));
}

TEST(FileOutput, AbandonedFileLeavesNothing) {
  Folder folder;
  ASSERT_TRUE(folder.file->create(folder.path + "/final"));
  Output out = folder.file->output();
  out.add("text");

  folder.file.reset();

  EXPECT_EQ(folder.names(), Names{});
}

TEST(FileOutput, NamesInUseAreLeftAlone) {
  Folder folder;
  os::FileOutput& first = *folder.file;
  ASSERT_TRUE(first.create(folder.path + "/first"));
  auto second = std::make_unique<os::FileOutput>();
  ASSERT_TRUE(second->create(folder.path + "/second"));
  first.output().add("1");
  second->output().add("2");

  EXPECT_TRUE(second->finish());
  EXPECT_TRUE(first.finish());

  EXPECT_EQ(folder.read("first"), "1");
  EXPECT_EQ(folder.read("second"), "2");
}

TEST(FileOutput, FoldersOwnNameOrNoneIsRefused) {
  Folder folder;

  EXPECT_FALSE(folder.file->create(folder.path + "/"));
  EXPECT_EQ(folder.file->error(), EISDIR);
  EXPECT_FALSE(folder.file->create(folder.path + "/none/final"));
  EXPECT_EQ(folder.file->error(), ENOENT);
  EXPECT_FALSE(folder.file->create(folder.path + "/" + std::string(256, 'x')));
  EXPECT_EQ(folder.file->error(), ENAMETOOLONG);
  EXPECT_FALSE(folder.file->create("/" + std::string(5000, 'x') + "/y"));
  EXPECT_EQ(folder.file->error(), ENAMETOOLONG);
  EXPECT_EQ(folder.names(), Names{});
}

TEST(FileOutput, LongestNameIsTaken) {
  Folder folder;
  const std::string name(255, 'x');
  ASSERT_TRUE(folder.file->create(folder.path + "/" + name));

  EXPECT_TRUE(folder.file->finish());
  EXPECT_EQ(folder.names(), Names{name});
}

TEST(FileOutput, ChangeOfTheWorkingDirectoryDoesNotMatter) {
  Folder folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder.path);
  const bool created = folder.file->create("final");
  fs::current_path("/");
  const bool finished = created && folder.file->finish();
  fs::current_path(before);

  EXPECT_TRUE(finished);
  EXPECT_EQ(folder.names(), Names{"final"});
}

TEST(FileOutput, FinishFailsWhereAFolderHasTheName) {
  Folder folder;
  fs::create_directories(folder.path + "/final/inside");
  ASSERT_TRUE(folder.file->create(folder.path + "/final"));

  EXPECT_FALSE(folder.file->finish());

  EXPECT_EQ(folder.file->error(), EISDIR);
  EXPECT_EQ(folder.names(), Names{"final"});
}

// The kernel takes part of the bytes, and then none: as on a full disk.
TEST(FileOutput, WhenThereIsNoRoomNothingIsLeft) {
  Folder folder;
  struct rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  struct rlimit less = before;
  less.rlim_cur = 20'000;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_TRUE(folder.file->create(folder.path + "/final"));
  Output out = folder.file->output();
  const std::string text(40'000, 'x');
  errno = 77;

  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &less), 0);
  out.add(text);
  const bool finished_after = folder.file->finish();
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);

  EXPECT_FALSE(finished_after);
  EXPECT_EQ(folder.file->error(), EFBIG);
  EXPECT_EQ(errno, 77);
  EXPECT_EQ(folder.names(), Names{});
  EXPECT_FALSE(folder.file->finish());
  EXPECT_FALSE(folder.file->output().add("more").ok());
}

TEST(FileOutput, NextFileAfterAFailureIsFine) {
  Folder folder;
  EXPECT_FALSE(folder.file->create(folder.path + "/none/final"));

  ASSERT_TRUE(folder.file->create(folder.path + "/final"));
  folder.file->output().add("text");

  EXPECT_EQ(folder.file->error(), 0);
  EXPECT_TRUE(folder.file->finish());
  EXPECT_EQ(folder.read("final"), "text");
}

TEST(FileOutput, LeavesNoFileDescriptorBehind) {
  Folder folder;
  const auto count = [] {
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
  };
  const auto before = count();
  ASSERT_TRUE(folder.file->create(folder.path + "/a"));
  ASSERT_TRUE(folder.file->finish());
  ASSERT_TRUE(folder.file->create(folder.path + "/b"));
  folder.file->abandon();
  ASSERT_FALSE(folder.file->create(folder.path + "/none/c"));

  EXPECT_EQ(count(), before);
}

}  // namespace
}  // namespace luna
