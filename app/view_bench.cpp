// What `bench` found, as JSON and as a table; two stored benches side by side; the passes of the accounting.
#include <cmath>

#include "app/output.h"
#include "app/views.h"
#include "engine/accounting.h"
#include "trace/model_name.h"

namespace app {

using nlohmann::json;

namespace {

std::string title_of(const trace::Run& run, const trace::Bench& b) {
  return fmt::format("{} on {}, {}, caches {}", run.spec ? model_label(*run.spec) : run.name, run.device,
                     b.workers == 0 ? "graph replay" : b.workers == 1 ? "1 worker" : "2 workers", b.cache);
}

json ceilings_json(const trace::BenchCeilings& c) {
  json out = {{"read_gbps", c.read_gbps}, {"copy_gbps", c.copy_gbps}, {"bf16_tflops", c.bf16_tflops},
              {"fp8_tflops", c.fp8_tflops}, {"empty_node_us", c.empty_node_us}, {"reads", json::array()}};
  for (const auto& p : c.reads) out["reads"].push_back({{"bytes", p.bytes}, {"us", p.us}, {"gbps", p.gbps()}});
  return out;
}

std::string percent(double share) { return fmt::format("{:.0f} %", 100 * share); }

}  // namespace

json bench_json(const trace::Run& run, const trace::Bench& b) {
  json out = {{"run", run.id ? json(run.id) : json(nullptr)}, {"kind", b.kind}, {"backend", run.backend}, {"device", run.device},
              {"model", run.spec ? run.spec->model.name : ""}, {"synthetic", run.spec && run.spec->model.synthetic},
              {"cache", b.cache}, {"workers", b.workers}, {"ceilings", ceilings_json(b.ceilings)},
              {"products_of_floor", b.products_of_floor()}, {"products_of_read", b.products_of_read()}, {"rows", json::array()}};
  for (const auto& row : b.rows) {
    out["rows"].push_back({{"op", row.op}, {"case", row.what}, {"launches", row.launches}, {"us", row.us}, {"bytes", row.bytes}, {"flops", row.flops},
                           {"gbps", row.gbps()}, {"tflops", row.tflops()}, {"floor_us", row.floor_us}, {"of_floor", row.of_floor()}});
    if (row.floor_35_us > 0) out["rows"].back()["floor_35_us"] = row.floor_35_us;
  }
  return out;
}

std::string bench_text(const trace::Run& run, const trace::Bench& b) {
  Table table({"op", "n", "us", "MB", "GB/s", "GFLOP/s", "floor us", "of floor", "launch"});
  for (const auto& row : b.rows) {
    table.row({row.op, std::to_string(row.launches), us(row.us), fmt::format("{:.3f}", static_cast<double>(row.bytes) * 1e-6), fmt::format("{:.2f}", row.gbps()),
               fmt::format("{:.2f}", row.tflops() * 1e3), us(row.floor_us), percent(row.of_floor()), row.what});
  }
  const auto& c = b.ceilings;
  std::string out = fmt::format("{}\n{}\nceilings: read {:.2f} GB/s, copy {:.2f} GB/s, {:.1f} GFLOP/s, empty op {:.3f} us\n"
                                "matrix products: {:.0f} % of their floor, {:.0f} % of the read ceiling\n",
                                table.text(), title_of(run, b), c.read_gbps, c.copy_gbps, c.fp8_tflops * 1e3, c.empty_node_us,
                                100 * b.products_of_floor(), 100 * b.products_of_read());
  for (const auto& row : b.rows) {
    if (row.floor_35_us > 0)
      out += fmt::format("a step's floor at 35 launches a layer{}: {} us, {:.2f} times that\n", row.what.empty() ? "" : ", " + row.what,
                         us(row.floor_35_us), row.us / row.floor_35_us);
  }
  return out;
}

json bench_comparison_json(const BenchSide& a, const BenchSide& b) {
  const auto side = [](const BenchSide& s) {
    json out = bench_json(s.run, s.bench);
    out.erase("rows");
    return out;
  };
  const auto cell = [](const trace::BenchRow* row) {
    return row ? json{{"us", row->us}, {"floor_us", row->floor_us}, {"of_floor", row->of_floor()}, {"case", row->what}} : json(nullptr);
  };
  json out = {{"a", side(a)}, {"b", side(b)}, {"rows", json::array()}};
  for (const auto& pair : trace::pair_rows(a.bench, b.bench)) {
    out["rows"].push_back({{"op", pair.row().op}, {"case", pair.row().what}, {"same_launch", pair.same_launch()}, {"a", cell(pair.a)}, {"b", cell(pair.b)},
                           {"ratio", pair.ratio() > 0 ? json(pair.ratio()) : json(nullptr)}});
  }
  return out;
}

std::string bench_comparison_text(const BenchSide& a, const BenchSide& b) {
  Table table({"op", "a us", "b us", "b / a", "a of floor", "b of floor", "launch"});
  bool shapes = false;
  for (const auto& pair : trace::pair_rows(a.bench, b.bench)) {
    const bool other = pair.a && pair.b && !pair.same_launch();
    shapes = shapes || other;
    const auto cell = [](const trace::BenchRow* row) { return row ? us(row->us) : std::string("-"); };
    const auto of_floor = [](const trace::BenchRow* row) { return row ? percent(row->of_floor()) : std::string("-"); };
    table.row({pair.row().op, cell(pair.a), cell(pair.b), pair.ratio() > 0 ? fmt::format("{:.3f}", pair.ratio()) : "-",
               of_floor(pair.a), of_floor(pair.b), other ? pair.a->what + " | " + pair.b->what : pair.row().what});
  }
  std::string out = fmt::format("a  run {}  {}, {}\nb  run {}  {}, {}\n\n{}", a.run.id, a.run.name, title_of(a.run, a.bench), b.run.id, b.run.name, title_of(b.run, b.bench), table.text());
  if (a.run.device != b.run.device) out += "the two ran on different devices\n";
  if (shapes) out += "where two launches are named, they are of different shapes: their ratio compares no like with like\n";
  return out;
}

json accounting_json(const engine::AccountingReport& r) {
  json out = {{"device", r.device}, {"model", r.model}, {"launch", r.launch}, {"streams", r.streams}, {"launches", r.launches}, {"steps", r.steps},
              {"profiler", r.no_profiler.empty() ? json(true) : json{{"not_available", r.no_profiler}}},
              {"stamps_cost_pct", std::isfinite(r.stamps_cost_pct()) ? json(r.stamps_cost_pct()) : json(nullptr)},
              {"stamps_costs_pct", r.stamps_costs_pct},
              {"fit_residual_ns", r.no_profiler.empty() ? json(r.fit_residual_ns) : json(nullptr)}, {"passes", json::array()}, {"ops", json::array()}};
  for (const auto& op : r.ops)
    out["ops"].push_back({{"op", op.op}, {"launches", op.launches}, {"plain_us", op.plain_us}, {"stamped_us", op.stamped_us}});
  for (const auto& p : r.passes)
    out["passes"].push_back({{"pass", p.name}, {"clock", p.clock}, {"period_us", p.period_us > 0 ? json(p.period_us) : json(nullptr)},
                             {"window_ns", p.window_ns}, {"busy_ns", p.busy_ns}, {"idle_ns", p.idle_ns}, {"kernel_us", p.kernel_us}, {"gap_us", p.gap_us}});
  return out;
}

std::string accounting_text(const engine::AccountingReport& r) {
  Table table({"pass", "clock", "step us", "window us", "busy us", "idle us", "kernel us", "gap us"});
  const auto some = [](double v) { return v != 0 ? us(v) : std::string(); };
  const auto ns = [&](int64_t n) { return some(static_cast<double>(n) / 1000); };
  for (const auto& p : r.passes)
    table.row({p.name, p.clock, some(p.period_us), ns(p.window_ns), ns(p.busy_ns), ns(p.idle_ns), some(p.kernel_us), some(p.gap_us)});
  std::string out = fmt::format("{}\n{} on {}, launch={}, streams={}: {} launches a step, {} steps a pass; stamps cost {:+.2f} % of a step (rows of {} steps, {})\nkernel and gap: medians of stream 0",
                                table.text(), r.model, r.device, r.launch, r.streams, r.launches, r.steps, r.stamps_cost_pct(), engine::kStepsInRow,
                                r.stamps_costs_pct.size() > 1 ? fmt::format("by capture {:+.2f}", fmt::join(r.stamps_costs_pct, ", ")) : "one capture");
  out += r.no_profiler.empty() ? fmt::format("; stamps lie on the profiler's clock within {} ns\n", r.fit_residual_ns)
                               : fmt::format("; no passes under a profiler: {}\n", r.no_profiler);
  return out;
}

}  // namespace app
