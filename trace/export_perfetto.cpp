#include "trace/export_perfetto.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <protozero/pbf_writer.hpp>
#include <vector>

#include "trace/bubbles.h"
#include "trace/file_writer.h"

namespace trace {
namespace {

using protozero::pbf_writer;

constexpr size_t kPerfettoBuffer = 1 << 20;
constexpr uint32_t kSequence = 1;
constexpr uint32_t kStateCleared = 1, kNeedsState = 2;   // TracePacket.sequence_flags
constexpr int32_t kProcess = 1, kIdleProcess = 2;        // made up: a Trace does not know them
constexpr uint64_t kQueueIids = 1'000'000;               // apart from those of categories
enum { kSliceBegin = 1, kSliceEnd = 2 };

class PerfettoWriter {
 public:
  PerfettoWriter(const Trace& trace, const std::function<void(std::string_view)>& write) : m_trace(trace), m_write(write) {}

  void run() {
    find_shift();
    link_calls();
    state();
    devices();
    render_stages();
    host_calls();
    annotations();
    idle();
    flush();
  }

 private:
  // Perfetto's times are unsigned.
  void find_shift() {
    int64_t first = 0;
    const auto look = [&](const auto& spans) {
      for (const auto& s : spans) first = std::min(first, s.start_ns + m_trace.origin_ns);
    };
    look(m_trace.events);
    look(m_trace.calls);
    look(m_trace.annotations);
    m_shift = m_trace.origin_ns - first;
  }

  void link_calls() {
    m_started.resize(m_trace.calls.size());
    for (EventId i = 0; i < m_trace.events.size(); ++i)
      if (m_trace.events[i].call != kNone) m_started[m_trace.events[i].call].push_back(i);
    for (const Edge& edge : m_trace.edges) m_waits.emplace(edge.to, edge.from);
  }

  uint64_t at(int64_t ns) const { return static_cast<uint64_t>(ns + m_shift); }

  template <class Fill>
  void packet(Fill&& fill) {
    std::string body;
    pbf_writer packet(body);
    fill(packet);
    packet.add_uint32(10, kSequence);   // trusted_packet_sequence_id
    pbf_writer trace(m_buffer);
    trace.add_message(1, body);
    if (m_buffer.size() >= kPerfettoBuffer) flush();
  }

  void flush() {
    m_write(m_buffer);
    m_buffer.clear();
  }

  // What later packets refer to: names, queues, categories.
  void state() {
    packet([&](pbf_writer& p) {
      p.add_uint32(13, kStateCleared);
      pbf_writer interned(p, 12);
      for (size_t i = 1; i < m_trace.strings.size(); ++i) {
        pbf_writer name(interned, 2);   // EventName
        name.add_uint64(1, i);
        name.add_string(2, m_trace.strings[i]);
      }
      for (int c = 0; c < kCategories; ++c) specification(interned, static_cast<uint64_t>(c) + 1, title_of(static_cast<Category>(c)), 2);
      for (size_t i = 0; i < m_trace.lanes.size(); ++i) specification(interned, kQueueIids + i, m_trace.lanes[i].label, 0);
      pbf_writer context(interned, 23);   // InternedGraphicsContext
      context.add_uint64(1, 1);
      context.add_int32(2, kProcess);
      const ClockSource clock = m_trace.collector.clock;
      context.add_enum(3, clock == ClockSource::cupti ? 4 : clock == ClockSource::roctracer || clock == ClockSource::rocprofiler ? 5 : 0);
    });
  }

  static void specification(pbf_writer& interned, uint64_t iid, std::string_view name, int32_t category) {
    pbf_writer spec(interned, 24);   // InternedGpuRenderStageSpecification
    spec.add_uint64(1, iid);
    spec.add_string(2, name.data(), name.size());
    spec.add_enum(4, category);
  }

  void devices() {
    packet([&](pbf_writer& p) {
      pbf_writer info(p, 128);   // GpuInfo
      for (const Device& d : m_trace.devices) {
        pbf_writer gpu(info, 1);
        gpu.add_string(1, d.name.empty() ? "device " + d.id : d.name);
        if (!d.vendor.empty()) gpu.add_string(2, d.vendor);
      }
    });
  }

  static void dimensions(pbf_writer& launch, uint32_t field, const std::array<int32_t, 3>& size) {
    if (size[0] < 0) return;
    pbf_writer dim(launch, field);
    for (uint32_t i = 0; i < 3; ++i) dim.add_uint32(i + 1, static_cast<uint32_t>(std::max(size[i], 0)));
  }

  static void extra(pbf_writer& stage, std::string_view name, const std::string& value) {
    pbf_writer data(stage, 6);   // ExtraData
    data.add_string(1, name.data(), name.size());
    data.add_string(2, value);
  }

  void render_stages() {
    for (EventId i = 0; i < m_trace.events.size(); ++i) {
      const Event& e = m_trace.events[i];
      packet([&](pbf_writer& p) {
        p.add_uint64(8, at(e.start_ns));
        p.add_uint32(13, kNeedsState);
        pbf_writer stage(p, 53);   // GpuRenderStageEvent
        stage.add_uint64(1, i + 1);
        stage.add_uint64(2, static_cast<uint64_t>(e.duration_ns()));
        stage.add_uint64(5, 1);
        stage.add_int32(11, static_cast<int32_t>(m_trace.device_of(e)));
        stage.add_uint64(13, kQueueIids + e.lane);
        stage.add_uint64(14, static_cast<uint64_t>(e.category) + 1);
        if (e.name != 0) stage.add_uint64(20, e.name);
        if (e.call != kNone) stage.add_uint32(10, e.call + 1);   // submission_id
        const auto [from, to] = m_waits.equal_range(i);
        for (auto wait = from; wait != to; ++wait) stage.add_uint64(18, wait->second + 1);
        describe(stage, e);
      });
    }
  }

  void describe(pbf_writer& stage, const Event& e) {
    if (e.op) extra(stage, "op", std::string(m_trace.op_of(e)));
    if (e.step >= 0) extra(stage, "step", std::to_string(e.step));
    if (e.correlation != kNoCorrelation) extra(stage, "correlation", std::to_string(e.correlation));
    const Detail* d = m_trace.detail_of(e);
    if (!d) return;
    if (d->registers >= 0) extra(stage, "registers per thread", std::to_string(d->registers));
    if (d->lds_bytes >= 0) extra(stage, "shared memory", std::to_string(d->lds_bytes));
    if (d->bytes >= 0) extra(stage, "bytes", std::to_string(d->bytes));
    if (d->layer >= 0) extra(stage, "layer", std::to_string(d->layer));
    if (d->grid[0] < 0 && d->block[0] < 0) return;
    pbf_writer launch(stage, 21);
    dimensions(launch, 1, d->grid);
    dimensions(launch, 2, d->block);
  }

  void track(uint64_t uuid, uint64_t parent, const std::string& name) {
    packet([&](pbf_writer& p) {
      pbf_writer descriptor(p, 60);
      descriptor.add_uint64(1, uuid);
      if (parent) descriptor.add_uint64(5, parent);
      descriptor.add_string(2, name);
    });
  }
  void process(uint64_t uuid, int32_t pid, const char* name) {
    packet([&](pbf_writer& p) {
      pbf_writer descriptor(p, 60);
      descriptor.add_uint64(1, uuid);
      pbf_writer process(descriptor, 3);
      process.add_int32(1, pid);
      process.add_string(6, name);
    });
  }

  template <class Fill>
  void track_event(int64_t ns, int type, uint64_t uuid, Fill&& fill) {
    packet([&](pbf_writer& p) {
      p.add_uint64(8, at(ns));
      p.add_uint32(13, kNeedsState);
      pbf_writer event(p, 11);
      event.add_enum(9, type);
      event.add_uint64(11, uuid);
      fill(event);
    });
  }

  // Spans of threads as slices. On one track they must nest; what does not gets another track of its thread.
  template <class Spans, class Fill>
  void slices(const Spans& spans, uint64_t parent, const char* word, Fill&& fill) {
    struct Row {
      uint64_t uuid = 0;
      std::vector<int64_t> open;   // ends, innermost last
    };
    std::map<int64_t, std::vector<Row>> threads;
    const auto close = [&](Row& row, int64_t until) {
      while (!row.open.empty() && row.open.back() <= until) {
        track_event(row.open.back(), kSliceEnd, row.uuid, [](pbf_writer&) {});
        row.open.pop_back();
      }
    };
    for (size_t i = 0; i < spans.size(); ++i) {
      const auto& s = spans[i];
      auto& rows = threads[s.thread];
      Row* place = nullptr;
      for (Row& row : rows) {
        close(row, s.start_ns);
        if (!place && (row.open.empty() || row.open.back() >= s.end_ns)) place = &row;
      }
      if (!place) {
        rows.push_back({m_next_uuid++, {}});
        place = &rows.back();
        track(place->uuid, parent, fmt::format("{} {}", word, s.thread));
      }
      track_event(s.start_ns, kSliceBegin, place->uuid, [&](pbf_writer& event) {
        if (s.name != 0) event.add_uint64(10, s.name);
        fill(event, i);
      });
      place->open.push_back(s.end_ns);
    }
    for (auto& [thread, rows] : threads)
      for (Row& row : rows) close(row, std::numeric_limits<int64_t>::max());
  }

  void host_calls() {
    if (m_trace.calls.empty()) return;
    const uint64_t parent = m_next_uuid++;
    process(parent, kProcess, "host");
    slices(m_trace.calls, parent, "calls of thread", [&](pbf_writer& event, size_t i) {
      if (m_started[i].empty()) return;
      pbf_writer correlation(event, 3000);   // GpuTrackEvent.gpu_correlation
      for (const EventId started : m_started[i]) correlation.add_uint64(1, started + 1);
    });
  }

  void annotations() {
    if (m_trace.annotations.empty()) return;
    const uint64_t parent = m_next_uuid++;
    track(parent, 0, "ranges");
    slices(m_trace.annotations, parent, "thread", [](pbf_writer&, size_t) {});
  }

  static void annotate(pbf_writer& event, const char* name, const std::string& value) {
    pbf_writer annotation(event, 4);
    annotation.add_string(10, name);
    annotation.add_string(6, value);
  }

  void idle() {
    const uint64_t parent = m_next_uuid++;
    bool described = false;
    for (const uint32_t device : active_devices(m_trace)) {
      const BubbleReport report = classify(m_trace, whole(m_trace, device));
      if (!described) process(parent, kIdleProcess, "idle time, classified");
      described = true;
      const uint64_t uuid = m_next_uuid++;
      track(uuid, parent, "device " + m_trace.devices[device].id);
      for (const Bubble& b : report.bubbles) {
        if (b.kind == BubbleKind::contiguous) continue;   // the collector says back to back
        track_event(b.begin_ns, kSliceBegin, uuid, [&](pbf_writer& event) {
          event.add_string(23, fmt::format("{} {:.3f} us, {}", to_string(b.kind), static_cast<double>(b.ns()) / 1000, to_string(b.cause)));
          annotate(event, "kind", std::string(to_string(b.kind)));
          annotate(event, "scope", std::string(to_string(b.scope)));
          annotate(event, "cause", std::string(to_string(b.cause)) + (b.cause_is_guess ? " (guessed)" : ""));
          annotate(event, "evidence", evidence(m_trace, b));
        });
        track_event(b.end_ns, kSliceEnd, uuid, [](pbf_writer&) {});
      }
    }
  }

  const Trace& m_trace;
  const std::function<void(std::string_view)>& m_write;
  std::string m_buffer;
  int64_t m_shift = 0;
  uint64_t m_next_uuid = 1;
  std::vector<std::vector<EventId>> m_started;    // by call
  std::multimap<EventId, EventId> m_waits;        // event -> what it depends on
};

}  // namespace

void write_perfetto(const Trace& trace, const std::function<void(std::string_view)>& write) { PerfettoWriter(trace, write).run(); }

Status export_perfetto(const Trace& trace, const std::string& path) {
  return write_file_whole(path, [&](const std::function<void(std::string_view)>& write) { write_perfetto(trace, write); });
}

}  // namespace trace
