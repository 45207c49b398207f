// CSV as it comes: fields between separators, quoted ones may hold separators, line ends and doubled
// quotes. One row in memory at a time, its fields where they lie. Not thread-safe.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "trace/byte_source.h"

namespace trace {

class CsvReader {
 public:
  CsvReader(ByteSource& source, int64_t max_bytes) : m_source(source), m_max(max_bytes), m_text(256 << 10) {}

  // Before the first row: passes over a byte order mark and takes the separator that the first line holds most of.
  void begin(std::string_view separators);
  // The next row, valid until the next call; false at the end. Empty lines are passed over. A row longer than kMaxRow
  // ends the reading (too_long()); what follows its kMaxFields-th field is left out.
  bool next(std::vector<std::string_view>& fields);
  static constexpr size_t kMaxRow = 16 << 20, kMaxFields = 1000;

  int64_t bytes_read() const { return m_read; }
  bool over_limit() const { return m_over; }
  bool too_long() const { return m_too_long; }
  bool unclosed_quote() const { return m_unclosed; }   // at the end of the file

 private:
  struct Field {
    size_t begin, end;   // in m_text, quotes around it included
    bool plain;          // nothing to be taken out of it
  };
  bool find_row(size_t& behind);   // its fields into m_fields; false: it goes on behind what is in m_text
  size_t find_field(size_t from, Field& field);
  std::string_view clean(const Field& field);
  void fill();

  ByteSource& m_source;
  char m_separator = ',';
  int64_t m_max, m_read = 0;
  std::vector<char> m_text;
  std::vector<Field> m_fields;
  size_t m_at = 0, m_end = 0;   // of m_text: the next row, behind what was read
  bool m_ended = false, m_over = false, m_too_long = false, m_unclosed = false, m_open_quote = false;
};

}  // namespace trace
