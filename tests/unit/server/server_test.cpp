// SPDX-License-Identifier: MIT
#include "server/server.hpp"

#include "support/temporary_name.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace luna {
namespace {

// Served on a thread that never ends, as in a process.
class ServerTest : public testing::Test {
 protected:
  struct Serving {
    Server server;
    os::WorkerThread thread;
    static void work(void* self) noexcept {
      auto& serving = *static_cast<Serving*>(self);
      serving.server.work(
          {nullptr,
           [](void*, Exchange& exchange) noexcept { exchange.out.add(exchange.request.path); },
           [](void*) noexcept {}},
          serving.thread);
    }
  };

  void SetUp() override {
    folder_ = test::temporary_name("server");
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
  }
  void TearDown() override {
    serving().server.close();
    rmdir(folder_.c_str());
  }

  [[nodiscard]] static Serving& serving() {
    static Serving& only = *new Serving;
    return only;
  }
  [[nodiscard]] int open(const std::string& name) {
    const int error = serving().server.open(folder_ + name);
    EXPECT_TRUE(serving().thread.start(&Serving::work, &serving()));
    serving().thread.wake();
    return error;
  }

  [[nodiscard]] int connect(const std::string& name) const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (folder_ + name).copy(address.sun_path, sizeof address.sun_path - 1);
    const int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0)
      return client;
    close(client);
    return -1;
  }

  // All that is said until the end.
  [[nodiscard]] static std::string read_all(int client) {
    std::string text;
    char buffer[4096];
    for (ssize_t count; (count = read(client, buffer, sizeof buffer)) > 0;)
      text.append(buffer, static_cast<std::size_t>(count));
    close(client);
    return text;
  }
  [[nodiscard]] std::string ask(const std::string& name) const {
    const int client = connect(name);
    const std::string text = "GET /x HTTP/1.0\r\n\r\n";
    if (client < 0 || send(client, text.data(), text.size(), MSG_NOSIGNAL) < 0) return "";
    return read_all(client);
  }

  std::string folder_;
};

TEST_F(ServerTest, AnswersUntilItIsClosed) {
  ASSERT_EQ(open("/a"), 0);
  EXPECT_TRUE(ask("/a").ends_with("\r\n\r\n/x"));
  serving().server.close();
  EXPECT_EQ(connect("/a"), -1);
  ASSERT_EQ(open("/a"), 0);
  EXPECT_TRUE(ask("/a").ends_with("\r\n\r\n/x"));
}

TEST(Server, HasATableFromItsFirstOpenOn) {
  Server server;
  EXPECT_TRUE(server.table().empty());
  ASSERT_NE(server.open("/no/such/folder"), 0);
  EXPECT_GE(server.table().size(), Server::kMaxConnections * sizeof(Connection));
  std::array<char, 108> buffer;
  std::string_view path;
  EXPECT_FALSE(server.resume_child(buffer, path));
  EXPECT_TRUE(server.table().empty());
}

TEST_F(ServerTest, MovesAndStaysWhereItCannot) {
  ASSERT_EQ(open("/a"), 0);
  ASSERT_EQ(open("/b"), 0);
  EXPECT_EQ(connect("/a"), -1);
  EXPECT_NE(open("/none/c"), 0);
  EXPECT_EQ(open("/b"), 0);
  EXPECT_TRUE(ask("/b").ends_with("/x"));
}

TEST_F(ServerTest, TheThirtyThirdIsTurnedAway) {
  ASSERT_EQ(open("/a"), 0);
  std::vector<int> clients;
  for (std::size_t i = 0; i < Server::kMaxConnections; ++i) clients.push_back(connect("/a"));
  const std::string answer = read_all(connect("/a"));
  for (const int client : clients) close(client);

  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503 ")) << answer;
}

}  // namespace
}  // namespace luna
