// SPDX-License-Identifier: MIT
#include "report_file.hpp"

#include "profile_file.hpp"
#include "report_json.hpp"
#include "symbolizer.hpp"

#include <ostream>

namespace luna::tool {

void expect_report_page() {
  if (report_page().empty())
    throw ProfileError(ProfileError::kCannotOpen,
                       "this luna was built without the page of reports; build it where node 18 or "
                       "later, npm and its registry are at hand, with meson's -Dreport=enabled");
}

void write_report_file(ReportData& data, const ReportOutput& output) {
  expect_report_page();
  Symbolizer symbolizer(output.debug_folder);
  if (data.profile) symbolizer.name_frames(*data.profile);
  if (data.earlier) symbolizer.name_frames(*data.earlier);
  if (data.leaks) {
    symbolizer.name_frames(data.leaks->stacks);
    keep_linker_names(*data.leaks);
  }
  FileArguments file;
  file.out = output.file;
  write_output(file, [&](std::ostream& out) { write_report(data, report_page(), out); });
  tell_unnamed(symbolizer);
}

}  // namespace luna::tool
