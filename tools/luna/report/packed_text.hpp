// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace luna::tool {

// The text in gzip, in base64: a tenth of what JSON takes, and nothing that HTML would read.
[[nodiscard]] std::string packed_text(std::string_view text);

}  // namespace luna::tool
