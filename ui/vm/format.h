// Numbers as the window shows them: at most three decimals, a true minus sign, digits grouped by a
// thin space. Times come in integer nanoseconds and are rounded half away from zero in integers, so
// that figures in a column add up to what the eye expects. Pure; any thread.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace ui {

inline constexpr std::string_view kMinus = "\u2212";
inline constexpr std::string_view kNothing = "\u2013";  // a cell without a value

// "287.16": microseconds without the unit, for columns whose header carries it. decimals in [0, 3].
std::string us_text(int64_t ns, int decimals = 2);
// "+25.08", "−8.54", "0.00".
std::string signed_us_text(int64_t ns, int decimals = 2);
// With a unit that suits the size: "672 ns", "5.319 µs", "6.412 ms", "1.5 s". At most three
// decimals.
std::string duration_text(int64_t ns);
// "2 886"; negative with a true minus.
std::string count_text(int64_t n);
// "1.9 %" or, signed, "+0.4 %".
std::string percent_text(double percent, int decimals = 1);
std::string signed_percent_text(double percent, int decimals = 1);
// "36.9 kB", powers of 1000; "–" for a negative (unknown) size.
std::string bytes_text(int64_t bytes);
// Fixed decimals with a true minus, NaN as "–".
std::string number_text(double value, int decimals);
std::string signed_text(double value, int decimals);
// "graph edge" of the key "graph_edge".
std::string words_of(std::string_view key);
// "5.1 us" of texts that also go to plain terminals, as the window writes it: "5.1 µs".
std::string with_micro(std::string_view text);
// Nanoseconds of a time in microseconds, for figures that exist as doubles only.
int64_t ns_of_us(double us);

}  // namespace ui
