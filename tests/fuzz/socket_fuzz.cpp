// SPDX-License-Identifier: MIT
// Both ends of the control socket: requests that come in pieces to the server's connection, and
// answers that come in pieces to the command luna, from who knows whom.
#include "fuzz/input.hpp"
#include "http_client.hpp"
#include "server/connection.hpp"
#include "support/request_fuzz.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace luna::fuzz {

namespace {

// The ends of a connection; the first is closed here.
struct Pair {
  Pair() {
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0, "there are sockets");
  }
  ~Pair() {
    if (ends[0] >= 0) close(ends[0]);
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  void write(std::string_view text) const {
    static_cast<void>(send(ends[0], text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
  }

  std::array<int, 2> ends{-1, -1};
};

// A connection of the server, whose other end and whose clock are the input's.
class Served {
 public:
  explicit Served(Input& input) : input_(input) {
    connection_->open(os::Socket::adopt(pair_.ends[1]), now_ms_);
  }
  ~Served() {
    connection_->drop(endpoints_);
    must(abandoned_ == later_ - later_answered_, "who waits is answered or abandoned");
    connection_->close();
  }
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;

  void run() {
    for (int steps = 0; steps < 200 && !input_.empty() && !connection_->is_done(); ++steps) {
      step();
      must(answers_ + later_ <= requests_bytes_ / 16 + 1, "no more is answered than was asked");
    }
    check_answers();
  }

 private:
  void step() {
    const std::uint8_t kind = input_.byte();
    switch (kind % 4) {
      case 0:
      case 1: {
        const std::string piece = input_.text(kind < 128 ? input_.byte() : input_.number(2));
        requests_bytes_ += piece.size();
        pair_.write(piece);
        break;
      }
      case 2:
        now_ms_ += input_.number(2);
        break;
      default:
        if (kind >= 224) shutdown(pair_.ends[0], SHUT_WR);
        read_all();
    }
    const std::uint64_t deadline = connection_->deadline_ms();
    const bool is_late = now_ms_ >= deadline;
    connection_->turn({.reads = true, .writes = (kind & 16) == 0}, now_ms_, endpoints_);
    must(!is_late || deadline == 0 || connection_->deadline_ms() != deadline ||
             connection_->is_done(),
         "what is due is done");
  }

  void read_all() {
    std::array<char, 65536> buffer;
    ssize_t count;
    while ((count = recv(pair_.ends[0], buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0)
      answered_.append(buffer.data(), static_cast<std::size_t>(count));
  }

  // All that comes back begins as an answer.
  void check_answers() {
    read_all();
    must(answered_.empty() || answered_.starts_with("HTTP/1.1 "), "an answer is one of HTTP");
  }

  void answer(Exchange& exchange) {
    const HttpRequest& request = exchange.request;
    must(request.status == 0 && request.path.starts_with('/'), "what is answered was understood");
    must(exchange.body.size() == request.body_bytes, "the body is there");
    if (exchange.is_again) ++later_answered_;
    if (request.path == "/later" && !exchange.is_again) {
      ++later_;
      exchange.response.later_ms = 100;
      return;
    }
    ++answers_;
    std::array<char, HttpRequest::kMaxBodyBytes> buffer;
    std::string_view value;
    static_cast<void>(find_parameter(request.query, "value", buffer, value));
    const std::string many(request.path == "/large" ? 300'000 : 0, 'l');
    exchange.out.add(request.path).add(value).add(exchange.body).add(many);
  }

  Input& input_;
  Pair pair_;
  std::uint64_t now_ms_ = 1;
  std::size_t requests_bytes_ = 0;
  std::size_t answers_ = 0;
  std::size_t later_ = 0;
  std::size_t later_answered_ = 0;
  std::size_t abandoned_ = 0;
  std::string answered_;
  std::unique_ptr<Connection> connection_ = std::make_unique<Connection>();
  Endpoints endpoints_{
      this,
      [](void* self, Exchange& exchange) noexcept { static_cast<Served*>(self)->answer(exchange); },
      [](void* self) noexcept { ++static_cast<Served*>(self)->abandoned_; }};
};

// A server that says what the input is; it is closed behind that, so nobody waits.
void fuzz_answer(Input& input) {
  const Pair pair;
  tool::HttpQuestion question;
  question.target = "/" + tool::escaped(input.text(input.below(64)));
  question.most_bytes = input.number(2);
  must(question.target.find_first_not_of("/%-._ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                         "0123456789") == std::string::npos,
       "a target is escaped");
  const std::string said = input.rest();
  pair.write(said);
  shutdown(pair.ends[0], SHUT_WR);
  tool::HttpClient client(pair.ends[1]);
  try {
    const tool::HttpAnswer answer =
        client.ask(question, tool::HttpClient::Clock::now() + std::chrono::seconds(20));
    must(answer.status >= 200 && answer.status < 600, "a status is one of HTTP");
    must(answer.body.size() <= question.most_bytes, "no more is read than the question allows");
    must(said.find(answer.body) != std::string::npos, "the body is what was said");
  } catch (const tool::HttpError& error) {
    must(!error.is_late, "nobody waits for who is gone");
  }
}

}  // namespace

}  // namespace luna::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  luna::fuzz::Input input(data, size);
  switch (input.byte() % 4) {
    case 0:
      luna::fuzz::fuzz_answer(input);
      break;
    case 1: {
      const std::string text = input.rest();
      luna::test::fuzz_request(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
      break;
    }
    default:
      luna::fuzz::Served(input).run();
  }
  return 0;
}
