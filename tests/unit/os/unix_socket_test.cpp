// SPDX-License-Identifier: MIT
#include "os/unix_socket.hpp"

#include "support/temporary_name.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <string>

namespace luna::os {
namespace {

// A folder of its own, and a path in it.
class UnixListenerTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = test::temporary_name("socket");
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
    path_ = folder_ + "/s";
  }
  void TearDown() override {
    unlink(path_.c_str());
    rmdir(folder_.c_str());
  }

  [[nodiscard]] int connect() const {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path_.copy(name.sun_path, sizeof name.sun_path - 1);
    const int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(client, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0) return client;
    close(client);
    return -1;
  }

  [[nodiscard]] bool is_there() const {
    struct stat status;
    return lstat(path_.c_str(), &status) == 0;
  }

  std::string folder_;
  std::string path_;
};

TEST_F(UnixListenerTest, TakesBytesFromWhoConnects) {
  UnixListener listener;
  ASSERT_EQ(listener.open(path_), 0);
  const int client = connect();
  ASSERT_GE(client, 0);
  Socket socket = listener.accept();
  std::array<char, 8> buffer;
  EXPECT_EQ(socket.receive(buffer.data(), buffer.size()), Socket::kLater);
  EXPECT_EQ(write(client, "abc", 3), 3);

  EXPECT_TRUE(socket.peer_may_ask());
  EXPECT_EQ(socket.receive(buffer.data(), buffer.size()), 3);
  EXPECT_EQ(socket.send("de"), 2);
  EXPECT_EQ(read(client, buffer.data(), buffer.size()), 2);
  close(client);
  EXPECT_EQ(socket.receive(buffer.data(), buffer.size()), 0);
  EXPECT_EQ(socket.send("f"), Socket::kFailed);  // and no SIGPIPE
  socket.close();
  listener.remove();
  listener.close();
}

TEST_F(UnixListenerTest, FileIsForTheOwnerAlone) {
  const mode_t before = umask(0);
  UnixListener listener;
  ASSERT_EQ(listener.open(path_), 0);
  umask(before);

  struct stat status;
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(fcntl(listener.socket().descriptor(), F_GETFD), FD_CLOEXEC);
  EXPECT_GT(listener.socket().descriptor(), 64);
  listener.remove();
  EXPECT_FALSE(is_there());
  listener.close();
}

TEST_F(UnixListenerTest, ReplacesWhatIsStaleAndNothingElse) {
  UnixListener first;
  ASSERT_EQ(first.open(path_), 0);
  UnixListener second;
  EXPECT_EQ(second.open(path_), EADDRINUSE);
  EXPECT_FALSE(second.is_open());

  first.close();
  EXPECT_TRUE(is_there());
  EXPECT_EQ(second.open(path_), 0);
  first.remove();  // it is the second's by now
  EXPECT_TRUE(is_there());
  second.remove();
  second.close();

  std::ofstream(path_) << "mine";
  EXPECT_EQ(second.open(path_), EADDRINUSE);
  EXPECT_TRUE(is_there());
  unlink(path_.c_str());
  ASSERT_EQ(symlink("/nowhere", path_.c_str()), 0);
  EXPECT_EQ(second.open(path_), EADDRINUSE);
  EXPECT_TRUE(is_there());
}

TEST_F(UnixListenerTest, KnowsWhenItsNumberIsAStrangers) {
  UnixListener listener;
  ASSERT_EQ(listener.open(path_), 0);
  Socket copy = listener.socket();
  const int number = copy.descriptor();
  close(number);
  EXPECT_FALSE(copy.is_ours());
  const int other = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(dup2(other, number), number);
  EXPECT_FALSE(copy.is_ours());

  copy.close();
  EXPECT_NE(fcntl(number, F_GETFD), -1) << "it closed what is not its own";
  close(number);
  close(other);
}

TEST_F(UnixListenerTest, SaysWhatIsWrongWithAPath) {
  UnixListener listener;
  EXPECT_EQ(listener.open("/" + std::string(UnixListener::kMaxPath, 'a')), ENAMETOOLONG);
  EXPECT_EQ(listener.open(folder_ + "/none/s"), ENOENT);
  EXPECT_EQ(listener.open(""), EINVAL);
  EXPECT_FALSE(listener.is_open());
}

}  // namespace
}  // namespace luna::os
