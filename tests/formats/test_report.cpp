// Reports: figures of the published layers, nothing from a trace becomes markup, formula or escape, colours as in the
// window. What a browser makes of the page is check_report.py's.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <fmt/format.h>

#include "tests/support/expected_figures.h"
#include "tests/support/packed.h"
#include "tests/support/temp_folder.h"
#include "trace/builder.h"
#include "trace/html_writer.h"
#include "trace/report.h"
#include "trace/report_style.h"
#include "ui/vm/palette.h"

using Catch::Matchers::ContainsSubstring;

namespace {

trace::RunPtr run_of(trace::TracePtr t, const std::string& name) {
  auto run = std::make_shared<trace::Run>();
  run->name = name;
  run->host = "secret-host";
  run->trace = std::move(t);
  return run;
}

trace::TracePtr trace_of(std::initializer_list<const char*> names) {
  trace::TraceBuilder builder;
  const uint32_t lane = builder.lane(builder.device("0"), 7);
  int64_t at = 0;
  for (const char* name : names) {
    builder.add({.start_ns = at, .end_ns = at + 1500, .name = builder.intern(name), .lane = lane});
    at += 4000;
  }
  builder.header().source = "/home/somebody/private/trace.json";
  return builder.finish();
}

std::string value(trace::Result<std::string> text) {
  if (!text.ok()) FAIL(text.error().line());
  return *text;
}

}  // namespace

TEST_CASE("report: the published pair, its figures in every form") {
  trace::ReportInput input;
  for (const char* file : {"seed_layer_mi355x_single_rocm72.json", "seed_layer_mi355x_dual_rocm72.json"}) input.runs.push_back(run_of(tests::import_published(file).trace, file));
  const std::string html = value(trace::html_report(input)), md = value(trace::markdown_report(input)), csv = value(trace::csv_report(input));
  for (const std::string& text : {html, md})
    for (const char* figure : {"287.161", "312.241", "18.991", "17.325", "+25.080", "+12.966", "+8.680", "-11.358"}) CHECK_THAT(text, ContainsSubstring(figure));
  CHECK_THAT(html, !ContainsSubstring("✗"));
  CHECK_THAT(csv, ContainsSubstring("equal shares,all-reduce,8.680"));
  CHECK_THAT(csv, ContainsSubstring(",139.159,6.082,stall,"));
  for (const std::string& text : {html, md, csv}) CHECK_THAT(text, !ContainsSubstring("secret-host"));
}

TEST_CASE("report: hostile names stay text") {
  const char* script = "</script><script>alert(1)</script>";
  const auto t = trace_of({script, "<img src=x onerror=alert(2)>", "a\"b'c&d", "=cmd|' /C calc'!A0", "+1,2\n3", "| [x](http://y) `z` <b>", "\xff\xfe broken", "\xe2\x80\xa8"});
  trace::ReportInput input{{run_of(t, script)}, nullptr, "program", "now"};
  const std::string html = value(trace::html_report(input));
  CHECK_THAT(html, !ContainsSubstring("<script>alert"));
  CHECK_THAT(html, !ContainsSubstring("<img"));
  CHECK_THAT(html, !ContainsSubstring("/home/somebody"));
  CHECK_THAT(html, ContainsSubstring("&lt;/script&gt;&lt;script&gt;alert(1)"));
  CHECK_THAT(html, ContainsSubstring("\\u003c/script\\u003e"));
  const std::string md = value(trace::markdown_report(input));
  CHECK_THAT(md, !ContainsSubstring("<script>"));
  CHECK_THAT(md, !ContainsSubstring("http://"));
  const std::string csv = value(trace::csv_report(input));
  CHECK_THAT(csv, ContainsSubstring("'=cmd|"));
  CHECK_THAT(csv, ContainsSubstring("\"'+1,2\n3\""));
  CHECK(trace::html_escape("\x01<\"'&>") == " &lt;&quot;&#39;&amp;&gt;");
  CHECK(trace::script_string("</a>&\xe2\x80\xa8") == "\"\\u003c/a\\u003e\\u0026\\u2028\"");
}

TEST_CASE("report: a page of 5,000 kernels is below 2 MB, beyond it is drawn coarser and says so") {
  for (const int count : {5000, 40000}) {
    trace::TraceBuilder builder;
    const uint32_t device = builder.device("0");
    int64_t at = 0;
    for (int i = 0; i < count; ++i) {
      builder.add({.start_ns = at, .end_ns = at + 2000 + i % 700, .name = builder.intern("kernel_" + std::to_string(i % 300)), .lane = builder.lane(device, i % 4)});
      at += 1000 + i % 1900;
    }
    const std::string html = value(trace::html_report({{run_of(builder.finish(), "many")}, nullptr, "", ""}));
    CHECK(html.size() < 2'000'000);
    CHECK((html.find("coarser: " + std::to_string(count)) != std::string::npos) == (count > 5000));
  }
}

TEST_CASE("report: lengths of stalls are written where they have room, whole and apart from each other") {
  trace::TraceBuilder builder;
  const uint32_t lane = builder.lane(builder.device("0"), 7);
  for (int i = 0; i < 120; ++i) {
    const int64_t at = i * 100'000 + i % 7 * 9'000;
    builder.add({.start_ns = at, .end_ns = at + 60'000, .name = builder.intern("k" + std::to_string(i)), .lane = lane});
  }
  const std::string html = value(trace::html_report({{run_of(builder.finish(), "r")}, nullptr, "p", "now"}));
  // Of one picture: the next one begins again at the left.
  const std::string svg = html.substr(html.find("<svg id="), html.find("</svg>", html.find("<svg id=")) - html.find("<svg id="));
  const double width = std::stod(svg.substr(svg.find("width=\"") + 7));
  std::vector<std::pair<double, double>> shown;
  for (size_t at = svg.find("stall-label"); at != std::string::npos; at = svg.find("stall-label", at + 1)) {
    const std::string label = svg.substr(at, svg.find("</text>", at) - at);
    if (label.find("hidden") != std::string::npos) continue;
    const double x = std::stod(label.substr(label.find(" x=\"") + 4)), half = 3.5 * static_cast<double>(label.size() - label.find('>') - 1);
    CHECK((x - half >= -0.1 && x + half <= width + 1));
    for (const auto& [from, to] : shown) CHECK((x - half >= to - 0.2 || x + half <= from + 0.2));
    shown.emplace_back(x - half, x + half);
  }
  CHECK(shown.size() >= 4);
}

TEST_CASE("report: floors and a benchmark's TPOT, where they are asked for") {
  trace::ReportInput input;
  input.runs = {run_of(tests::import_published("seed_layer_mi355x_single_rocm72.json").trace, "layer")};
  CHECK(trace::html_report(input)->find("id=\"floors\"") == std::string::npos);
  input.floors = trace::FloorRequest{.batch = 4, .context = 8192, .hardware = "MI355X"};
  trace::Serving serving;
  serving.tpot_ms = 24.5;
  serving.file = "<b>.jsonl";
  input.serving = {serving};
  const auto page = trace::html_report(input);
  REQUIRE(page.ok());
  for (const char* part : {"id=\"floors\"", "wall 287.161 = floor 26.507 + above it 260.613", "the all-reduces&#39; names", "id=\"serving\"", "24.500", "&lt;b&gt;.jsonl"}) {
    INFO(part);
    CHECK(page->find(part) != std::string::npos);
  }
  CHECK(page->find("<b>.jsonl") == std::string::npos);
  CHECK(trace::markdown_report(input)->find("floor 26.507") != std::string::npos);
  CHECK(trace::csv_report(input)->find("# floors") != std::string::npos);
  input.floors = trace::FloorRequest{.batch = 4};
  CHECK(trace::html_report(input)->find("not available: ") != std::string::npos);
}

TEST_CASE("report: no GPU activity, no trace, no runs") {
  trace::TraceBuilder empty;
  const std::string html = value(trace::html_report({{run_of(empty.finish(), "nothing")}, nullptr, "", ""}));
  CHECK_THAT(html, ContainsSubstring("no GPU activity"));
  value(trace::markdown_report({{run_of(trace::TraceBuilder().finish(), "nothing")}, nullptr, "", ""}));
  CHECK_FALSE(trace::html_report({}).ok());
  CHECK_FALSE(trace::html_report({{run_of(nullptr, "x")}, nullptr, "", ""}).ok());
}

TEST_CASE("report: bars have the window's colours and words") {
  for (int c = 0; c < trace::kCategories; ++c) {
    const auto category = static_cast<trace::Category>(c);
    const auto& style = ui::style_of(category);
    CHECK(trace::bar_colour(category) == fmt::format("#{:02x}{:02x}{:02x}", style.colour.r, style.colour.g, style.colour.b));
    CHECK(trace::legend_of(category) == style.legend);
  }
}
