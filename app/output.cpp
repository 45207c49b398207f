#include "app/output.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>

namespace app {

int refuse(const trace::Error& error) {
  std::string line = error.line();
  std::replace(line.begin(), line.end(), '\n', ' ');
  fmt::print(stderr, "error: {}\n", line);
  return interrupted() ? kFailed : kRefusedExit;   // cancelled, not refused
}

void print_json(const nlohmann::json& value) {
  const std::string text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

namespace {

bool is_number(const std::string& cell) {
  if (cell.empty()) return false;
  if (cell == "-") return true;
  char* end = nullptr;
  std::strtod(cell.c_str(), &end);
  return end == cell.c_str() + cell.size() || (end != cell.c_str() && *end == '%');
}

// Width in characters, not bytes: kernel names and units carry UTF-8.
size_t width_of(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](unsigned char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace

std::string Table::text() const {
  std::vector<size_t> width;
  std::vector<bool> right;
  for (const auto& row : m_rows) {
    width.resize(std::max(width.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], width_of(row[i]));
  }
  right.resize(width.size(), true);
  for (size_t r = 1; r < m_rows.size(); ++r) {
    for (size_t i = 0; i < m_rows[r].size(); ++i) {
      if (!m_rows[r][i].empty() && !is_number(m_rows[r][i])) right[i] = false;
    }
  }
  std::string out;
  for (const auto& row : m_rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string pad(width[i] - width_of(row[i]), ' ');
      line += (i ? "  " : "") + (right[i] ? pad + row[i] : row[i] + pad);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string us(int64_t ns) { return fmt::format("{:.3f}", to_us(ns)); }

std::string us(double value) {
  const double size = value < 0 ? -value : value;
  return fmt::format("{:.{}f}", value, size < 100 ? 3 : size < 10000 ? 2 : 1);
}

void ProgressLine::show(const std::string& what, double fraction) {
  const std::string text = fraction >= 0 ? fmt::format("{} {:3.0f} %", what, fraction * 100) : what;
  static const bool terminal = isatty(STDERR_FILENO);
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
  if (terminal) {
    if (m_drawn && now - m_last_ms < 50) return;
    fmt::print(stderr, "\r\033[K{}", text);
    std::fflush(stderr);
    m_drawn = true;
  } else {
    // In a log: what is going on every few seconds, not every stage of it.
    if (what == m_last_stage || now - m_last_ms < 3000) return;
    fmt::print(stderr, "{}\n", text);
  }
  m_last_ms = now;
  m_last_stage = what;
}

void ProgressLine::clear() {
  if (m_drawn) fmt::print(stderr, "\r\033[K");
  m_drawn = false;
}

namespace {
std::atomic<bool> g_interrupted{false};
void on_interrupt(int signal) {
  g_interrupted = true;
  std::signal(signal, SIG_DFL);
}
}  // namespace

bool interrupted() { return g_interrupted; }
void install_interrupt() {
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
}

}  // namespace app
