// SPDX-License-Identifier: MIT
// bignum: what does arithmetic cost on numbers that live on the heap, where every
// operation allocates its result and most results die at once?
#include "arguments.hpp"
#include "random.hpp"

#include <compare>
#include <memory>
#include <numeric>
#include <utility>

namespace {

constexpr std::size_t kFactorisations = 60;
constexpr std::size_t kFactorial = 2200;
constexpr std::uint64_t kLimbBase = std::uint64_t{1} << 32;

// A natural number of 32-bit limbs, lowest first. Like the numbers of an interpreter
// it never changes: each operation makes a new one in a block of the exact size.
class Natural {
 public:
  explicit Natural(std::uint64_t value) : Natural(2, value) { trim(); }

  [[nodiscard]] bool zero() const { return count_ == 0; }
  [[nodiscard]] std::uint64_t low_bits() const {
    return (count_ > 0 ? limbs_[0] : 0) + (count_ > 1 ? limbs_[1] * kLimbBase : 0);
  }

  friend Natural operator+(const Natural& left, const Natural& right) {
    Natural sum(std::max(left.count_, right.count_) + 1, 0);
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i < sum.count_; ++i) {
      carry += left.limb(i) + right.limb(i);
      sum.limbs_[i] = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
    return sum.trim();
  }

  // Requires: left >= right.
  friend Natural operator-(const Natural& left, const Natural& right) {
    Natural difference(left.count_, 0);
    std::uint64_t borrow = 0;
    for (std::size_t i = 0; i < left.count_; ++i) {
      const std::uint64_t limb = kLimbBase + left.limbs_[i] - right.limb(i) - borrow;
      difference.limbs_[i] = static_cast<std::uint32_t>(limb);
      borrow = limb < kLimbBase ? 1 : 0;
    }
    return difference.trim();
  }

  friend Natural operator*(const Natural& left, const Natural& right) {
    Natural product(left.count_ + right.count_, 0);
    for (std::size_t i = 0; i < left.count_; ++i) {
      std::uint64_t carry = 0;
      for (std::size_t j = 0; j < right.count_; ++j) {
        carry += std::uint64_t{left.limbs_[i]} * right.limbs_[j] + product.limbs_[i + j];
        product.limbs_[i + j] = static_cast<std::uint32_t>(carry);
        carry >>= 32;
      }
      product.limbs_[i + right.count_] = static_cast<std::uint32_t>(carry);
    }
    return product.trim();
  }

  friend Natural operator<<(const Natural& number, std::size_t bits) {
    Natural shifted(number.count_ + bits / 32 + 1, 0);
    for (std::size_t i = 0; i < number.count_; ++i) {
      const std::uint64_t wide = std::uint64_t{number.limbs_[i]} << (bits % 32);
      shifted.limbs_[i + bits / 32] |= static_cast<std::uint32_t>(wide);
      shifted.limbs_[i + bits / 32 + 1] = static_cast<std::uint32_t>(wide >> 32);
    }
    return shifted.trim();
  }

  // The slow way, by shifting and subtracting: plain, and full of temporaries.
  friend Natural operator%(Natural number, const Natural& divisor) {
    while (number >= divisor) {
      std::size_t shift = number.bits() - divisor.bits();
      Natural part = divisor << shift;
      if (part > number) part = divisor << (shift - 1);
      number = number - part;
    }
    return number;
  }

  friend std::strong_ordering operator<=>(const Natural& left, const Natural& right) {
    if (left.count_ != right.count_) return left.count_ <=> right.count_;
    for (std::size_t i = left.count_; i > 0; --i)
      if (left.limbs_[i - 1] != right.limbs_[i - 1])
        return left.limbs_[i - 1] <=> right.limbs_[i - 1];
    return std::strong_ordering::equal;
  }
  friend bool operator==(const Natural& left, const Natural& right) {
    return (left <=> right) == 0;
  }

 private:
  Natural(std::size_t count, std::uint64_t low)
      : count_(count), limbs_(new std::uint32_t[count]()) {
    if (low != 0) {
      limbs_[0] = static_cast<std::uint32_t>(low);
      limbs_[1] = static_cast<std::uint32_t>(low >> 32);
    }
  }

  [[nodiscard]] std::uint64_t limb(std::size_t i) const { return i < count_ ? limbs_[i] : 0; }
  [[nodiscard]] std::size_t bits() const {
    return count_ == 0 ? 0
                       : 32 * count_ - static_cast<std::size_t>(__builtin_clz(limbs_[count_ - 1]));
  }

  Natural&& trim() {
    while (count_ > 0 && limbs_[count_ - 1] == 0) --count_;
    return std::move(*this);
  }

  std::size_t count_;
  std::unique_ptr<std::uint32_t[]> limbs_;
};

Natural copy_of(const Natural& number) { return number + Natural(0); }

Natural difference(const Natural& left, const Natural& right) {
  return left > right ? left - right : right - left;
}

Natural greatest_common_divisor(Natural left, Natural right) {
  while (!right.zero()) left = std::exchange(right, copy_of(left) % right);
  return left;
}

// Pollard's rho: walks x → x² + c (mod number) until the cycle betrays a factor.
Natural find_factor(const Natural& number, std::uint64_t offset) {
  const Natural one(1);
  const Natural step(offset);
  Natural slow(2);
  Natural fast(2);
  for (std::size_t i = 0; i < 20'000; ++i) {
    slow = (slow * slow + step) % number;
    fast = (fast * fast + step) % number;
    fast = (fast * fast + step) % number;
    Natural factor = greatest_common_divisor(difference(slow, fast), copy_of(number));
    if (factor != one && factor != number) return factor;
    if (factor == number) break;
  }
  return Natural(1);
}

bool prime(std::uint64_t number) {
  for (std::uint64_t divisor = 3; divisor * divisor <= number; divisor += 2)
    if (number % divisor == 0) return false;
  return number % 2 == 1;
}

// Returns a prime of 23 or 24 bits: with two of them the walk takes a few thousand steps.
Natural random_prime(bench::Random& random) {
  std::uint64_t number = random.between(std::size_t{1} << 22, std::size_t{1} << 24) | 1;
  while (!prime(number)) number += 2;
  return Natural(number);
}

std::uint64_t factorial_low_bits(std::size_t limit) {
  Natural product(1);
  Natural previous(1);
  for (std::size_t i = 2; i <= limit; ++i) {
    product = product * Natural(2 * i + 1);
    previous = previous + product;
  }
  return previous.low_bits();
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments = bench::parse_arguments(argc, argv);
  bench::Random random(23);
  std::uint64_t checksum = factorial_low_bits(arguments.scaled(kFactorial, 10));
  for (std::size_t i = 0; i < arguments.scaled(kFactorisations, 60); ++i) {
    const Natural number = random_prime(random) * random_prime(random);
    checksum += find_factor(number, random.between(1, 100)).low_bits();
  }
  return bench::print_result("bignum", checksum);
}
