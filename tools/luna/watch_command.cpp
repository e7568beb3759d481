// SPDX-License-Identifier: MIT
#include "watch_command.hpp"

#include "condition.hpp"
#include "printable.hpp"
#include "process_watch.hpp"
#include "sampling_switch.hpp"
#include "signal_watch.hpp"
#include "verb.hpp"
#include "watch_actions.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <iostream>
#include <map>
#include <memory>
#include <thread>
#include <vector>

namespace luna::tool {

namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

// Beside those of AttachError.
constexpr int kEnded = 5;

struct Arguments : VerbArguments {
  std::vector<std::string> conditions;
  std::vector<std::string> actions;
  double lasting = 0;  // seconds
  double every = 1;
  std::uint64_t times = 1;  // 0: no end
  std::string folder = ".";
};

[[nodiscard]] std::vector<Condition> conditions_of(const Arguments& arguments) {
  std::vector<Condition> conditions;
  for (const std::string& text : arguments.conditions) conditions.push_back(parse_condition(text));
  return conditions;
}

[[nodiscard]] std::vector<WatchAction> actions_of(const Arguments& arguments) {
  std::vector<WatchAction> actions;
  for (const std::string& text : arguments.actions) {
    const auto action = parse_action(text);
    if (!action)
      throw AttachError(AttachError::kUsage, "--do " + text +
                                                 ": there are profile, leaks, stats, purge and "
                                                 "exec:COMMAND");
    actions.push_back(*action);
  }
  return actions;
}

[[nodiscard]] std::string time_of_day() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  std::array<char, 16> text{};
  localtime_r(&now, &local);
  std::strftime(text.data(), text.size(), "%H:%M:%S", &local);
  return text.data();
}

class Watcher {
 public:
  Watcher(const ReachedProcess& process, const Arguments& arguments)
      : process_(process),
        arguments_(arguments),
        actions_(actions_of(arguments)),
        watch_(process.number()),
        sampling_(process) {}

  // Returns the exit status.
  [[nodiscard]] int run() {
    try {
      std::vector<Condition> conditions = conditions_of(arguments_);
      const Statistics first = read_first(conditions);
      begin_samples();
      Trigger trigger(std::move(conditions), Seconds(arguments_.lasting));
      std::uint64_t times = 0;
      if (look_at(first, trigger) && ++times == arguments_.times) return status();
      while (true) {
        sleep_until(Clock::now() +
                    std::chrono::duration_cast<Clock::duration>(Seconds(arguments_.every)));
        if (look(trigger) && ++times == arguments_.times) return status();
      }
    } catch (const AttachError&) {
      constexpr std::chrono::milliseconds kForEnd{500};
      if (!watch_.has_ended(kForEnd)) throw;
      return tell_end();
    }
  }

 private:
  [[nodiscard]] int status() const {
    return has_failed_ ? AttachError::kMistakes : AttachError::kDone;
  }

  // What the process cannot know at all is a mistake; what it does not know yet is told.
  [[nodiscard]] Statistics read_first(const std::vector<Condition>& conditions) const {
    Statistics statistics = parse_statistics(process_.get("/stats.json"));
    for (const Condition& condition : conditions) {
      check_name(condition, statistics);
      if (!statistics.find(condition.name))
        std::cerr << "luna: the process does not know its " << printable(condition.name)
                  << " now; the condition does not hold until it does\n";
    }
    return statistics;
  }

  void begin_samples() {
    const bool wants_samples = std::any_of(actions_.begin(), actions_.end(),
                                           [](const auto& one) { return one.needs_samples(); });
    if (!wants_samples) return;
    sampling_.begin();
    if (sampling_.has_begun())
      std::cerr << "luna: the process takes samples from now on, until luna ends\n";
  }

  // Whether it came true.
  [[nodiscard]] bool look(Trigger& trigger) {
    if (watch_.has_ended()) throw AttachError(AttachError::kUnreachable, "the process has ended");
    if (watch_.is_stopped()) return false;
    Statistics statistics;
    try {
      statistics = parse_statistics(process_.get("/stats.json"));
      is_silent_ = false;
    } catch (const AttachError& error) {
      if (error.status() != AttachError::kNoAnswer || watch_.has_ended()) throw;
      if (!is_silent_) std::cerr << "luna: " << printable(error.what()) << "; luna goes on\n";
      is_silent_ = true;
      return false;
    }
    return look_at(statistics, trigger);
  }

  [[nodiscard]] bool look_at(const Statistics& statistics, Trigger& trigger) {
    if (!trigger.look(Clock::now(), statistics)) return false;
    act({statistics, trigger.text(), arguments_.folder});
    return true;
  }

  void act(const WatchEvent& event) {
    std::cout << time_of_day() << ' ' << event.conditions << std::endl;
    for (const WatchAction& action : actions_) {
      try {
        std::cout << "  " << carry_out(action, event, process_) << std::endl;
      } catch (const AttachError& error) {
        if (watch_.has_ended()) throw;
        std::cerr << "luna: " << printable(error.what()) << '\n';
        has_failed_ = true;
      }
    }
  }

  [[nodiscard]] int tell_end() const {
    std::cerr << "luna: process " << process_.number() << " has ended before all was done\n";
    return kEnded;
  }

  // Until then, until the process ends, or until a signal comes.
  void sleep_until(Clock::time_point end) const {
    constexpr std::chrono::milliseconds kLook{50};
    while (Clock::now() < end && !watch_.has_ended()) {
      SignalWatch::look();
      std::this_thread::sleep_for(std::min<Clock::duration>(kLook, end - Clock::now()));
    }
    SignalWatch::look();
  }

  const ReachedProcess& process_;
  const Arguments& arguments_;
  std::vector<WatchAction> actions_;
  ProcessWatch watch_;
  SamplingSwitch sampling_;
  bool is_silent_ = false;
  bool has_failed_ = false;
};

[[nodiscard]] int watch_process(const Arguments& arguments) {
  try {
    static_cast<void>(conditions_of(arguments));  // mistakes are told before anybody is asked
    static_cast<void>(actions_of(arguments));
    const SignalWatch signals;  // so that all is put back, whoever serves
    const ReachedProcess process = reach(arguments);
    return Watcher(process, arguments).run();
  } catch (const BadCondition& error) {
    throw AttachError(AttachError::kUsage, error.what());
  }
}

void add_times(CLI::App& command, Arguments& arguments) {
  const std::map<std::string, double> units = {{"ms", 0.001}, {"s", 1}, {"m", 60}, {"h", 3600}};
  const CLI::AsNumberWithUnit with_unit(units, CLI::AsNumberWithUnit::CASE_SENSITIVE, "DURATION");
  command
      .add_option("--for", arguments.lasting,
                  "they have to hold so long, as 500ms, 10s, 5m or 1h; 0 by default")
      ->transform(with_unit)
      ->check(CLI::Range(0.0, 1e8));
  command.add_option("--every", arguments.every, "looks so often; 1s by default")
      ->transform(with_unit)
      ->check(CLI::Range(0.01, 1e8));
  command.add_option("--times", arguments.times, "ends after it came true so often; 0: goes on")
      ->capture_default_str();
}

}  // namespace

void add_watch(CLI::App& app, int& status) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App& command = *app.add_subcommand(
      "watch", "waits for a condition over the statistics of a process, and then does something");
  command
      .add_option("--when", arguments->conditions,
                  "NAME>NUMBER, also >=, < and <=, of rss, live, committed or any statistic by its "
                  "name; NAME/s>NUMBER; NAME+NUMBER or NAME+N%. Of several, all have to hold")
      ->required()
      ->allow_extra_args(false);
  command
      .add_option("--do", arguments->actions,
                  "profile, leaks, stats, purge or exec:COMMAND; of several, each")
      ->required()
      ->allow_extra_args(false);
  add_times(command, *arguments);
  command.add_option("-o,--output", arguments->folder, "the folder for files")
      ->check(CLI::ExistingDirectory)
      ->capture_default_str();
  add_process(command, *arguments,
              "  luna watch 4711 --when 'rss>2G' --do profile\n"
              "  luna watch app --when 'live+10%' --for 30s --times 0 --do stats --do leaks\n"
              "  luna watch app --when 'refills/s>1000' --do 'exec:logger app: $LUNA_LIVE_BYTES'\n"
              "\nExit status 5: the process ended before.\n");
  command.callback([arguments, &status] {
    status = run_verb([&arguments] { return watch_process(*arguments); });
  });
}

}  // namespace luna::tool
