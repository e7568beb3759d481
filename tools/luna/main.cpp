// SPDX-License-Identifier: MIT
// The command `luna`: one subcommand a file.
#include "attach.hpp"
#include "blackbox_command.hpp"

int main(int count, char** arguments) {
  CLI::App app("looks at programs that run on lunalloc");
  app.name("luna");
  app.require_subcommand(1);
  int status = 0;
  luna::tool::add_attach(app, status);
  luna::tool::add_blackbox(app, status);
  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& error) {
    constexpr int kUsage = 2;
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  return status;
}
