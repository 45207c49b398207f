// The tables of a report as CSV (RFC 4180): fields with commas, quotes or line ends are quoted. Times in us with three
// digits, so that nothing is lost. A field that a spreadsheet would take for a formula begins with a quote mark.
#include <fmt/format.h>

#include <cmath>

#include "trace/report.h"
#include "trace/report_analysis.h"

namespace trace {
namespace {

std::string field(std::string_view text, bool number = false) {
  std::string value(text);
  // From a trace, so from anyone: never a formula.
  if (!number && !value.empty() && std::string_view("=+-@\t\r").find(value.front()) != std::string_view::npos) value.insert(value.begin(), '\'');
  if (value.find_first_of(",\"\r\n") == std::string::npos) return value;
  std::string out = "\"";
  for (const char c : value) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + '"';
}

class Csv {
 public:
  explicit Csv(std::string_view header) : m_out(std::string(header) + "\r\n") {}
  Csv& text(std::string_view value) { return add(field(value)); }
  Csv& number(int64_t value) { return add(std::to_string(value)); }
  Csv& us(int64_t ns) { return add(report_us(ns)); }
  Csv& real(double value) { return add(std::isfinite(value) ? fmt::format("{:.6g}", value) : ""); }
  void end() {
    m_out += "\r\n";
    m_first = true;
  }
  std::string take() { return std::move(m_out); }

 private:
  Csv& add(const std::string& text) {
    if (!m_first) m_out += ',';
    m_first = false;
    m_out += text;
    return *this;
  }
  std::string m_out;
  bool m_first = true;
};

std::string name_of(const Trace& t, EventId id) { return id == kNone ? std::string() : std::string(t.name_of(t.events[id])); }

std::string summary(const ReportData& data) {
  Csv csv("run,device,window,wall_us,busy_us,idle_us,contiguous_us,contiguous_n,dispatch_us,dispatch_n,fence_us,fence_n,stall_us,stall_n,kernels,copies,streams,lanes,overlaps,overlap_min_us,"
          "path_owned_us,path_waits_us,path_lead_in_us,layers,steps,collector,version,resolution_ns");
  for (const auto& r : data.runs) {
    const BubbleReport& b = r.bubbles;
    csv.text(r.run->name).text(r.run->device).text(r.main.label).us(b.wall_ns).us(b.busy_ns).us(b.idle_ns);
    for (int k = 0; k < kBubbleKinds; ++k) csv.us(b.kinds[static_cast<size_t>(k)].ns).number(b.kinds[static_cast<size_t>(k)].count);
    csv.number(b.kernels).number(b.copies).number(b.streams).number(b.lanes).number(static_cast<int64_t>(b.overlaps.size())).us(b.overlap_min_ns);
    csv.us(r.path.owned_ns).us(r.path.waits_ns).us(r.path.lead_in_ns).number(r.layers.layers).number(r.layers.steps);
    csv.text(r.trace->collector.name).text(r.trace->collector.version).number(r.trace->collector.resolution_ns).end();
  }
  return csv.take();
}

std::string kernels(const ReportData& data) {
  Csv csv("run,kernel,op,category,count,total_us,median_us,longest_us");
  for (const auto& r : data.runs)
    for (const auto& k : r.kernels)
      csv.text(r.run->name).text(k.name).text(k.op).text(to_string(k.category)).number(k.count).us(k.total_ns).real(k.median_us).us(k.longest_ns).end();
  return csv.take();
}

std::string gaps(const ReportData& data) {
  Csv csv("run,begin_us,length_us,kind,scope,cause,guessed,before,after,before_stream,after_stream,evidence");
  for (const auto& r : data.runs) {
    const Trace& t = *r.trace;
    for (const Bubble& b : r.bubbles.bubbles) {
      if (b.kind == BubbleKind::contiguous) continue;   // tens of thousands of 1 ns, counted in the summary
      csv.text(r.run->name).us(b.begin_ns).us(b.ns()).text(to_string(b.kind)).text(to_string(b.scope)).text(to_string(b.cause)).number(b.cause_is_guess);
      csv.text(name_of(t, b.before)).text(name_of(t, b.after));
      csv.text(b.before == kNone ? "" : std::to_string(t.lanes[t.events[b.before].lane].stream)).text(b.after == kNone ? "" : std::to_string(t.lanes[t.events[b.after].lane].stream));
      csv.text(b.kind == BubbleKind::stall ? evidence(t, b) : "").end();
    }
  }
  return csv.take();
}

std::string layers(const ReportData& data) {
  Csv csv("run,step,layer,class,begin_us,wall_us,busy_us,idle_us,stall_us,kernels");
  for (const auto& r : data.runs) {
    if (r.layers.layers == 0) continue;
    const auto context = bubble_context(*r.trace, r.device);
    for (size_t s = 0; s < r.layers.detail.size(); ++s)
      for (size_t i = 0; i < r.layers.detail[s].layers.size(); ++i) {
        const auto b = classify(*r.trace, context, r.layers.detail[s].layers[i]);
        csv.text(r.run->name).number(static_cast<int64_t>(s)).number(static_cast<int64_t>(i)).number(r.layers.detail[s].layer_class[i]);
        csv.us(b.window.begin_ns).us(b.wall_ns).us(b.busy_ns).us(b.idle_ns).us(b.kind(BubbleKind::stall).ns).number(b.kernels).end();
      }
  }
  return csv.take();
}

std::string path(const ReportData& data) {
  Csv csv("run,kernel,stream,start_us,owned_us,wait_before_us,guessed");
  for (const auto& r : data.runs)
    for (const auto& step : r.path.steps) {
      const Event& e = r.trace->events[step.event];
      csv.text(r.run->name).text(r.trace->name_of(e)).number(r.trace->lanes[e.lane].stream).us(e.start_ns).us(step.owned_ns).us(step.wait_ns).number(step.guessed).end();
    }
  return csv.take();
}

std::string contributors(const ReportData& data) {
  Csv csv("view,contributor,us,hidden_us");
  for (const auto& c : data.comparison->waterfall.contributors) csv.text("equal shares").text(c.name).us(c.ns).us(c.hidden_ns).end();
  for (const auto& c : grouped(data.comparison->waterfall)) csv.text("groups").text(c.name).us(c.ns).text("").end();
  for (const auto& c : data.comparison->second_view) csv.text("sum of durations").text(c.name).us(c.ns).text("").end();
  return csv.take();
}

std::string matched(const ReportData& data) {
  Csv csv("in,kernel,op,category,a_count,b_count,a_us,b_us,delta_us,a_median_us,b_median_us");
  const auto add = [&](const char* in, const std::vector<MatchedKernel>& list) {
    for (const auto& k : list)
      csv.text(in).text(k.name).text(k.op).text(to_string(k.category)).number(k.a_count).number(k.b_count).us(k.a_ns).us(k.b_ns).us(k.b_ns - k.a_ns).real(k.a_median_us).real(k.b_median_us).end();
  };
  add("both", data.comparison->matched);
  add("a", data.comparison->only_a);
  add("b", data.comparison->only_b);
  return csv.take();
}

std::string floor_rows(const ReportData& data) {
  Csv csv("run,kernel,op,count,us,floor_us,above_us,bytes,flops,bound,estimate");
  for (const auto& r : data.runs) {
    if (!r.floors) continue;
    for (const auto& row : r.floors->rows) {
      csv.text(r.run->name).text(row.name).text(row.op).number(row.count).us(row.ns);
      if (row.bound == FloorBound::none) csv.text("").text("").text("").text("").text("none").text("").end();
      else csv.us(row.floor_ns).us(row.above_ns()).number(row.bytes).number(row.flops).text(to_string(row.bound)).text(row.recorded ? "recorded" : "model").end();
    }
  }
  return csv.take();
}

std::string observations(const AbResult& ab) {
  Csv csv("instance,null_arm,quad,dropped,a1_us,b1_us,b2_us,a2_us,delta_us");
  for (size_t i = 0; i < ab.instances.size(); ++i)
    for (size_t q = 0; q < ab.instances[i].quads.size(); ++q) {
      const Quad& quad = ab.instances[i].quads[q];
      csv.number(static_cast<int64_t>(i)).number(ab.instances[i].null_arm).number(static_cast<int64_t>(q)).number(quad.dropped);
      for (const double block : quad.block_us) csv.real(block);
      csv.real(quad.delta_us()).end();
    }
  return csv.take();
}

}  // namespace

Result<std::vector<CsvTable>> csv_tables(const ReportInput& input) {
  const auto data = analyse(input);
  if (!data) return data.error();
  std::vector<CsvTable> out{{"summary", summary(*data)}, {"kernels", kernels(*data)}, {"gaps", gaps(*data)}, {"path", path(*data)}};
  for (const auto& r : data->runs)
    if (r.layers.layers > 0) {
      out.emplace_back("layers", layers(*data));
      break;
    }
  for (const auto& r : data->runs)
    if (r.floors) {
      out.emplace_back("floors", floor_rows(*data));
      break;
    }
  if (data->comparison) {
    out.emplace_back("contributors", contributors(*data));
    out.emplace_back("matched", matched(*data));
  }
  if (data->ab) out.emplace_back("observations", observations(*data->ab));
  return out;
}

Result<std::string> csv_report(const ReportInput& input) {
  const auto tables = csv_tables(input);
  if (!tables) return tables.error();
  std::string out;
  for (const auto& [name, text] : *tables) out += (out.empty() ? "# " : "\r\n# ") + name + "\r\n" + text;
  return out;
}

}  // namespace trace
