// SPDX-License-Identifier: MIT
// A C++ library to be loaded and unloaded at run time: static and thread_local objects that own
// memory, blocks that change hands, and an exception that leaves it.
#include <stdexcept>
#include <string>
#include <vector>

namespace {

std::vector<std::string> names(100, std::string(200, 'n'));
thread_local std::string of_thread(500, 't');

}  // namespace

extern "C" {

std::size_t plugin_touch() {
  of_thread += "more";
  names.emplace_back(300, 'm');
  return of_thread.size() + names.size();
}

std::string* plugin_make_string(std::size_t length) { return new std::string(length, 's'); }

void plugin_destroy_string(std::string* text) { delete text; }

void plugin_throw(const char* message) { throw std::runtime_error(std::string(message) + "!"); }
}
