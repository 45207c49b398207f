// How commands speak: results on stdout, everything else on stderr, one line for an error.
#pragma once
#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "trace/result.h"

namespace app {

inline constexpr int kDone = 0, kFailed = 1, kRefusedExit = 2;

// Prints "error: what, where" and returns exit code 2.
int refuse(const trace::Error&);
// Exactly one line of JSON on stdout. Text that is not UTF-8 is replaced, never thrown at.
void print_json(const nlohmann::json&);

template <class... T>
void note(fmt::format_string<T...> format, T&&... args) {
  fmt::print(stderr, "{}\n", fmt::format(format, std::forward<T>(args)...));
}

// Columns aligned for reading: text left, numbers right. Cells that parse as numbers count as numbers.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : m_rows{std::move(header)} {}
  void row(std::vector<std::string> cells) { m_rows.push_back(std::move(cells)); }
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> m_rows;
};

std::string us(int64_t ns);      // "17.325"
std::string us(double value);    // three decimals below 100, fewer above
inline double to_us(int64_t ns) { return static_cast<double>(ns) / 1000.0; }

// A line of progress on stderr, redrawn in place on a terminal; elsewhere a new line every three seconds or more.
class ProgressLine {
 public:
  ~ProgressLine() { clear(); }
  void show(const std::string& what, double fraction);
  void clear();

 private:
  std::string m_last_stage;
  bool m_drawn = false;
  int64_t m_last_ms = 0;
};

// Set by Ctrl+C once install_interrupt() was called; the second Ctrl+C ends the program as usual.
bool interrupted();
void install_interrupt();

}  // namespace app
