// SPDX-License-Identifier: MIT
#include "attach_target.hpp"

#include "loaded_image.hpp"
#include "process_lock.hpp"
#include "signal_watch.hpp"
#include "why_not.hpp"

#include <sys/random.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <thread>
#include <vector>

namespace luna::tool {

namespace {

constexpr std::chrono::milliseconds kLook{5};

// Of a process that shows images without end: some seconds. A library takes a hundred at most.
constexpr std::size_t kMostReads = std::size_t{1} << 21;

// Where the first bytes of files lie.
[[nodiscard]] std::vector<std::uint64_t> images_of(pid_t process) {
  std::ifstream maps("/proc/" + std::to_string(process) + "/maps");
  std::vector<std::uint64_t> images;
  for (std::string line; std::getline(maps, line);) {
    std::uint64_t begin = 0;
    std::uint64_t offset = 0;
    char read = '-';
    if (std::sscanf(line.c_str(), "%" SCNx64 "-%*x %c%*s %" SCNx64, &begin, &read, &offset) == 3 &&
        read == 'r' && offset == 0)
      images.push_back(begin);
  }
  return images;
}

[[nodiscard]] std::uint64_t random_number() {
  std::uint64_t number = 0;
  while (number == 0)
    if (getrandom(&number, sizeof number, 0) != sizeof number)
      throw AttachError(AttachError::kUnreachable, "the kernel gives no random number");
  return number;
}

}  // namespace

AttachTarget::AttachTarget(pid_t process)
    : process_(process), name_("process " + std::to_string(process)), memory_(process) {
  find();
}

void AttachTarget::find() {
  const std::vector<std::uint64_t> images = images_of(process_);
  char first = 0;
  if (images.empty()) throw_why_not(0);
  if (!memory_.read(images[0], &first, 1) && memory_.error() != EFAULT)
    throw_why_not(memory_.error());
  bool is_dynamic = false;
  bool is_damaged = false;
  std::size_t reads = 0;
  for (const std::uint64_t begin : images) {
    const LoadedImage image(begin,
                            [this, &reads](std::uint64_t address, void* to, std::size_t bytes) {
                              return ++reads <= kMostReads && memory_.read(address, to, bytes);
                            });
    if (image.is_elf() && !image.is_64_bit())
      throw AttachError(AttachError::kUnreachable,
                        name_ + " is a 32-bit program, which lunalloc does not run in");
    is_dynamic = is_dynamic || image.has_interpreter();
    const auto header = image.find(LUNA_ATTACH_SYMBOL);
    const auto text = image.find(LUNA_ATTACH_TEXT_SYMBOL);
    if (!header || !text) continue;
    text_ = *text;
    if (has_sound_header(*header)) return;
    is_damaged = true;
  }
  if (reads > kMostReads)
    throw AttachError(
        AttachError::kUnreachable,
        name_ + " has more images, or larger tables in them, than are looked through");
  if (is_damaged)
    throw AttachError(AttachError::kUnreachable,
                      name_ + " has lunalloc, but what is reached by is damaged");
  throw AttachError(AttachError::kUnreachable,
                    is_dynamic
                        ? name_ + " does not run on liblunalloc.so, or on one that is too old"
                        : name_ + " is a static program, which cannot be reached");
}

bool AttachTarget::is_ours(const luna_attach& header) noexcept {
  return std::memcmp(header.magic, LUNA_ATTACH_MAGIC, sizeof header.magic) == 0 &&
         header.version == LUNA_ATTACH_VERSION && header.struct_size == sizeof header &&
         header.text_size == sizeof(luna_attach_text);
}

bool AttachTarget::has_sound_header(std::uint64_t address) {
  luna_attach header{};
  if (!memory_.read(address, &header, sizeof header)) return false;
  if (std::memcmp(header.magic, LUNA_ATTACH_MAGIC, sizeof header.magic) != 0) return false;
  if (header.version != LUNA_ATTACH_VERSION || header.struct_size != sizeof header ||
      header.text_size != sizeof(luna_attach_text))
    throw AttachError(AttachError::kUnreachable,
                      name_ + " has a lunalloc of another version: use its `luna`");
  if (header.enabled == 0)
    throw AttachError(AttachError::kUnreachable,
                      name_ + " has lunalloc with enabled:false, where nobody answers");
  header_ = address;
  return true;
}

luna_attach AttachTarget::read_header() {
  luna_attach header{};
  const bool read = memory_.read(header_, &header, sizeof header);
  if (read && is_ours(header)) return header;
  const bool ended = !read && memory_.error() == ESRCH;
  if (ended && runs_without_main_thread(process_))
    throw AttachError(AttachError::kNoAnswer, why_not(process_, ESRCH));
  throw AttachError(
      AttachError::kNoAnswer,
      name_ + (ended ? " has ended" : " has become another program") + " before it answered");
}

// Two writes to the header and the text would not do in one call: the kernel promises no order.
void AttachTarget::write_request(std::string_view request, std::uint64_t number) {
  static_cast<void>(read_header());  // or it has become another program meanwhile
  luna_attach_text text{};
  text.number = number;
  text.request_bytes = static_cast<std::uint32_t>(request.size());
  std::memcpy(text.request, request.data(), request.size());
  text.sum = luna_attach_sum(&text);
  if (!memory_.write(text_, &text, offsetof(luna_attach_text, result)) ||
      !memory_.write(header_ + offsetof(luna_attach, asked), &number, sizeof number))
    throw_why_not(memory_.error());
}

// False: somebody else has asked meanwhile.
bool AttachTarget::wait_for(std::uint64_t number, Clock::time_point end) {
  for (;;) {
    const luna_attach header = read_header();
    if (header.answered == number) return true;
    if (header.asked != number && read_header().answered != number) return false;
    if (Clock::now() >= end) throw_no_answer();
    SignalWatch::look();
    std::this_thread::sleep_for(kLook);
  }
}

Answer AttachTarget::ask(std::string_view request, std::chrono::milliseconds patience) {
  if (request.size() > sizeof luna_attach_text::request)
    throw AttachError(AttachError::kUsage, "a request has at most 1024 bytes");
  const Clock::time_point end = Clock::now() + patience;
  const ProcessLock lock(process_, end);
  Answer answer;
  answer.replaced = read_header().asked != 0;
  for (;;) {
    const std::uint64_t number = random_number();
    write_request(request, number);
    luna_attach_text text{};
    const bool read = wait_for(number, end) && memory_.read(text_, &text, sizeof text) &&
                      read_header().answered == number;
    if (read && text.result == LUNA_ATTACH_NO_THREAD)
      throw AttachError(AttachError::kNoAnswer, name_ + " can have no more threads");
    if (read && text.result == LUNA_ATTACH_DONE) {
      answer.is_cut = text.answer_bytes >= sizeof text.answer;
      answer.text.assign(text.answer, answer.is_cut ? sizeof text.answer : text.answer_bytes);
      answer.mistakes = text.mistakes;
      return answer;
    }
    if (Clock::now() >= end)
      throw AttachError(AttachError::kNoAnswer, "others ask " + name_ + " at the same time");
    std::this_thread::sleep_for(kLook);
  }
}

void AttachTarget::throw_why_not(int error) const {
  throw AttachError(AttachError::kUnreachable, why_not(process_, error));
}

void AttachTarget::throw_no_answer() const {
  throw NobodyCame(
      AttachError::kNoAnswer,
      name_ +
          " has not answered: it has not come by a slow path of malloc, as a\n"
          "      program that sleeps does not, nor one that uses the same few blocks again and\n"
          "      again. The request is carried out as soon as it does.");
}

}  // namespace luna::tool
