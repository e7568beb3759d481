// SPDX-License-Identifier: MIT
#include "os/own_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace luna::os {
namespace {

[[nodiscard]] bool is_descriptor(int number) { return fcntl(number, F_GETFD) >= 0; }

TEST(OwnFile, MovesOutOfTheWay) {
  const int opened = open("/dev/null", O_RDONLY);
  OwnFile file;

  ASSERT_TRUE(file.adopt(opened));
  EXPECT_GE(file.number(), OwnFile::kLowestNumber);
  EXPECT_FALSE(is_descriptor(opened));
  EXPECT_EQ(fcntl(file.number(), F_GETFD), FD_CLOEXEC);
  EXPECT_TRUE(file.is_ours());
  file.close();
}

TEST(OwnFile, AnErrorIsNoFile) {
  OwnFile file;

  EXPECT_FALSE(file.adopt(-ENOENT));
  EXPECT_FALSE(file.is_open());
  EXPECT_FALSE(file.is_ours());
}

TEST(OwnFile, IsClosed) {
  OwnFile file;
  ASSERT_TRUE(file.adopt(open("/dev/null", O_RDONLY)));
  const int number = file.number();
  file.close();

  EXPECT_FALSE(is_descriptor(number));
  EXPECT_FALSE(file.is_open());
}

TEST(OwnFile, WhatTheProgramClosedIsForgotten) {
  OwnFile file;
  ASSERT_TRUE(file.adopt(open("/dev/null", O_RDONLY)));
  close(file.number());

  EXPECT_FALSE(file.is_ours());
  file.close();
  EXPECT_FALSE(file.is_open());
}

TEST(OwnFile, AnothersIsLeftAlone) {
  OwnFile file;
  ASSERT_TRUE(file.adopt(open("/dev/null", O_RDONLY)));
  const int number = file.number();
  const int other = open("/dev/zero", O_RDONLY);
  ASSERT_EQ(dup2(other, number), number);

  EXPECT_FALSE(file.is_ours());
  file.close();
  EXPECT_TRUE(is_descriptor(number));
  close(number);
  close(other);
}

// Their inode is one for all: they are told apart where the kernel numbers them.
TEST(OwnFile, AnothersEventIsLeftAlone) {
  OwnFile file;
  ASSERT_TRUE(file.adopt(eventfd(0, 0)));
  const bool all_are_one = file.identity().event == kUnknown;
  const int number = file.number();
  EXPECT_TRUE(file.is_ours());
  const int other = eventfd(0, 0);
  ASSERT_EQ(dup2(other, number), number);

  EXPECT_EQ(file.is_ours(), all_are_one);
  file.close();
  EXPECT_EQ(is_descriptor(number), !all_are_one);
  if (!all_are_one) close(number);
  close(other);
}

TEST(OwnFile, SocketsAreToldByTheirInode) {
  std::array<int, 2> ends{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
  OwnFile file;
  ASSERT_TRUE(file.adopt(ends[1]));
  const auto inode = static_cast<std::uint32_t>(file.identity().inode);
  const int null = open("/dev/null", O_RDONLY);

  EXPECT_TRUE(is_socket(file.number(), inode));
  EXPECT_FALSE(is_socket(file.number(), inode + 1));
  EXPECT_FALSE(is_socket(null, inode));
  EXPECT_FALSE(is_socket(-1, inode));
  close(null);
  close(ends[0]);
  file.close();
}

}  // namespace
}  // namespace luna::os
