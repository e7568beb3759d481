// SPDX-License-Identifier: MIT
#include "profile_command.hpp"

#include "file_commands.hpp"
#include "printable.hpp"
#include "process_files.hpp"
#include "process_symbolizer.hpp"
#include "profile_output.hpp"
#include "profile_reader.hpp"
#include "verb.hpp"

#include <algorithm>
#include <iostream>
#include <memory>
#include <sstream>
#include <utility>

namespace luna::tool {

namespace {

struct Arguments : VerbArguments {
  std::string file;       // empty: as the format wants it; "-": the standard output
  std::string format;     // empty: pprof of a process, text of a file
  unsigned recorded = 0;  // seconds; 0: what there is now
  FileArguments of_file;
};

struct Samples {
  pid_t process;
  std::string name;  // of a file, if nobody gives one
  std::string text;
};

// These have addresses alone, and are handed on as the process writes them.
[[nodiscard]] bool has_no_names(const std::string& format) {
  return format == "heap_v2" || format == "gperftools";
}

[[nodiscard]] std::string own_name(pid_t process) {
  const auto status = read_status(process);
  std::string name = printable(status ? status->name : "process");
  std::replace(name.begin(), name.end(), '/', '_');
  return name + "." + std::to_string(process) + ".pb.gz";
}

// When it returns, the process is as it was before.
[[nodiscard]] Samples read_samples(const Arguments& arguments, const std::string& format,
                                   const std::string& kind) {
  const ReachedProcess process = reach(arguments);
  const std::string target = arguments.recorded == 0
                                 ? "/debug/pprof/heap?format=" + format + "&kind=" + kind
                                 : "/debug/pprof/allocs?format=" + format +
                                       "&seconds=" + std::to_string(arguments.recorded);
  return {process.number(), own_name(process.number()),
          get_samples(process, target, std::chrono::seconds(arguments.recorded))};
}

void expect_types(const std::string& type, const char* one, const char* other,
                  const std::string& whose) {
  if (type.empty() || type == one || type == other) return;
  throw AttachError(AttachError::kUsage, whose + " has the types " + one + " and " + other);
}

void tell_written(const FileArguments& output) {
  if (!output.out.empty()) std::cerr << "luna: written to " << printable(output.out) << '\n';
}

[[nodiscard]] int print_as_it_is(const FileArguments& output, const Arguments& arguments) {
  expect_types(output.type, "inuse", "peak", output.format);
  const Samples samples =
      read_samples(arguments, output.format, output.type == "peak" ? "peak" : "heap");
  if (output.out.empty()) {
    print_lines(samples.text);
    return AttachError::kDone;
  }
  return run_on_samples(samples.process, [&] {
    write_output(output, [&](std::ostream& out) { out << samples.text; });
    tell_written(output);
    return ProfileError::kDone;
  });
}

// JSON has all types, and of a recording also what was before.
[[nodiscard]] int print_with_names(FileArguments output, const Arguments& arguments) {
  std::string type = output.type;
  if (arguments.recorded != 0) {
    expect_types(type, "alloc", "growth", "a recording");
    if (type != "growth") type = "recorded";
  }
  Samples samples = read_samples(arguments, "json", "heap");
  if (output.format == "pprof" && arguments.file.empty()) output.out = samples.name;
  output.file = "process " + std::to_string(samples.process);
  return run_on_samples(samples.process, [&] {
    std::istringstream text(std::move(samples.text));
    HeapProfile profile = parse_json_profile(text);
    Symbolizer symbolizer = symbolizer_for(samples.process, output.debug_folder);
    const int status = print_profile(profile, choose_view(profile, type), symbolizer, output);
    tell_written(output);
    return status;
  });
}

[[nodiscard]] int profile_of_process(const Arguments& arguments) {
  FileArguments output = arguments.of_file;
  output.format = arguments.format.empty() ? "pprof" : arguments.format;
  output.out = arguments.file == "-" ? "" : arguments.file;
  if (has_no_names(output.format)) return print_as_it_is(output, arguments);
  if (arguments.file == "-") refuse_terminal(output);
  return print_with_names(output, arguments);
}

[[nodiscard]] int profile(const Arguments& arguments) {
  if (!names_file(arguments.process)) return profile_of_process(arguments);
  FileArguments of_file = arguments.of_file;
  of_file.file = arguments.process;
  of_file.out = arguments.file == "-" ? "" : arguments.file;
  if (!arguments.format.empty()) of_file.format = arguments.format;
  if (has_no_names(of_file.format))
    throw AttachError(AttachError::kUsage,
                      "a file becomes text, collapsed, json or pprof; --format chooses");
  return profile_file(of_file);
}

}  // namespace

void add_profile(CLI::App& app, int& status) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App& command = *app.add_subcommand(
      "profile", "tells who allocates, in a process or in a file, by function and line");
  command.add_option("-o,--output", arguments->file,
                     "a file, or - for the standard output; without it pprof goes to "
                     "NAME.PID.pb.gz, and what is text to the standard output");
  command
      .add_option("--seconds", arguments->recorded,
                  "of a process: records so long, 1 to 600, and needs no samples before; without "
                  "it, what was sampled so far")
      ->check(CLI::Range(1U, 600U));
  command
      .add_option("--format", arguments->format,
                  "pprof (the default of a process), text (that of a file), collapsed or json; of "
                  "a process also heap_v2 or gperftools, which have no names")
      ->check(CLI::IsMember({"pprof", "collapsed", "heap_v2", "gperftools", "json", "text"}));
  add_type(command, arguments->of_file);
  add_file_options(command, arguments->of_file);
  add_process(command, *arguments,
              "  luna profile 4711 --seconds 30          # what is allocated in that time\n"
              "  go tool pprof -http=: app.4711.pb.gz\n"
              "  luna ctl 4711 profile.active=true       # samples from now on; later:\n"
              "  luna profile 4711 --format text\n"
              "  luna profile 4711 --type peak --format collapsed | flamegraph.pl >peak.svg\n"
              "  luna profile ./app.4711.json            # a file, with functions and lines\n");
  command.callback(
      [arguments, &status] { status = run_verb([&arguments] { return profile(*arguments); }); });
}

}  // namespace luna::tool
