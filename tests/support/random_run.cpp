#include "tests/support/random_run.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "trace/run_json.h"

namespace tests {

std::string random_text(Random& random) {
  static const std::string texts[] = {"",        "q_b",          "a \"quoted\" name", "two\nlines\tand a tab",
                                      "µs ≥ 2",  "日本語 𝛿",     "x,y; z' --",        "\\back\\slash\x01",
                                      "comma,",  "glm-5",        "\xff\xfe no utf8",  std::string("nul\0inside", 10)};
  std::string text = texts[static_cast<size_t>(pick(random, 0, std::size(texts) - 1))];
  if (pick(random, 0, 1)) text += std::to_string(pick(random, 0, 1 << 20));
  return text;
}

double Filler::random_double() {
  switch (pick(m_random, 0, 11)) {
    case 0: return std::numeric_limits<double>::quiet_NaN();
    case 1: return std::numeric_limits<double>::infinity();
    case 2: return -std::numeric_limits<double>::infinity();
    case 3: return 0;
    case 4: return static_cast<double>(pick(m_random, -1000, 1000));
    case 5: return std::numeric_limits<double>::denorm_min();
    case 6: return -std::numeric_limits<double>::max();
    default: return std::uniform_real_distribution<double>(-1e6, 1e6)(m_random);
  }
}

namespace {

void add_tables(Random& random, trace::Trace& t) {
  t.title = random_text(random);
  t.source = random_text(random);
  t.collector.name = random_text(random);
  t.collector.version = random_text(random);
  t.collector.clock = static_cast<trace::ClockSource>(pick(random, 0, 5));
  t.collector.resolution_ns = pick(random, 0, 1) ? 1 : 1000;
  t.origin_ns = pick(random, -1, 1) * pick(random, 0, int64_t{1} << 61);
  t.strings = {""};
  t.ops = {""};
  for (int64_t i = pick(random, 1, 9); i > 0; --i) t.strings.push_back(random_text(random) + "#" + std::to_string(i));
  for (int64_t i = pick(random, 0, 5); i > 0; --i) t.ops.push_back("op" + std::to_string(i));
  for (int64_t i = pick(random, 1, 3); i > 0; --i)
    t.devices.push_back({std::to_string(t.devices.size()), random_text(random), pick(random, 0, 1) ? "amd" : ""});
  for (int64_t i = pick(random, 0, 4); i > 0; --i) {
    trace::Detail d;
    for (auto& v : d.grid) v = static_cast<int32_t>(pick(random, -1, 1 << 20));
    for (auto& v : d.block) v = static_cast<int32_t>(pick(random, -1, 1024));
    d.registers = static_cast<int32_t>(pick(random, -1, 512));
    d.lds_bytes = pick(random, -1, 163840);
    d.bytes = pick(random, -1, int64_t{1} << 40);
    d.flops = pick(random, -1, int64_t{1} << 50);
    d.graph_node = pick(random, 0, 1) ? -1 : static_cast<int64_t>(random() >> 1);
    d.hsa_queue = pick(random, -1, 9);
    d.layer = static_cast<int32_t>(pick(random, -1, 78));
    t.details.push_back(d);
  }
}

int64_t index_or(Random& random, size_t count, int64_t none) {
  return count == 0 || pick(random, 0, 2) == 0 ? none : pick(random, 0, static_cast<int64_t>(count) - 1);
}

void add_spans(Random& random, trace::Trace& t, int events) {
  const auto name = [&] { return static_cast<trace::StringId>(pick(random, 0, t.strings.size() - 1)); };
  const auto by_start = [](const auto& x, const auto& y) { return x.start_ns < y.start_ns; };
  for (int64_t i = pick(random, 0, events / 4 + 2); i > 0; --i) {
    const int64_t start = pick(random, -2000, 900000);
    t.calls.push_back({start, start + pick(random, 0, 9000), pick(random, -1, 40), name(), pick(random, 0, 1 << 22)});
  }
  for (int64_t i = pick(random, 0, 4); i > 0; --i) {
    const int64_t start = pick(random, -2000, 900000);
    t.annotations.push_back({start, start + pick(random, 0, 90000), name(), pick(random, 0, 1 << 22)});
  }
  std::sort(t.calls.begin(), t.calls.end(), by_start);
  std::sort(t.annotations.begin(), t.annotations.end(), by_start);
  for (int i = 0; i < events; ++i) {
    trace::Event e;
    e.start_ns = pick(random, 0, 1000000);
    e.end_ns = e.start_ns + pick(random, 0, 30000);
    e.correlation = pick(random, 0, 3) ? pick(random, 0, 40) : trace::kNoCorrelation;
    e.name = name();
    e.lane = static_cast<uint32_t>(pick(random, 0, t.lanes.size() - 1));
    e.detail = static_cast<uint32_t>(index_or(random, t.details.size(), trace::kNone));
    e.call = static_cast<uint32_t>(index_or(random, t.calls.size(), trace::kNone));
    e.step = static_cast<int32_t>(pick(random, -1, 64));
    e.op = static_cast<uint16_t>(pick(random, 0, t.ops.size() - 1));
    e.kind = static_cast<trace::EventKind>(pick(random, 0, 2));
    e.category = static_cast<trace::Category>(pick(random, 0, trace::kCategories - 1));
    t.events.push_back(e);
  }
  std::sort(t.events.begin(), t.events.end(), [](const trace::Event& x, const trace::Event& y) {
    return std::tie(x.lane, x.start_ns, x.end_ns) < std::tie(y.lane, y.start_ns, y.end_ns);
  });
}

}  // namespace

trace::Trace random_full_trace(Random& random, int events) {
  trace::Trace t;
  add_tables(random, t);
  for (uint32_t device = 0; device < t.devices.size(); ++device)
    for (int64_t stream = 0, streams = pick(random, 1, 3); stream < streams; ++stream)
      t.lanes.push_back({.device = device,
                         .stream = stream * 7 - 1,
                         .kind = pick(random, 0, 3) ? trace::LaneKind::gpu : trace::LaneKind::host,
                         .label = random_text(random),
                         .logical = static_cast<uint32_t>(pick(random, 0, t.lanes.size()))});
  add_spans(random, t, events);
  for (const trace::Event& e : t.events) ++t.lanes[e.lane].count;
  for (size_t i = 1; i < t.lanes.size(); ++i) t.lanes[i].first = t.lanes[i - 1].first + t.lanes[i - 1].count;
  for (int64_t i = events > 1 ? pick(random, 0, 6) : 0; i > 0; --i) {
    const auto from = static_cast<trace::EventId>(pick(random, 0, events - 2));
    t.edges.push_back({from, static_cast<trace::EventId>(pick(random, from + 1, events - 1))});
  }
  return t;
}

trace::Run random_run(Random& random, int events) {
  auto run = random_value<trace::Run>(random);
  run.id = run.ab_id = 0;
  run.ab_arm = 0;
  run.created = "2025-11-21T08:" + std::to_string(pick(random, 10, 59)) + ":00Z";
  run.tags = "tag" + std::to_string(pick(random, 0, 3));
  run.trace = std::make_shared<const trace::Trace>(random_full_trace(random, events));
  return run;
}

trace::AbResult random_ab(Random& random, int events) {
  trace::AbResult ab;
  Filler filler(random);
  filler.fill(ab.spec);
  filler.fill(ab.estimate);
  filler.fill(ab.instances);
  filler.fill(ab.equivalence);
  filler.fill(ab.removed);
  filler.fill(ab.added);
  filler.fill(ab.notes);
  ab.a = std::make_shared<const trace::Run>(random_run(random, events));
  ab.b = std::make_shared<const trace::Run>(random_run(random, events));
  return ab;
}

namespace {

// The first index at which two tables differ, as text.
template <class T, class Equal>
std::string table_difference(const char* name, const std::vector<T>& x, const std::vector<T>& y, Equal equal) {
  if (x.size() != y.size())
    return std::string(name) + ": " + std::to_string(x.size()) + " != " + std::to_string(y.size()) + " rows";
  for (size_t i = 0; i < x.size(); ++i)
    if (!equal(x[i], y[i])) return std::string(name) + "[" + std::to_string(i) + "] differs";
  return "";
}

template <class T>
std::string json_difference(const std::string& name, const T& x, const T& y) {
  const auto a = trace::write_json(x).dump(), b = trace::write_json(y).dump();
  return a == b ? "" : name + " differs: " + a.substr(0, 2000) + " != " + b.substr(0, 2000);
}

std::string header_difference(const trace::Trace& x, const trace::Trace& y) {
  const auto& c = x.collector;
  const auto& d = y.collector;
  if (x.title != y.title || x.source != y.source) return "title or source differ";
  if (std::tie(c.name, c.version, c.clock, c.resolution_ns) != std::tie(d.name, d.version, d.clock, d.resolution_ns))
    return "collector differs";
  return x.origin_ns != y.origin_ns ? "origin differs" : "";
}

}  // namespace

std::string difference(const trace::Trace& x, const trace::Trace& y) {
  const auto span = [](const auto& s) { return std::tie(s.start_ns, s.end_ns, s.name); };
  const std::string differences[] = {
      header_difference(x, y),
      table_difference("strings", x.strings, y.strings, std::equal_to<>()),
      table_difference("ops", x.ops, y.ops, std::equal_to<>()),
      table_difference("devices", x.devices, y.devices, [](const trace::Device& a, const trace::Device& b) {
        return std::tie(a.id, a.name, a.vendor) == std::tie(b.id, b.name, b.vendor);
      }),
      table_difference("lanes", x.lanes, y.lanes, [](const trace::Lane& a, const trace::Lane& b) {
        return std::tie(a.device, a.stream, a.kind, a.label, a.logical, a.first, a.count) ==
               std::tie(b.device, b.stream, b.kind, b.label, b.logical, b.first, b.count);
      }),
      table_difference("events", x.events, y.events, [&](const trace::Event& a, const trace::Event& b) {
        return span(a) == span(b) &&
               std::tie(a.correlation, a.lane, a.detail, a.call, a.step, a.op, a.kind, a.category) ==
                   std::tie(b.correlation, b.lane, b.detail, b.call, b.step, b.op, b.kind, b.category);
      }),
      table_difference("details", x.details, y.details, std::equal_to<>()),
      table_difference("calls", x.calls, y.calls, [&](const trace::HostCall& a, const trace::HostCall& b) {
        return span(a) == span(b) && a.correlation == b.correlation && a.thread == b.thread;
      }),
      table_difference("annotations", x.annotations, y.annotations,
                       [&](const trace::Annotation& a, const trace::Annotation& b) {
                         return span(a) == span(b) && a.thread == b.thread;
                       }),
      table_difference("edges", x.edges, y.edges, [](const trace::Edge& a, const trace::Edge& b) {
        return a.from == b.from && a.to == b.to;
      })};
  for (const std::string& text : differences)
    if (!text.empty()) return text;
  return "";
}

std::string difference(const trace::Run& x, const trace::Run& y) {
  trace::Run a = x, b = y;
  a.id = b.id = a.ab_id = b.ab_id = 0;
  a.ab_arm = b.ab_arm = 0;
  const std::string text = json_difference("run", a, b);
  if (!text.empty()) return text;
  if (!x.trace != !y.trace) return "one has no trace";
  return x.trace ? difference(*x.trace, *y.trace) : "";
}

std::string difference(const trace::AbResult& x, const trace::AbResult& y) {
  const std::string differences[] = {
      json_difference("spec", x.spec, y.spec),
      json_difference("estimate", x.estimate, y.estimate),
      json_difference("instances", x.instances, y.instances),
      json_difference("equivalence", x.equivalence, y.equivalence),
      json_difference("removed", x.removed, y.removed),
      json_difference("added", x.added, y.added),
      json_difference("notes", x.notes, y.notes),
      difference(*x.a, *y.a),
      difference(*x.b, *y.b)};
  for (const std::string& text : differences)
    if (!text.empty()) return text;
  return "";
}

}  // namespace tests
