// SPDX-License-Identifier: MIT
// The command `luna`: one subcommand a file.
#include "attach.hpp"
#include "bench_command.hpp"
#include "blackbox_command.hpp"
#include "ctl_command.hpp"
#include "doctor_command.hpp"
#include "file_commands.hpp"
#include "leaks_command.hpp"
#include "map_command.hpp"
#include "patterns_command.hpp"
#include "profile_command.hpp"
#include "ps_command.hpp"
#include "purge_command.hpp"
#include "report_command.hpp"
#include "run_command.hpp"
#include "serve_command.hpp"
#include "stats_command.hpp"
#include "top_command.hpp"
#include "watch_command.hpp"

#include <algorithm>
#include <utility>

int main(int count, char** arguments) {
  CLI::App app("looks at programs that run on lunalloc");
  app.name("luna");
  app.set_version_flag("--version", "luna " LUNA_VERSION, "the version");
  app.require_subcommand(1);
  int status = 0;
  luna::tool::add_attach(app, status);
  luna::tool::add_bench(app, status);
  luna::tool::add_blackbox(app, status);
  luna::tool::add_ctl(app, status);
  luna::tool::add_diff(app, status);
  luna::tool::add_doctor(app, status);
  luna::tool::add_leaks(app, status);
  luna::tool::add_map(app, status);
  luna::tool::add_patterns(app, status);
  luna::tool::add_profile(app, status);
  luna::tool::add_ps(app, status);
  luna::tool::add_purge(app, status);
  luna::tool::add_report(app, status);
  luna::tool::add_run(app, status);
  luna::tool::add_serve(app, status);
  luna::tool::add_stats(app, status);
  luna::tool::add_top(app, status);
  luna::tool::add_watch(app, status);
  try {
    auto words = luna::tool::set_apart(app, {arguments + std::min(count, 1), arguments + count});
    std::reverse(words.begin(), words.end());  // as the parser wants them
    app.parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    constexpr int kUsage = 2;
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  return status;
}
