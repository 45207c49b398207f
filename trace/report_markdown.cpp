// The report as Markdown for a comment: the result table, the decomposition, the longest stalls, what made the
// difference, how it was measured. Short enough to be read there.
#include <fmt/format.h>

#include <algorithm>

#include "trace/html_writer.h"
#include "trace/kernel_names.h"
#include "trace/report.h"
#include "trace/report_analysis.h"

namespace trace {
namespace {

constexpr size_t kStallsShown = 8, kKernelsShown = 8;

// Nothing from a trace becomes markup: no table cell ends early, no HTML, no link, no mention.
std::string cell(std::string_view raw) {
  const std::string text = valid_utf8(raw);
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool address = c == ':' && text.compare(i, 3, "://") == 0;   // which would become a link by itself
    if (address || std::string_view("\\`*_{}[]<>|#@~!&").find(c) != std::string_view::npos) out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out;
}

std::string cell_name_of(const Trace& t, EventId id) {
  if (id == kNone) return "-";
  const Event& e = t.events[id];
  std::string name(e.op ? t.op_of(e) : bare_kernel_name(t.name_of(e)));
  if (name.size() > 60) name = name.substr(0, 59) + "~";
  return cell(name);
}

void result(std::string& out, const ReportData& data) {
  const auto rows = result_rows(data);
  if (data.ab) {
    const AbEstimate& e = data.ab->estimate;
    out += fmt::format("**{}**: {}, {:+.3f} us a step ({:+.2f} %), 95 % interval {:+.3f} .. {:+.3f} us\n\n", to_string(e.verdict), cell(arms_text(data.ab->spec, " → ")), e.delta_us, e.delta_pct, e.lo, e.hi);
    if (!e.reason.empty()) out += cell(e.reason) + "\n\n";
  }
  if (rows.empty()) return;
  out += "| scenario | before us | after us | Δ % | 95 % interval of Δ | verdict |\n|---|--:|--:|--:|--:|---|\n";
  for (const auto& r : rows) out += fmt::format("| {} | {} | {} | {} | {} | {} |\n", cell(r.scenario), r.before, r.after, r.change_pct, r.interval, r.verdict);
  if (data.ab) {
    const auto& q = data.ab->equivalence;
    if (data.ab->spec.of_commands()) out += "\nOutput: two commands, whose outputs are not compared\n";
    else out += fmt::format("\nOutput: {} ({}), {} values compared, largest difference {:g}\n", q.ok ? "equivalent" : "**NOT EQUIVALENT**", to_string(q.cls), q.compared, q.max_abs);
  }
  out += "\n";
}

void decomposition(std::string& out, const ReportData& data) {
  out += "| run | window | wall us | busy us | idle us | dispatch us (n) | fence us (n) | stall us (n) | path: kernels + waits us |\n|---|---|--:|--:|--:|--:|--:|--:|--:|\n";
  for (const auto& r : data.runs) {
    const BubbleReport& b = r.bubbles;
    const auto kind = [&](BubbleKind k) { return fmt::format("{} ({})", report_us(b.kind(k).ns), b.kind(k).count); };
    out += fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} | {} + {} |\n", cell(r.title), cell(r.main.label), report_us(b.wall_ns), report_us(b.busy_ns), report_us(b.idle_ns), kind(BubbleKind::dispatch),
                       kind(BubbleKind::fence), kind(BubbleKind::stall), report_us(r.path.owned_ns), report_us(r.path.waits_ns));
  }
  out += "\n";
}

void stalls(std::string& out, const ReportData& data) {
  for (const auto& r : data.runs) {
    const auto list = r.bubbles.stalls();
    if (list.empty()) continue;
    out += fmt::format("Longest stalls of {} ({} in all):\n\n| at us | us | cause | between | and |\n|--:|--:|---|---|---|\n", cell(r.title), list.size());
    for (size_t i = 0; i < std::min(list.size(), kStallsShown); ++i)
      out += fmt::format("| {} | {} | {}{} | {} | {} |\n", report_us(list[i].begin_ns - r.main.begin_ns), report_us(list[i].ns()), to_string(list[i].cause), list[i].cause_is_guess ? " (guessed)" : "",
                         cell_name_of(*r.trace, list[i].before), cell_name_of(*r.trace, list[i].after));
    out += "\n";
  }
}

void difference(std::string& out, const ReportData& data) {
  if (!data.comparison) {
    for (const auto& r : data.runs) {
      if (!r.has_device) continue;
      out += fmt::format("Kernels of {} with the most time:\n\n| total us | n | median us | category | kernel |\n|--:|--:|--:|---|---|\n", cell(r.title));
      for (size_t i = 0; i < std::min(r.kernels.size(), kKernelsShown); ++i) {
        const auto& k = r.kernels[i];
        out += fmt::format("| {} | {} | {} | {} | {} |\n", report_us(k.total_ns), k.count, report_us(k.median_us), title_of(k.category), cell(bare_kernel_name(k.name)));
      }
      out += "\n";
    }
    return;
  }
  out += fmt::format("From A to B, equal shares ({} us, sums exactly): ", signed_us(data.delta_ns));
  bool first = true;
  for (const auto& g : grouped(data.comparison->waterfall)) {
    out += fmt::format("{}{} {}", first ? "" : ", ", g.name, signed_us(g.ns));
    first = false;
  }
  out += "\n";
  const auto only = [&](const char* side, const std::vector<MatchedKernel>& list) {
    if (list.empty()) return;
    out += fmt::format("\nOnly in {}: ", side);
    for (size_t i = 0; i < std::min(list.size(), kKernelsShown); ++i)
      out += fmt::format("{}{} ({} x, {} us)", i ? ", " : "", cell(bare_kernel_name(list[i].name)), list[i].a_count + list[i].b_count, report_us(list[i].a_ns + list[i].b_ns));
    out += "\n";
  };
  only("A", data.comparison->only_a);
  only("B", data.comparison->only_b);
  for (const auto& caveat : data.comparison->caveats) out += "\n> " + cell(caveat) + "\n";
  out += "\n";
}

// Floors and a benchmark's TPOT, where they were asked for.
void beyond_kernels(std::string& out, const ReportData& data) {
  for (const auto& r : data.runs) {
    if (r.floors) {
      const FloorReport& f = *r.floors;
      out += fmt::format("Floors of {} (a model's estimate): wall {} = floor {} + above it {} + without an estimate {} + idle {} - concurrency {} us. Assumed: ", cell(r.title), report_us(f.wall_ns), report_us(f.floor_ns),
                         report_us(f.above_ns), report_us(f.unknown_ns), report_us(f.idle_ns), report_us(f.concurrency_ns));
      bool first = true;
      for (const auto& a : f.assumptions.list) {
        out += fmt::format("{}{} {} ({})", first ? "" : ", ", a.what, cell(a.value), cell(a.from));
        first = false;
      }
      out += ".\n\n";
    }
    if (r.tpot) out += fmt::format("{}: TPOT {:.3f} ms = decode step {:.3f} ms ({}) + host, prefill and scheduling {:.3f} ms.\n\n", cell(r.title), r.tpot->tpot_us / 1000, r.tpot->step_us / 1000, cell(r.tpot->step_from), r.tpot->rest_us() / 1000);
  }
}

}  // namespace

Result<std::string> markdown_report(const ReportInput& input) {
  const auto data = analyse(input);
  if (!data) return data.error();
  std::string out = "### ";
  for (size_t i = 0; i < data->runs.size(); ++i) out += (i ? " · " : "") + cell(data->runs[i].run->name);
  out += "\n\n";
  result(out, *data);
  decomposition(out, *data);
  stalls(out, *data);
  difference(out, *data);
  beyond_kernels(out, *data);
  out += "<details><summary>How it was measured</summary>\n\n";
  for (const auto& r : data->runs) {
    out += fmt::format("**{}**\n\n", cell(r.title));
    for (const auto& [label, text] : provenance(r)) out += fmt::format("- {}: {}\n", label, cell(text));
    out += "\n";
  }
  out += "</details>\n\n" + cell(input.program) + (input.created.empty() ? "" : ", " + input.created) + "\n";
  return out;
}

}  // namespace trace
