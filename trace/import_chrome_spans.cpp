// What other writers of Chrome JSON than Kineto do: spans in two halves, and records without a category, as XLA
// ("/device:GPU:0" with threads "Stream #14(Compute)" beside others that repeat their time), rocprof before version 3
// ("6 GPU0") and rpd2tracing ("GPU0") write them.
#include <algorithm>

#include "trace/decimal_time.h"
#include "trace/import_chrome_events.h"

namespace trace {
namespace {

constexpr size_t kMostOpen = 100'000, kLongestOpen = 4096;   // begun and not ended, bytes of text of one; a hostile file may never end one
constexpr std::string_view kXla = "/device:GPU:", kStream = "Stream";

// The number of the GPU that a process is named after; empty if it is not.
std::string_view gpu_number(std::string_view process) {
  const auto digits_from = [&](size_t at) {
    const size_t end = std::min(process.find_first_not_of("0123456789", at), process.size());
    return process.substr(at, end - at);
  };
  if (const size_t at = process.find(kXla); at != std::string_view::npos) return digits_from(at + kXla.size());
  std::string_view head = process;
  if (const size_t sort = head.find_first_not_of("0123456789"); sort != std::string_view::npos && sort > 0 && head[sort] == ' ') head.remove_prefix(sort + 1);
  if (!head.starts_with("GPU")) return {};
  head.remove_prefix(head.starts_with("GPU ") ? 4 : 3);
  return digits_from(process.size() - head.size());
}

}  // namespace

std::string ChromeEvents::thread_key(const Fields& f) {
  return std::string(bare_token(f.pid)).append(1, '\n').append(bare_token(f.tid));
}

// The device of a record: what its process is named after, else the process itself.
std::string_view ChromeEvents::gpu_of(const Fields& f) const {
  const auto process = m_process_names.find(bare_token(f.pid));
  const std::string_view number = process != m_process_names.end() ? gpu_number(process->second) : std::string_view();
  return number.empty() ? f.pid : number;
}

void ChromeEvents::label_guessed(const Fields& f, uint32_t lane) {
  std::string& label = m_builder.header().lanes[lane].label;
  if (!label.empty()) return;
  if (const auto name = m_lane_names.find(thread_key(f)); name != m_lane_names.end()) label = name->second;
}

const ChromeEvents::CategoryRow* ChromeEvents::guessed_category(const Fields& f) const {
  static const CategoryRow kKernel{"", Kind::kernel, nullptr}, kCopy{"", Kind::memcpy, nullptr}, kFill{"", Kind::memset, nullptr};
  const auto process = m_process_names.find(bare_token(f.pid));
  if (process == m_process_names.end() || gpu_number(process->second).empty()) return nullptr;
  if (process->second.find(kXla) != std::string::npos) {
    const auto thread = m_lane_names.find(thread_key(f));
    if (thread == m_lane_names.end() || !thread->second.starts_with(kStream)) return nullptr;
  }
  const std::string_view name = bare_token(f.name);
  const auto begins = [&](std::initializer_list<std::string_view> heads) { return std::ranges::any_of(heads, [&](std::string_view head) { return name.starts_with(head); }); };
  if (begins({"Memcpy", "CopyHost", "CopyDevice", "MEMORY_COPY"})) return &kCopy;
  return begins({"Memset", "FillBuffer"}) ? &kFill : &kKernel;
}

int64_t* ChromeEvents::open_span(const Fields& f, const Args& args) {
  HalfSpan span;
  span.category = f.category ? f.category : guessed_category(f);
  const auto start = microseconds_to_ns(f.ts);
  if (!start) return skipped(f.ts.empty() ? "no time" : "unreadable time");
  if (f.name.size() + f.pid.size() + f.tid.size() + args.device.size() + args.stream.size() + args.correlation.size() > kLongestOpen) return skipped("begun, and too long");
  if (m_open_spans >= kMostOpen) return skipped("begun, and too many others not ended");
  if (!span.category) span.counter = skipped("no category");
  else if (span.category->kind == Kind::other) span.counter = span.category->skipped;
  else if (span.category->kind == Kind::flow) span.counter = skipped("flow that is no flow");
  else span.counter = &m_report.used;
  span.start_ns = *start;
  if (span.counter == &m_report.used) {
    span.name = f.name, span.pid = f.pid, span.tid = f.tid;
    span.device = args.device, span.stream = args.stream, span.correlation = args.correlation;
    span.detail = args.detail;
  }
  int64_t* const counter = span.counter;
  m_open[thread_key(f)].push_back(std::move(span));
  ++m_open_spans;
  return counter;
}

// Ends the span that its thread began last.
int64_t* ChromeEvents::close_span(const Fields& f) {
  const auto thread = m_open.find(thread_key(f));
  if (thread == m_open.end() || thread->second.empty()) return skipped("end without its begin");
  const HalfSpan span = std::move(thread->second.back());
  thread->second.pop_back();
  --m_open_spans;
  if (span.counter != &m_report.used) return span.counter;
  const auto end = microseconds_to_ns(f.ts);
  if (!end || *end < span.start_ns) {
    int64_t* const why = skipped(end ? "negative duration" : "unreadable time");
    --m_report.used, ++*why;   // its begin
    return why;
  }
  Fields fields;
  fields.category = span.category;
  fields.name = span.name, fields.pid = span.pid, fields.tid = span.tid;
  Args args;
  args.detail = span.detail;
  args.device = span.device, args.stream = span.stream, args.correlation = span.correlation;
  place(fields, args, span.start_ns, *end);
  return &m_report.used;
}

void ChromeEvents::drop_open_spans() {
  for (const auto& [thread, spans] : m_open)
    for (const HalfSpan& span : spans)
      if (span.counter == &m_report.used) --m_report.used, ++*skipped("begin without its end");
  m_open.clear();
}

}  // namespace trace
