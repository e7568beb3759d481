// SPDX-License-Identifier: MIT
// A small server of HTTP for pages that are read alone, by libmicrohttpd.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

struct MHD_Daemon;

namespace luna::tool {

struct ServedPage {
  unsigned status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
};

// 32 connections at most, each in a thread of its own.
class MetricsServer {
 public:
  // By the path and the field Accept, either of them whatever the client wrote.
  using Answer = std::function<ServedPage(const std::string& path, const std::string& accept)>;

  // Listens at an address of IPv4 or IPv6; port 0: at any that is free. Throws
  // std::runtime_error, which says why it cannot.
  MetricsServer(const std::string& address, std::uint16_t port, Answer answer);
  // Waits for the answers that are being made.
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  // As http://127.0.0.1:9464
  [[nodiscard]] const std::string& address() const noexcept { return address_; }

 private:
  Answer answer_;
  std::string address_;
  MHD_Daemon* daemon_ = nullptr;
};

}  // namespace luna::tool
