// SPDX-License-Identifier: MIT
#include "bench_progress.hpp"

#include "bench_result.hpp"
#include "printable.hpp"

#include <unistd.h>

#include <iostream>

namespace luna::tool {

BenchProgress::BenchProgress(std::size_t runs, bool is_quiet)
    : all_(runs), is_quiet_(is_quiet), is_terminal_(isatty(STDERR_FILENO) != 0) {}

BenchProgress::~BenchProgress() {
  if (is_terminal_ && !is_quiet_) std::cerr << "\r\033[K" << std::flush;
}

void BenchProgress::begin(const std::string& name) {
  const std::chrono::duration<double> passed = Clock::now() - start_;
  const double left = begun_ == 0 ? 0
                                  : passed.count() / static_cast<double>(begun_) *
                                        static_cast<double>(all_ - begun_);
  ++begun_;
  if (is_quiet_) return;
  std::cerr << (is_terminal_ ? "\r\033[K" : "") << "luna: run " << begun_ << " of " << all_ << ", "
            << printable(name);
  if (begun_ > 1) std::cerr << "; some " << number_text(left, left < 10 ? 1 : 0) << " s left";
  std::cerr << (is_terminal_ ? "" : "\n") << std::flush;
}

void BenchProgress::leave_out(std::size_t runs) { all_ -= runs; }

}  // namespace luna::tool
