#include "trace/decimal_time.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace trace {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

constexpr uint64_t kPowers[] = {1,
                                10,
                                100,
                                1'000,
                                10'000,
                                100'000,
                                1'000'000,
                                10'000'000,
                                100'000'000,
                                1'000'000'000,
                                10'000'000'000,
                                100'000'000'000,
                                1'000'000'000'000};
constexpr int kMaxPower = static_cast<int>(std::size(kPowers)) - 1;

// digits x 10^power, or nothing when too large.
std::optional<uint64_t> scaled(uint64_t digits, int64_t power) {
  if (digits == 0) return 0;
  for (; power > 0; --power) {
    if (digits > static_cast<uint64_t>(kMaxTimeNs) / 10) return std::nullopt;
    digits *= 10;
  }
  if (power < -20) return 0;
  for (; power < -kMaxPower; ++power) digits /= 10;  // far below the rounding digit
  const uint64_t unit = kPowers[-power];
  digits = digits / unit + (digits % unit >= (unit + 1) / 2 && unit > 1 ? 1 : 0);
  if (digits > static_cast<uint64_t>(kMaxTimeNs)) return std::nullopt;
  return digits;
}

struct Decimal {
  uint64_t digits = 0;
  int64_t power = 0;  // value = digits x 10^power
  size_t length = 0;  // characters read
};

// Digits, point, digits. Digits beyond what 64 bits hold are dropped: they are below a nanosecond,
// or the value is out of range anyway, and `power` says so.
Decimal read_digits(std::string_view text) {
  Decimal d;
  bool point = false, any = false;
  for (; d.length < text.size(); ++d.length) {
    const char c = text[d.length];
    if (c == '.' && !point) {
      point = true;
    } else if (is_digit(c)) {
      any = true;
      if (d.digits <= (std::numeric_limits<uint64_t>::max() - 9) / 10) {
        d.digits = d.digits * 10 + static_cast<uint64_t>(c - '0');
        if (point) --d.power;
      } else if (!point) {
        ++d.power;
      }
    } else {
      break;
    }
  }
  if (!any) d.length = 0;
  return d;
}

// "e-3". False when there is something else than an exponent.
bool read_exponent(std::string_view text, int64_t& power) {
  if (text.empty()) return true;
  if (text[0] != 'e' && text[0] != 'E') return false;
  text.remove_prefix(1);
  if (text.starts_with('+')) text.remove_prefix(1);
  int exponent = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), exponent);
  if (error != std::errc{} || end != text.data() + text.size()) return false;
  power += std::clamp(exponent, -1000, 1000);
  return true;
}

}  // namespace

std::string_view bare_token(std::string_view token) {
  while (!token.empty() && is_space(token.back())) token.remove_suffix(1);
  while (!token.empty() && is_space(token.front())) token.remove_prefix(1);
  if (token.size() >= 2 && token.front() == '"' && token.back() == '"')
    token = token.substr(1, token.size() - 2);
  return token;
}

std::optional<int64_t> microseconds_to_ns(std::string_view token) {
  token = bare_token(token);
  const bool negative = token.starts_with('-');
  if (negative) token.remove_prefix(1);
  Decimal d = read_digits(token);
  if (d.length == 0 || !read_exponent(token.substr(d.length), d.power)) return std::nullopt;
  const auto ns = scaled(d.digits, d.power + 3);
  if (!ns) return std::nullopt;
  return negative ? -static_cast<int64_t>(*ns) : static_cast<int64_t>(*ns);
}

std::optional<int64_t> parse_integer(std::string_view token) {
  token = bare_token(token);
  const char* end = token.data() + token.size();
  int64_t value = 0;
  if (auto [stop, error] = std::from_chars(token.data(), end, value);
      error == std::errc{} && stop == end)
    return value;
  uint64_t large = 0;
  if (auto [stop, error] = std::from_chars(token.data(), end, large);
      error == std::errc{} && stop == end)
    return static_cast<int64_t>(large);
  return std::nullopt;
}

}  // namespace trace
