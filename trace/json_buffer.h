// A sliding window over the bytes of a ByteSource, laid out for simdjson: one byte free before the
// text, padding after it, so that a run of records can be bracketed in place and parsed without a
// copy. Not thread-safe.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "trace/byte_source.h"

namespace trace {

class JsonBuffer {
 public:
  JsonBuffer(ByteSource& source, int64_t max_bytes) : m_source(source), m_max(max_bytes) {}

  // Empty before the first fill().
  std::string_view text() const {
    return m_begin == m_end ? std::string_view() : std::string_view(m_bytes.data() + m_begin, m_end - m_begin);
  }
  // The same to write to, with data()[-1] and simdjson's padding behind the text. REQUIRES: fill()
  // was called.
  char* data() { return m_bytes.data() + m_begin; }
  size_t capacity() const { return m_bytes.size() - m_begin; }

  // Reads until the text has `wanted` bytes or the source ends.
  void fill(size_t wanted);
  void consume(size_t bytes) { m_begin += bytes; }

  bool at_end() const { return m_ended; }  // all there is, is in text()
  // Of text() in the raw input.
  int64_t offset() const { return m_read - static_cast<int64_t>(m_end - m_begin); }
  int64_t bytes_read() const { return m_read; }
  bool over_limit() const { return m_over; }  // ended because of max_bytes

 private:
  ByteSource& m_source;
  int64_t m_max;
  std::vector<char> m_bytes;
  size_t m_begin = 1, m_end = 1;
  int64_t m_read = 0;
  bool m_ended = false, m_over = false;
};

}  // namespace trace
