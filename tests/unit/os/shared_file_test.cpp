// SPDX-License-Identifier: MIT
#include "os/shared_file.hpp"

#include "os/memory.hpp"
#include "support/file_tree.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace luna {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBytes = 131072;

struct Folder : test::FileTree {
  using FileTree::write;

  ~Folder() { file.release(); }

  [[nodiscard]] std::string path(const std::string& name) const { return root() + "/" + name; }

  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream stream(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  [[nodiscard]] std::size_t count() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(root()), fs::directory_iterator{}));
  }

  [[nodiscard]] bool write(std::size_t offset, const std::string& text) {
    return file.write(offset, text.data(), text.size());
  }

  os::SharedFile file;
};

TEST(SharedFile, IsAllocatedAndItsOwnersAlone) {
  Folder folder;
  ASSERT_EQ(folder.file.create(folder.path("box"), kBytes), 0);
  EXPECT_FALSE(fs::exists(folder.path("box")));  // not before it is told
  ASSERT_EQ(folder.file.publish(), 0);
  struct stat status;
  ASSERT_EQ(::stat(folder.path("box").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
  EXPECT_EQ(static_cast<std::size_t>(status.st_size), kBytes);
  EXPECT_GE(static_cast<std::size_t>(status.st_blocks) * 512, kBytes);
  EXPECT_EQ(folder.read("box"), std::string(kBytes, '\0'));
  EXPECT_EQ(folder.count(), 1U);
}

TEST(SharedFile, WhatIsWrittenIsInTheFileAtOnce) {
  Folder folder;
  ASSERT_EQ(folder.file.create(folder.path("box"), kBytes), 0);
  ASSERT_TRUE(folder.write(0, "at the start"));
  ASSERT_EQ(folder.file.publish(), 0);
  // Over a boundary of the kernel's pages, and at the very end.
  const std::string large(os::page_bytes() + 24, 'x');
  ASSERT_TRUE(folder.write(os::page_bytes() - 8, large));
  ASSERT_TRUE(folder.write(kBytes - 8, "the end."));
  const std::string text = folder.read("box");
  EXPECT_EQ(text.substr(0, 12), "at the start");
  EXPECT_EQ(text.substr(os::page_bytes() - 8, large.size()), large);
  EXPECT_EQ(text.substr(kBytes - 8), "the end.");
}

TEST(SharedFile, OneThatHadTheNameIsKept) {
  Folder folder;
  folder.write("/box.old", "the oldest");
  folder.write("/box", "the old");
  ASSERT_EQ(folder.file.create(folder.path("box"), kBytes), 0);
  ASSERT_EQ(folder.file.publish(), 0);
  EXPECT_EQ(folder.read("box.old"), "the old");
  EXPECT_EQ(folder.read("box").size(), kBytes);
}

TEST(SharedFile, NothingButAFileIsReplaced) {
  Folder folder;
  fs::create_directory(folder.path("folder"));
  fs::create_symlink("elsewhere", folder.path("link"));
  ASSERT_EQ(folder.file.create(folder.path("folder"), kBytes), 0);
  EXPECT_EQ(folder.file.publish(), EISDIR);
  ASSERT_EQ(folder.file.create(folder.path("link"), kBytes), 0);
  EXPECT_EQ(folder.file.publish(), EINVAL);
  EXPECT_EQ(folder.file.create(folder.path("no/box"), kBytes), ENOENT);
  EXPECT_EQ(folder.file.create(folder.root() + "/", kBytes), EISDIR);
  EXPECT_EQ(folder.file.create(folder.path(std::string(300, 'n')), kBytes), ENAMETOOLONG);
  EXPECT_EQ(folder.count(), 2U);
  EXPECT_FALSE(folder.file.is_there());
}

TEST(SharedFile, OneWithoutANameIsRemoved) {
  Folder folder;
  ASSERT_EQ(folder.file.create(folder.path("box"), kBytes), 0);
  folder.file.release();
  EXPECT_EQ(folder.count(), 0U);
}

TEST(SharedFile, KeepsNoDescriptor) {
  Folder folder;
  const int before = ::dup(STDERR_FILENO);
  ::close(before);
  ASSERT_EQ(folder.file.create(folder.path("box"), kBytes), 0);
  ASSERT_EQ(folder.file.publish(), 0);
  const int after = ::dup(STDERR_FILENO);
  ::close(after);
  EXPECT_EQ(after, before);
}

// Where the kernel would send a signal.
TEST(SharedFile, ALimitOnFilesIsAnError) {
  Folder folder;
  struct rlimit old = {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  const struct rlimit limit = {kBytes - 1, old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  const int error = folder.file.create(folder.path("box"), kBytes);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old), 0);
  EXPECT_EQ(error, EFBIG);
  EXPECT_EQ(folder.count(), 0U);
}

// A plain store would be SIGBUS.
TEST(SharedFile, AFileThatIsCutShortIsNoFault) {
  Folder folder;
  ASSERT_EQ(folder.file.create(folder.path("box"), kBytes), 0);
  ASSERT_EQ(folder.file.publish(), 0);
  const std::string name = folder.path("box");
  ASSERT_EQ(::truncate(name.c_str(), static_cast<off_t>(os::page_bytes())), 0);
  EXPECT_FALSE(folder.write(os::page_bytes() * 1, "beyond the end"));
  EXPECT_TRUE(folder.write(0, "within it"));
  ASSERT_EQ(::truncate(name.c_str(), 0), 0);
  EXPECT_FALSE(folder.write(0, "nowhere."));
}

// For the calling process. Emulators know no filters.
template <std::size_t kSteps>
void install(std::array<struct sock_filter, kSteps> filter) {
  struct sock_fprog program = {filter.size(), filter.data()};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

// The kernel copies no more.
void forbid_copies() {
  install(std::array<struct sock_filter, 4>{
      {{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr)},
       {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_process_vm_writev},
       {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM},
       {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}}});
}

// As where the file system has no files without a name.
void forbid_unnamed_files() {
  constexpr unsigned kUnnamed = O_TMPFILE & ~O_DIRECTORY;
  install(std::array<struct sock_filter, 6>{
      {{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr)},
       {BPF_JMP | BPF_JEQ | BPF_K, 0, 3, SYS_openat},
       {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, args[2])},
       {BPF_JMP | BPF_JSET | BPF_K, 0, 1, kUnnamed},
       {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EOPNOTSUPP},
       {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}}});
}

// Runs the function in a child, which ends with what it returns.
template <typename Function>
[[nodiscard]] int status_of_child(Function function) {
  const pid_t child = ::fork();
  EXPECT_GE(child, 0);
  if (child == 0) ::_exit(function());
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status;
}

// By itself, as after a kill.
TEST(SharedFile, AProcessThatIsKilledLeavesNothing) {
  Folder folder;
  const int status = status_of_child([&] {
    const bool right = folder.file.create(folder.path("box"), kBytes) == 0;
    ::raise(right ? SIGKILL : SIGABRT);
    return 1;
  });
  EXPECT_EQ(status, SIGKILL);
  EXPECT_EQ(folder.count(), 0U);
}

TEST(SharedFile, HasANameOfItsOwnMeanwhileWhereItMust) {
  Folder folder;
  folder.write("/box", "the old");
  const int status = status_of_child([&] {
    forbid_unnamed_files();
    bool right = folder.file.create(folder.path("box"), kBytes) == 0;
    right = folder.count() == 2 && folder.read("box") == "the old" && right;
    right = folder.file.publish() == 0 && right;
    return right ? 0 : 1;
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(folder.read("box").size(), kBytes);
  EXPECT_EQ(folder.read("box.old"), "the old");
  EXPECT_EQ(folder.count(), 2U);
}

TEST(SharedFile, IsRemovedWithTheNameOfItsOwn) {
  Folder folder;
  const int status = status_of_child([&] {
    forbid_unnamed_files();
    const bool right = folder.file.create(folder.path("box"), kBytes) == 0 && folder.count() == 1;
    folder.file.release();
    return right ? 0 : 1;
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(folder.count(), 0U);
}

TEST(SharedFile, ASandboxThatForbidsCopiesIsNoHarm) {
  Folder folder;
  ASSERT_EQ(folder.file.create(folder.path("box"), kBytes), 0);
  ASSERT_EQ(folder.file.publish(), 0);
  const std::string name = folder.path("box");
  const std::string large(os::page_bytes() + 21, 'x');
  const int status = status_of_child([&] {
    forbid_copies();
    bool right = folder.write(os::page_bytes() - 8, large);
    right = ::truncate(name.c_str(), static_cast<off_t>(os::page_bytes() * 2)) == 0 && right;
    right = !folder.write(os::page_bytes() * 2, "beyond the end") && right;
    return right ? 0 : 1;
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(folder.read("box").substr(os::page_bytes() - 8), large.substr(0, os::page_bytes() + 8));
}

}  // namespace
}  // namespace luna
