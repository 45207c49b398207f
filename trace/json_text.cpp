#include "trace/json_text.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace trace {
namespace {

// Keys that an event begins with. Nested objects that begin like one only cost a second look.
constexpr std::array<std::string_view, 8> kFirstKeys{"\"ph\"",  "\"name\"", "\"cat\"",  "\"pid\"",
                                                     "\"tid\"", "\"ts\"",   "\"args\"", "\"id\""};

bool begins_event(std::string_view text, size_t brace) {
  const std::string_view key = text.substr(std::min(skip_space(text, brace + 1), text.size()));
  return std::ranges::any_of(kFirstKeys,
                             [&](std::string_view first) { return key.starts_with(first); });
}

// Whether "}," stands before this place.
bool follows_record(std::string_view text, size_t brace) {
  size_t at = brace;
  const auto back = [&] {
    while (at > 0 && is_json_space(text[at - 1])) --at;
    return at > 0 ? text[--at] : '\0';
  };
  return back() == ',' && back() == '}';
}

// Length of the UTF-8 sequence at the start of `text`, 0 when it is none.
size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : 0; };
  const auto tail = [&](size_t count) {
    for (size_t i = 1; i <= count; ++i)
      if ((byte(i) & 0xc0) != 0x80) return false;
    return true;
  };
  const uint8_t a = byte(0), b = byte(1);
  if (a < 0x80) return 1;
  if (a >= 0xc2 && a <= 0xdf && tail(1)) return 2;
  if (a >= 0xe0 && a <= 0xef && tail(2)) {
    const bool overlong = a == 0xe0 && b < 0xa0, surrogate = a == 0xed && b >= 0xa0;
    return overlong || surrogate ? 0 : 3;
  }
  if (a >= 0xf0 && a <= 0xf4 && tail(3)) {
    const bool overlong = a == 0xf0 && b < 0x90, beyond = a == 0xf4 && b >= 0x90;
    return overlong || beyond ? 0 : 4;
  }
  return 0;
}

// One bit for each quote, backslash and bracket of a block.
uint32_t stops_of(const char* block) {
  uint32_t stops = 0;
#ifdef __SSE2__
  for (int half = 0; half < 2; ++half) {
    const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block + 16 * half));
    const __m128i brackets = _mm_or_si128(text, _mm_set1_epi8(0x20));   // [ ] become { }
    const auto is = [](__m128i bytes, char c) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)); };
    const __m128i found = _mm_or_si128(_mm_or_si128(is(text, '"'), is(text, '\\')), _mm_or_si128(is(brackets, '{'), is(brackets, '}')));
    stops |= static_cast<uint32_t>(_mm_movemask_epi8(found)) << (16 * half);
  }
#else
  for (size_t i = 0; i < ValueEnd::kBlock; ++i) {
    const char c = block[i], bracket = static_cast<char>(c | 0x20);
    stops |= static_cast<uint32_t>(c == '"' || c == '\\' || bracket == '{' || bracket == '}') << i;
  }
#endif
  return stops;
}

// Whether what follows a quote fits the end of a string: a colon, a closing bracket, or a comma and
// a new item.
bool ends_string(std::string_view text, size_t after) {
  const size_t at = skip_space(text, after);
  if (at >= text.size()) return true;
  if (text[at] == ':' || text[at] == '}' || text[at] == ']') return true;
  if (text[at] != ',') return false;
  const size_t next = skip_space(text, at + 1);
  if (next >= text.size() || text[next] != '"')
    return next < text.size() && std::string_view("0123456789-{[tfn").find(text[next]) != kNowhere;
  // A new key or another string: it must itself come to an end before the line does.
  const size_t line = std::min(text.find('\n', next), text.size());
  return text.find('"', next + 1) < line;
}

}  // namespace

bool is_json_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

size_t skip_space(std::string_view text, size_t at) {
  while (at < text.size() && is_json_space(text[at])) ++at;
  return at;
}

size_t ValueEnd::find(std::string_view piece) {
  for (size_t i = 0; i < piece.size();) {
    if (m_depth > 0 && piece.size() - i >= kBlock) {
      const size_t end = find_in_block(piece.data() + i);
      if (end > 0) return i + end;
      i += kBlock;
      continue;
    }
    const char c = piece[i];
    if (m_in_string) {
      if (m_escaped)
        m_escaped = false;
      else if (c == '\\')
        m_escaped = true;
      else if (c == '"') {
        m_in_string = false;
        if (m_depth == 0) return i + 1;
      }
    } else if (c == '"') {
      m_in_string = true;
    } else if (c == '{' || c == '[') {
      ++m_depth;
    } else if (c == '}' || c == ']') {
      if (m_depth == 0) return i;  // of what is around a bare number
      if (--m_depth == 0) return i + 1;
    } else if (m_depth == 0) {
      if (m_scalar && (c == ',' || is_json_space(c))) return i;
      m_scalar = m_scalar || !is_json_space(c);
    }
    ++i;
  }
  return kNowhere;
}

// Within brackets only quotes, backslashes and brackets count: from one to the next, without a look at what is between.
size_t ValueEnd::find_in_block(const char* block) {
  uint32_t stops = stops_of(block);
  if (m_escaped) stops &= ~1u, m_escaped = false;
  for (; stops != 0; stops &= stops - 1) {
    const auto i = static_cast<size_t>(std::countr_zero(stops));
    const char c = block[i];
    if (c == '"') {
      m_in_string = !m_in_string;
    } else if (c == '\\') {
      if (!m_in_string) continue;
      m_escaped = i + 1 == kBlock;
      stops &= ~(uint32_t{2} << i);   // what it escapes
    } else if (!m_in_string) {
      m_depth += (c & 2) ? 1 : -1;   // { and [ have this bit, } and ] have not
      if (m_depth == 0) return i + 1;
    }
  }
  return 0;
}

size_t first_boundary(std::string_view text, size_t from) {
  for (size_t at = text.find('{', from); at != kNowhere; at = text.find('{', at + 1))
    if (follows_record(text, at) && begins_event(text, at)) return at;
  return kNowhere;
}

size_t last_boundary(std::string_view text) {
  for (size_t at = text.rfind('{'); at != kNowhere && at > 0; at = text.rfind('{', at - 1))
    if (follows_record(text, at) && begins_event(text, at)) return at;
  return kNowhere;
}

size_t sanitize(char* text, size_t length) {
  size_t replaced = 0;
  for (size_t i = 0; i < length;) {
    if (static_cast<uint8_t>(text[i]) < 0x20) {
      text[i++] = ' ';
    } else if (const size_t bytes = utf8_length({text + i, length - i}); bytes > 0) {
      i += bytes;
    } else {
      text[i++] = '?';
      ++replaced;
    }
  }
  return replaced;
}

std::string escape_stray_quotes(std::string_view object) {
  std::string out;
  out.reserve(object.size() + 16);
  bool in_string = false;
  for (size_t i = 0; i < object.size(); ++i) {
    const char c = object[i];
    if (in_string && c == '\\' && i + 1 < object.size()) {
      out += c;
      out += object[++i];
      continue;
    }
    if (c == '"' && in_string && !ends_string(object, i + 1)) {
      out += "\\\"";
      continue;
    }
    if (c == '"') in_string = !in_string;
    out += c;
  }
  return out;
}

}  // namespace trace
