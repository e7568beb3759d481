// SPDX-License-Identifier: MIT
// Functions of libc that allocate for the caller, who frees: the blocks come from the preloaded
// library too.
#include "expect.hpp"

#include <dirent.h>
#include <glob.h>
#include <iconv.h>
#include <locale.h>
#include <netdb.h>
#include <regex.h>
#include <search.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cwchar>

namespace {

void strings() {
  char* text = strdup("one");
  EXPECT(text != nullptr && strcmp(text, "one") == 0);
  free(text);
  text = strndup("twelve", 3);
  EXPECT(strcmp(text, "twe") == 0);
  free(text);
  wchar_t* const wide = wcsdup(L"wide");
  EXPECT(wcslen(wide) == 4);
  free(wide);
  EXPECT(asprintf(&text, "%0*d", 100000, 7) == 100000);
  text = static_cast<char*>(realloc(text, 200000));
  EXPECT(text != nullptr && text[99999] == '7');
  free(text);
}

void streams() {
  char* text = nullptr;
  size_t size = 0;
  FILE* stream = open_memstream(&text, &size);
  EXPECT(stream != nullptr);
  for (int i = 0; i < 100000; ++i) fprintf(stream, "%d\n", i);
  EXPECT(fclose(stream) == 0 && size > 500000);

  stream = fmemopen(text, size, "r");
  char* line = nullptr;
  size_t capacity = 0;
  int lines = 0;
  while (getline(&line, &capacity, stream) > 0) ++lines;
  EXPECT(lines == 100000);
  fclose(stream);
  free(line);
  free(text);
}

void paths() {
  char* directory = getcwd(nullptr, 0);
  EXPECT(directory != nullptr);
  free(directory);
  directory = realpath("/proc/self/../..", nullptr);
  EXPECT(directory != nullptr);
  free(directory);

  dirent** entries = nullptr;
  const int count = scandir("/proc/self", &entries, nullptr, alphasort);
  EXPECT(count > 5);
  for (int i = 0; i < count; ++i) free(entries[i]);
  free(entries);

  glob_t found;
  EXPECT(glob("/proc/self/m*", 0, nullptr, &found) == 0 && found.gl_pathc > 1);
  globfree(&found);
}

int compare(const void* left, const void* right) {
  const int one = *static_cast<const int*>(left);
  const int other = *static_cast<const int*>(right);
  return one < other ? -1 : one > other;
}

void tables() {
  regex_t expression;
  EXPECT(regcomp(&expression, "^(a|b)+[0-9]{2,5}c*$", REG_EXTENDED) == 0);
  EXPECT(regexec(&expression, "abab123ccc", 0, nullptr, 0) == 0);
  regfree(&expression);

  static int numbers[50000];
  for (int i = 0; i < 50000; ++i) numbers[i] = i * 7919 % 50000;
  qsort(numbers, 50000, sizeof numbers[0], compare);
  EXPECT(numbers[0] == 0 && numbers[49999] == 49999);

  void* root = nullptr;
  for (int i = 0; i < 1000; ++i) EXPECT(tsearch(&numbers[i], &root, compare) != nullptr);
  tdestroy(root, [](void*) {});
  EXPECT(hcreate(1000) != 0);
  hdestroy();
}

void the_rest() {
  const locale_t locale = newlocale(LC_ALL_MASK, "C", nullptr);
  EXPECT(locale != nullptr);
  freelocale(locale);
  const iconv_t converter = iconv_open("UTF-16", "UTF-8");
  if (converter != reinterpret_cast<iconv_t>(-1)) iconv_close(converter);
  addrinfo* addresses = nullptr;
  if (getaddrinfo("127.0.0.1", "80", nullptr, &addresses) == 0) freeaddrinfo(addresses);
  EXPECT(setenv("A_LONG_NAME_OF_A_VARIABLE", "and its value", 1) == 0);
  EXPECT(unsetenv("A_LONG_NAME_OF_A_VARIABLE") == 0);

  FILE* const pipe = popen("echo through a pipe", "r");
  char text[64] = {};
  EXPECT(pipe != nullptr && fgets(text, sizeof text, pipe) != nullptr);
  EXPECT(strcmp(text, "through a pipe\n") == 0);
  EXPECT(pclose(pipe) == 0);
}

}  // namespace

int main() {
  expect::on_lunalloc();
  for (int round = 0; round < 3; ++round) {
    strings();
    streams();
    paths();
    tables();
    the_rest();
  }
  return 0;
}
