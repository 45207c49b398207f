#include "trace/export_chrome.h"

#include <fmt/format.h>
#include <zlib.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <nlohmann/json.hpp>

#include "trace/decimal_time.h"

namespace trace {
namespace {

constexpr size_t kChromeBuffer = 1 << 20;
constexpr int kHostProcess = 1'000'000;  // a process that is no device

std::string json_string(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// Microseconds with three digits: exact, and of a length that tells the resolution.
std::string time_text(int64_t ns) {
  const uint64_t size = ns < 0 ? 0 - static_cast<uint64_t>(ns) : static_cast<uint64_t>(ns);
  return fmt::format("{}{}.{:03}", ns < 0 ? "-" : "", size / 1000, size % 1000);
}

std::string_view category_of(EventKind kind) {
  switch (kind) {
    case EventKind::memcpy:
      return "gpu_memcpy";
    case EventKind::memset:
      return "gpu_memset";
    default:
      return "kernel";
  }
}

class ChromeWriter {
 public:
  ChromeWriter(const Trace& trace, const std::function<void(std::string_view)>& write)
      : m_trace(trace), m_write(write) {
    for (const Device& d : trace.devices)
      m_devices.push_back(parse_integer(d.id) ? d.id : json_string(d.id));
    m_names.resize(trace.strings.size());
  }

  void run() {
    put("{{\n\"schemaVersion\": 1,\n\"decodescope\": {},\n\"deviceProperties\": "
        "{},\n\"displayTimeUnit\": \"ms\",\n\"traceEvents\": [",
        own(), devices());
    names_of_lanes();
    for (const HostCall& c : m_trace.calls) call(c);
    for (const Annotation& a : m_trace.annotations) annotation(a);
    for (const Event& e : m_trace.events) event(e);
    put("\n],\n\"traceName\": {}\n}}\n", json_string(m_trace.title));
    flush();
  }

 private:
  template <class... Args>
  void put(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(m_buffer), format, std::forward<Args>(args)...);
    if (m_buffer.size() >= kChromeBuffer) flush();
  }
  void flush() {
    m_write({m_buffer.data(), m_buffer.size()});
    m_buffer.clear();
  }
  void begin_record() {
    put("{}\n{{", m_first ? "" : ",");
    m_first = false;
  }

  std::string own() const {
    nlohmann::json own{{"version", 1},
                       {"collector", m_trace.collector.name},
                       {"collector_version", m_trace.collector.version},
                       {"clock", to_string(m_trace.collector.clock)},
                       {"resolution_ns", m_trace.collector.resolution_ns},
                       {"origin_ns", m_trace.origin_ns}};
    if (!m_trace.edges.empty()) {
      // By the order in which events are written, which is that of the trace.
      auto& edges = own["edges"] = nlohmann::json::array();
      for (const Edge& e : m_trace.edges) edges.push_back({e.from, e.to});
    }
    return own.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }

  std::string devices() const {
    std::string rows;
    for (size_t i = 0; i < m_devices.size(); ++i)
      rows +=
          fmt::format("{}{{\"id\": {}, \"name\": {}, \"vendor\": {}}}", i ? ", " : "", m_devices[i],
                      json_string(m_trace.devices[i].name), json_string(m_trace.devices[i].vendor));
    return "[" + rows + "]";
  }

  void named(std::string_view what, std::string_view process, std::string_view thread,
             std::string_view name) {
    begin_record();
    put("\"ph\": \"M\", \"name\": \"{}\", \"ts\": 0, \"pid\": {}, \"tid\": {}, \"args\": "
        "{{\"name\": {}}}}}",
        what, process, thread, json_string(name));
  }

  void names_of_lanes() {
    const std::string host = std::to_string(kHostProcess);
    named("process_name", host, "0", "host");
    for (size_t i = 0; i < m_devices.size(); ++i)
      named("process_name", m_devices[i], "0", "GPU " + m_trace.devices[i].id);
    for (const Lane& lane : m_trace.lanes)
      if (lane.count > 0)
        named("thread_name", m_devices[lane.device], std::to_string(lane.stream), lane.label);
  }

  const std::string& name(StringId id) {
    if (m_names[id].empty()) m_names[id] = json_string(m_trace.strings[id]);
    return m_names[id];
  }

  void span(std::string_view category, StringId id, int64_t start_ns, int64_t end_ns,
            std::string_view process, int64_t thread) {
    begin_record();
    put("\"ph\": \"X\", \"cat\": \"{}\", \"name\": {}, \"pid\": {}, \"tid\": {}, \"ts\": {}, "
        "\"dur\": {}",
        category, name(id), process, thread, time_text(start_ns + m_trace.origin_ns),
        time_text(end_ns - start_ns));
  }

  void flow(char phase, int64_t correlation, std::string_view process, int64_t thread,
            int64_t at_ns) {
    begin_record();
    put("\"ph\": \"{}\", \"id\": {}, \"pid\": {}, \"tid\": {}, \"ts\": {}, \"cat\": \"ac2g\", "
        "\"name\": \"ac2g\"{}}}",
        phase, correlation, process, thread, time_text(at_ns + m_trace.origin_ns),
        phase == 'f' ? ", \"bp\": \"e\"" : "");
  }

  void call(const HostCall& c) {
    const std::string process = std::to_string(kHostProcess);
    span("cuda_runtime", c.name, c.start_ns, c.end_ns, process, c.thread);
    if (c.correlation != kNoCorrelation) put(", \"args\": {{\"correlation\": {}}}", c.correlation);
    put("}}");
    if (c.correlation != kNoCorrelation) flow('s', c.correlation, process, c.thread, c.start_ns);
  }

  void annotation(const Annotation& a) {
    span("user_annotation", a.name, a.start_ns, a.end_ns, std::to_string(kHostProcess), a.thread);
    put("}}");
  }

  void event(const Event& e) {
    const Lane& lane = m_trace.lanes[e.lane];
    const std::string& device = m_devices[lane.device];
    span(category_of(e.kind), e.name, e.start_ns, e.end_ns, device, lane.stream);
    put(", \"args\": {{\"device\": {}, \"stream\": {}", device, lane.stream);
    if (e.correlation != kNoCorrelation) put(", \"correlation\": {}", e.correlation);
    if (e.op != 0) put(", \"op\": {}", json_string(m_trace.op_of(e)));
    if (e.category != Category::other) put(", \"category\": \"{}\"", to_string(e.category));
    if (e.step >= 0) put(", \"step\": {}", e.step);
    if (lane.kind == LaneKind::host) put(", \"host lane\": 1");
    if (const Detail* d = m_trace.detail_of(e)) detail(*d);
    put("}}}}");
    if (e.call != kNone && e.correlation != kNoCorrelation)
      flow('f', e.correlation, device, lane.stream, e.start_ns);
  }

  void detail(const Detail& d) {
    if (d.grid != Detail{}.grid) put(", \"grid\": [{}, {}, {}]", d.grid[0], d.grid[1], d.grid[2]);
    if (d.block != Detail{}.block)
      put(", \"block\": [{}, {}, {}]", d.block[0], d.block[1], d.block[2]);
    const std::pair<const char*, int64_t> numbers[] = {{"registers per thread", d.registers},
                                                       {"shared memory", d.lds_bytes},
                                                       {"bytes", d.bytes},
                                                       {"flops", d.flops},
                                                       {"graph node id", d.graph_node},
                                                       {"hsa_queue", d.hsa_queue},
                                                       {"layer", d.layer}};
    for (const auto& [key, value] : numbers)
      if (value >= 0) put(", \"{}\": {}", key, value);
  }

  const Trace& m_trace;
  const std::function<void(std::string_view)>& m_write;
  fmt::memory_buffer m_buffer;
  std::vector<std::string> m_devices;  // ids as JSON
  std::vector<std::string> m_names;    // by StringId, as JSON, made when first needed
  bool m_first = true;
};

}  // namespace

void write_chrome(const Trace& trace, const std::function<void(std::string_view)>& write) {
  ChromeWriter(trace, write).run();
}

Status export_chrome(const Trace& trace, const std::string& path) {
  const std::string unfinished = path + ".part";
  const auto failed = [&](int reason) {
    std::remove(unfinished.c_str());
    return Error{
        std::string("cannot write: ") + (reason ? std::strerror(reason) : "compression failed"),
        path};
  };
  errno = 0;
  const gzFile file = gzopen(unfinished.c_str(), path.ends_with(".gz") ? "wb6" : "wbT");
  if (!file) return failed(errno);
  int reason = 0;
  bool whole = true;
  write_chrome(trace, [&](std::string_view text) {
    whole = whole && gzwrite(file, text.data(), static_cast<unsigned>(text.size())) ==
                         static_cast<int>(text.size());
    if (!whole && reason == 0) reason = errno;
  });
  const bool closed = gzclose(file) == Z_OK;
  if (!whole || !closed) return failed(reason ? reason : errno);
  if (std::rename(unfinished.c_str(), path.c_str()) != 0) return failed(errno);
  return Ok{};
}

}  // namespace trace
