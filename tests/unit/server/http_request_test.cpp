// SPDX-License-Identifier: MIT
#include "server/http_request.hpp"

#include <gtest/gtest.h>

#include <string>

namespace luna {
namespace {

const std::string kGet = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";

// 0: complete; -1: incomplete.
[[nodiscard]] int status_of(const std::string& bytes) {
  HttpRequest request;
  const HeadState state = parse_head(bytes, request);
  return state == HeadState::kIncomplete ? -1 : request.status;
}

[[nodiscard]] std::string with_fields(const std::string& fields) {
  return "PUT /a HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n";
}

TEST(HttpRequest, HasMethodPathAndQuery) {
  const std::string bytes = "PUT /control/decay.ms?value=5&a HTTP/1.1\r\nHost: x\r\n\r\n";
  HttpRequest request;

  ASSERT_EQ(parse_head(bytes, request), HeadState::kComplete);
  EXPECT_EQ(request.method, "PUT");
  EXPECT_EQ(request.path, "/control/decay.ms");
  EXPECT_EQ(request.query, "value=5&a");
  EXPECT_EQ(request.head_bytes, bytes.size());
  EXPECT_TRUE(request.keeps_alive);
}

TEST(HttpRequest, IsIncompleteWhereverItIsSplit) {
  const std::string bytes = with_fields("Content-Length: 3\r\nExpect: 100-continue\r\n");
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_EQ(status_of(bytes.substr(0, length)), -1) << length;
  EXPECT_EQ(status_of(bytes), 0);
}

TEST(HttpRequest, TakesNothingOfWhatFollows) {
  HttpRequest request;
  ASSERT_EQ(parse_head(kGet + kGet, request), HeadState::kComplete);
  EXPECT_EQ(request.head_bytes, kGet.size());
}

TEST(HttpRequest, MayHaveEmptyLinesBefore) { EXPECT_EQ(status_of("\r\n\r\n" + kGet), 0); }

TEST(HttpRequest, LinesEndWithBothCharacters) {
  EXPECT_EQ(status_of("GET / HTTP/1.1\nHost: x\n\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: x\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n"), 400);
  EXPECT_EQ(status_of("\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\r\nHost: x\r\n\r\n"), 400);
}

TEST(HttpRequest, FirstLineHasThreePartsWithOneBlankBetween) {
  for (const char* line :
       {"GET /", "GET  / HTTP/1.1", "GET / HTTP/1.1 ", " GET / HTTP/1.1", "GET\t/ HTTP/1.1",
        "GET / http/1.1", "GET / HTTP/1", "GET / HTTP/11", "GET / HTTP/1.x", "", "x"})
    EXPECT_EQ(status_of(std::string(line) + "\r\nHost: x\r\n\r\n") == 0, false) << line;
  EXPECT_EQ(status_of("GET / HTTP/2.0\r\nHost: x\r\n\r\n"), 505);
}

TEST(HttpRequest, AnyWordIsAMethod) {
  EXPECT_EQ(status_of("BREW-2 / HTTP/1.1\r\nHost: x\r\n\r\n"), 0);
  EXPECT_EQ(status_of("get / HTTP/1.1\r\nHost: x\r\n\r\n"), 0);
  EXPECT_EQ(status_of("G(T / HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
  EXPECT_EQ(status_of(std::string("G\0T / HTTP/1.1\r\nHost: x\r\n\r\n", 27)), 400);
  EXPECT_EQ(status_of(std::string(33, 'A') + " / HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
}

TEST(HttpRequest, AddressBeginsWithASlashOrAHost) {
  HttpRequest request;
  const std::string absolute = "GET HTTP://x:1/metrics?a HTTP/1.1\r\nHost: x\r\n\r\n";
  ASSERT_EQ(parse_head(absolute, request), HeadState::kComplete);
  EXPECT_EQ(request.path, "/metrics");
  const std::string root = "GET http://x HTTP/1.1\r\nHost: x\r\n\r\n";
  ASSERT_EQ(parse_head(root, request), HeadState::kComplete);
  EXPECT_EQ(request.path, "/");
  EXPECT_TRUE(request.path.data() >= root.data() &&
              request.path.data() < root.data() + root.size());
  EXPECT_EQ(status_of("GET http:// HTTP/1.0\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET http:///metrics HTTP/1.0\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET http://x?a/b HTTP/1.0\r\n\r\n"), 400);
  EXPECT_EQ(status_of("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET /\x7f HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET /\xc3\xa4 HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
}

TEST(HttpRequest, FieldsAreWordsAndColonsAndText) {
  EXPECT_EQ(status_of(with_fields("A: \xc3\xa4\t b\r\n")), 0);
  EXPECT_EQ(status_of(with_fields("A:\r\n")), 0);
  EXPECT_EQ(status_of(with_fields("A : b\r\n")), 400);
  EXPECT_EQ(status_of(with_fields("A\r\n")), 400);
  EXPECT_EQ(status_of(with_fields(": b\r\n")), 400);
  EXPECT_EQ(status_of(with_fields("A: b\r\n c\r\n")), 400);  // a line that goes on
  EXPECT_EQ(status_of(with_fields("A: \x01\r\n")), 400);
}

TEST(HttpRequest, LengthIsSaidOnceAndByDigits) {
  EXPECT_EQ(status_of(with_fields("Content-Length: 1024\r\n")), 0);
  EXPECT_EQ(status_of(with_fields("Content-Length: 1025\r\n")), 413);
  EXPECT_EQ(status_of(with_fields("content-length: 99999999999999999999999999\r\n")), 413);
  EXPECT_EQ(status_of(with_fields("Content-Length: 18446744073709551617\r\n")), 413);
  for (const char* length : {"", "-1", "+1", "0x1", "1 1", "1,1", "1.0", "\xd9\xa1"})
    EXPECT_EQ(status_of(with_fields("Content-Length: " + std::string(length) + "\r\n")), 400)
        << length;
  EXPECT_EQ(status_of(with_fields("Content-Length: 1\r\nContent-Length: 1\r\n")), 400);
  EXPECT_EQ(status_of(with_fields("Content-Length: 1\r\nCONTENT-LENGTH: 2\r\n")), 400);
}

TEST(HttpRequest, NoEncodingIsTaken) {
  EXPECT_EQ(status_of(with_fields("Transfer-Encoding: chunked\r\n")), 411);
  EXPECT_EQ(status_of(with_fields("transfer-encoding: identity\r\n")), 411);
  EXPECT_EQ(status_of(with_fields("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n")), 400);
  EXPECT_EQ(status_of(with_fields("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n")), 400);
}

TEST(HttpRequest, HasOneHostUnlessItIsOld) {
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.0\r\n\r\n"), 0);
  EXPECT_EQ(status_of(with_fields("Host: y\r\n")), 400);
}

TEST(HttpRequest, ExpectsNothingButToGoOn) {
  EXPECT_EQ(status_of(with_fields("Expect: 100-Continue\r\n")), 0);
  EXPECT_EQ(status_of(with_fields("Expect: wonders\r\n")), 417);
}

TEST(HttpRequest, SaysWhetherTheConnectionStays) {
  const auto keeps = [](const std::string& version, const std::string& connection) {
    HttpRequest request;
    EXPECT_EQ(
        parse_head("GET / HTTP/1." + version + "\r\nHost: x\r\n" + connection + "\r\n", request),
        HeadState::kComplete);
    return request.keeps_alive;
  };
  EXPECT_TRUE(keeps("1", ""));
  EXPECT_FALSE(keeps("1", "Connection: Close\r\n"));
  EXPECT_FALSE(keeps("1", "Connection: keep-alive\r\nConnection: te, close\r\n"));
  EXPECT_FALSE(keeps("0", ""));
  EXPECT_TRUE(keeps("0", "Connection: keep-alive\r\n"));
}

TEST(HttpRequest, FirstLineAndHeadHaveLimits) {
  const std::string path(HttpRequest::kMaxLineBytes - 14, 'a');  // GET / HTTP/1.1
  EXPECT_EQ(status_of("GET /" + path + " HTTP/1.1\r\nHost: x\r\n\r\n"), 0);
  EXPECT_EQ(status_of("GET /a" + path + " HTTP/1.1\r\nHost: x\r\n\r\n"), 414);
  EXPECT_EQ(status_of("GET /" + path + std::string(20, 'a')), 414);
  const std::string begin = "GET / HTTP/1.0\r\nA: ";
  const std::string fits = begin + std::string(4096 - begin.size() - 4, 'a') + "\r\n\r\n";
  EXPECT_EQ(status_of(fits), 0);
  EXPECT_EQ(status_of(begin + "a" + fits.substr(begin.size())), 431);
  EXPECT_EQ(status_of(begin + std::string(4096 - begin.size(), 'a')), 431);
}

TEST(HttpRequest, ParametersAreUnescaped) {
  std::array<char, HttpRequest::kMaxBodyBytes> buffer;
  std::string_view value;
  EXPECT_TRUE(find_parameter("a=1&value=%2ftmp%2Fx+y&b", "value", buffer, value));
  EXPECT_EQ(value, "/tmp/x y");
  EXPECT_TRUE(find_parameter("a&b=", "a", buffer, value));
  EXPECT_EQ(value, "");
  EXPECT_FALSE(find_parameter("values=1", "value", buffer, value));
  for (const char* wrong : {"a=%", "a=%4", "a=%zz", "a=1%1g"})
    EXPECT_FALSE(find_parameter(wrong, "a", buffer, value)) << wrong;
}

TEST(HttpRequest, TypesAreWeighed) {
  EXPECT_EQ(wanted_thousandths("a/b;v=1; q=0.25, c/d", "a/b"), 250u);
  EXPECT_EQ(wanted_thousandths("A/B;q=0.25,a/b;q=0.5", "a/b"), 500u);
  EXPECT_EQ(wanted_thousandths("a/b", "a/b"), 1000u);
  EXPECT_EQ(wanted_thousandths("a/b;q=0", "a/b"), 0u);
  EXPECT_EQ(wanted_thousandths("*/*", "a/b"), 0u);
}

}  // namespace
}  // namespace luna
