// SPDX-License-Identifier: MIT
#include "http_client.hpp"

#include "signal_watch.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <random>
#include <string>
#include <thread>

using luna::tool::HttpAnswer;
using luna::tool::HttpClient;
using luna::tool::HttpError;
using luna::tool::HttpQuestion;
using std::chrono::milliseconds;

namespace {

// Somebody who writes that, whatever is asked, and closes the connection if that is all.
class Peer {
 public:
  explicit Peer(const std::string& says, bool closes = true) {
    EXPECT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_.data()));
    EXPECT_EQ(static_cast<ssize_t>(says.size()), write(ends_[1], says.data(), says.size()));
    if (closes) shutdown(ends_[1], SHUT_WR);
  }
  ~Peer() { close(ends_[1]); }

  [[nodiscard]] HttpAnswer asked(const HttpQuestion& question, milliseconds patience) {
    HttpClient client(ends_[0]);
    return client.ask(question, HttpClient::Clock::now() + patience);
  }

  [[nodiscard]] std::string heard() {
    std::array<char, 1024> buffer;
    const ssize_t count = read(ends_[1], buffer.data(), buffer.size());
    return {buffer.data(), static_cast<std::size_t>(count > 0 ? count : 0)};
  }

 private:
  std::array<int, 2> ends_ = {-1, -1};
};

constexpr milliseconds kLong{60'000};

[[nodiscard]] HttpAnswer answer_to(const std::string& says) {
  return Peer(says).asked({"GET", "/"}, kLong);
}

}  // namespace

TEST(HttpClient, StatusAndBodyAreRead) {
  const HttpAnswer answer =
      answer_to("HTTP/1.1 404 Not Found\r\nA: b\r\ncontent-length:  3\r\n\r\nno\n");

  EXPECT_EQ(404, answer.status);
  EXPECT_EQ("no\n", answer.body);
}

TEST(HttpClient, WhatComesBehindTheBodyIsLeftOut) {
  EXPECT_EQ("ab", answer_to("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabcd").body);
}

TEST(HttpClient, QuestionHasWhatIsAsked) {
  Peer peer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");

  static_cast<void>(peer.asked({"PUT", "/control/a", "12", "text/plain"}, kLong));

  EXPECT_EQ(
      "PUT /control/a HTTP/1.1\r\nHost: lunalloc\r\nAccept: text/plain\r\nContent-Length: 2\r\n"
      "Connection: close\r\n\r\n12",
      peer.heard());
}

TEST(HttpClient, WhatIsNoAnswerIsRefused) {
  for (const std::string& says : {
           std::string(),
           std::string("HTTP/1.1 200 OK\r\n"),
           std::string("SSH-2.0-OpenSSH_9.2\r\n\r\n"),
           std::string("HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n"),
           std::string("HTTP/1.1 999 OK\r\nContent-Length: 0\r\n\r\n"),
           std::string("HTTP/1.1 200 OK\r\n\r\n"),
           std::string("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),
           std::string("HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\na"),
           std::string("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n"),
           std::string("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"),
           std::string("HTTP/1.1 200 OK\r\nContent-Length: 1073741825\r\n\r\n"),
           std::string("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcd"),
           "HTTP/1.1 200 OK\r\nA: " + std::string(80'000, 'a'),
       })
    EXPECT_THROW(static_cast<void>(answer_to(says)), HttpError) << says.substr(0, 80);
}

TEST(HttpClient, GarbageIsRefusedOrRead) {
  std::minstd_rand numbers(1);
  const std::string sound = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd";
  for (int round = 0; round < 2000; ++round) {
    std::string says = sound;
    for (int i = 0; i < 3; ++i) says[numbers() % says.size()] = static_cast<char>(numbers());
    try {
      EXPECT_LE(answer_to(says).body.size(), says.size());
    } catch (const HttpError&) {
      continue;
    }
  }
}

TEST(HttpClient, SilenceIsToldAsSuch) {
  Peer peer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", false);

  try {
    static_cast<void>(peer.asked({"GET", "/"}, milliseconds(20)));
    FAIL() << "it is answered";
  } catch (const HttpError& error) {
    EXPECT_TRUE(error.is_late);
  }
}

TEST(HttpClient, SignalEndsTheWait) {
  const luna::tool::SignalWatch watch;
  Peer peer("", false);
  std::raise(SIGTERM);

  EXPECT_THROW(static_cast<void>(peer.asked({"GET", "/"}, kLong)), luna::tool::Interrupted);
}

TEST(HttpClient, PartsOfAddressesAreEscaped) {
  EXPECT_EQ("a.b-c_9%2F%25%20%3F%C3%A4", luna::tool::escaped("a.b-c_9/% ?ä"));
}
