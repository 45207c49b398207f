#include "trace/import_chrome_events.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "trace/decimal_time.h"

namespace trace {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr size_t kMaxChromeReasons = 100;  // a hostile file must not make a report of a million lines
constexpr int64_t kFarFromZeroNs = 10'000'000'000;

// Whether a key of the file, which ends at its quote, is `text`.
template <size_t N>
bool is(const char* key, const char (&text)[N]) {
  return std::memcmp(key, text, N - 1) == 0 && key[N - 1] == '"';
}

int64_t integer_or(std::string_view token, int64_t otherwise) {
  return parse_integer(token).value_or(otherwise);
}

int32_t small_or_none(std::string_view token) {
  const int64_t value = integer_or(token, -1);
  return value < 0 || value > std::numeric_limits<int32_t>::max() ? -1
                                                                  : static_cast<int32_t>(value);
}

bool read_triple(ondemand::value& value, std::array<int32_t, 3>& out) {
  ondemand::array array;
  if (value.get_array().get(array)) return true;  // not an array: not said
  size_t i = 0;
  for (auto item : array) {
    ondemand::value number;
    if (item.get(number)) return false;
    if (i < 3) out[i++] = small_or_none(number.raw_json_token());
  }
  return true;
}

// "stream 7" -> 7: for streams that are given as text.
std::optional<int64_t> trailing_number(std::string_view text) {
  size_t begin = text.size();
  while (begin > 0 && text[begin - 1] >= '0' && text[begin - 1] <= '9') --begin;
  return parse_integer(text.substr(begin));
}

// Without JSON's escapes; as it stands where they are wrong.
std::string unescaped(std::string_view text) {
  if (text.find('\\') == std::string_view::npos) return std::string(text);
  const auto json = nlohmann::json::parse('"' + std::string(text) + '"', nullptr, false);
  return json.is_string() ? json.get<std::string>() : std::string(text);
}

std::string lane_key(std::string_view device, std::string_view stream) {
  std::string key(device);
  key += '\n';
  return key.append(stream);
}

}  // namespace

int64_t* ChromeEvents::skipped(std::string_view reason) {
  auto& counts = m_report.skipped;
  if (counts.size() >= kMaxChromeReasons && !counts.contains(std::string(reason)))
    reason = "other categories";
  return &counts[std::string(reason)];
}

const ChromeEvents::CategoryRow* ChromeEvents::category(std::string_view token) {
  const std::string_view text = bare_token(token);
  if (m_last_category && m_last_category->text == text) return m_last_category;
  for (const auto& row : m_categories)
    if (row->text == text) return m_last_category = row.get();
  struct Known {
    std::string_view text;
    Kind kind;
  };
  static constexpr Known kKnown[] = {{"kernel", Kind::kernel},
                                     {"Kernel", Kind::kernel},
                                     {"gpu_memcpy", Kind::memcpy},
                                     {"Memcpy", Kind::memcpy},
                                     {"gpu_memset", Kind::memset},
                                     {"Memset", Kind::memset},
                                     {"cuda_runtime", Kind::call},
                                     {"cuda_driver", Kind::call},
                                     {"hip_runtime", Kind::call},
                                     {"Runtime", Kind::call},
                                     {"user_annotation", Kind::annotation},
                                     {"ac2g", Kind::flow},
                                     {"async_cpu_to_gpu", Kind::flow},
                                     {"async_gpu", Kind::flow}};
  auto row = std::make_unique<CategoryRow>(
      CategoryRow{std::string(text.substr(0, 80)), Kind::other, nullptr});
  for (const Known& known : kKnown)
    if (known.text == text) row->kind = known.kind;
  if (row->kind == Kind::other)
    row->skipped = skipped(row->text.empty() ? "no category" : row->text);
  if (m_categories.size() < kMaxChromeReasons) {
    m_categories.push_back(std::move(row));
    return m_last_category = m_categories.back().get();
  }
  *m_categories.back() = std::move(*row);  // the last place serves for all that are too many
  return m_last_category = m_categories.back().get();
}

// Whether phase and category, as far as they are known, already say that this is not for us.
int64_t* ChromeEvents::early_reason(const Fields& f) {
  switch (f.phase) {
    case 0:
    case 'M':
    case 'B':
    case 'E':  // a span that is not for us takes its end with it
      return nullptr;
    case 'X':
      return f.category && f.category->kind == Kind::other ? f.category->skipped : nullptr;
    case 's':
    case 't':
    case 'f':
      if (!f.category || f.category->kind == Kind::flow) return nullptr;
      return skipped("flow " + f.category->text);
    case 'i':
    case 'I':
      return skipped("instant events");
    case 'C':
      return skipped("counters");
    default:
      return skipped("other phases");
  }
}

int64_t* ChromeEvents::read(ondemand::object& record, bool& whole) {
  whole = false;
  Fields f;
  Args args;
  for (auto field : record) {
    ondemand::raw_json_string raw;
    ondemand::value value;
    if (field.key().get(raw) || field.value().get(value)) return nullptr;
    const char* key = raw.raw();
    if (is(key, "args")) {
      const bool of_no_use =
          f.category && (f.category->kind == Kind::annotation || f.category->kind == Kind::flow);
      ondemand::object object;
      if (!of_no_use && value.get_object().get(object) == simdjson::SUCCESS &&
          !read_args(object, args))
        return nullptr;
      continue;
    }
    if (is(key, "ph") || is(key, "cat")) {
      const std::string_view token = value.raw_json_token();
      if (key[0] == 'c')
        f.category = category(token);
      else
        f.phase = token.size() >= 2 ? token[1] : 0;
      if (int64_t* reason = early_reason(f)) return reason;
      continue;
    }
    std::string_view* target = is(key, "name")  ? &f.name
                               : is(key, "ts")  ? &f.ts
                               : is(key, "dur") ? &f.dur
                               : is(key, "pid") ? &f.pid
                               : is(key, "tid") ? &f.tid
                               : is(key, "id")  ? &f.id
                                                : nullptr;
    if (target) *target = value.raw_json_token();
  }
  whole = true;
  return take(f, args);
}

bool ChromeEvents::read_args(ondemand::object object, Args& a) {
  for (auto field : object) {
    ondemand::raw_json_string raw;
    ondemand::value value;
    if (field.key().get(raw) || field.value().get(value)) return false;
    const char* key = raw.raw();
    if (is(key, "grid") || is(key, "block")) {
      if (!read_triple(value, key[0] == 'g' ? a.detail.grid : a.detail.block)) return false;
      continue;
    }
    const std::string_view token = value.raw_json_token();
    if (is(key, "device"))
      a.device = token;
    else if (is(key, "stream"))
      a.stream = token;
    else if (is(key, "correlation"))
      a.correlation = token;
    else if (is(key, "registers per thread"))
      a.detail.registers = small_or_none(token);
    else if (is(key, "shared memory"))
      a.detail.lds_bytes = integer_or(token, -1);
    else if (is(key, "bytes"))
      a.detail.bytes = integer_or(token, -1);
    else if (is(key, "graph node id"))
      a.detail.graph_node = integer_or(token, -1);
    else if (is(key, "hsa_queue"))
      a.detail.hsa_queue = integer_or(token, -1);
    else if (is(key, "name"))
      a.name = token;
    else if (!m_own)
      continue;
    else if (is(key, "op"))
      a.op = token;
    else if (is(key, "category"))
      a.category = token;
    else if (is(key, "step"))
      a.step = token;
    else if (is(key, "host lane"))
      a.host_lane = token;
    else if (is(key, "flops"))
      a.detail.flops = integer_or(token, -1);
    else if (is(key, "layer"))
      a.detail.layer = small_or_none(token);
  }
  return true;
}

int64_t* ChromeEvents::take(const Fields& f, const Args& args) {
  switch (f.phase) {
    case 'X':
      return take_span(f, args);
    case 'B':
      return open_span(f, args);
    case 'E':
      return close_span(f);
    case 's':
    case 't':
    case 'f':
      return take_flow(f);
    case 'M':
      return take_name(f, args);
    default:
      return skipped("no phase");
  }
}

int64_t* ChromeEvents::take_span(const Fields& given, const Args& args) {
  Fields f = given;
  if (!f.category) f.category = guessed_category(f);
  if (!f.category) return skipped("no category");
  if (f.category->kind == Kind::flow) return skipped("flow that is no flow");
  const auto start = microseconds_to_ns(f.ts);
  if (!start) return skipped(f.ts.empty() ? "no time" : "unreadable time");
  if (f.dur.empty()) return skipped("no duration");
  const auto duration = microseconds_to_ns(f.dur);
  if (!duration || *start + *duration > kMaxTimeNs) return skipped("unreadable time");
  if (*duration < 0) return skipped("negative duration");
  place(f, args, *start, *start + *duration);
  return &m_report.used;
}

void ChromeEvents::place(const Fields& f, const Args& args, int64_t start_ns, int64_t end_ns) {
  switch (f.category->kind) {
    case Kind::call:
      take_call(f, args, start_ns, end_ns);
      break;
    case Kind::annotation:
      m_builder.add_annotation({start_ns, end_ns, intern(f.name), integer_or(f.tid, 0)});
      break;
    default:
      take_activity(f, args, start_ns, end_ns);
  }
}

void ChromeEvents::take_activity(const Fields& f, const Args& args, int64_t start_ns,
                                 int64_t end_ns) {
  Event e;
  e.start_ns = start_ns;
  e.end_ns = end_ns;
  e.correlation = integer_or(args.correlation, kNoCorrelation);
  e.name = intern(f.name);
  e.lane = lane(bare_token(!args.device.empty() ? args.device : f.category->text.empty() ? gpu_of(f) : f.pid),
                bare_token(args.stream.empty() ? f.tid : args.stream));
  if (f.category->text.empty()) label_guessed(f, e.lane);
  if (args.detail != Detail{}) e.detail = m_builder.detail(args.detail);
  e.kind = f.category->kind == Kind::kernel   ? EventKind::kernel
           : f.category->kind == Kind::memcpy ? EventKind::memcpy
                                              : EventKind::memset;
  if (m_own) take_own(e, args);
  m_flows.saw_activity(e.correlation != kNoCorrelation);
  if (start_ns == 0 && !m_own)
    m_at_zero.push_back(e);
  else
    m_builder.add(e);
}

void ChromeEvents::take_own(Event& e, const Args& args) {
  if (!args.op.empty()) e.op = m_builder.op(bare_token(args.op));
  if (!args.category.empty()) e.category = category_from(bare_token(args.category));
  e.step = static_cast<int32_t>(
      std::clamp<int64_t>(integer_or(args.step, -1), -1, std::numeric_limits<int32_t>::max()));
  if (!args.host_lane.empty()) m_builder.header().lanes[e.lane].kind = LaneKind::host;
}

void ChromeEvents::take_call(const Fields& f, const Args& args, int64_t start_ns, int64_t end_ns) {
  const std::string_view name = bare_token(f.name);
  if (m_runtime.empty())
    m_runtime = name.starts_with("hip") ? "hip" : name.starts_with("cu") ? "cuda" : "";
  m_builder.add_call({start_ns, end_ns, integer_or(args.correlation, kNoCorrelation),
                      intern(f.name), integer_or(f.tid, 0)});
}

int64_t* ChromeEvents::take_flow(const Fields& f) {
  if (!f.category || f.category->kind != Kind::flow) return skipped("flow without category");
  const auto id = parse_integer(f.id), process = parse_integer(f.pid),
             thread = parse_integer(f.tid);
  const auto at = microseconds_to_ns(f.ts);
  if (!at) return skipped("unreadable time");
  if (!id || !process || !thread) return skipped("flow without ends");
  // A launch is known by its thread alone: HostCall has no process.
  if (f.phase == 's')
    m_flows.begin({0, *thread, *at, *id});
  else
    m_flows.arrive({*process, *thread, *at, *id});
  return &m_report.used;
}

int64_t* ChromeEvents::take_name(const Fields& f, const Args& args) {
  const std::string_view what = bare_token(f.name);
  if (what == "thread_name") {
    if (m_lane_names.size() < 10'000)
      m_lane_names[lane_key(bare_token(f.pid), bare_token(f.tid))] =
          unescaped(bare_token(args.name));
    return &m_report.used;
  }
  if (what == "process_name" && m_process_names.size() < 10'000)
    m_process_names.insert_or_assign(std::string(bare_token(f.pid)), unescaped(bare_token(args.name)));
  return what == "process_name" || what == "process_labels" ? &m_report.used
                                                            : skipped("display order");
}

uint32_t ChromeEvents::lane(std::string_view device, std::string_view stream) {
  const std::string_view last = m_last_lane_key;
  if (m_last_lane != kNone && last.size() == device.size() + 1 + stream.size() &&
      last.starts_with(device) && last[device.size()] == '\n' && last.ends_with(stream))
    return m_last_lane;
  m_last_lane_key = lane_key(device, stream);
  const auto [found, fresh] = m_lanes.try_emplace(m_last_lane_key, kNone);
  if (fresh) {
    const auto number = parse_integer(stream);
    const int64_t id =
        number ? *number
               : trailing_number(stream).value_or(static_cast<int64_t>(m_lanes.size()) - 1);
    found->second = m_builder.lane(m_builder.device(unescaped(device)), id);
    if (!number && !stream.empty()) m_builder.header().lanes[found->second].label = stream;
  }
  return m_last_lane = found->second;
}

StringId ChromeEvents::intern(std::string_view token) {
  const std::string_view text = bare_token(token);
  if (text.find('\\') == std::string_view::npos) return m_builder.intern(text);
  const auto [found, fresh] = m_escaped.try_emplace(std::string(text), 0);
  if (fresh) found->second = m_builder.intern(unescaped(text));
  return found->second;
}

// A collector that lost a time writes 0. In a file whose clock is far from it, such an event would
// stretch the trace by years; in one whose clock begins near 0 it is an event like any other.
void ChromeEvents::place_zero_times() {
  int64_t nearest = std::numeric_limits<int64_t>::max();
  for (const Event& e : m_builder.header().events) nearest = std::min(nearest, e.start_ns);
  const bool far = m_builder.event_count() > 0 && nearest > kFarFromZeroNs;
  for (const Event& e : m_at_zero) {
    if (!far) m_builder.add(e);
  }
  if (far && !m_at_zero.empty()) {
    *skipped("time 0 in a file that begins far from it") += static_cast<int64_t>(m_at_zero.size());
    m_report.used -= static_cast<int64_t>(m_at_zero.size());
  }
}

void ChromeEvents::finish() {
  drop_open_spans();
  place_zero_times();
  Trace& t = m_builder.header();
  m_flows.link(t);
  for (const auto& [key, index] : m_lanes) {
    const auto name = m_lane_names.find(key);
    if (name == m_lane_names.end()) continue;
    std::string_view label = name->second;
    while (label.ends_with(' ')) label.remove_suffix(1);
    Lane& lane = t.lanes[index];
    if (lane.label.empty() && !label.empty()) lane.label = label;
  }
  std::erase_if(m_report.skipped, [](const auto& row) { return row.second == 0; });
}

}  // namespace trace
