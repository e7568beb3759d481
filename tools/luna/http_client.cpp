// SPDX-License-Identifier: MIT
#include "http_client.hpp"

#include "byte_text.hpp"
#include "signal_watch.hpp"

#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

namespace luna::tool {

namespace {

constexpr std::size_t kMostHead = std::size_t{8} << 10;
constexpr std::size_t kPart = std::size_t{64} << 10;
constexpr std::chrono::milliseconds kLook{100};  // for a signal that came just before a wait

[[nodiscard]] std::string head_of(const HttpQuestion& question) {
  std::string text = question.method + " " + question.target + " HTTP/1.1\r\nHost: lunalloc\r\n";
  if (!question.accept.empty()) text += "Accept: " + question.accept + "\r\n";
  text += "Content-Length: " + std::to_string(question.body.size()) + "\r\n";
  return text + "Connection: close\r\n\r\n";
}

// Exactly digits.
[[nodiscard]] bool read_number(std::string_view text, std::size_t& number) {
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  return read.ec == std::errc() && read.ptr == end;
}

[[nodiscard]] int read_status(std::string_view head) {
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  std::size_t status = 0;
  if (!head.starts_with(kVersion) || !read_number(head.substr(kVersion.size(), 3), status) ||
      status < 200 || status > 599)
    throw HttpError("what answers is no server of HTTP");
  return static_cast<int>(status);
}

// The server says it always.
[[nodiscard]] std::size_t read_length(std::string_view head, std::size_t most) {
  constexpr std::string_view kName = "\r\nContent-Length:";
  for (std::size_t at = head.find("\r\n"); at != head.npos; at = head.find("\r\n", at + 2)) {
    std::string_view line = head.substr(at);
    if (line.size() < kName.size()) break;
    if (strncasecmp(line.data(), kName.data(), kName.size()) != 0) continue;
    line = line.substr(kName.size(), line.find("\r\n", 2) - kName.size());
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    std::size_t length = 0;
    if (!read_number(line, length)) break;
    if (length > most) throw HttpError("the answer is longer than " + byte_text(most));
    return length;
  }
  throw HttpError("the answer does not say how long it is");
}

}  // namespace

HttpClient::~HttpClient() { close(socket_); }

HttpAnswer HttpClient::ask(const HttpQuestion& question, Clock::time_point end) {
  send(head_of(question) + question.body, end);
  std::string text;
  std::size_t head_end = text.npos;
  while ((head_end = text.find("\r\n\r\n")) == text.npos) {
    if (text.size() > kMostHead) throw HttpError("what answers is no server of HTTP");
    if (!receive(text, end)) throw HttpError("the connection was closed before the answer");
  }
  const std::string_view head(text.data(), head_end + 2);
  HttpAnswer answer;
  answer.status = read_status(head);
  const std::size_t length = read_length(head, question.most_bytes);
  text.erase(0, head_end + 4);
  while (text.size() < length)
    if (!receive(text, end)) throw HttpError("the connection was closed within the answer");
  answer.body = std::move(text);
  answer.body.resize(length);
  return answer;
}

void HttpClient::wait(short events, Clock::time_point end) const {
  for (;;) {
    SignalWatch::look();
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
    if (left.count() <= 0) throw HttpError("no answer in time", true);
    pollfd polled = {socket_, events, 0};
    if (poll(&polled, 1, static_cast<int>(std::min(left, kLook).count())) > 0) return;
  }
}

void HttpClient::send(const std::string& text, Clock::time_point end) const {
  for (std::size_t sent = 0; sent < text.size();) {
    wait(POLLOUT, end);
    const ssize_t count =
        ::send(socket_, &text[sent], text.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count >= 0) sent += static_cast<std::size_t>(count);
    if (count < 0 && errno == EPIPE) return;  // it may have said why before it went
    if (count < 0 && errno != EAGAIN && errno != EINTR)
      throw HttpError(std::string("the connection broke: ") + std::strerror(errno));
  }
}

// False: nothing more comes.
bool HttpClient::receive(std::string& text, Clock::time_point end) const {
  const std::size_t before = text.size();
  for (;;) {
    wait(POLLIN, end);
    text.resize(before + kPart);
    const ssize_t count = recv(socket_, &text[before], kPart, MSG_DONTWAIT);
    text.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count >= 0) return count > 0;
    if (errno == ECONNRESET) return false;
    if (errno != EAGAIN && errno != EINTR)
      throw HttpError(std::string("the connection broke: ") + std::strerror(errno));
  }
}

std::string escaped(const std::string& text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  constexpr std::string_view kPlain = "-._";
  std::string result;
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (byte < 0x80 && (std::isalnum(byte) != 0 || kPlain.find(letter) != kPlain.npos)) {
      result += letter;
    } else {
      result += '%';
      result += kDigits[byte >> 4];
      result += kDigits[byte & 15];
    }
  }
  return result;
}

}  // namespace luna::tool
