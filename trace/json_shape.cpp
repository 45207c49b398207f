#include <cstdint>

#include "trace/json_text.h"

namespace trace {
namespace {

// One pass over a value. What may come next is a matter of the last token and of the bracket that
// is open.
class ShapeReader {
 public:
  explicit ShapeReader(std::string_view text) : m_text(text) {}

  ValueShape read() {
    while ((m_at = skip_space(m_text, m_at)) < m_text.size()) {
      const size_t begin = m_at;
      const size_t length = token_length();
      if (length == 0) return {ValueShape::unfinished, begin};
      if (!accept(m_text[begin])) return {ValueShape::broken, begin};
      m_at = begin + length;
      if (m_open.empty() && m_next == Next::separator) return {ValueShape::whole, m_at};
    }
    return {ValueShape::unfinished, m_at};
  }

 private:
  enum class Next : uint8_t { value, first_value, key, first_key, colon, separator };

  // 0: the token has no end in this text.
  size_t token_length() const {
    const char c = m_text[m_at];
    if (c == '"') {
      for (size_t i = m_at + 1; i < m_text.size(); ++i) {
        if (m_text[i] == '\\')
          ++i;
        else if (m_text[i] == '"')
          return i + 1 - m_at;
      }
      return 0;
    }
    constexpr std::string_view kSingle = "{}[],:";
    if (kSingle.find(c) != kNowhere) return 1;
    const size_t end = m_text.find_first_of("{}[],:\" \n\r\t", m_at);
    return end == kNowhere ? 0 : end - m_at;
  }

  bool close(char open) {
    if (m_open.empty() || m_open.back() != open) return false;
    m_open.pop_back();
    m_next = Next::separator;
    return true;
  }

  bool accept(char c) {
    switch (c) {
      case '{':
      case '[':
        if (m_next != Next::value && m_next != Next::first_value) return false;
        m_open.push_back(c);
        m_next = c == '{' ? Next::first_key : Next::first_value;
        return true;
      case '}':
        return (m_next == Next::separator || m_next == Next::first_key) && close('{');
      case ']':
        return (m_next == Next::separator || m_next == Next::first_value) && close('[');
      case ',':
        if (m_next != Next::separator || m_open.empty()) return false;
        m_next = m_open.back() == '{' ? Next::key : Next::value;
        return true;
      case ':':
        if (m_next != Next::colon) return false;
        m_next = Next::value;
        return true;
      case '"':
        if (m_next == Next::key || m_next == Next::first_key) return m_next = Next::colon, true;
        [[fallthrough]];
      default:
        if (m_next != Next::value && m_next != Next::first_value) return false;
        m_next = Next::separator;
        return true;
    }
  }

  std::string_view m_text;
  size_t m_at = 0;
  std::string m_open;  // brackets
  Next m_next = Next::value;
};

}  // namespace

ValueShape value_shape(std::string_view text) {
  return ShapeReader(text).read();
}

}  // namespace trace
