// SPDX-License-Identifier: MIT
#include "report/report_file.hpp"

namespace luna::tool {

std::string_view report_page() { return {}; }

}  // namespace luna::tool
