// SPDX-License-Identifier: MIT
#include "server/http_response.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace luna {
namespace {

[[nodiscard]] std::string head_of(const HttpResponse& response, bool keeps_alive) {
  std::array<char, kMaxResponseHead> buffer;
  Text text(buffer.data(), buffer.size());
  write_head(response, 12, keeps_alive, text);
  return std::string(text.view());
}

TEST(HttpResponse, HeadSaysWhatComes) {
  const std::string head = head_of({}, true);

  EXPECT_TRUE(head.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_NE(head.find("\r\nContent-Length: 12\r\n"), std::string::npos);
  EXPECT_NE(head.find("\r\nConnection: keep-alive\r\n"), std::string::npos);
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
}

TEST(HttpResponse, StatusWithoutWordsIsUnknown) {
  EXPECT_EQ(words_of_status(404), "Not Found");
  EXPECT_EQ(words_of_status(299), "Unknown");
}

TEST(HttpResponse, RefusalsSayWhatThereIs) {
  const std::string head = head_of({.status = 405, .allow = "GET, HEAD, PUT, POST"}, false);

  EXPECT_NE(head.find("\r\nAllow: GET, HEAD, PUT, POST\r\n"), std::string::npos);
  EXPECT_NE(head.find("\r\nConnection: close\r\n"), std::string::npos);
}

TEST(HttpResponse, EachStatusHasWords) {
  for (const int status :
       {200, 400, 403, 404, 405, 408, 409, 411, 413, 414, 417, 431, 500, 503, 505})
    EXPECT_NE(words_of_status(status), "Unknown") << status;
}

}  // namespace
}  // namespace luna
