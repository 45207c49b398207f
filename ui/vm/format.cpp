#include "ui/vm/format.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace ui {
namespace {

constexpr int64_t kPow10[] = {1,      10,      100,      1000,      10000,
                              100000, 1000000, 10000000, 100000000, 1000000000};

std::string grouped(uint64_t n) {
  std::string digits = std::to_string(n), out;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += "\u2009";  // thin space
    out += digits[i];
  }
  return out;
}

// Whole part of a measured figure: four digits are read at a glance, more are not.
std::string whole(uint64_t n) {
  return n < 10000 ? std::to_string(n) : grouped(n);
}

// |value| of `unit_digits` decimal digits below the unit, rounded half away from zero to
// `decimals`.
std::string scaled(uint64_t value, int unit_digits, int decimals) {
  const auto drop = static_cast<uint64_t>(kPow10[unit_digits - decimals]);
  const uint64_t kept = (value + drop / 2) / drop;
  const auto one = static_cast<uint64_t>(kPow10[decimals]);
  std::string out = whole(kept / one);
  if (decimals == 0) return out;
  char fraction[16];
  std::snprintf(fraction, sizeof fraction, ".%0*llu", decimals,
                static_cast<unsigned long long>(kept % one));
  return out + fraction;
}

std::string fixed(double value, int decimals) {
  char digits[400];
  std::snprintf(digits, sizeof digits, "%.*f", decimals, value);
  const std::string_view text = digits;
  if (value < 9999.5 || value >= 1e18) return digits;
  const size_t point = std::min(text.find('.'), text.size());
  return whole(std::stoull(std::string(text.substr(0, point)))) + std::string(text.substr(point));
}

uint64_t magnitude(int64_t n) {
  return n < 0 ? ~static_cast<uint64_t>(n) + 1 : static_cast<uint64_t>(n);
}

bool all_zero(std::string_view digits) {
  return digits.find_first_not_of("0.") == std::string_view::npos;
}

// No sign on what rounds to zero: "−0.00" says nothing.
std::string with_sign(bool negative, bool plus, const std::string& digits) {
  if (all_zero(digits)) return digits;
  if (negative) return std::string(kMinus) + digits;
  return plus ? "+" + digits : digits;
}

std::string without_zeros(std::string digits) {
  if (digits.find('.') == std::string::npos) return digits;
  while (digits.back() == '0') digits.pop_back();
  if (digits.back() == '.') digits.pop_back();
  return digits;
}

}  // namespace

std::string us_text(int64_t ns, int decimals) {
  return with_sign(ns < 0, false, scaled(magnitude(ns), 3, decimals));
}

std::string signed_us_text(int64_t ns, int decimals) {
  return with_sign(ns < 0, true, scaled(magnitude(ns), 3, decimals));
}

std::string duration_text(int64_t ns) {
  const uint64_t n = magnitude(ns);
  std::string text;
  if (n < 1000)
    text = std::to_string(n) + " ns";
  else if (n < 1000000)
    text = without_zeros(scaled(n, 3, 3)) + " µs";
  else if (n < 1000000000)
    text = without_zeros(scaled(n, 6, 3)) + " ms";
  else
    text = without_zeros(scaled(n, 9, 3)) + " s";
  return ns < 0 ? std::string(kMinus) + text : text;
}

std::string count_text(int64_t n) {
  return (n < 0 ? std::string(kMinus) : std::string()) + grouped(magnitude(n));
}

std::string number_text(double value, int decimals) {
  if (!std::isfinite(value)) return std::string(kNothing);
  return with_sign(value < 0, false, fixed(std::fabs(value), decimals));
}

std::string signed_text(double value, int decimals) {
  if (!std::isfinite(value)) return std::string(kNothing);
  return with_sign(value < 0, true, fixed(std::fabs(value), decimals));
}

std::string percent_text(double percent, int decimals) {
  return std::isfinite(percent) ? number_text(percent, decimals) + " %" : std::string(kNothing);
}

std::string signed_percent_text(double percent, int decimals) {
  return std::isfinite(percent) ? signed_text(percent, decimals) + " %" : std::string(kNothing);
}

std::string bytes_text(int64_t bytes) {
  if (bytes < 0) return std::string(kNothing);
  if (bytes < 1000) return std::to_string(bytes) + " B";
  static constexpr const char* kUnits[] = {"kB", "MB", "GB", "TB"};
  double value = static_cast<double>(bytes) / 1000;
  int unit = 0;
  while (value >= 999.5 && unit < 3) {
    value /= 1000;
    ++unit;
  }
  return without_zeros(number_text(value, value < 10 ? 2 : value < 100 ? 1 : 0)) + " " + kUnits[unit];
}

int64_t ns_of_us(double us) {
  return std::isfinite(us) ? std::llround(us * 1000) : 0;
}

std::string words_of(std::string_view key) {
  std::string text(key);
  for (char& c : text) {
    if (c == '_') c = ' ';
  }
  return text;
}

std::string with_micro(std::string_view text) {
  std::string out;
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  for (size_t i = 0; i < text.size(); ++i) {
    const bool unit = text.substr(i, 3) == " us" && i > 0 && (i + 3 == text.size() || !letter(text[i + 3]));
    // A unit follows a number; a word does not.
    if (unit && text[i - 1] >= '0' && text[i - 1] <= '9') {
      out += " µs";
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace ui
