// JSON as text that comes in pieces: where a value ends, where one record of an array ends and the
// next begins, and the repairs that old writers need. Exact structure is simdjson's; this finds the
// places to cut and to resume at. Pure.
#pragma once
#include <string>
#include <string_view>

namespace trace {

inline constexpr size_t kNowhere = std::string_view::npos;

bool is_json_space(char c);
// First place at or after `at` that is no white space.
size_t skip_space(std::string_view text, size_t at);

// Finds the end of a value, fed in pieces. Knows strings and brackets, checks nothing else.
class ValueEnd {
 public:
  // Place after the value's last character within `piece`, or kNowhere: the value goes on. A bare
  // number or word ends before the comma, bracket or space that follows it.
  size_t find(std::string_view piece);
  static constexpr size_t kBlock = 32;   // bytes looked at together

 private:
  size_t find_in_block(const char* block);   // the same, 0 for nowhere. REQUIRES: m_depth > 0

  int64_t m_depth = 0;   // of brackets
  bool m_in_string = false, m_escaped = false, m_scalar = false;
};

// Whether a text begins with a JSON value. Brackets, commas, colons and strings are checked;
// numbers and words are not.
struct ValueShape {
  enum { whole, unfinished, broken } state = unfinished;
  size_t at = 0;  // whole: behind the value; broken: the character that cannot stand there
};
ValueShape value_shape(std::string_view text);

// Records of an array of objects: "}, {" and the first key of an event. Place of the "{".
//   first: at or after `from`.   last: the last one in the text.   kNowhere: none.
size_t first_boundary(std::string_view text, size_t from);
size_t last_boundary(std::string_view text);

// Makes bytes that JSON forbids harmless, in place: control characters become spaces (which they
// are, outside strings), bytes that are no UTF-8 become '?'. Returns how many of the latter.
size_t sanitize(char* text, size_t length);

// An object whose strings hold unescaped quotes: a quote is taken as the end of a string only where
// a comma, colon or closing bracket follows that fits the writer's layout; the others get a
// backslash.
std::string escape_stray_quotes(std::string_view object);

}  // namespace trace
