// Times as trace files write them, read from their decimal text: a double has 16 digits, and at
// 4e12 us it cannot tell a gap of 1 ns from none. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "trace/trace_check.h"  // kMaxTimeNs

namespace trace {

// A JSON number in microseconds ("4203669603771.648", "1661203463029566", "1.5e3", also in quotes)
// to nanoseconds; exact down to 1 ns, digits below round half away from zero. Empty: no number, or
// beyond kMaxTimeNs.
std::optional<int64_t> microseconds_to_ns(std::string_view token);

// A JSON integer, maybe in quotes, up to 2^64 - 1 (those above 2^63 - 1 keep their bits); 7.0 is no
// integer.
std::optional<int64_t> parse_integer(std::string_view token);

// A token without white space around it and quotes.
std::string_view bare_token(std::string_view token);

}  // namespace trace
