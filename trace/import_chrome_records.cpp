#include "trace/import_chrome_records.h"

#include <algorithm>
#include <array>
#include <utility>

#include "trace/json_text.h"

namespace trace {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr size_t kSmallWindow = 256 << 10;  // after trouble: if more follows, little is lost
constexpr size_t kMaxRepair = 1 << 20;

// Length of the text without the white space and commas at its end.
size_t without_separators(std::string_view text) {
  size_t length = text.size();
  while (length > 0 && (is_json_space(text[length - 1]) || text[length - 1] == ',')) --length;
  return length;
}

// Where "}]" closes an array of objects, the last one in the text: the place of the "]".
size_t last_array_end(std::string_view text) {
  for (size_t at = text.rfind(']'); at != kNowhere && at > 0; at = text.rfind(']', at - 1)) {
    const size_t before = without_separators(text.substr(0, at));
    if (before > 0 && text[before - 1] == '}') return at;
  }
  return kNowhere;
}

// Brackets a run of records in place for simdjson and puts the text back. The character behind the
// closing bracket is what simdjson meets when a record has no end: a space closes nothing.
class Bracketed {
 public:
  Bracketed(char* text, size_t length)
      : m_text(text), m_length(length), m_saved{text[-1], text[length], text[length + 1]} {
    text[-1] = '[';
    text[length] = ']';
    text[length + 1] = ' ';
  }
  ~Bracketed() {
    m_text[-1] = m_saved[0];
    m_text[m_length] = m_saved[1];
    m_text[m_length + 1] = m_saved[2];
  }
  Bracketed(const Bracketed&) = delete;
  Bracketed& operator=(const Bracketed&) = delete;

 private:
  char* m_text;
  size_t m_length;
  std::array<char, 3> m_saved;
};

}  // namespace

ChromeRecords::End ChromeRecords::run() {
  for (;;) {
    if (m_options.cancel && m_options.cancel->load(std::memory_order_relaxed))
      return End::cancelled;
    m_buffer.fill(m_window);
    if (m_options.progress) m_options.progress(m_buffer.bytes_read(), m_total);
    size_t begin = 0;
    for (std::string_view text = m_buffer.text();
         begin < text.size() && (is_json_space(text[begin]) || text[begin] == ',');)
      ++begin;
    m_buffer.consume(begin);
    if (begin > 0) m_next_run = 0;
    const std::string_view text = m_buffer.text();
    if (text.empty() && m_buffer.at_end()) return End::input_ended;
    if (text.empty()) continue;
    if (text.front() == ']') {
      if (const auto end = close(1)) return *end;
      continue;
    }
    const size_t length = run_length(text);
    if (length == 0) {
      if (m_window >= kMaxRecord) return End::too_long;
      m_window *= 2;
      continue;
    }
    if (const auto end = advance(parse(length), length)) return *end;
  }
}

// How much of the text to give to simdjson: whole records, as far as one can see; 0 = more text is
// needed.
size_t ChromeRecords::run_length(std::string_view text) {
  if (m_next_run > 0) return std::exchange(m_next_run, 0);
  if (m_buffer.at_end() && text.size() <= m_window) return without_separators(text);
  const size_t cut = last_boundary(text.substr(0, m_window));
  return cut == kNowhere ? 0 : without_separators(text.substr(0, cut));
}

std::optional<ChromeRecords::End> ChromeRecords::advance(const Pass& pass, size_t length) {
  switch (pass.state) {
    case Pass::all:
      m_buffer.consume(length);
      m_window = std::max(m_window, std::min(m_window * 2, kWindow));
      return std::nullopt;
    case Pass::closed:
      return close(pass.at);
    case Pass::no_index: {
      // A string without end somewhere: half of the records, and so on, until it is in the only
      // one.
      const std::string_view text = m_buffer.text().substr(0, length);
      size_t cut = last_boundary(text.substr(0, length / 2));
      if (cut == kNowhere) cut = first_boundary(text, 1);
      if (cut == kNowhere) return unstick({Pass::stuck, 0, false});
      m_next_run = without_separators(text.substr(0, cut));
      return std::nullopt;
    }
    case Pass::stuck:
      return unstick(pass);
  }
  return std::nullopt;
}

// Behind a "]" that ends the array, unless what follows is none of what may stand there: then it is
// a damaged byte.
std::optional<ChromeRecords::End> ChromeRecords::close(size_t at) {
  m_buffer.consume(at);
  m_buffer.fill(kSmallWindow);
  const std::string_view text = m_buffer.text();
  const size_t next = skip_space(text, 0);
  if (next >= text.size() || text[next] == ',' || text[next] == '}') return End::closed;
  if (text[next] == '{') return std::nullopt;
  return unstick({Pass::stuck, next, false});
}

ChromeRecords::Pass ChromeRecords::parse(size_t length) {
  char* text = m_buffer.data();
  const Bracketed bracketed(text, length);
  const simdjson::padded_string_view json(text - 1, length + 2, m_buffer.capacity() + 1);
  ondemand::document document;
  if (m_parser.iterate(json).get(document)) {
    m_replaced += static_cast<int64_t>(sanitize(text, length));
    if (m_parser.iterate(json).get(document)) return {Pass::no_index, 0, false};
  }
  return walk(document, text, length);
}

ChromeRecords::Pass ChromeRecords::walk(ondemand::document& document, const char* text,
                                        size_t length) {
  ondemand::array records;
  if (document.get_array().get(records)) return {Pass::stuck, 0, false};
  // Of the record before, which is counted when the walk has come behind it.
  int64_t* counter = nullptr;
  bool whole = false;  // all its fields were read
  size_t at = 0;
  // simdjson leaves a value by counting brackets: one too many or too few, and it has left other
  // records with it.
  const auto swallowed = [&](size_t end) {
    const std::string_view record(text + at, end - at);
    return counter && first_boundary(record, 1) != kNowhere &&
           value_shape(record).state != ValueShape::whole;
  };
  const auto stuck = [&] {
    if (counter && whole) ++*counter;
    return Pass{Pass::stuck, at, counter && whole};
  };
  for (auto item : records) {
    ondemand::value value;
    if (item.get(value)) return stuck();
    const auto next = static_cast<size_t>(value.raw_json_token().data() - text);
    if (swallowed(next)) return stuck();
    if (counter) ++*counter;
    if (text[next] == ']') return {Pass::closed, next + 1, false};  // after a comma too many
    at = next;
    ondemand::object record;
    whole = false;
    if (value.get_object().get(record)) {
      // A bracket too many between two records would take all that follow with it.
      if (text[at] == '[' && text[skip_space({text, length}, at + 1)] == '{')
        return {Pass::stuck, at, false};
      counter = m_events.skipped("not an object");
      continue;
    }
    counter = m_events.read(record, whole);
    if (!counter) return {Pass::stuck, at, false};
  }
  const char* behind = text + length;
  const bool closed = document.current_location().get(behind) == simdjson::SUCCESS;
  auto end = static_cast<size_t>(behind - text);
  if (swallowed(end)) return stuck();
  if (counter) ++*counter;
  if (!closed) return {Pass::all, length, false};
  // The array's own bracket came before ours.
  while (end > 0 && text[end - 1] != ']') --end;
  return {Pass::closed, end, false};
}

// At a record that is no JSON or not whole, or behind one that is. Sets the buffer on something
// that can go on.
std::optional<ChromeRecords::End> ChromeRecords::unstick(const Pass& pass) {
  m_buffer.consume(pass.at);
  const std::string_view text = m_buffer.text();
  ValueShape shape = value_shape(text);
  if (!text.starts_with('{')) shape = {ValueShape::broken, 0};
  if (shape.state == ValueShape::whole) {
    // The cut lay inside the record, or what follows it is in the way: once more, with this one
    // alone.
    if (!pass.counted && m_stuck_at != m_buffer.offset()) {
      m_stuck_at = m_buffer.offset();
      m_next_run = shape.at;
      return std::nullopt;
    }
    drop(text.substr(0, shape.at), pass.counted);
    m_buffer.consume(shape.at);
    return std::nullopt;
  }
  m_window = kSmallWindow;
  const size_t next = shape.state == ValueShape::broken ? first_boundary(text, shape.at) : kNowhere;
  if (next != kNowhere) {
    drop(text.substr(0, without_separators(text.substr(0, next))), pass.counted);
    m_buffer.consume(next);
  } else if (!m_buffer.at_end()) {
    if (text.size() >= kMaxRecord) return End::too_long;
    m_window = std::max(2 * text.size(), kSmallWindow);
  } else if (const size_t close =
                 shape.state == ValueShape::broken ? last_array_end(text) : kNowhere;
             close != kNowhere) {
    drop(text.substr(0, without_separators(text.substr(0, close))), pass.counted);
    m_buffer.consume(close);
  } else {
    return End::input_ended;
  }
  return std::nullopt;
}

void ChromeRecords::drop(std::string_view record, bool counted) {
  if (!counted && !repaired(record)) ++*m_events.skipped("malformed JSON");
}

bool ChromeRecords::repaired(std::string_view record) {
  if (record.size() > kMaxRepair) return false;
  const simdjson::padded_string text(escape_stray_quotes(record));
  ondemand::document document;
  ondemand::object object;
  if (m_repair_parser.iterate(text).get(document) || document.get_object().get(object))
    return false;
  bool whole = false;
  int64_t* counter = m_events.read(object, whole);
  if (!counter) return false;
  ++*counter;
  ++m_repairs;
  return true;
}

}  // namespace trace
