// SPDX-License-Identifier: MIT
#include "serve_command.hpp"

#include "accept_field.hpp"
#include "exporter.hpp"
#include "metrics_server.hpp"
#include "verb.hpp"

#include <csignal>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace luna::tool {

namespace {

struct Arguments {
  std::uint16_t port = 9464;
  std::string address = "127.0.0.1";
  double seconds = 2;
  bool attaches = false;
  std::vector<std::string> names;
};

// Those that end the server, which all its threads leave to the first. What is ignored, as by
// nohup, stays so.
[[nodiscard]] sigset_t block_signals() {
  sigset_t ending;
  sigemptyset(&ending);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction now {};
    sigaction(signal, nullptr, &now);
    if (now.sa_handler != SIG_IGN) sigaddset(&ending, signal);
  }
  sigset_t blocked = ending;
  sigaddset(&blocked, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  return ending;
}

[[nodiscard]] ServedPage page_of(Exporter& exporter, const std::string& path,
                                 const std::string& accept) {
  constexpr unsigned kNotFound = 404;
  if (path == "/") return {.body = exporter.list()};
  if (path == "/healthz") return {.body = "ok\n"};
  if (path != "/metrics") return {.status = kNotFound, .body = "there is /, /metrics, /healthz\n"};
  const double open = wanted(accept, "application/openmetrics-text");
  const bool is_open = open > 0 && open >= wanted(accept, "text/plain");
  return {.type = is_open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                          : "text/plain; version=0.0.4; charset=utf-8",
          .body = exporter.metrics(is_open)};
}

[[nodiscard]] int serve(const Arguments& arguments) {
  const sigset_t ending = block_signals();
  const auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::duration<double>(arguments.seconds));
  Exporter exporter({patience, arguments.attaches, arguments.names});
  const MetricsServer server(arguments.address, arguments.port,
                             [&exporter](const std::string& path, const std::string& accept) {
                               return page_of(exporter, path, accept);
                             });
  std::cout << "luna: serves at " << server.address() << "/metrics" << std::endl;
  int signal = 0;
  while (sigwait(&ending, &signal) != 0) continue;
  return 0;
}

}  // namespace

void add_serve(CLI::App& app, int& status) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App& command = *app.add_subcommand(
      "serve", "serves the metrics of all processes on lunalloc to Prometheus, until SIGTERM");
  command.add_option("--port", arguments->port, "of TCP; 0: any that is free, and says which")
      ->capture_default_str();
  command.add_option("--address", arguments->address, "of this machine, of IPv4 or IPv6")
      ->capture_default_str();
  command.add_option("--timeout", arguments->seconds, "seconds to wait for each process")
      ->check(CLI::Range(0.01, 60.0))
      ->capture_default_str();
  command
      .add_option("--only", arguments->names, "processes of this name alone, as `luna ps` has it")
      ->allow_extra_args(false);
  command.add_flag("--attach", arguments->attaches,
                   "switch the sockets of processes on that have none, and off at the end");
  command.footer(
      "/metrics has what each process says, with the labels pid and comm, and luna_up; / lists "
      "the\n"
      "processes. They are your own, or all if you are root.\n\n"
      "Examples:\n"
      "  luna serve\n"
      "  luna serve --attach --only redis-server --port 9900 &\n"
      "  curl http://127.0.0.1:9464/metrics | grep luna_up\n\n"
      "Exit status: 0 ended by SIGTERM, SIGINT or SIGHUP; 1 it cannot listen; 2 wrong usage.\n"
      "See luna(1).");
  command.callback(
      [arguments, &status] { status = run_verb([&arguments] { return serve(*arguments); }); });
}

}  // namespace luna::tool
