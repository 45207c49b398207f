#include "trace/json_walk.h"

#include <algorithm>
#include <utility>

#include "trace/json_text.h"

namespace trace {
namespace {

constexpr size_t kChunk = 64 << 10;
constexpr size_t kElements = 1 << 20;   // read at once, in arrays

}  // namespace

void JsonWalk::drop_element() { m_buffer.consume(std::exchange(m_element, 0)); }

char JsonWalk::peek() {
  drop_element();
  for (;;) {
    m_buffer.consume(std::min(skip_space(m_buffer.text(), 0), m_buffer.text().size()));
    if (!m_buffer.text().empty()) return m_buffer.text().front();
    if (m_buffer.at_end()) return 0;
    m_buffer.fill(kChunk);
  }
}

bool JsonWalk::take(char wanted) {
  if (peek() != wanted) return false;
  m_buffer.consume(1);
  return true;
}

bool JsonWalk::key(std::string& out) {
  out.clear();
  if (peek() != '"' || !value(&out)) return false;
  out = out.substr(1, out.size() - 2);
  return take(':');
}

bool JsonWalk::value(std::string* out, size_t max_bytes) {
  if (peek() == 0) return false;
  for (ValueEnd end;;) {
    const std::string_view text = m_buffer.text();
    const size_t at = end.find(text);
    const std::string_view part = text.substr(0, at);
    if (out && out->size() + part.size() <= max_bytes) out->append(part);
    m_buffer.consume(part.size());
    if (at != kNowhere) return true;
    if (m_buffer.at_end()) return false;
    m_buffer.fill(kChunk);
  }
}

JsonWalk::Element JsonWalk::element(std::string_view& text) {
  while (peek() == ',') m_buffer.consume(1);
  if (peek() == 0) return Element::input_ended;
  if (take(']')) return Element::closed;
  size_t seen = 0;   // of the text, by `end`
  for (ValueEnd end;;) {
    const std::string_view all = m_buffer.text();
    const size_t at = end.find(all.substr(seen));
    if (at != kNowhere) {
      m_element = seen + at;
      if (m_element == 0) return Element::input_ended;   // a bracket that closes something else
      text = all.substr(0, m_element);
      return Element::whole;
    }
    seen = all.size();
    if (m_buffer.at_end()) return Element::input_ended;
    if (seen >= kMaxElement) return Element::too_long;
    m_buffer.fill(std::max(2 * seen, kElements));
  }
}

}  // namespace trace
