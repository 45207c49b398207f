#include "trace/report_sections.h"

#include <algorithm>
#include <map>

#include "trace/kernel_names.h"
#include "trace/report_sketch.h"
#include "trace/report_style.h"

namespace trace {
namespace {

constexpr size_t kStallRows = 30, kKernelRows = 30, kOwnersShown = 8;

std::string count_text(int64_t n) { return std::to_string(n); }

std::string short_name_of(const Trace& t, EventId id) {
  if (id == kNone) return "-";
  const Event& e = t.events[id];
  return std::string(e.op ? t.op_of(e) : bare_kernel_name(t.name_of(e)));
}

std::string stream_of(const Trace& t, EventId id) { return id == kNone ? "-" : std::to_string(t.lanes[t.events[id].lane].stream); }

// What makes up the wall, as one bar.
void share_bar(HtmlWriter& out, const BubbleReport& r) {
  if (r.wall_ns <= 0) return;
  const auto part = [&](const char* cls, int64_t ns) {
    if (ns > 0) out.put("<i class=\"{}\" style=\"width:{:.3f}%\"></i>", cls, 100.0 * static_cast<double>(ns) / static_cast<double>(r.wall_ns));
  };
  out.literal("<div class=\"sharebar\" aria-hidden=\"true\">");
  part("busy", r.busy_ns);
  part("contiguous", r.kind(BubbleKind::contiguous).ns);
  part("dispatch", r.kind(BubbleKind::dispatch).ns);
  part("fence", r.kind(BubbleKind::fence).ns);
  part("stall", r.kind(BubbleKind::stall).ns);
  out.literal("</div>");
}

void histogram(HtmlWriter& out, const GapHistogram& gaps) {
  int64_t largest = 0;
  size_t last = 0;
  for (size_t i = 0; i < gaps.count.size(); ++i) {
    largest = std::max(largest, gaps.count[i]);
    if (gaps.count[i] > 0) last = i;
  }
  if (largest == 0) return;
  const size_t bins = std::min(gaps.count.size(), last + 2);
  constexpr int kBin = 5, kHeight = 44;
  out.put("<svg class=\"histogram\" width=\"{}\" height=\"{}\" role=\"img\" aria-label=\"Histogram of all gaps\">", std::max<size_t>(bins * kBin + 40, 200), kHeight + 14);
  for (size_t i = 0; i < bins; ++i) {
    const int64_t from = gaps.lower_ns(static_cast<int>(i));
    const char* cls = from >= 2000 ? "stall" : from >= 1000 ? "fence" : from > 1 ? "dispatch" : "contiguous";
    if (i % static_cast<size_t>(gaps.per_decade) == 0) {
      static constexpr const char* kDecades[] = {"1 ns", "10", "100", "1 us", "10", "100", "1 ms", "10", "100", "1 s"};
      const size_t decade = i / static_cast<size_t>(gaps.per_decade);
      out.put("<text x=\"{}\" y=\"{}\">{}</text>", i * kBin, kHeight + 12, decade < std::size(kDecades) ? kDecades[decade] : "");
    }
    if (gaps.count[i] == 0) continue;
    const int height = std::max<int>(1, static_cast<int>(static_cast<double>(kHeight) * static_cast<double>(gaps.count[i]) / static_cast<double>(largest)));
    out.put("<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"><title>{} gaps from {} us, {} us in all</title></rect>", cls, i * kBin, kHeight - height, kBin - 1, height, gaps.count[i], report_us(from),
            report_us(gaps.ns[i]));
  }
  out.literal("</svg>");
}

void card(HtmlWriter& out, const ReportRun& r) {
  out.put("<article class=\"card\"><h3>{}</h3>", r.title);
  if (!r.has_device) {
    out.literal("<p class=\"dim\">no GPU activity: every figure is zero</p></article>");
    return;
  }
  const BubbleReport& b = r.bubbles;
  out.put("<p class=\"big\">{} <small>us {}</small></p>", report_us(b.wall_ns), r.main.label == "all" ? "wall" : "wall of " + r.main.label);
  share_bar(out, b);
  out.literal("<table class=\"figures\"><tr><th></th><th>us</th><th>%</th><th>n</th></tr>");
  const auto row = [&](const char* cls, const char* name, int64_t ns, const std::string& n) {
    out.put("<tr><td><i class=\"dot {}\"></i>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>", cls, name, report_us(ns), percent(static_cast<double>(ns), static_cast<double>(b.wall_ns)), n);
  };
  row("busy", "busy, any stream", b.busy_ns, count_text(b.activities));
  row("", "idle", b.idle_ns, "");
  const std::string merged = merged_kinds_label(r.trace->collector.resolution_ns, b.thresholds);
  for (const auto& [kind, name] : {std::pair{BubbleKind::contiguous, "back to back"}, {BubbleKind::dispatch, "dispatch"}, {BubbleKind::fence, "fence"}, {BubbleKind::stall, "stall"}})
    row(std::string(to_string(kind)).c_str(), name, b.kind(kind).ns, count_text(b.kind(kind).count));
  out.literal("</table>");
  if (!merged.empty()) out.put("<p class=\"dim\">{}: the clock's steps are too coarse to tell these kinds apart</p>", merged);
  out.put("<p class=\"dim\">critical path: {} us of kernels + {} us of waits + {} us lead-in</p>", report_us(r.path.owned_ns), report_us(r.path.waits_ns), report_us(r.path.lead_in_ns));
  if (!b.overlaps.empty()) out.put("<p class=\"dim\">{} overlaps of neighbours on one stream, down to {} us</p>", b.overlaps.size(), report_us(b.overlap_min_ns));
  histogram(out, r.gaps);
  out.literal("</article>");
}

}  // namespace

Markup verdict_section(const ReportData& data) {
  const auto rows = result_rows(data);
  if (rows.empty()) return {};
  HtmlWriter out;
  out.literal("<section id=\"result\"><h2>Result</h2>");
  if (data.ab) {
    const AbEstimate& e = data.ab->estimate;
    const char* cls = e.verdict == Verdict::faster ? "better" : e.verdict == Verdict::slower ? "worse" : "open";
    out.put("<p class=\"verdict {}\"><b>{}</b> {} us a step ({:+.2f} %) · {}</p>", cls, to_string(e.verdict), (e.delta_us >= 0 ? "+" : "") + report_us(e.delta_us), e.delta_pct, arms_text(data.ab->spec, " → "));
    if (!e.reason.empty()) out.put("<p class=\"dim\">{}</p>", e.reason);
  }
  out.literal("<div class=\"scroll\"><table><tr><th class=\"left\">scenario</th><th>before us</th><th>after us</th><th>Δ %</th><th>95 % interval of Δ</th><th class=\"left\">verdict</th></tr>");
  for (const auto& r : rows)
    out.put("<tr><td class=\"left\">{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"left\">{}</td></tr>", r.scenario, r.before, r.after, r.change_pct, r.interval, r.verdict);
  out.literal("</table></div>");
  if (data.ab) {
    const auto& e = data.ab->estimate;
    const auto& q = data.ab->equivalence;
    if (data.ab->spec.of_commands()) out.literal("<p>Output: two commands, whose outputs are not compared</p>");
    else out.put("<p>Output: <b class=\"{}\">{}</b> ({}), {} values compared, largest difference {:g}{}</p>", q.ok ? "good" : "bad", q.ok ? "equivalent" : "NOT EQUIVALENT", to_string(q.cls), q.compared, q.max_abs,
            q.first_difference.empty() ? "" : ", first: " + q.first_difference);
    out.put("<p class=\"dim\">{} form: {} instances, {} quads A B B A kept, {:.1f} % dropped; smallest detectable effect {} us; {}; lag-1 autocorrelation {:.2f}; instances' share of variance {:.2f}</p>",
            data.ab->spec.full ? "full" : "quick", e.instances, e.quads, e.dropped_pct, report_us(e.mde_us), e.null_instances > 0 ? std::string("null arm (A against A) ") + (e.null_delta_us >= 0 ? "+" : "") + report_us(e.null_delta_us) + " us" : "no null arm", e.lag1, e.instance_variance_share);
    for (const auto& note : data.ab->notes) out.put("<p class=\"dim\">{}</p>", note);
  }
  out.literal("</section>\n");
  return out.take();
}

Markup cards_section(const ReportData& data) {
  HtmlWriter out;
  out.literal("<section id=\"cards\"><h2>Where the time goes</h2><div class=\"cards\">");
  for (const auto& r : data.runs) card(out, r);
  out.literal("</div>");
  for (const auto& r : data.runs)
    for (const auto& caveat : r.bubbles.caveats) out.put("<p class=\"caveat\"><b>{}</b> {}</p>", r.title, caveat);
  out.literal("</section>\n");
  return out.take();
}

Markup stalls_section(const ReportData& data) {
  struct Row {
    const ReportRun* run;
    Bubble stall;
  };
  std::vector<Row> rows;
  for (const auto& r : data.runs)
    if (r.has_device)
      for (const auto& stall : r.bubbles.stalls()) rows.push_back({&r, stall});
  HtmlWriter out;
  out.literal("<section id=\"stalls\"><h2>Stalls</h2>");
  if (rows.empty()) {
    out.literal("<p class=\"dim\">none: no idle stretch of 2 us or more</p></section>\n");
    return out.take();
  }
  std::ranges::stable_sort(rows, std::greater{}, [](const Row& r) { return r.stall.ns(); });
  out.literal("<div class=\"scroll\"><table><tr><th class=\"left\">run</th><th>at us</th><th>us</th><th>streams</th><th class=\"left\">cause</th><th class=\"left\">between</th><th class=\"left\">evidence</th></tr>");
  for (size_t i = 0; i < std::min(rows.size(), kStallRows); ++i) {
    const auto& [run, s] = rows[i];
    const Trace& t = *run->trace;
    out.put("<tr><td class=\"left\">{}</td><td>{}</td><td class=\"worse\">{}</td><td>{} → {}</td><td class=\"left\">{}{}</td><td class=\"left\">{} → {}</td><td class=\"left dim wide\">{}</td></tr>", run->title,
            report_us(s.begin_ns - run->main.begin_ns), report_us(s.ns()), stream_of(t, s.before), stream_of(t, s.after), to_string(s.cause), s.cause_is_guess ? " (guessed)" : "", short_name_of(t, s.before), short_name_of(t, s.after),
            evidence(t, s));
  }
  out.literal("</table></div>");
  if (rows.size() > kStallRows) out.put("<p class=\"dim\">the {} longest of {}; the CSV export has all</p>", kStallRows, rows.size());
  out.literal("</section>\n");
  return out.take();
}

Markup path_section(const ReportData& data) {
  HtmlWriter out;
  out.literal("<section id=\"path\"><h2>Critical path</h2><div class=\"cards\">");
  for (const auto& r : data.runs) {
    if (!r.has_device) continue;
    const Trace& t = *r.trace;
    std::map<std::string, std::pair<int64_t, int64_t>> owners;   // name -> owned, count
    int64_t guessed = 0, longest = 0;
    for (const auto& step : r.path.steps) {
      auto& [owned, count] = owners[short_name_of(t, step.event)];
      owned += step.owned_ns;
      ++count;
      guessed += step.guessed;
      longest = std::max(longest, step.wait_ns);
    }
    std::vector<std::pair<std::string, std::pair<int64_t, int64_t>>> sorted(owners.begin(), owners.end());
    std::ranges::stable_sort(sorted, std::greater{}, [](const auto& o) { return o.second.first; });
    out.put("<article class=\"card\"><h3>{}</h3><p class=\"dim\">{} kernels on the path, {} of its steps guessed from times; longest wait {} us</p><table class=\"figures\"><tr><th class=\"left\">owner</th><th>us</th><th>%</th><th>n</th></tr>",
            r.title, r.path.steps.size(), guessed, report_us(longest));
    for (size_t i = 0; i < std::min(sorted.size(), kOwnersShown); ++i)
      out.put("<tr><td class=\"left name\">{}</td><td>{}</td><td>{}</td><td>{}</td></tr>", sorted[i].first, report_us(sorted[i].second.first),
              percent(static_cast<double>(sorted[i].second.first), static_cast<double>(r.bubbles.wall_ns)), sorted[i].second.second);
    out.put("<tr><td class=\"left\">waits</td><td>{}</td><td>{}</td><td></td></tr></table></article>", report_us(r.path.waits_ns), percent(static_cast<double>(r.path.waits_ns), static_cast<double>(r.bubbles.wall_ns)));
  }
  out.literal("</div></section>\n");
  return out.take();
}

Markup kernels_section(const ReportData& data) {
  HtmlWriter out;
  out.literal("<section id=\"kernels\"><h2>Kernels</h2>");
  for (const auto& r : data.runs) {
    if (!r.has_device) continue;
    out.put("<details{}><summary>{} <small>{} different, the {} with the most time</small></summary><div class=\"scroll\"><table><tr><th>total us</th><th>% of busy</th><th>n</th><th>median us</th><th>longest us</th><th "
            "class=\"left\">category</th><th class=\"left\">op</th><th class=\"left\">kernel</th></tr>",
            Markup{data.runs.size() == 1 ? " open" : ""}, r.title, r.kernels.size(), std::min(kKernelRows, r.kernels.size()));
    for (size_t i = 0; i < std::min(kKernelRows, r.kernels.size()); ++i) {
      const KernelRow& k = r.kernels[i];
      out.put("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"left\"><i class=\"dot\" style=\"background:{}\"></i>{}</td><td class=\"left\">{}</td><td class=\"left name\" title=\"{}\">{}</td></tr>", report_us(k.total_ns),
              percent(static_cast<double>(k.total_ns), static_cast<double>(r.bubbles.busy_ns)), k.count, report_us(k.median_us), report_us(k.longest_ns), bar_colour(k.category), title_of(k.category), k.op, k.name,
              bare_kernel_name(k.name));
    }
    out.literal("</table></div></details>");
  }
  out.literal("</section>\n");
  return out.take();
}

Markup switches_section(const ReportData& data) {
  HtmlWriter out;
  if (data.ab && !data.ab->spec.keys.empty()) {
    out.literal("<section id=\"switches\"><h2>What the switch does</h2>");
    for (const ToggleKey key : data.ab->spec.keys) out.add(toggle_sketch(key));
    if (data.comparison) out.add(kernel_pipelines(data.runs[0], data.runs[1], *data.comparison));
    out.literal("</section>\n");
    return out.take();
  }
  std::vector<ToggleKey> drawn;
  HtmlWriter tables;
  for (const auto& r : data.runs) {
    if (!r.advice) continue;
    const bool any = std::ranges::any_of(r.advice->switches, [](const SwitchAdvice& s) { return s.state != SwitchState::not_applicable; });
    if (!any) {
      tables.put("<p class=\"dim\"><b>{}</b> none of the switches applies: {}</p>", r.title, r.advice->switches.empty() ? "" : r.advice->switches.front().reason);
      continue;
    }
    tables.put("<details{}><summary>{}</summary><div class=\"scroll\"><table><tr><th class=\"left\">switch</th><th class=\"left\">state</th><th>worth us</th><th>% of window</th><th class=\"left\">why</th></tr>", Markup{data.runs.size() == 1 ? " open" : ""}, r.title);
    for (const auto& s : r.advice->switches) {
      if (s.state == SwitchState::not_applicable) continue;
      if (std::ranges::find(drawn, s.key) == drawn.end() && s.state == SwitchState::off && drawn.size() < 3) drawn.push_back(s.key);
      tables.put("<tr><td class=\"left\">{}</td><td class=\"left {}\">{}{}</td><td>{}</td><td>{}</td><td class=\"left wide\">{}{}</td></tr>", info(s.key).name, s.state == SwitchState::on ? "better" : "", to_string(s.state),
                 s.value.empty() ? "" : " (" + s.value + ")", s.worth_ns ? report_us(s.worth_ns) : "", s.worth_ns ? fmt::format("{:.2f}", s.worth_pct_of_window) : "", s.reason, s.arithmetic.empty() ? "" : "; " + s.arithmetic);
    }
    tables.literal("</table></div></details>");
  }
  Markup advice = tables.take();
  const bool pipelines = data.comparison && (!data.comparison->only_a.empty() || !data.comparison->only_b.empty());
  if (advice.text.empty() && !pipelines) return {};
  out.literal("<section id=\"switches\"><h2>Switches</h2>");
  if (!advice.text.empty()) out.literal("<p class=\"dim\">worth = time of the kernels that would go, as they ran here: an upper bound</p>");
  out.add(advice);
  for (const ToggleKey key : drawn) out.add(toggle_sketch(key));
  if (pipelines) out.add(kernel_pipelines(data.runs[0], data.runs[1], *data.comparison));
  out.literal("</section>\n");
  return out.take();
}

Markup invariants_section(const ReportData& data) {
  HtmlWriter out;
  out.literal("<section id=\"invariants\"><h2>Checked</h2><div class=\"scroll\"><table><tr><th></th><th class=\"left\">must hold, in whole nanoseconds</th><th class=\"left\">run</th><th class=\"left\">us</th></tr>");
  const auto row = [&](bool holds, const std::string& what, const std::string& run, const std::string& numbers) {
    out.put("<tr><td class=\"{}\">{}</td><td class=\"left\">{}</td><td class=\"left\">{}</td><td class=\"left mono\">{}</td></tr>", holds ? "good" : "bad", holds ? "✓" : "✗", what, run, numbers);
  };
  for (const auto& r : data.runs)
    for (const auto& i : r.invariants) row(i.holds, i.what, r.title, i.numbers);
  if (data.comparison) {
    const auto& w = data.comparison->waterfall;
    int64_t second = 0, tracing = 0;
    for (const auto& c : data.comparison->second_view) second += c.ns;
    for (const auto& c : w.contributors)
      if (c.name == "tracing") tracing += c.ns;
    row(data.delta_ns - tracing == w.b_ns - w.a_ns, "contributors sum to the walls' difference", "A to B", signed_us(data.delta_ns - tracing) + " = " + signed_us(w.b_ns - w.a_ns));
    row(second == w.b_ns - w.a_ns, "second view sums to the walls' difference", "A to B", signed_us(second) + " = " + signed_us(w.b_ns - w.a_ns));
  }
  if (data.ab && !data.ab->spec.of_commands()) row(data.ab->equivalence.ok, fmt::format("outputs of both arms agree ({})", to_string(data.ab->equivalence.cls)), "A, B", fmt::format("{} values", data.ab->equivalence.compared));
  out.literal("</table></div></section>\n");
  return out.take();
}

Markup provenance_section(const ReportData& data) {
  HtmlWriter out;
  out.literal("<section id=\"how\"><h2>How it was measured, on what, with what doubt</h2><div class=\"cards\">");
  for (const auto& r : data.runs) {
    out.put("<article class=\"card how\"><h3>{}</h3><dl>", r.title);
    for (const auto& [label, text] : provenance(r)) out.put("<dt>{}</dt><dd>{}</dd>", label, text);
    out.literal("</dl></article>");
  }
  out.literal("</div>");
  if (data.comparison)
    for (const auto& caveat : data.comparison->caveats) out.put("<p class=\"caveat\"><b>A against B</b> {}</p>", caveat);
  out.literal("</section>\n");
  return out.take();
}

}  // namespace trace
