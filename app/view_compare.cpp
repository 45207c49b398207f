#include <algorithm>

#include "app/output.h"
#include "app/views.h"
#include "trace/kernel_names.h"

namespace app {

using nlohmann::json;

namespace {

json contributors_json(const std::vector<trace::Contributor>& list, bool with_hidden) {
  json out = json::array();
  for (const auto& c : list) {
    json one = {{"name", c.name}, {"us", to_us(c.ns)}, {"ns", c.ns}};
    if (with_hidden) one["hidden_us"] = to_us(c.hidden_ns);
    out.push_back(std::move(one));
  }
  return out;
}

json kernels_json(const std::vector<trace::MatchedKernel>& list) {
  json out = json::array();
  for (const auto& k : list) {
    out.push_back({{"name", k.name}, {"category", trace::to_string(k.category)}, {"a_count", k.a_count}, {"b_count", k.b_count},
                   {"a_us", to_us(k.a_ns)}, {"b_us", to_us(k.b_ns)}, {"delta_us", to_us(k.b_ns - k.a_ns)},
                   {"a_median_us", k.a_median_us}, {"b_median_us", k.b_median_us}});
  }
  return out;
}

std::string bar(int64_t ns, int64_t largest) {
  const auto length = largest > 0 ? static_cast<size_t>(24.0 * static_cast<double>(std::abs(ns)) / static_cast<double>(largest) + 0.5) : 0;
  return std::string(length, ns < 0 ? '-' : '+');
}

}  // namespace

json comparison_json(const ComparisonView& view) {
  const auto& c = view.comparison;
  const int64_t a = c.waterfall.a_ns, b = c.waterfall.b_ns;
  int64_t delta = 0;   // with the contributor `tracing`, where there is one, this is the untraced difference
  for (const auto& k : c.waterfall.contributors) delta += k.ns;
  json out;
  const auto side = [](const trace::Run& run) {
    json one = {{"name", run.name}, {"device", run.device}};
    one["run"] = run.id ? json(run.id) : json(nullptr);
    return one;
  };
  out["a"] = side(*view.a);
  out["b"] = side(*view.b);
  out["wall_us"] = {{"a", to_us(a)}, {"b", to_us(b)}, {"delta", to_us(delta)}};
  out["wall_ns"] = {{"a", a}, {"b", b}, {"delta", delta}};
  out["contributors"] = contributors_json(c.waterfall.contributors, true);
  out["groups"] = contributors_json(trace::grouped(c.waterfall), false);
  out["second_view"] = contributors_json(c.second_view, false);
  out["matched"] = kernels_json(c.matched);
  out["only_a"] = kernels_json(c.only_a);
  out["only_b"] = kernels_json(c.only_b);
  out["caveats"] = c.caveats;
  return out;
}

std::string comparison_text(const ComparisonView& view) {
  const auto& c = view.comparison;
  int64_t delta = 0;
  for (const auto& k : c.waterfall.contributors) delta += k.ns;
  std::string out = fmt::format("a  {}\nb  {}\n\n", view.a->name, view.b->name);
  Table walls({"", "wall us", "busy us", "idle us", "stall us", "path: kernels us", "waits us"});
  const auto row = [&](const char* name, const trace::BubbleReport& r, const trace::CriticalPath& p) {
    walls.row({name, us(r.wall_ns), us(r.busy_ns), us(r.idle_ns), us(r.kind(trace::BubbleKind::stall).ns), us(p.owned_ns), us(p.waits_ns)});
  };
  row("a", c.a, c.path_a);
  row("b", c.b, c.path_b);
  out += walls.text() + "\nfrom a to b, equal shares\n";
  int64_t largest = 1;
  for (const auto& k : c.waterfall.contributors) largest = std::max(largest, std::abs(k.ns));
  Table table({"", "us", "", "hidden us"});
  auto sorted = c.waterfall.contributors;
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& x, const auto& y) { return x.ns > y.ns; });
  for (const auto& k : sorted) {
    if (k.ns == 0 && k.hidden_ns == 0) continue;
    table.row({k.name, fmt::format("{:+.3f}", to_us(k.ns)), bar(k.ns, largest), k.hidden_ns ? fmt::format("{:+.3f}", to_us(k.hidden_ns)) : ""});
  }
  table.row({"= wall", fmt::format("{:+.3f}", to_us(delta)), "", ""});
  out += table.text() + "\nin groups: ";
  const auto groups = trace::grouped(c.waterfall);
  for (size_t i = 0; i < groups.size(); ++i) out += fmt::format("{}{} {:+.3f}", i ? ", " : "", groups[i].name, to_us(groups[i].ns));
  out += "\nsum of durations - concurrency + idle: ";
  for (size_t i = 0; i < c.second_view.size(); ++i) {
    out += fmt::format("{}{} {:+.3f}", i ? ", " : "", c.second_view[i].name, to_us(c.second_view[i].ns));
  }
  out += "\n";
  const auto list = [&](const char* title, const std::vector<trace::MatchedKernel>& kernels, size_t most, bool both) {
    if (kernels.empty()) return;
    out += fmt::format("\n{}\n", title);
    Table t2(both ? std::vector<std::string>{"us a", "us b", "change", "n a", "n b", "kernel"} : std::vector<std::string>{"us", "n", "kernel"});
    for (size_t i = 0; i < std::min(most, kernels.size()); ++i) {
      const auto& k = kernels[i];
      std::string name(trace::bare_kernel_name(k.name));
      if (name.size() > 60) name = name.substr(0, 59) + "~";
      if (!k.op.empty()) name += "  (" + k.op + ")";
      if (both) t2.row({us(k.a_ns), us(k.b_ns), fmt::format("{:+.3f}", to_us(k.b_ns - k.a_ns)), std::to_string(k.a_count), std::to_string(k.b_count), name});
      else t2.row({us(k.a_count ? k.a_ns : k.b_ns), std::to_string(k.a_count + k.b_count), name});
    }
    out += t2.text();
    if (kernels.size() > most) out += fmt::format("... and {} more; --json lists all\n", kernels.size() - most);
  };
  list("in both, largest change first", c.matched, 12, true);
  list("only in a", c.only_a, 12, false);
  list("only in b", c.only_b, 12, false);
  if (!c.caveats.empty()) out += "\n";
  for (const auto& caveat : c.caveats) out += fmt::format("note: {}\n", caveat);
  return out;
}

}  // namespace app
