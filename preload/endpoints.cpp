// SPDX-License-Identifier: MIT
// What the server answers: metrics, statistics and controls; profiles are in profile_pages.cpp.
// docs/socket.md.
#include "preload/control.hpp"
#include "preload/page_map.hpp"
#include "preload/process.hpp"
#include "preload/profile_pages.hpp"
#include "preload/server.hpp"
#include "preload/slow_path.hpp"
#include "preload/statistics.hpp"
#include "telemetry/json.hpp"

#include <errno.h>
#include <lunalloc/lunalloc.h>
#include <string.h>

namespace luna {

namespace {

constexpr std::string_view kReads = "GET, HEAD";
constexpr std::string_view kSets = "PUT, POST";
constexpr std::string_view kBoth = "GET, HEAD, PUT, POST";
constexpr std::string_view kControls = "/control/";

using ValueText = std::array<char, 256>;

void refuse_method(Exchange& exchange, std::string_view allow) noexcept {
  exchange.response.allow = allow;
  refuse(exchange, 405).add("want one of ").add(allow).add("\n");
}

[[nodiscard]] bool reads(const HttpRequest& request) noexcept {
  return request.is("GET") || request.is("HEAD");
}

// ---- Statistics ----------------------------------------------------------------------

void answer_statistics(Exchange& exchange, luna_stats_format format) noexcept {
  const SlowPath path;
  if (!path.entered() || !write_statistics(exchange.out, format, LUNA_STATS_ALL))
    refuse(exchange, 503).add("there is no memory for the statistics\n");
}

void answer_metrics(Exchange& exchange) noexcept {
  const std::string_view accept = exchange.request.accept;
  const unsigned open = wanted_thousandths(accept, "application/openmetrics-text");
  const bool is_open = open != 0 && open >= wanted_thousandths(accept, "text/plain");
  exchange.response.type = is_open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                   : "text/plain; version=0.0.4; charset=utf-8";
  answer_statistics(exchange, is_open ? LUNA_STATS_OPENMETRICS : LUNA_STATS_PROMETHEUS);
}

void answer_text(Exchange& exchange) noexcept {
  exchange.response.type = kPlainText;
  answer_statistics(exchange, LUNA_STATS_TEXT);
}

void answer_json(Exchange& exchange) noexcept {
  exchange.response.type = kJsonType;
  answer_statistics(exchange, LUNA_STATS_JSON);
}

void answer_map(Exchange& exchange) noexcept {
  exchange.response.type = kJsonType;
  const SlowPath path;
  if (!path.entered() || !write_map(exchange.out))
    refuse(exchange, 503).add("there is no memory for the map\n");
}

// ---- Controls ------------------------------------------------------------------------

[[nodiscard]] Controls controls() noexcept {
  return Controls(control_table(), process.option_changes());
}

void add_value(const Control& control, luna_stats& reader, Output& out) noexcept {
  ValueText buffer;
  Text text(buffer.data(), buffer.size());
  const bool is_there = controls().print(control, &reader, text);
  const bool is_plain = type_of(control) <= ValueType::kNumber;
  if (!is_there)
    out.add("null");
  else if (is_plain)
    out.add(text.view());
  else
    add_string(out, text.view());
}

void answer_list(Exchange& exchange) noexcept {
  exchange.response.type = kJsonType;
  Output& out = exchange.out;
  luna_stats reader{};
  out.add("[");
  for (const Control& control : control_table()) {
    out.add(&control == control_table().data() ? "\n{" : ",\n{");
    add_string(add_name(out, "name"), control.name).add(",");
    add_value(control, reader, add_name(out, "value"));
    add_string(add_name(out.add(","), "unit"), control.unit);
    add_string(add_name(out.add(","), "help"), help_of(control));
    add_name(out.add(","), "writable").add(control.can_be_set() ? "true}" : "false}");
  }
  out.add("\n]\n");
}

void tell_value(Exchange& exchange, const Control& control) noexcept {
  ValueText buffer;
  Text text(buffer.data(), buffer.size());
  luna_stats reader{};
  if (controls().print(control, &reader, text))
    exchange.out.add(text.view()).add("\n");
  else if (reads(exchange.request))
    refuse_method(exchange, kSets);
  else
    exchange.out.add("done\n");
}

[[nodiscard]] int status_of(int error) noexcept {
  switch (error) {
    case EINVAL:
    case ENAMETOOLONG:
    case ENOENT:
    case EACCES:
    case ENOTDIR:
      return 400;
    case EADDRINUSE:
    case ENOTSUP:
      return 409;
    case ENOMEM:
    case EAGAIN:
    case EBUSY:
      return 503;
    default:
      return 500;
  }
}

void refuse_value(Exchange& exchange, const Control& control, int error) noexcept {
  Output& out = refuse(exchange, status_of(error)).add(control.name);
  if (error != EINVAL) {
    out.add(": ").add(strerrordesc_np(error)).add("\n");
    return;
  }
  ValueText buffer;
  Text wants(buffer.data(), buffer.size());
  add_wants(control, wants);
  out.add(" wants ")
      .add(wants.view())
      .add("; see docs/control.md for what it can be with others\n");
}

// The value is the parameter of that name, or the body, which may be a line. False: it is
// escaped in a wrong way.
[[nodiscard]] bool read_value(const Exchange& exchange,
                              std::array<char, HttpRequest::kMaxBodyBytes>& buffer,
                              std::string_view& value) noexcept {
  value = exchange.body;
  if (value.ends_with('\n')) value.remove_suffix(1);
  if (value.ends_with('\r')) value.remove_suffix(1);
  return !value.empty() || find_parameter(exchange.request.query, "value", buffer, value);
}

void set_value(Exchange& exchange, const Control& control) noexcept {
  if (exchange.request.has_origin) {
    refuse(exchange, 403).add("pages in a browser may not set anything\n");
    return;
  }
  if (!control.can_be_set()) {
    refuse_method(exchange, kReads);
    if (control.why_fixed() != nullptr) exchange.out.add(control.why_fixed()).add("\n");
    return;
  }
  std::array<char, HttpRequest::kMaxBodyBytes> buffer;
  std::string_view value;
  if (!read_value(exchange, buffer, value)) {
    refuse(exchange, 400).add("want the value as the body, or as ?value=\n");
    return;
  }
  const int error = controls().set(control, value);
  if (error != 0) return refuse_value(exchange, control, error);
  tell_value(exchange, control);
}

void answer_control(Exchange& exchange) noexcept {
  const std::string_view name = part_of(exchange.request.path, kControls.size());
  const Control* control = name.size() <= sizeof(ValueText) ? controls().find(name) : nullptr;
  if (control == nullptr) {
    Output& out = refuse(exchange, 404).add("there is no such control; /control lists all");
    if (name.size() <= sizeof(ValueText))
      out.add("; near it is ").add(controls().nearest(name).name);
    out.add("\n");
  } else if (reads(exchange.request)) {
    tell_value(exchange, *control);
  } else if (exchange.request.is("PUT") || exchange.request.is("POST")) {
    set_value(exchange, *control);
  } else {
    refuse_method(exchange, control->can_be_set() ? kBoth : kReads);
  }
}

// ---- The whole -----------------------------------------------------------------------

void answer_index(Exchange& exchange) noexcept {
  exchange.out.add(
      "lunalloc\n\n"
      "GET /metrics                         for Prometheus, also as OpenMetrics\n"
      "GET /stats.json, /stats.txt          all statistics\n"
      "GET /debug/pprof/heap                a profile of the heap for pprof; ?format= and ?kind=\n"
      "GET /debug/pprof/allocs?seconds=10   what is allocated in this time\n"
      "GET /debug/map                       which pages are used for what, as JSON\n"
      "GET /debug/leaks                     who leaks; ?format=json, ?prove=1\n"
      "GET /control                         all controls\n"
      "GET, PUT or POST /control/NAME       one of them\n");
}

// nullptr: there is no page of this name. Not a table, which would have to be relocated.
using Answer = void (*)(Exchange& exchange) noexcept;
[[nodiscard]] Answer find_page(std::string_view path) noexcept {
  if (path == "/") return answer_index;
  if (path == "/metrics") return answer_metrics;
  if (path == "/stats.json") return answer_json;
  if (path == "/stats.txt") return answer_text;
  if (path == "/debug/leaks") return answer_leaks;
  if (path == "/debug/map") return answer_map;
  if (path == "/debug/pprof/heap") return answer_heap;
  if (path == "/debug/pprof/allocs") return answer_allocs;
  return path == "/control" || path == kControls ? answer_list : nullptr;
}

void answer(void*, Exchange& exchange) noexcept {
  const HttpRequest& request = exchange.request;
  const Answer page = find_page(request.path);
  if (page != nullptr && reads(request)) return page(exchange);
  if (page != nullptr) return refuse_method(exchange, kReads);
  if (request.path.starts_with(kControls)) return answer_control(exchange);
  refuse(exchange, 404).add("there is nothing here; / lists what there is\n");
}

}  // namespace

Endpoints endpoints() noexcept {
  return {nullptr, answer, [](void*) noexcept { end_recording(); }};
}

}  // namespace luna
