// The waterfall of a report: from A's wall to B's by named contributors that sum exactly, and its tables.
#include <algorithm>
#include <cmath>

#include "trace/kernel_names.h"
#include "trace/report_sections.h"
#include "trace/report_style.h"

namespace trace {
namespace {

constexpr int kRow = 22, kNameWidth = 150, kBarWidth = 560;

// Slower first, largest first; then faster.
std::vector<Contributor> in_order(std::vector<Contributor> list) {
  std::erase_if(list, [](const Contributor& c) { return c.ns == 0; });
  std::ranges::stable_sort(list, [](const Contributor& x, const Contributor& y) { return (x.ns > 0) != (y.ns > 0) ? x.ns > 0 : std::abs(x.ns) > std::abs(y.ns); });
  return list;
}

void draw_waterfall(HtmlWriter& out, const std::vector<Contributor>& list, int64_t delta) {
  int64_t low = 0, high = 0, at = 0;
  for (const auto& c : list) {
    at += c.ns;
    low = std::min(low, at);
    high = std::max(high, at);
  }
  const double scale = high > low ? static_cast<double>(kBarWidth) / static_cast<double>(high - low) : 0;
  const auto x = [&](int64_t ns) { return kNameWidth + 10 + static_cast<double>(ns - low) * scale; };
  const int height = kRow * (static_cast<int>(list.size()) + 1) + 6;
  out.put("<svg class=\"waterfall\" width=\"{}\" height=\"{}\" role=\"img\" aria-label=\"Waterfall from A to B\"><line class=\"zero\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"0\" y2=\"{}\"/>", kNameWidth + kBarWidth + 110, height, x(0), x(0), height);
  int y = 2;
  at = 0;
  const auto row = [&](const std::string& name, int64_t from, int64_t to, int64_t ns, const char* cls, int64_t hidden) {
    const double left = x(std::min(from, to)), width = std::max(1.0, std::abs(static_cast<double>(to - from)) * scale);
    out.put("<text class=\"name\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text><rect class=\"{}\" x=\"{:.1f}\" y=\"{}\" width=\"{:.1f}\" height=\"{}\"><title>{}: {} us{}</title></rect><text class=\"value\" x=\"{:.1f}\" y=\"{}\">{}</text>", kNameWidth, y + 14, name,
            cls, left, y + 2, width, kRow - 5, name, signed_us(ns), hidden ? "; hidden behind other work " + signed_us(hidden) + " us" : "", left + width + 6, y + 14, signed_us(ns));
    y += kRow;
  };
  for (const auto& c : list) {
    row(c.name, at, at + c.ns, c.ns, c.ns > 0 ? "worse" : "better", c.hidden_ns);
    at += c.ns;
  }
  row("= difference", 0, delta, delta, "total", 0);
  out.literal("</svg>");
}

void kernel_table(HtmlWriter& out, const char* title, const std::vector<MatchedKernel>& list, size_t most, bool both) {
  if (list.empty()) return;
  out.put("<details><summary>{} <small>{}</small></summary><div class=\"scroll\"><table><tr>", title, list.size());
  out.literal(both ? "<th>A us</th><th>B us</th><th>Δ us</th><th>A n</th><th>B n</th>" : "<th>us</th><th>n</th>");
  out.literal("<th class=\"left\">category</th><th class=\"left\">kernel</th></tr>");
  for (size_t i = 0; i < std::min(most, list.size()); ++i) {
    const auto& k = list[i];
    const int64_t delta = k.b_ns - k.a_ns;
    if (both) out.put("<tr><td>{}</td><td>{}</td><td class=\"{}\">{}</td><td>{}</td><td>{}</td>", report_us(k.a_ns), report_us(k.b_ns), delta > 0 ? "worse" : delta < 0 ? "better" : "", signed_us(delta), k.a_count, k.b_count);
    else out.put("<tr><td>{}</td><td>{}</td>", report_us(k.a_ns + k.b_ns), k.a_count + k.b_count);
    out.put("<td class=\"left\"><i class=\"dot\" style=\"background:{}\"></i>{}</td><td class=\"left name\" title=\"{}\">{}{}</td></tr>", bar_colour(k.category), title_of(k.category), k.name, bare_kernel_name(k.name), k.op.empty() ? "" : " (" + k.op + ")");
  }
  out.literal("</table></div>");
  if (list.size() > most) out.put("<p class=\"dim\">the first {} of {}; the CSV export has all</p>", most, list.size());
  out.literal("</details>");
}

}  // namespace

Markup waterfall_section(const ReportData& data) {
  if (!data.comparison) return {};
  const Comparison& c = *data.comparison;
  HtmlWriter out;
  out.put("<section id=\"waterfall\"><h2>From A to B <small>{} us → {} us{}</small></h2>", report_us(c.waterfall.a_ns), report_us(c.waterfall.b_ns),
          data.with_tracing ? "; `tracing` leads from the traced to the untraced difference, which is the headline" : "");
  out.literal("<div class=\"scroll\">");
  draw_waterfall(out, in_order(c.waterfall.contributors), data.delta_ns);
  out.literal("</div><p class=\"dim\">equal shares: while k kernels run at once each is given a k-th of the time, so that contributors sum to the difference, to the nanosecond</p>");
  out.literal("<p>In groups: ");
  bool first = true;
  for (const auto& g : grouped(c.waterfall)) {
    out.put("{}{} <span class=\"{}\">{}</span>", Markup{first ? "" : ", "}, g.name, g.ns > 0 ? "worse" : "better", signed_us(g.ns));
    first = false;
  }
  out.literal("</p><p class=\"dim\">Second view, sum of durations − concurrency + idle: ");
  first = true;
  for (const auto& g : c.second_view) {
    out.put("{}{} {}", Markup{first ? "" : ", "}, g.name, signed_us(g.ns));
    first = false;
  }
  out.literal("</p>");
  for (const auto& caveat : c.caveats) out.put("<p class=\"caveat\">{}</p>", caveat);
  kernel_table(out, "In both, largest change first", c.matched, 40, true);
  kernel_table(out, "Only in A", c.only_a, 40, false);
  kernel_table(out, "Only in B", c.only_b, 40, false);
  out.literal("</section>\n");
  return out.take();
}

}  // namespace trace
