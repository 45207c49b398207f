// CSV as it comes: fields separated by commas, quoted ones may hold commas, line ends and doubled
// quotes. One row in memory at a time. Not thread-safe.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "trace/byte_source.h"

namespace trace {

class CsvReader {
 public:
  CsvReader(ByteSource& source, int64_t max_bytes) : m_source(source), m_max(max_bytes), m_block(64 << 10) {}

  // The next row; false at the end. Empty lines are passed over. A row longer than kMaxRow ends the
  // reading (too_long()); what follows its kMaxFields-th comma is left out.
  bool next(std::vector<std::string>& fields);
  static constexpr size_t kMaxRow = 16 << 20, kMaxFields = 1000;

  int64_t bytes_read() const { return m_read; }
  bool over_limit() const { return m_over; }
  bool too_long() const { return m_too_long; }
  bool unclosed_quote() const { return m_unclosed; }   // at the end of the file

 private:
  int get();   // -1 at the end
  int peek();

  ByteSource& m_source;
  int64_t m_max, m_read = 0;
  std::vector<char> m_block;
  size_t m_at = 0, m_end = 0;
  bool m_over = false, m_too_long = false, m_unclosed = false;
};

}  // namespace trace
