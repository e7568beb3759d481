// SPDX-License-Identifier: MIT
#include "verb.hpp"

#include "heap_profile.hpp"
#include "json_bounds.hpp"
#include "printable.hpp"
#include "process_list.hpp"
#include "signal_watch.hpp"

#include <unistd.h>

#include <exception>
#include <iostream>
#include <new>
#include <string_view>

namespace luna::tool {

namespace {

// Messages for `luna attach` have lines of their own.
[[nodiscard]] std::string one_line(std::string_view text) {
  std::string result;
  for (const char letter : text) {
    const bool is_space = letter == '\n' || letter == ' ';
    if (!is_space || (!result.empty() && result.back() != ' ')) result += is_space ? ' ' : letter;
  }
  while (!result.empty() && result.back() == ' ') result.pop_back();
  return printable(result);
}

}  // namespace

void add_process(CLI::App& command, VerbArguments& arguments, const std::string& examples) {
  command
      .add_option("PID", arguments.process,
                  "the process: its number, or its name if no other on lunalloc has it")
      ->required();
  command.add_option("--timeout", arguments.seconds, "seconds to wait for an answer")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  command.footer(
      "Examples:\n" + examples +
      "\nExit status: 0 done; 1 the process refused; 2 wrong usage; 3 the process cannot be\n"
      "reached; 4 it has not answered in time. See luna(1).");
}

ReachedProcess reach(const VerbArguments& arguments) {
  const auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::duration<double>(arguments.seconds));
  return ReachedProcess(find_process(arguments.process), patience);
}

std::string get_samples(const ReachedProcess& process, const std::string& target,
                        std::chrono::milliseconds works_for) {
  HttpAnswer answer = process.ask({"GET", target}, works_for);
  constexpr int kConflict = 409;
  const std::string number = std::to_string(process.number());
  if (answer.status == kConflict && answer.body.starts_with("no samples"))
    throw AttachError(
        AttachError::kMistakes,
        "process " + number + " has never taken samples; `luna ctl " + number +
            " profile.active=true` begins with that, or see `luna profile --seconds`");
  return ReachedProcess::body_of(std::move(answer));
}

nlohmann::json parse_answer(const std::string& answer) {
  JsonBounds bounds;
  const auto keep = [&](int depth, nlohmann::json::parse_event_t, const nlohmann::json&) {
    return bounds.allow(depth);
  };
  nlohmann::json whole = nlohmann::json::parse(answer, keep, false);
  if (whole.is_discarded() || bounds.is_full())
    throw AttachError(AttachError::kMistakes,
                      "the process answers what is no JSON; use the `luna` of its lunalloc");
  return whole;
}

int run_on_samples(pid_t process, const std::function<int()>& run) {
  const std::string name = "process " + std::to_string(process) + ": ";
  try {
    return run() == ProfileError::kDone ? AttachError::kDone : AttachError::kMistakes;
  } catch (const ProfileError& error) {
    if (error.status() == ProfileError::kUsage)
      throw AttachError(AttachError::kUsage, error.what());
    const bool is_of_output = error.status() == ProfileError::kCannotOpen;
    throw AttachError(AttachError::kMistakes, (is_of_output ? "" : name) + error.what());
  } catch (const std::bad_alloc&) {
    throw AttachError(AttachError::kMistakes, name + "there is no memory for all that it says");
  }
}

int run_verb(const std::function<int()>& verb) {
  try {
    return verb();
  } catch (const AttachError& error) {
    std::cerr << "luna: " << one_line(error.what()) << '\n';
    return error.status();
  } catch (const Interrupted& interrupted) {
    SignalWatch::end_by(interrupted.signal);
  } catch (const nlohmann::json::exception& error) {
    std::cerr << "luna: the process answers what makes no sense: " << one_line(error.what())
              << "; use the `luna` of its lunalloc\n";
    return AttachError::kMistakes;
  } catch (const std::bad_alloc&) {
    std::cerr << "luna: there is no memory for all that the process says\n";
    return AttachError::kMistakes;
  } catch (const std::exception& error) {
    std::cerr << "luna: " << one_line(error.what()) << '\n';
    return AttachError::kMistakes;
  }
}

void print_lines(const std::string& text) {
  if (isatty(STDOUT_FILENO) == 0) {
    std::cout << text;
    return;
  }
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::cout << printable(std::string_view(text).substr(begin, end - begin)) << '\n';
    begin = end + 1;
  }
}

}  // namespace luna::tool
