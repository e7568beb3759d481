// SPDX-License-Identifier: MIT
// A connection by hand, at times that the test makes up.
#include "server/connection.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>

namespace luna {
namespace {

constexpr os::Ready kReads = {.reads = true};
constexpr os::Ready kNothing = {};

// The two ends, and endpoints that tell what was asked.
class ConnectionTest : public testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> ends;
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    client_ = ends[0];
    connection_->open(os::Socket::adopt(ends[1]), 0);
  }
  void TearDown() override {
    connection_->drop(endpoints_);
    connection_->close();
    close(client_);
  }

  static void answer(void* self, Exchange& exchange) noexcept {
    auto& test = *static_cast<ConnectionTest*>(self);
    ++test.answers_;
    if (exchange.request.path == "/later" && !exchange.is_again) {
      exchange.response.later_ms = 1000;
      return;
    }
    const std::string many(exchange.request.path == "/large" ? 10'000'000 : 0, 'l');
    exchange.out.add(exchange.request.path).add(exchange.body).add(many);
  }

  void write(const std::string& text) {
    EXPECT_EQ(::send(client_, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  [[nodiscard]] std::string read() const {
    std::string text(65536, '\0');
    const ssize_t count = recv(client_, text.data(), text.size(), MSG_DONTWAIT);
    return count > 0 ? text.substr(0, static_cast<std::size_t>(count)) : "";
  }
  void turn(os::Ready ready, std::uint64_t now_ms) { connection_->turn(ready, now_ms, endpoints_); }

  [[nodiscard]] static std::string get(const std::string& path) {
    return "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n";
  }

  int client_ = -1;
  int answers_ = 0;
  int abandoned_ = 0;
  std::unique_ptr<Connection> connection_ = std::make_unique<Connection>();
  Endpoints endpoints_{this, &ConnectionTest::answer, [](void* self) noexcept {
                         ++static_cast<ConnectionTest*>(self)->abandoned_;
                       }};
};

TEST_F(ConnectionTest, AnswersOneRequestAfterTheOther) {
  write(get("/a"));
  turn(kReads, 1);
  const std::string first = read();
  write(get("/b"));
  turn(kReads, 2);

  EXPECT_TRUE(first.ends_with("\r\n\r\n/a")) << first;
  EXPECT_TRUE(read().ends_with("\r\n\r\n/b"));
  EXPECT_TRUE(connection_->is_idle());
}

TEST_F(ConnectionTest, RequestsThatComeTogetherHaveEachItsTurn) {
  write(get("/a") + get("/b") + get("/c").substr(0, 10));
  turn(kReads, 1);
  EXPECT_TRUE(read().ends_with("/a"));
  EXPECT_EQ(connection_->deadline_ms(), 0u);

  turn(kNothing, 1);
  EXPECT_TRUE(read().ends_with("/b"));
  turn(kNothing, 1);
  EXPECT_EQ(read(), "");
  EXPECT_EQ(connection_->deadline_ms(), 1 + Connection::kRequestMs);
}

TEST_F(ConnectionTest, BodyMayComeInPieces) {
  write("PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  turn(kReads, 1);
  EXPECT_EQ(read(), "HTTP/1.1 100 Continue\r\n\r\n");
  write("xy");
  turn(kReads, 2);
  EXPECT_EQ(answers_, 0);
  write("z");
  turn(kReads, 3);
  EXPECT_TRUE(read().ends_with("/axyz"));
}

TEST_F(ConnectionTest, HeadHasTheLengthAndNoBody) {
  write("HEAD /abc HTTP/1.1\r\nHost: x\r\n\r\n");
  turn(kReads, 1);
  const std::string text = read();

  EXPECT_NE(text.find("Content-Length: 4\r\n"), std::string::npos);
  EXPECT_TRUE(text.ends_with("\r\n\r\n"));
}

TEST_F(ConnectionTest, WhoIsSlowIsToldSo) {
  write("GET / HT");
  turn(kReads, 1000);
  turn(kNothing, 1000 + Connection::kRequestMs - 1);
  EXPECT_EQ(read(), "");
  turn(kNothing, 1000 + Connection::kRequestMs);

  EXPECT_TRUE(read().starts_with("HTTP/1.1 408 "));
  EXPECT_TRUE(connection_->is_answered());
  turn(kNothing, 1000 + Connection::kRequestMs + Connection::kDrainMs);
  EXPECT_TRUE(connection_->is_done());
}

TEST_F(ConnectionTest, MoreBytesGiveNoMoreTime) {
  for (std::uint64_t i = 0; i < 5; ++i) {
    write("a");
    turn(kReads, i * 1000);
  }
  EXPECT_EQ(connection_->deadline_ms(), Connection::kRequestMs);
}

TEST_F(ConnectionTest, WhoSaysNothingIsClosed) {
  turn(kNothing, Connection::kRequestMs);
  EXPECT_TRUE(connection_->is_done());
  EXPECT_EQ(read(), "");
}

TEST_F(ConnectionTest, WhoEndsItsHalfIsAnswered) {
  write(get("/a"));
  shutdown(client_, SHUT_WR);
  turn(kReads, 1);
  EXPECT_TRUE(read().ends_with("/a"));
  turn(kReads, 2);
  EXPECT_TRUE(connection_->is_done());
}

TEST_F(ConnectionTest, WhoEndsInTheMiddleIsToldSo) {
  write("GET /");
  turn(kReads, 1);
  shutdown(client_, SHUT_WR);
  turn(kReads, 2);
  EXPECT_TRUE(read().starts_with("HTTP/1.1 400 "));
}

TEST_F(ConnectionTest, LargeAnswersGoOutAsTheyAreRead) {
  write(get("/large"));
  turn(kReads, 1);
  std::size_t bytes = 0;
  for (int i = 0; i < 10'000 && !connection_->is_idle(); ++i) {
    bytes += read().size();
    turn({.writes = true}, 2);
  }
  for (std::string part = read(); !part.empty(); part = read()) bytes += part.size();
  EXPECT_GT(bytes, 10'000'000u);
  EXPECT_TRUE(connection_->is_idle());
}

TEST_F(ConnectionTest, WhoReadsNothingIsClosed) {
  write(get("/large"));
  turn(kReads, 1);
  EXPECT_FALSE(connection_->is_done());
  turn(kNothing, 1 + Connection::kStalledMs);
  EXPECT_TRUE(connection_->is_done());
}

TEST_F(ConnectionTest, AnswersMayComeLater) {
  write(get("/later"));
  turn(kReads, 1);
  turn(kNothing, 500);
  EXPECT_EQ(read(), "");
  turn(kNothing, 1001);
  EXPECT_TRUE(read().ends_with("/later"));
  EXPECT_EQ(abandoned_, 0);
}

TEST_F(ConnectionTest, NobodyWaitsForALaterAnswer) {
  write(get("/later"));
  turn(kReads, 1);
  turn({.gone = true}, 2);
  EXPECT_EQ(abandoned_, 1);
  EXPECT_TRUE(connection_->is_done());
}

TEST_F(ConnectionTest, MistakesEndIt) {
  write("GARBAGE\r\n\r\n" + get("/a"));
  turn(kReads, 1);
  EXPECT_TRUE(read().starts_with("HTTP/1.1 400 "));
  EXPECT_EQ(answers_, 0);
  EXPECT_TRUE(connection_->is_answered());
}

TEST_F(ConnectionTest, TouchesNoStranger) {
  const int number = connection_->socket().descriptor();
  ASSERT_EQ(dup2(client_, number), number);
  turn(kReads, 1);

  EXPECT_TRUE(connection_->is_done());
  connection_->close();
  EXPECT_EQ(close(number), 0) << "it closed what is not its own";
}

}  // namespace
}  // namespace luna
