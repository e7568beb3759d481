// SPDX-License-Identifier: MIT
#include "profile_command.hpp"

#include "file_commands.hpp"
#include "printable.hpp"
#include "process_files.hpp"
#include "verb.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <memory>

namespace luna::tool {

namespace {

struct Arguments : VerbArguments {
  std::string file;    // empty: as the format wants it; "-": the standard output
  std::string format;  // empty: pprof of a process, text of a file
  std::string kind = "heap";
  unsigned recorded = 0;  // seconds; 0: what there is now
  FileArguments of_file;
};

struct Profile {
  std::string text;
  std::string file_name;  // if nobody gives one
};

[[nodiscard]] std::string own_name(pid_t process) {
  const auto status = read_status(process);
  std::string name = printable(status ? status->name : "process");
  std::replace(name.begin(), name.end(), '/', '_');
  return name + "." + std::to_string(process) + ".pb.gz";
}

[[nodiscard]] Profile read_profile(const Arguments& arguments) {
  const ReachedProcess process = reach(arguments);
  const std::string format = "?format=" + escaped(arguments.format);
  const std::string target =
      arguments.recorded == 0
          ? "/debug/pprof/heap" + format + "&kind=" + escaped(arguments.kind)
          : "/debug/pprof/allocs" + format + "&seconds=" + std::to_string(arguments.recorded);
  return {get_samples(process, target, std::chrono::seconds(arguments.recorded)),
          own_name(process.number())};
}

[[noreturn]] void refuse(const std::string& file) {
  throw AttachError(AttachError::kMistakes, file + ": " + std::strerror(errno));
}

// For its user alone, as it tells addresses and names.
void write_file(const std::string& file, const std::string& text) {
  const int descriptor = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (descriptor < 0) refuse(file);
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t count = write(descriptor, &text[done], text.size() - done);
    if (count < 0 && errno != EINTR) refuse(file);
    done += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
  }
  if (close(descriptor) != 0) refuse(file);
  std::cerr << "luna: written to " << printable(file) << '\n';
}

[[nodiscard]] int profile_of_process(Arguments arguments) {
  if (!arguments.of_file.type.empty())
    throw AttachError(AttachError::kUsage, "--type is for files; of a process, --kind chooses");
  if (arguments.format.empty()) arguments.format = "pprof";
  const Profile profile = read_profile(arguments);
  const bool is_binary = arguments.format == "pprof";
  if (arguments.file == "-" || (arguments.file.empty() && !is_binary)) {
    if (is_binary) {
      std::cout << profile.text;
    } else {
      print_lines(profile.text);
    }
  } else {
    write_file(arguments.file.empty() ? profile.file_name : arguments.file, profile.text);
  }
  return AttachError::kDone;
}

[[nodiscard]] int profile(const Arguments& arguments) {
  if (!names_file(arguments.process)) return profile_of_process(arguments);
  FileArguments of_file = arguments.of_file;
  of_file.file = arguments.process;
  of_file.out = arguments.file == "-" ? "" : arguments.file;
  if (!arguments.format.empty()) of_file.format = arguments.format;
  if (of_file.format == "heap_v2" || of_file.format == "gperftools")
    throw AttachError(AttachError::kUsage,
                      "a file becomes text, collapsed, json or pprof; --format chooses");
  return profile_file(of_file);
}

}  // namespace

void add_profile(CLI::App& app, int& status) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App& command = *app.add_subcommand(
      "profile", "tells who allocates in a process, or prints a profile with names");
  command.add_option("-o,--output", arguments->file,
                     "a file, or - for the standard output; without it pprof goes to "
                     "NAME.PID.pb.gz, and what is text to the standard output");
  auto* recorded = command.add_option("--seconds", arguments->recorded,
                                      "records so long, 1 to 600, and needs no samples before; "
                                      "without it, what was sampled so far");
  recorded->check(CLI::Range(1U, 600U));
  command
      .add_option("--format", arguments->format,
                  "pprof (the default), collapsed, heap_v2, gperftools, json or text; of a file "
                  "text (the default), collapsed, json or pprof")
      ->check(CLI::IsMember({"pprof", "collapsed", "heap_v2", "gperftools", "json", "text"}));
  command.add_option("--kind", arguments->kind, "heap, peak, growth, lifetimes or temporary")
      ->check(CLI::IsMember({"heap", "peak", "growth", "lifetimes", "temporary"}))
      ->capture_default_str()
      ->excludes(recorded);
  add_type(command, arguments->of_file);
  add_file_options(command, arguments->of_file);
  add_process(command, *arguments,
              "  luna profile 4711 --seconds 30          # what is allocated in that time\n"
              "  go tool pprof -http=: app.4711.pb.gz\n"
              "  luna ctl 4711 profile.active=true       # samples from now on; later:\n"
              "  luna profile 4711 --format text\n"
              "  luna profile 4711 --kind peak --format collapsed | flamegraph.pl >peak.svg\n"
              "  luna profile ./app.4711.json            # a file, with functions and lines\n");
  command.callback(
      [arguments, &status] { status = run_verb([&arguments] { return profile(*arguments); }); });
}

}  // namespace luna::tool
