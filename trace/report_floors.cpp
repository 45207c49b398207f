// The parts of the HTML report that hold kernels against what would be possible, and steps against what was served.
#include <algorithm>

#include "trace/kernel_names.h"
#include "trace/report_sections.h"

namespace trace {
namespace {

constexpr size_t kRowsShown = 40;

void floor_table(HtmlWriter& out, const FloorReport& f) {
  out.literal("<div class=\"scroll\"><table><tr><th class=\"left\">op</th><th>n</th><th>us</th><th>floor us</th><th>above us</th><th>x floor</th><th>MB</th><th>MFLOP</th><th class=\"left\">bound by</th><th class=\"left\">kernel</th></tr>");
  for (size_t i = 0; i < std::min(f.rows.size(), kRowsShown); ++i) {
    const FloorRow& row = f.rows[i];
    const bool known = row.bound != FloorBound::none;
    out.put("<tr><td class=\"left\">{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"left\">{}</td><td class=\"left name\" title=\"{}\">{}</td></tr>", row.op.empty() ? "-" : row.op, row.count, report_us(row.ns), known ? report_us(row.floor_ns) : "-", known ? report_us(row.above_ns()) : "-",
            known && row.floor_ns > 0 ? fmt::format("{:.1f}", static_cast<double>(row.ns) / static_cast<double>(row.floor_ns)) : "-", known ? fmt::format("{:.3f}", static_cast<double>(row.bytes) / 1e6) : "-",
            known && row.flops > 0 ? fmt::format("{:.1f}", static_cast<double>(row.flops) / 1e6) : "-", known ? std::string(to_string(row.bound)) + (row.recorded ? "" : ", estimate") : std::string("no estimate"), row.name, bare_kernel_name(row.name));
  }
  out.literal("</table></div>");
  if (f.rows.size() > kRowsShown) out.put("<p class=\"dim\">{} more kernel names with less above their floor: the CSV has them</p>", f.rows.size() - kRowsShown);
}

}  // namespace

Markup floors_section(const ReportData& data) {
  HtmlWriter out;
  bool any = false;
  for (const auto& r : data.runs) {
    if (!r.floors && r.no_floors.empty()) continue;
    if (!any) out.literal("<section id=\"floors\"><h2>Floors</h2><p class=\"dim\">floor = the longest of bytes over memory, flops over arithmetic and bytes from peers over links; estimates of a model, nothing of it measured</p>");
    any = true;
    out.put("<h3>{}</h3>", r.title);
    if (!r.floors) {
      out.put("<p class=\"caveat\">not available: {}</p>", r.no_floors);
      continue;
    }
    const FloorReport& f = *r.floors;
    out.put("<p class=\"mono\">{}: wall {} = floor {} + above it {} + without an estimate {} + idle {} − concurrency {} us</p>", f.window.label, report_us(f.wall_ns), report_us(f.floor_ns), report_us(f.above_ns), report_us(f.unknown_ns),
            report_us(f.idle_ns), report_us(f.concurrency_ns));
    floor_table(out, f);
    out.literal("<div class=\"scroll\"><table><tr><th class=\"left\">assumed</th><th class=\"left\"></th><th class=\"left\">from</th></tr>");
    for (const Assumption& a : f.assumptions.list) out.put("<tr><td class=\"left\">{}</td><td class=\"left mono\">{}</td><td class=\"left\">{}</td></tr>", a.what, a.value, a.from);
    out.literal("</table></div>");
    for (const auto& caveat : f.caveats) out.put("<p class=\"caveat\">{}</p>", caveat);
  }
  if (any) out.literal("</section>\n");
  return out.take();
}

Markup serving_section(const ReportData& data) {
  HtmlWriter out;
  bool any = false;
  for (const auto& r : data.runs) {
    if (!r.tpot) continue;
    if (!any) out.literal("<section id=\"serving\"><h2>What was served</h2><div class=\"scroll\"><table><tr><th class=\"left\">run</th><th>TPOT ms</th><th>decode step ms</th><th>host + prefill + scheduling ms</th><th>%</th><th class=\"left\">step from</th><th class=\"left\">benchmark</th></tr>");
    any = true;
    const ServingSplit& s = *r.tpot;
    out.put("<tr><td class=\"left\">{}</td><td>{:.3f}</td><td>{:.3f}</td><td>{:.3f}</td><td>{:.1f}</td><td class=\"left wide\">{}</td><td class=\"left\">{} line {}</td></tr>", r.title, s.tpot_us / 1000, s.step_us / 1000, s.rest_us() / 1000,
            100 * s.rest_us() / s.tpot_us, s.step_from, r.serving->file, r.serving->line);
  }
  if (!any) return {};
  out.literal("</table></div>");
  for (const auto& r : data.runs)
    if (r.tpot)
      for (const auto& caveat : r.tpot->caveats) out.put("<p class=\"caveat\">{}</p>", caveat);
  out.literal("</section>\n");
  return out.take();
}

}  // namespace trace
