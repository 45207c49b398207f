#include "engine/bench.h"

#include <algorithm>
#include <map>
#include <set>

#include "engine/gpu_bench.h"
#include "engine/recorder.h"
#include "kernels/score_rows.h"
#include "trace/stats.h"

namespace engine {

using trace::Error;
using trace::Result;

namespace {

constexpr int kTracedBenchSteps = 5;  // of a GPU's bench, the first ones
constexpr const char *kFirstRouting = "uniform", *kSecondRouting = "zipf:1.01";

std::string numbers(std::initializer_list<std::pair<const char*, int64_t>> all) {
  std::string text;
  for (const auto& [name, n] : all) text += std::string(" ") + name + "=" + std::to_string(n);
  return text;
}

// The dimensions of a launch that streams weights; empty for any other.
struct WeightShape {
  std::string operator()(const kernels::GemmFp8Args& a) const {
    return numbers({{"M", a.M}, {"N", a.N}, {"K", a.K}});
  }
  std::string operator()(const kernels::GemmBf16Args& a) const {
    return numbers({{"M", a.M}, {"N", a.N}, {"K", a.K}});
  }
  std::string operator()(const kernels::GemmMxArgs& a) const {
    return numbers({{"M", a.M}, {"N", a.N}, {"K", a.K}});
  }
  std::string operator()(const kernels::BmmArgs& a) const {
    return numbers({{"M", a.M}, {"H", a.H}, {"N", a.N}, {"K", a.K}});
  }
  std::string operator()(const kernels::MoeGateUpArgs& a) const {
    return numbers({{"M", a.experts.M}, {"E", a.experts.E}, {"N", a.N}, {"K", a.K}});
  }
  std::string operator()(const kernels::MoeDownArgs& a) const {
    return numbers({{"M", a.experts.M}, {"E", a.experts.E}, {"N", a.N}, {"K", a.K}});
  }
  template <class Other>
  std::string operator()(const Other&) const {
    return {};
  }
};

class Bench {
 public:
  Bench(Session& session, const BenchOptions& options, bool both_routings)
      : m_session(session),
        m_options(options),
        m_executor(session.model().executor),
        m_both_routings(both_routings) {
    const Setup& setup = session.model().setup;
    m_run = described_run(setup, setup.spec.toggles, setup.spec.name, options.program);
    m_run.kernels_per_step = static_cast<double>(session.plan().ops.size());
    m_bench.kind = options.whole_step ? "step" : "kernels";
    m_bench.workers = m_executor.workers();
    m_bench.cache = options.whole_step ? "step" : options.cold ? "cold" : "warm";
    if (!session.plan().gpu) return;
    m_gpu = std::make_unique<GpuBench>(session.plan().gpu->device(), options.repeats == 1);
    m_bench.workers = 0;
    if (!options.whole_step) m_bench.cache = "in turn through the layers";
  }

  Result<BenchRun> run() {
    progress("measuring ceilings", 0);
    m_bench.ceilings = m_gpu ? m_gpu->measure() : measure_ceilings(m_executor);
    if (!(m_options.whole_step ? steps() : launches())) return Error{"cancelled", "bench"};
    if (m_both_routings) {
      m_routing = kSecondRouting;
      const Setup& setup = m_session.model().setup;
      m_session.model().sequences.set_routing(
          Routing::parse(m_routing, setup.shape, setup.spec.workload.seed).value());
      if (!(m_options.whole_step ? steps() : launches())) return Error{"cancelled", "bench"};
    }
    m_run.step = trace::estimate_median(m_run.step_us);
    if (m_run.step_us.empty()) m_run.step = {};
    return BenchRun{m_run, m_bench};
  }

 private:
  bool cancelled() const { return m_options.cancelled && m_options.cancelled(); }
  void progress(const std::string& what, double fraction) const {
    if (m_options.progress) m_options.progress(what, fraction);
  }

  double floor_us(const kernels::Cost& c) const {
    const double memory = static_cast<double>(c.bytes) / (m_bench.ceilings.read_gbps * 1e3);
    const double flops = static_cast<double>(c.flops) / (m_bench.ceilings.fp8_tflops * 1e6);
    return std::max(memory, flops);
  }

  double floor_us(size_t op, const kernels::Cost& c) const {
    return m_gpu ? m_gpu->floor_us(m_session.plan().gpu->launch(op), c) : floor_us(c);
  }

  // Each op key once, of the first layer that has it in this shape; on a GPU of all those layers in turn. In a
  // second round only what routing decides.
  bool launches() {
    m_session.model().sequences.reset();
    m_executor.run(m_session.plan());  // buffers hold what they hold in a step
    if (m_gpu) m_session.plan().gpu->results_to_host();
    std::set<std::string> seen;
    const auto& ops = m_session.plan().ops;
    for (size_t i = 0; i < ops.size(); ++i) {
      if (cancelled()) return false;
      if (!m_routing.empty() && !routed(ops[i])) continue;
      const std::string shape = std::visit(WeightShape(), ops[i].args), what = what_of(ops[i]);
      if (!seen.insert(identity(ops[i])).second) continue;
      progress("bench " + ops[i].label, static_cast<double>(i) / static_cast<double>(ops.size()));
      if (const auto* topk = std::get_if<kernels::TopkArgs>(&ops[i].args)) {
        score_rows(ops[i], *topk, what);
      } else {
        const bool named = routed(ops[i]) && m_session.model().sequences.routing().imposed();
        launch(ops[i], what + (named ? ", " + routing() : std::string()), shape);
      }
    }
    return true;
  }

  static std::string what_of(const PlannedOp& op) {
    return op.label.substr(std::min(op.label.size(), op.label.find(op.key) + op.key.size()));
  }
  static std::string identity(const PlannedOp& op) {
    return std::string(op.key) + what_of(op) + std::visit(WeightShape(), op.args);
  }

  // Whether the experts of the tokens decide what the launch does.
  static bool routed(const PlannedOp& op) { return op.key.starts_with("experts_"); }
  std::string routing() const {
    return m_routing.empty() ? m_session.spec().workload.routing : m_routing;
  }

  // Top-k over each kind of row, the step's own logits put back behind it.
  void score_rows(const PlannedOp& op, const kernels::TopkArgs& a, const std::string& what) {
    auto* logits = const_cast<float*>(a.logits);
    const std::vector<float> own(logits, logits + a.B * a.next_n * a.S);
    kernels::Random random(m_session.spec().workload.seed);
    for (size_t kind = 0; kind < kernels::kScoreRows.size(); ++kind) {
      for (int64_t row = 0; row < a.B * a.next_n; ++row) {
        kernels::fill_scores(static_cast<kernels::ScoreRow>(kind), random, logits + row * a.S,
                             a.lengths[row]);
      }
      if (m_gpu) m_session.plan().gpu->results_to_device();
      launch(op, what + ", scores " + std::string(kernels::kScoreRows[kind]), {});
    }
    std::copy(own.begin(), own.end(), logits);
    if (m_gpu) m_session.plan().gpu->results_to_device();
  }

  // The launches of all layers that have this one, in turn.
  double gpu_launch_us(const PlannedOp& op, int* turns) const {
    std::vector<kernels::gpu::Launch> launches;
    const auto& ops = m_session.plan().ops;
    for (size_t i = 0; i < ops.size(); ++i) {
      if (identity(ops[i]) == identity(op)) launches.push_back(m_session.plan().gpu->launch(i));
    }
    *turns = static_cast<int>(launches.size());
    return m_gpu->launch_us(launches, m_options.repeats > 0 ? m_options.repeats : 9, m_session.plan().gpu->overlap());
  }

  // " 31 of 257 experts", of the routing at hand.
  static std::string experts_of(const PlannedOp& op) {
    const kernels::ExpertRows* e = nullptr;
    if (const auto* up = std::get_if<kernels::MoeGateUpArgs>(&op.args)) e = &up->experts;
    if (const auto* down = std::get_if<kernels::MoeDownArgs>(&op.args)) e = &down->experts;
    if (!e) return {};
    int64_t used = 0;
    for (int64_t i = 0; i < e->E; ++i) used += e->offsets[i] < e->offsets[i + 1];
    return ", " + std::to_string(used) + " of " + std::to_string(e->E) + " experts";
  }

  void launch(const PlannedOp& op, const std::string& what, const std::string& shape) {
    if (m_gpu) return launch_on_gpu(op, what, shape);
    DecodePlan alone;
    alone.ops = {op};
    alone.ops[0].waits.clear(), alone.ops[0].previous = -1, alone.ops[0].stream = 0;
    // What works in place starts from the same values every time.
    std::vector<std::pair<kernels::Tensor, std::vector<uint8_t>>> before;
    for (kernels::Tensor& t : kernels::outputs(op.args)) {
      if (!t.in_place) continue;
      before.push_back({t, {}});
      kernels::read_bytes(t, before.back().second);
    }
    std::vector<double> us;
    const int repeats = m_options.repeats > 0 ? m_options.repeats : 15;
    for (int i = -1; i < repeats && !cancelled(); ++i) {
      for (auto& [tensor, bytes] : before) kernels::write_bytes(tensor, bytes);
      if (m_options.cold) m_session.model().evictor.run();
      const double t = static_cast<double>(m_executor.run(alone)) / 1000;
      if (i >= 0) us.push_back(t);
    }
    BenchRow row;
    row.op = op.key;
    row.what = (op.layer < 0 ? std::string() : "layer " + std::to_string(op.layer) + ", ") +
               std::string(kernels::key_of(kernels::op_of(op.args))) + shape + what;
    row.us = trace::median(us);
    const kernels::Cost cost = kernels::cost(op.args);
    row.bytes = cost.bytes, row.flops = cost.flops, row.floor_us = floor_us(cost);
    row.streams_weights = !shape.empty();
    m_bench.rows.push_back(std::move(row));
  }

  void launch_on_gpu(const PlannedOp& op, const std::string& what, const std::string& shape) {
    BenchRow row;
    row.op = op.key;
    row.us = gpu_launch_us(op, &row.launches);
    row.what = std::string(kernels::key_of(kernels::op_of(op.args))) + shape + what + experts_of(op);
    const kernels::Cost cost = kernels::cost_as_routed(op.args);
    row.bytes = cost.bytes, row.flops = cost.flops;
    row.floor_us = floor_us(static_cast<size_t>(op.index), cost);
    row.streams_weights = !shape.empty();
    m_bench.rows.push_back(std::move(row));
  }

  bool steps() {
    const trace::Workload& w = m_session.spec().workload;
    m_session.model().sequences.reset();
    for (int i = 0; i < w.warmup; ++i) m_session.step();
    m_session.model().sequences.reset();
    const int repeats = m_options.repeats > 0 ? m_options.repeats : w.steps;
    std::map<std::string, std::vector<double>> us;
    std::vector<double> whole;
    RecordedStep last;
    for (int i = 0; i < repeats; ++i) {
      if (cancelled()) return false;
      m_session.model().before_step(m_session.plan());
      progress("bench step " + std::to_string(i), static_cast<double>(i) / repeats);
      // A profiler costs a GPU's step time: the whole is timed without it.
      if (m_gpu) {
        whole.push_back(static_cast<double>(m_executor.run(m_session.plan())) / 1000);
        if (i >= kTracedBenchSteps) {
          m_session.model().sequences.advance(m_session.plan().next_tokens);
          continue;
        }
      }
      last = recorded_step(m_executor, m_session.plan(), i);
      if (!m_gpu) whole.push_back(static_cast<double>(last.end_ns - last.begin_ns) / 1000);
      std::map<std::string, double> sum;
      for (size_t op = 0; op < last.stamps.size(); ++op) {
        sum[std::string(m_session.plan().ops[op].key)] +=
            static_cast<double>(last.stamps[op].end_ns - last.stamps[op].start_ns) / 1000;
      }
      for (const auto& [key, t] : sum) us[key].push_back(t);
      m_session.model().sequences.advance(m_session.plan().next_tokens);
    }
    if (m_run.step_us.empty()) m_run.step_us = whole;
    summarise(last, us, trace::median(whole));
    return true;
  }

  void summarise(const RecordedStep& last, const std::map<std::string, std::vector<double>>& us,
                 double whole_us) {
    std::vector<BenchRow> rows;
    BenchRow total;
    if (m_session.model().sequences.routing().imposed()) total.what = routing();
    total.op = "step", total.launches = 0, total.us = whole_us;
    const auto& ops = m_session.plan().ops;
    for (size_t i = 0; i < ops.size(); ++i) {
      auto at = std::find_if(rows.begin(), rows.end(),
                             [&](const BenchRow& r) { return r.op == ops[i].key; });
      const std::string shape = std::visit(WeightShape(), ops[i].args);
      if (at == rows.end()) {
        rows.push_back({.op = std::string(ops[i].key), .launches = 0});
        at = rows.end() - 1;
        at->us = trace::median(us.at(at->op));
        at->what = std::string(kernels::key_of(kernels::op_of(ops[i].args))) + shape;
        at->streams_weights = !shape.empty();
      }
      for (BenchRow* row : {&*at, &total}) {
        ++row->launches;
        row->bytes += last.costs[i].bytes, row->flops += last.costs[i].flops;
        row->floor_us += floor_us(i, last.costs[i]);
      }
      if (m_gpu) total.floor_35_us += m_gpu->read_us(last.costs[i].bytes);
      if (m_gpu && at->launches == 1) at->what += experts_of(ops[i]);
    }
    if (m_gpu) {  // 35 launches a layer, empty nodes as this step's are on average
      double empty = 0;
      for (size_t i = 0; i < ops.size(); ++i) empty += m_gpu->empty_us(m_session.plan().gpu->launch(i));
      total.floor_35_us += 35.0 * m_session.spec().model.layers * empty / static_cast<double>(ops.size());
    }
    rows.push_back(std::move(total));
    for (BenchRow& row : rows) {
      if (m_routing.empty() || row.op == "step" || row.op.starts_with("experts_")) {
        if (row.op.starts_with("experts_") && !rows.back().what.empty())
          row.what += ", " + routing();
        m_bench.rows.push_back(std::move(row));
      }
    }
  }

  Session& m_session;
  const BenchOptions& m_options;
  Executor& m_executor;
  const bool m_both_routings;
  std::unique_ptr<GpuBench> m_gpu;
  trace::Run m_run;
  trace::Bench m_bench;
  std::string m_routing;  // of the second round
};

}  // namespace

Result<BenchRun> bench(const trace::RunSpec& spec, const BenchOptions& options) {
  if (spec.workload.batch == 0)
    return Error{"a batch of 0 launches nothing: there is nothing to time", "--batch 0"};
  trace::RunSpec imposed = spec;
  const bool both =
      spec.workload.routing == "router" && spec.model.layers > spec.model.dense_layers;
  if (both) imposed.workload.routing = kFirstRouting;
  auto session = Session::load(imposed, {}, options.progress);
  if (!session) return session.error();
  return Bench(**session, options, both).run();
}

}  // namespace engine
