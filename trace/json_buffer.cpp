#include "trace/json_buffer.h"

#include <algorithm>
#include <cstring>

#include "trace/simdjson.h"

namespace trace {

void JsonBuffer::fill(size_t wanted) {
  constexpr size_t kAround =
      1 + 1 + simdjson::SIMDJSON_PADDING;  // bracket before, bracket and padding after
  const size_t have = m_end - m_begin;
  if (!m_bytes.empty() && (m_ended || have >= wanted)) return;
  if (have > 0 && m_begin > 1) std::memmove(m_bytes.data() + 1, m_bytes.data() + m_begin, have);
  m_begin = 1;
  m_end = 1 + have;
  if (m_bytes.size() < wanted + kAround) m_bytes.resize(wanted + kAround);
  while (!m_ended && m_end - m_begin < wanted) {
    const auto left = static_cast<size_t>(std::max<int64_t>(m_max - m_read, 0));
    const size_t want = std::min(wanted - (m_end - m_begin), left);
    const size_t got = want == 0 ? 0 : m_source.read({m_bytes.data() + m_end, want});
    m_over = want == 0;
    m_ended = got < want || want == 0;
    m_end += got;
    m_read += static_cast<int64_t>(got);
  }
}

}  // namespace trace
