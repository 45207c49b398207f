#include "trace/csv_reader.h"

#include <algorithm>

namespace trace {

int CsvReader::peek() {
  if (m_at == m_end) {
    const auto left = static_cast<size_t>(std::max<int64_t>(m_max - m_read, 0));
    m_at = 0;
    m_end = m_source.read(std::span(m_block).first(std::min(m_block.size(), left)));
    m_read += static_cast<int64_t>(m_end);
    if (left == 0) m_over = true;
    if (m_end == 0) return -1;
  }
  return static_cast<unsigned char>(m_block[m_at]);
}

int CsvReader::get() {
  const int c = peek();
  if (c >= 0) ++m_at;
  return c;
}

bool CsvReader::next(std::vector<std::string>& fields) {
  fields.assign(1, {});
  size_t length = 0;
  bool quoted = false;
  for (int c = get(); c >= 0; c = get()) {
    if (++length > kMaxRow) return m_too_long = true, false;
    std::string& field = fields.back();
    if (quoted) {
      if (c != '"') field += static_cast<char>(c);
      else if (peek() == '"') field += static_cast<char>(get());
      else quoted = false;
    } else if (c == '"' && field.empty()) {
      quoted = true;
    } else if (c == ',') {
      if (fields.size() < kMaxFields) fields.emplace_back();
      else field.clear();
    } else if (c == '\n') {
      if (fields.size() > 1 || !field.empty()) return true;
    } else if (c != '\r') {
      field += static_cast<char>(c);
    }
  }
  m_unclosed = quoted;
  return fields.size() > 1 || !fields.back().empty();
}

}  // namespace trace
