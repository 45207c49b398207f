// Walking through JSON that does not fit into memory: brackets and keys one by one, values skipped,
// copied out or handed over where they lie. The structure is taken as it comes (brackets are
// balanced, nothing else is checked); what is inside a value is simdjson's matter. Not thread-safe.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "trace/json_buffer.h"

namespace trace {

class JsonWalk {
 public:
  explicit JsonWalk(JsonBuffer& buffer) : m_buffer(buffer) {}

  // The next character that is no white space, which stays in the buffer; 0 at the end.
  char peek();
  // Whether it is this one, which is consumed then.
  bool take(char wanted);
  // The key of the next member and its colon, consumed; escapes stay as they are. False: no key here.
  bool key(std::string& out);
  // The value here, consumed; its text (of at most max_bytes) into `out` unless that is null.
  // False: the input ends inside it, or no value is here.
  bool value(std::string* out = nullptr, size_t max_bytes = size_t{64} << 20);

  // The elements of an array, in place. REQUIRES: take('[').
  enum class Element : uint8_t { whole, closed, input_ended, too_long };
  // whole: `text` is the next element, consumed at the next call of this object; behind it lies
  // simdjson's padding. closed: the "]" was consumed. Otherwise the buffer stands before the element
  // that the input does not hold whole, or that is longer than kMaxElement.
  Element element(std::string_view& text);
  static constexpr size_t kMaxElement = size_t{64} << 20;

  // Bytes that may be read behind the end of element()'s text, the text included.
  size_t readable() const { return m_buffer.capacity(); }

 private:
  void drop_element();

  JsonBuffer& m_buffer;
  size_t m_element = 0;   // length of the element handed out
};

}  // namespace trace
