// SPDX-License-Identifier: MIT
#include "metrics_server.hpp"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace luna::tool {

namespace {

constexpr unsigned kMostConnections = 32;
constexpr unsigned kIdleSeconds = 60;

union Address {
  sockaddr any;
  sockaddr_in four;
  sockaddr_in6 six;
};

[[nodiscard]] Address read_address(const std::string& text, std::uint16_t port) {
  Address address = {};
  if (inet_pton(AF_INET, text.c_str(), &address.four.sin_addr) == 1) {
    address.four.sin_family = AF_INET;
    address.four.sin_port = htons(port);
  } else if (inet_pton(AF_INET6, text.c_str(), &address.six.sin6_addr) == 1) {
    address.six.sin6_family = AF_INET6;
    address.six.sin6_port = htons(port);
  } else {
    throw std::runtime_error("--address " + text + ": want one as 127.0.0.1 or ::1");
  }
  return address;
}

[[nodiscard]] int listen_at(Address& address, const std::string& name) {
  socklen_t bytes = address.any.sa_family == AF_INET ? sizeof address.four : sizeof address.six;
  const int listener = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  if (listener >= 0 && setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      bind(listener, &address.any, bytes) == 0 && listen(listener, SOMAXCONN) == 0 &&
      getsockname(listener, &address.any, &bytes) == 0)
    return listener;
  const int error = errno;
  if (listener >= 0) close(listener);
  throw std::runtime_error(name + ": " + std::strerror(error) +
                           (error == EADDRINUSE ? "; choose another --port" : ""));
}

[[nodiscard]] std::string name_of(const std::string& text, const Address& address) {
  const bool is_four = address.any.sa_family == AF_INET;
  const auto port = ntohs(is_four ? address.four.sin_port : address.six.sin6_port);
  return "http://" + (is_four ? text : "[" + text + "]") + ":" + std::to_string(port);
}

[[nodiscard]] MHD_Result send_page(MHD_Connection* connection, ServedPage page) {
  MHD_Response* const response =
      MHD_create_response_from_buffer(page.body.size(), page.body.data(), MHD_RESPMEM_MUST_COPY);
  if (response == nullptr) return MHD_NO;
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, page.type.c_str());
  MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
  if (page.status == MHD_HTTP_METHOD_NOT_ALLOWED)
    MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
  const MHD_Result result = MHD_queue_response(connection, page.status, response);
  MHD_destroy_response(response);
  return result;
}

// Called by the library, with what it was given at the start.
MHD_Result take_request(void* answer, MHD_Connection* connection, const char* path,
                        const char* method, const char* /*version*/, const char* /*body*/,
                        std::size_t* /*body_bytes*/, void** /*own*/) {
  try {
    const std::string_view verb = method;
    if (verb != "GET" && verb != "HEAD")
      return send_page(connection, {MHD_HTTP_METHOD_NOT_ALLOWED, {}, "GET and HEAD alone\n"});
    const char* const accept =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
    const auto& make = *static_cast<const MetricsServer::Answer*>(answer);
    return send_page(connection, make(path, accept != nullptr ? accept : ""));
  } catch (const std::exception&) {
    return MHD_NO;  // closes the connection
  }
}

}  // namespace

MetricsServer::MetricsServer(const std::string& address, std::uint16_t port, Answer answer)
    : answer_(std::move(answer)) {
  Address place = read_address(address, port);
  const int listener = listen_at(place, name_of(address, place));
  address_ = name_of(address, place);
  // The library reads a limit as an unsigned int.
  daemon_ = MHD_start_daemon(MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_THREAD_PER_CONNECTION, 0,
                             nullptr, nullptr, take_request, &answer_, MHD_OPTION_LISTEN_SOCKET,
                             listener, MHD_OPTION_CONNECTION_LIMIT, kMostConnections,
                             MHD_OPTION_CONNECTION_TIMEOUT, kIdleSeconds, MHD_OPTION_END);
  if (daemon_ != nullptr) return;
  close(listener);
  throw std::runtime_error("there can be no server: " + std::string(std::strerror(errno)));
}

MetricsServer::~MetricsServer() { MHD_stop_daemon(daemon_); }

}  // namespace luna::tool
