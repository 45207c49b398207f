// rocprofv3 --output-format json: {"rocprofiler-sdk-tool": [ {process}, ... ]}. A process has its
// metadata, agents, strings and kernel symbols first and then buffer_records, arrays of records a
// domain, which are by far the most. Walked as text, record by record, so that the file need not fit
// into memory.
#include "trace/import_activities.h"
#include "trace/import_format.h"
#include "trace/import_rocprof_process.h"
#include "trace/json_buffer.h"
#include "trace/json_text.h"
#include "trace/json_walk.h"

namespace trace {
namespace {

namespace ondemand = simdjson::ondemand;

class RocprofImport {
 public:
  RocprofImport(ByteSource& source, const ImportJob& job)
      : m_source(source), m_job(job), m_buffer(source, job.options.max_bytes), m_walk(m_buffer), m_out(job) {}

  Result<Imported> run() {
    const bool whole = root();
    if (m_cancelled) return Error{"cancelled", m_job.path};
    if (!m_found) return Error{m_source.problem().empty() ? "this JSON has no rocprofiler-sdk-tool: not of rocprofv3" : m_source.problem(), m_job.path};
    if (!whole) m_out.report().warnings.push_back(why_stopped() + ": kept what was whole before");
    const size_t linked = m_barriers.link(m_out.builder());
    Collector& collector = m_out.builder().header().collector;
    collector.name = "rocprofv3";
    collector.clock = ClockSource::rocprofiler;
    caveats(linked);
    return m_out.finish();
  }

 private:
  bool root() {
    std::string key;
    m_buffer.fill(3);
    if (m_buffer.text().starts_with("\xef\xbb\xbf")) m_buffer.consume(3);   // some editors put it there
    if (!m_walk.take('{')) return false;
    while (m_walk.peek() == '"') {
      if (!m_walk.key(key)) return false;
      if (key == "rocprofiler-sdk-tool") {
        m_found = true;
        if (!processes()) return false;
      } else if (!m_walk.value()) {
        return false;
      }
      if (!m_walk.take(',')) break;
    }
    return m_walk.take('}');
  }

  // One of them, or an array.
  bool processes() {
    if (m_walk.peek() == '{') return process();
    if (!m_walk.take('[')) return m_walk.value();
    while (m_walk.peek() == '{') {
      if (!process()) return false;
      if (!m_walk.take(',')) break;
    }
    return m_walk.take(']');
  }

  bool process() {
    RocprofProcess process(m_out, m_processes++, m_barriers);
    const bool whole = members(process);
    process.finish();
    m_thread_trace = m_thread_trace || process.thread_trace();
    return whole;
  }

  bool members(RocprofProcess& process) {
    std::string key, value;
    if (!m_walk.take('{')) return false;
    while (m_walk.peek() == '"') {
      if (!m_walk.key(key)) return false;
      value.clear();
      bool whole = true;
      if (key == "buffer_records" && m_walk.peek() == '{') {
        whole = domains(process);
      } else if (key == "kernel_symbols" && m_walk.peek() == '[') {
        whole = elements([&](ondemand::object& object) { return process.take_symbol(object); }, nullptr);
      } else if (key == "metadata" || key == "agents" || key == "strings") {
        whole = m_walk.value(&value);
        if (whole && key == "metadata") process.take_metadata(value);
        if (whole && key == "agents") process.take_agents(value);
        if (whole && key == "strings") process.take_strings(value);
      } else {
        whole = m_walk.value();
      }
      if (!whole) return false;
      if (!m_walk.take(',')) break;
    }
    return m_walk.take('}');
  }

  bool domains(RocprofProcess& process) {
    std::string domain;
    m_walk.take('{');
    while (m_walk.peek() == '"') {
      if (!m_walk.key(domain)) return false;
      if (m_walk.peek() != '[') {
        if (!m_walk.value()) return false;
      } else if (!elements([&](ondemand::object& object) { return process.take_record(domain, object); }, &domain)) {
        return false;
      }
      if (!m_walk.take(',')) break;
    }
    return m_walk.take('}');
  }

  // Each object of the array here through `take`, which says whether it could read it.
  template <class Take>
  bool elements(Take&& take, const std::string* domain) {
    m_walk.take('[');
    for (int64_t count = 0;; ++count) {
      if (count % 4096 == 0 && m_out.cancelled(m_buffer.bytes_read(), m_source.total_bytes())) return m_cancelled = true, false;
      std::string_view text;
      switch (m_walk.element(text)) {
        case JsonWalk::Element::closed:
          if (domain && count > 0) m_seen_domains += (m_seen_domains.empty() ? "" : ", ") + *domain;
          return true;
        case JsonWalk::Element::too_long:
          m_too_long = true;
          return false;
        case JsonWalk::Element::input_ended:
          return false;
        case JsonWalk::Element::whole:
          break;
      }
      const auto parse = [&](simdjson::padded_string_view json) {
        ondemand::document document;
        ondemand::object object;
        return !m_parser.iterate(json).get(document) && !document.get_object().get(object) && take(object);
      };
      bool taken = parse(simdjson::padded_string_view(text.data(), text.size(), m_walk.readable()));
      if (!taken) {   // bytes that JSON forbids are in names now and then
        simdjson::padded_string copy(text);
        taken = sanitize(copy.data(), copy.size()) > 0 && parse(copy);
      }
      if (!taken && domain) ++m_out.skipped("malformed JSON");
    }
  }

  std::string why_stopped() const {
    const std::string at = ", at byte " + std::to_string(m_buffer.offset());
    if (m_buffer.over_limit()) return "the file has more than " + std::to_string(m_job.options.max_bytes) + " bytes";
    if (!m_source.problem().empty()) return m_source.problem();
    if (m_too_long) return "a record is longer than " + std::to_string(JsonWalk::kMaxElement >> 20) + " MiB" + at;
    if (m_buffer.at_end()) return "the file ends early, at byte " + std::to_string(m_buffer.bytes_read());
    return "this is no JSON any more" + at;
  }

  void caveats(size_t linked) {
    auto& caveats = m_out.report().caveats;
    const Trace& t = m_out.builder().header();
    if (m_thread_trace) caveats.push_back("recorded under thread trace: kernels run slower than without, durations and gaps are not those of a plain run");
    if (t.calls.empty() && !t.events.empty()) caveats.push_back("no HIP calls in this file (--hip-runtime-trace): a late launch cannot be told from other causes of idle time");
    if (m_seen_domains.find("memory_copy") == std::string::npos && !t.events.empty())
      caveats.push_back("no memory copies in this file (--memory-copy-trace): a copy looks like idle time");
    if (m_barriers.count() > 0)
      caveats.push_back(std::to_string(m_barriers.count()) + " barriers of HIP events; " + std::to_string(linked) + " waits became known dependencies between queues");
    if (m_processes > 1) caveats.push_back(std::to_string(m_processes) + " processes: queues of the later ones are labelled with their process");
  }

  ByteSource& m_source;
  const ImportJob& m_job;
  JsonBuffer m_buffer;
  JsonWalk m_walk;
  Activities m_out;
  HipBarriers m_barriers;
  ondemand::parser m_parser;
  uint32_t m_processes = 0;
  std::string m_seen_domains;
  bool m_found = false, m_cancelled = false, m_too_long = false, m_thread_trace = false;
};

}  // namespace

bool sniff_rocprof_json(std::string_view head) { return head.substr(0, 4096).find("\"rocprofiler-sdk-tool\"") != std::string_view::npos; }

Result<Imported> import_rocprof_json(ByteSource& source, const ImportJob& job) { return RocprofImport(source, job).run(); }

}  // namespace trace
