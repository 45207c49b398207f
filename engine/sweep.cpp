#include "engine/sweep.h"

#include <algorithm>
#include <charconv>

namespace engine {

using trace::Error;
using trace::Result;

namespace {

// "8k" or "512"; moves `at` behind it. 0: no length.
int length_at(const char*& at, const char* end) {
  int value = 0;
  const auto [next, code] = std::from_chars(at, end, value);
  if (code != std::errc() || value <= 0 || value > (1 << 20)) return 0;
  at = next;
  if (at < end && *at == 'k') ++at, value *= 1024;
  return value;
}

trace::AbSpec cell_spec(const SweepSpec& spec, const Scenario& scenario, int concurrency,
                        int max_context) {
  trace::AbSpec ab = spec.ab;
  ab.base.workload.batch = concurrency;
  ab.base.workload.context = scenario.context();
  ab.base.workload.max_context = max_context;
  const std::string cell = scenario.name + " c" + std::to_string(concurrency);
  ab.base.name = ab.base.name.empty() ? cell : ab.base.name + " " + cell;
  return ab;
}

// The same table for all cells, so that they can share the weights with their RoPE tables.
int widest_context(const SweepSpec& spec) {
  int widest = spec.ab.base.workload.max_context;
  for (const Scenario& s : spec.scenarios)
    widest = std::max(widest, s.context() + spec.ab.base.workload.next_n);
  return (widest + 63) / 64 * 64;
}

}  // namespace

Result<Scenario> parse_scenario(const std::string& text) {
  Scenario s{text, 0, 0};
  const char *at = text.data(), *end = at + text.size();
  s.isl = length_at(at, end);
  if (s.isl > 0 && at < end && *at == '/') ++at;
  if (s.isl > 0) s.osl = length_at(at, end);
  if (s.isl <= 0 || s.osl <= 0 || at != end)
    return Error{"a scenario is input and output length, e.g. 8k1k or 512/128",
                 "--scenario " + text};
  return s;
}

Result<std::vector<SweepCell>> run_sweep(const SweepSpec& spec, const SweepHooks& hooks) {
  const int max_context = widest_context(spec);
  std::vector<SweepCell> cells;
  std::vector<trace::AbSpec> specs;
  for (const Scenario& scenario : spec.scenarios) {
    for (const int concurrency : spec.concurrencies) {
      cells.push_back({scenario, concurrency, {}, 0, trace::Verdict::none});
      specs.push_back(cell_spec(spec, scenario, concurrency, max_context));
      if (const Result<Setup> setup = prepare(specs.back().base); !setup) return setup.error();
    }
  }
  if (cells.empty()) return Error{"nothing to sweep over", "--scenario, --conc"};
  const auto report = [&](const std::string& what, double fraction) {
    if (hooks.progress) hooks.progress(what, fraction);
  };
  const Result<Setup> first = prepare(specs.front().base);
  AbHooks ab;
  ab.program = hooks.program, ab.cancelled = hooks.cancelled;
  Result<SharedWeights> weights = load_weights(*first, {}, report);
  if (!weights) return weights.error();
  ab.reuse = std::move(weights).value();
  std::vector<double> p;
  for (size_t i = 0; i < cells.size(); ++i) {
    ab.progress = [&, i](const trace::reply::AbProgress& now) {
      const double done =
          now.instances > 0 && now.quads > 0
              ? (now.instance + static_cast<double>(now.quad) / now.quads) / (now.instances + 1)
              : 0;
      report(specs[i].base.name + ": " + now.detail,
             (static_cast<double>(i) + std::min(done, 1.0)) / static_cast<double>(cells.size()));
    };
    Result<trace::AbResult> result = run_ab(specs[i], ab);
    if (!result && i == 0) return result.error();
    if (!result && hooks.ended) hooks.ended(result.error(), i + 1, cells.size());
    if (!result) {
      cells.resize(i);
      break;
    }
    cells[i].result = std::move(result).value();
    p.push_back(trace::p_value(cells[i].result.instances));
  }
  const std::vector<double> adjusted = trace::holm(p);
  for (size_t i = 0; i < cells.size(); ++i) {
    cells[i].adjusted_p = adjusted[i];
    cells[i].verdict = trace::adjusted_verdict(cells[i].result.estimate, adjusted[i]);
  }
  return cells;
}

}  // namespace engine
