// SPDX-License-Identifier: MIT
#include "top_command.hpp"

#include "printable.hpp"
#include "signal_watch.hpp"
#include "top_layout.hpp"
#include "top_screen.hpp"
#include "top_source.hpp"
#include "verb.hpp"

#include <array>
#include <chrono>
#include <ctime>
#include <exception>
#include <future>
#include <iostream>
#include <memory>
#include <thread>

namespace luna::tool {

namespace {

using Clock = std::chrono::steady_clock;

struct Arguments : VerbArguments {
  double interval = 2;
  std::uint64_t count = 0;  // of pictures; 0: no end
};

[[nodiscard]] std::string time_of_day() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  std::array<char, 16> text{};
  localtime_r(&now, &local);
  std::strftime(text.data(), text.size(), "%H:%M:%S", &local);
  return text.data();
}

[[nodiscard]] std::chrono::milliseconds interval_of(const Arguments& arguments) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::duration<double>(arguments.interval));
}

// Until then, or until a signal comes.
void sleep_until(Clock::time_point end) {
  constexpr std::chrono::milliseconds kLook{50};
  while (Clock::now() < end) {
    SignalWatch::look();
    std::this_thread::sleep_for(std::min<Clock::duration>(kLook, end - Clock::now()));
  }
}

// Blocks of lines, one for each interval. That the process ends is no mistake, but no picture may
// be missing without a word.
[[nodiscard]] int print_pictures(TopSource& source, const Arguments& arguments) {
  const TopState state;
  for (std::uint64_t done = 0; arguments.count == 0 || done < arguments.count; ++done) {
    const auto next = Clock::now() + interval_of(arguments);
    try {
      const TopPicture picture = source.look(false);
      const TopScene scene{picture, state, source.name(), time_of_day(), "", ""};
      std::cout << (done == 0 ? "" : "\n") << plain_lines(scene) << std::flush;
    } catch (const ProcessEnded&) {
      std::cout << "\n" << source.name() << " has ended\n";
      return AttachError::kDone;
    }
    if (!std::cout) return AttachError::kMistakes;
    if (done + 1 != arguments.count) sleep_until(next);
  }
  return AttachError::kDone;
}

// The terminal is served while the process is asked, which may take its time.
class LiveView {
 public:
  LiveView(TopSource& source, const Arguments& arguments)
      : source_(source), interval_(interval_of(arguments)), count_(arguments.count) {
    message_ = "asking the process ...";
  }

  void run() {
    constexpr std::chrono::milliseconds kLook{50};
    begin_look(false);
    while (!is_over_) {
      SignalWatch::look();
      take_answer();
      if (!answer_.valid() && !has_ended_ && (Clock::now() >= next_ || turns_sampling_))
        begin_look(std::exchange(turns_sampling_, false));
      show();
      const int key = screen_.key(kLook);
      if (key != kKeyNone) obey(key);
    }
  }

 private:
  void begin_look(bool turns_sampling) {
    next_ = Clock::now() + interval_;
    answer_ = std::async(std::launch::async,
                         [this, turns_sampling] { return source_.look(turns_sampling); });
  }

  void take_answer() {
    if (!answer_.valid()) return;
    if (answer_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return;
    try {
      TopPicture picture = answer_.get();
      if (!state_.is_frozen || when_.empty()) {
        picture_ = std::move(picture);
        when_ = time_of_day();
      }
      message_.clear();
      if (++done_ == count_) is_over_ = true;
    } catch (const Interrupted&) {
      throw;
    } catch (const ProcessEnded&) {
      has_ended_ = true;
      message_ = "the process ended at " + time_of_day() + "; this was its last. q quits, ? helps";
    } catch (const std::exception& error) {
      message_ = ascii(error.what());
    }
  }

  void obey(int key) {
    switch (press(state_, key, rows_of(state_, picture_))) {
      case TopWish::kQuit:
        is_over_ = true;
        break;
      case TopWish::kSampling:
        if (!has_ended_) turns_sampling_ = true;
        break;
      case TopWish::kNothing:
        break;
    }
  }

  void show() {
    const TopScene scene{picture_, state_, source_.name(), when_, has_ended_ ? "ENDED" : "",
                         message_};
    screen_.show(draw_screen(scene, screen_.rows(), screen_.columns()));
  }

  TopSource& source_;
  std::chrono::milliseconds interval_;
  std::uint64_t count_;
  std::uint64_t done_ = 0;
  TopScreen screen_;
  TopState state_;
  TopPicture picture_;
  std::string when_;  // of the picture; empty: there is none yet
  std::string message_;
  bool has_ended_ = false;
  bool turns_sampling_ = false;
  bool is_over_ = false;
  Clock::time_point next_;
  std::future<TopPicture> answer_;  // ends before all that it uses
};

[[nodiscard]] int show_process(const Arguments& arguments) {
  const SignalWatch watch;  // so that all is put back, whoever serves
  const ReachedProcess process = reach(arguments);
  TopSource source(process);
  const TerminalAnswer terminal = ask_terminal();
  if (!terminal.can_place && !terminal.why_not.empty())
    std::cerr << "luna: " << terminal.why_not << "; plain lines follow\n";
  if (!terminal.can_place) return print_pictures(source, arguments);
  LiveView(source, arguments).run();
  return AttachError::kDone;
}

}  // namespace

void add_top(CLI::App& app, int& status) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App& command = *app.add_subcommand(
      "top", "shows what the memory of a process is made of, and who allocates, as it changes");
  command.add_option("--interval", arguments->interval, "seconds from one picture to the next")
      ->check(CLI::Range(0.1, 86400.0))
      ->capture_default_str();
  command.add_option("--count", arguments->count, "ends after so many pictures; 0: never")
      ->capture_default_str();
  add_process(command, *arguments,
              "  luna top 4711                       # ? lists the keys\n"
              "  luna top redis-server --interval 0.5\n"
              "  luna top 4711 --count 3 | cat       # lines, as without a terminal\n");
  command.callback([arguments, &status] {
    status = run_verb([&arguments] { return show_process(*arguments); });
  });
}

}  // namespace luna::tool
