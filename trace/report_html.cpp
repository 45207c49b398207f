// The HTML report: one file, no request leaves it (a content security policy says so to the browser too). Without
// scripts everything is readable at one scale; the script zooms, scrolls and shows what a bar is.
#include <algorithm>

#include "trace/report.h"
#include "trace/report_analysis.h"
#include "trace/report_sections.h"
#include "trace/report_style.h"
#include "trace/report_timeline.h"

// The contents of assets/report.css and assets/report.js, put into the program by the build.
extern "C" {
extern const unsigned char embed_report_css[], embed_report_css_end[];
extern const unsigned char embed_report_js[], embed_report_js_end[];
}

namespace trace {
namespace {

std::string_view embedded(const unsigned char* begin, const unsigned char* end) { return {reinterpret_cast<const char*>(begin), static_cast<size_t>(end - begin)}; }

// The finest first: a layer is what people look at, all of it what they check.
std::vector<TimelineView> timelines(const ReportData& data) {
  TimelineView layer{"layer", "One layer", {}, 6000}, step{"step", "One step", {}, 6000}, all{"all", "All", {}, 6000};
  for (const auto& r : data.runs) {
    if (!r.has_device) continue;
    if (r.layer) layer.rows.push_back({&r, *r.layer});
    if (r.step) step.rows.push_back({&r, *r.step});
    all.rows.push_back({&r, r.all});
  }
  std::vector<TimelineView> out;
  for (auto* view : {&layer, &step, &all})
    if (!view->rows.empty()) out.push_back(std::move(*view));
  return out;
}

void timeline_section(HtmlWriter& out, const ReportData& data) {
  const auto views = timelines(data);
  if (views.empty()) return;
  out.literal("<section id=\"timeline\"><div class=\"toolbar\" role=\"toolbar\" aria-label=\"Timeline\">");
  for (size_t i = 0; i < views.size(); ++i) out.put("<button class=\"tab\" data-view=\"{}\" aria-pressed=\"{}\">{}</button>", views[i].id, i == 0 ? "true" : "false", views[i].title);
  out.literal("<span class=\"space\"></span>");
  for (const char* zoom : {"Fit", "1×", "1.5×", "2×", "−", "+"}) out.put("<button class=\"zoom\" data-zoom=\"{}\">{}</button>", zoom, zoom);
  out.literal("<span class=\"scale dim\"></span></div>");
  HtmlWriter data_out;
  data_out.literal("{");
  for (size_t i = 0; i < views.size(); ++i) {
    TimelineMarkup drawn = draw_timeline(views[i]);
    out.put("<div class=\"view\" id=\"view-{}\"{}><div class=\"scroller\">", views[i].id, Markup{i == 0 ? "" : " hidden"});
    out.add(drawn.svg);
    out.literal("</div>");
    for (const auto& note : drawn.notes) out.put("<p class=\"dim\">{}</p>", note);
    out.literal("</div>");
    data_out.put("{}\"{}\":", Markup{i ? "," : ""}, views[i].id);
    data_out.add(drawn.data);
  }
  data_out.literal("}");
  out.literal("<div class=\"legend\">");
  out.add(timeline_legend(views));
  out.literal("</div><p class=\"keys dim\">wheel with Ctrl, + and − zoom · arrows scroll · [ and ] step from bar to bar · 0 fits · click keeps a card</p></section>\n<script type=\"application/json\" id=\"bars\">");
  out.add(data_out.take());
  out.literal("</script>\n");
}

void category_styles(HtmlWriter& out) {
  for (int c = 0; c < kCategories; ++c) out.put(".c{}{{fill:{}}}", c, bar_colour(static_cast<Category>(c)));
}

std::string page_title(const ReportData& data) {
  std::string title;
  for (size_t i = 0; i < std::min<size_t>(data.runs.size(), 3); ++i) title += (i ? " · " : "") + data.runs[i].run->name;
  if (data.runs.size() > 3) title += fmt::format(" and {} more", data.runs.size() - 3);
  return title;
}

}  // namespace

Result<std::string> html_report(const ReportInput& input) {
  const auto data = analyse(input);
  if (!data) return data.error();
  HtmlWriter out;
  out.literal("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">"
              "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">");
  out.put("<title>{} · Decodescope</title><link rel=\"icon\" href=\"data:,\">\n<style>", page_title(*data));
  out.literal(embedded(embed_report_css, embed_report_css_end));
  category_styles(out);
  out.literal("</style></head>\n<body><header>");
  out.put("<p class=\"brand\">Decodescope</p><h1>{}</h1><p class=\"dim\">{} {}</p></header>\n<main>\n", page_title(*data), input.program, input.created);
  out.add(verdict_section(*data));
  timeline_section(out, *data);
  out.add(cards_section(*data));
  out.add(stalls_section(*data));
  out.add(waterfall_section(*data));
  out.add(path_section(*data));
  out.add(kernels_section(*data));
  out.add(floors_section(*data));
  out.add(serving_section(*data));
  out.add(switches_section(*data));
  out.add(invariants_section(*data));
  out.add(provenance_section(*data));
  out.literal("</main>\n<div id=\"card\" role=\"status\" hidden></div>\n<script>");
  out.literal(embedded(embed_report_js, embed_report_js_end));
  out.literal("</script></body></html>\n");
  return out.take().text;
}

}  // namespace trace
