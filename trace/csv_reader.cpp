#include "trace/csv_reader.h"

#include <algorithm>
#include <cstring>

namespace trace {

void CsvReader::begin(std::string_view separators) {
  fill();
  std::string_view head(m_text.data(), m_end);
  if (head.starts_with("\xef\xbb\xbf")) head.remove_prefix(m_at = 3);
  head = head.substr(0, head.find('\n'));
  m_separator = *std::ranges::max_element(separators, {}, [&](char c) { return std::ranges::count(head, c); });
}

// Moves the row that was begun to the front and reads behind it.
void CsvReader::fill() {
  if (m_at > 0) std::memmove(m_text.data(), m_text.data() + m_at, m_end - m_at);
  m_end -= m_at;
  m_at = 0;
  if (m_end == m_text.size()) m_text.resize(2 * m_text.size());
  const auto left = static_cast<size_t>(std::max<int64_t>(m_max - m_read, 0));
  const size_t got = left == 0 ? 0 : m_source.read(std::span(m_text).subspan(m_end, std::min(m_text.size() - m_end, left)));
  m_over = left == 0;
  m_ended = got == 0;
  m_end += got;
  m_read += static_cast<int64_t>(got);
}

// Where the field ends: at a separator, at the end of the line, or at m_end.
size_t CsvReader::find_field(size_t from, Field& field) {
  const char* text = m_text.data();
  field = {from, from, true};
  size_t at = from;
  m_open_quote = false;
  if (at < m_end && text[at] == '"') {
    for (;;) {
      const void* quote = at + 1 < m_end ? std::memchr(text + at + 1, '"', m_end - at - 1) : nullptr;
      if (!quote) {
        m_open_quote = true;
        field.plain = false;
        return field.end = m_end;
      }
      at = static_cast<size_t>(static_cast<const char*>(quote) - text) + 1;
      if (at >= m_end || text[at] != '"') break;
      field.plain = false;   // a doubled one
    }
    if (at < m_end && text[at] != m_separator && text[at] != '\n') field.plain = false;   // something behind the closing quote
  }
  for (; at < m_end && text[at] != m_separator && text[at] != '\n'; ++at)
    if (text[at] == '\r') field.plain = false;
  return field.end = at;
}

bool CsvReader::find_row(size_t& behind) {
  m_fields.clear();
  for (size_t at = m_at;;) {
    Field field;
    at = find_field(at, field);
    // A quote at the very end may be the first half of a doubled one.
    if (at == m_end && !m_ended) return false;
    if (m_fields.size() < kMaxFields) m_fields.push_back(field);
    behind = at + (at < m_end);
    if (at == m_end || m_text[at] == '\n') return true;
    ++at;
  }
}

// Without quotes and carriage returns, where it lies.
std::string_view CsvReader::clean(const Field& field) {
  char* text = m_text.data();
  if (field.plain) {
    const size_t quotes = field.end > field.begin && text[field.begin] == '"';
    return {text + field.begin + quotes, field.end - field.begin - 2 * quotes};
  }
  size_t to = field.begin;
  bool quoted = false;
  for (size_t at = field.begin; at < field.end; ++at) {
    const char c = text[at];
    if (quoted && c == '"') {
      if (at + 1 < field.end && text[at + 1] == '"') text[to++] = text[++at];
      else quoted = false;
    } else if (c == '"' && at == field.begin) {
      quoted = true;
    } else if (quoted || c != '\r') {
      text[to++] = c;
    }
  }
  return {text + field.begin, to - field.begin};
}

bool CsvReader::next(std::vector<std::string_view>& fields) {
  fields.clear();
  for (;;) {
    size_t behind = 0;
    while (!find_row(behind)) {
      if (m_end - m_at > kMaxRow) return m_too_long = true, false;
      fill();
    }
    const bool ended = m_at == m_end;
    for (const Field& field : m_fields) fields.push_back(clean(field));
    m_at = behind;
    if (fields.size() > 1 || !fields[0].empty()) return m_unclosed = m_open_quote, true;
    if (ended) return false;
    fields.clear();
  }
}

}  // namespace trace
