// SPDX-License-Identifier: MIT
// How options change while others read them.
#pragma once

#include "control/options.hpp"
#include "os/lock.hpp"

namespace luna {

// One change after the other, each with what it brings about. Values of a few bytes may be read
// by anybody at any time; a text is read by words().
//
// Threads: any. Two locks: no change is put in force under that of texts, which is held for a
// copy alone, so that words() may be called from wherever memory is allocated.
class OptionChanges {
 public:
  constexpr explicit OptionChanges(Options& options) noexcept : options_(options) {}
  OptionChanges(const OptionChanges&) = delete;
  OptionChanges& operator=(const OptionChanges&) = delete;

  // Takes the value of one option from `wanted`, then calls `apply`, which returns 0 or an errno
  // value; then the option is as it was. Returns the same. Requires: `apply` changes no option.
  template <typename Apply>
  [[nodiscard]] int change(const OptionInfo& option, const Options& wanted, Apply apply) noexcept {
    const os::ScopedLock guard(changing_);
    const Options before = options_;  // nobody else changes a text meanwhile
    copy(option, wanted);
    const int error = apply();
    if (error != 0) copy(option, before);
    return error;
  }

  // A copy of all, texts included.
  [[nodiscard]] Options snapshot() const noexcept {
    const os::ScopedLock guard(copying_);
    return options_;
  }

  // A copy of a text, which is one of the options.
  [[nodiscard]] Words words(const Words& text) const noexcept {
    const os::ScopedLock guard(copying_);
    return text;
  }

  // fork(): before any other lock of ours.
  void prepare_fork() noexcept {
    changing_.lock();
    copying_.lock();
  }
  void resume_parent() noexcept {
    copying_.unlock();
    changing_.unlock();
  }
  void resume_child() noexcept {
    copying_.reset_in_child();
    changing_.reset_in_child();
  }

 private:
  void copy(const OptionInfo& option, const Options& from) noexcept {
    const os::ScopedLock guard(copying_);
    option.copy(from, options_);
  }

  Options& options_;
  os::Lock changing_;
  mutable os::Lock copying_;
};

}  // namespace luna
