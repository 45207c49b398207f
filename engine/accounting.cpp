#include "engine/accounting.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "engine/gpu_step.h"
#include "trace/stats.h"

namespace engine {

using trace::Error;
using trace::Result;

Coverage coverage(std::vector<Stamp> s) {
  if (s.empty()) return {};
  std::sort(s.begin(), s.end(), [](const Stamp& a, const Stamp& b) { return a.start_ns < b.start_ns; });
  Coverage c;
  int64_t end = s[0].start_ns;
  for (const Stamp& one : s) {
    if (one.end_ns <= end) continue;
    c.busy_ns += one.end_ns - std::max(one.start_ns, end);
    end = one.end_ns;
  }
  c.window_ns = end - s[0].start_ns;
  return c;
}

std::vector<int64_t> advances(std::span<const Stamp> step) {
  std::vector<size_t> order(step.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return step[a].end_ns < step[b].end_ns; });
  std::vector<int64_t> by(step.size());
  for (size_t i = 0; i < order.size(); ++i)
    by[order[i]] = step[order[i]].end_ns - (i == 0 ? step[order[i]].start_ns : step[order[i - 1]].end_ns);
  return by;
}

namespace {

double us_of(int64_t ns) {
  return static_cast<double>(ns) / 1000;
}

class Accounting {
 public:
  Accounting(Session& session, int steps, const Progress& progress)
      : m_session(session), m_plan(session.plan()), m_gpu(*session.plan().gpu), m_steps(steps), m_progress(progress) {}

  AccountingReport run() {
    AccountingReport r;
    r.launches = static_cast<int>(m_plan.ops.size()), r.steps = m_steps;
    const std::string profiler = m_gpu.collector(), own = "the device's clock";
    std::vector<Stamp> device(m_plan.ops.size()), profiled(m_plan.ops.size());
    Collected none, stamps, alone, both_device, both_profiler;
    std::vector<double> residuals;
    const int rounds = m_steps >= 4 * kLeast ? 4 : m_steps >= 2 * kLeast ? 2 : 1;
    for (int round = 0; round < rounds; ++round) {
      std::vector<double> bare, stamped;
      m_gpu.forget_graphs();
      pass("bare and stamps", (m_steps + rounds - 1) / rounds, [&](int i) { rows_of_each(i % 2 == 0, bare, stamped, device, stamps); });
      r.stamps_costs_pct.push_back(100 * (trace::median(stamped) / trace::median(bare) - 1));
      none.period_us.insert(none.period_us.end(), bare.begin(), bare.end());
      stamps.period_us.insert(stamps.period_us.end(), stamped.begin(), stamped.end());
    }
    r.passes = {summary("bare", "two events", none), summary("stamps", own, stamps)};
    if (!m_gpu.profiled()) return r.no_profiler = profiler, r;
    pass("profiler", m_steps, [&](int) {
      m_session.model().executor.run(m_plan, profiled.data());
      alone.steps.push_back(profiled);
    });
    pass("both", m_steps, [&](int) {
      m_gpu.run_stamped(m_plan, device, profiled.data());
      both_device.steps.push_back(device), both_profiler.steps.push_back(profiled);
      residuals.push_back(static_cast<double>(fit_stamps(device, profiled).residual_ns));
    });
    r.passes.push_back(summary("profiler", profiler, alone));
    r.passes.push_back(summary("both", own, both_device));
    r.passes.push_back(summary("both", profiler, both_profiler));
    r.ops = by_op(alone, both_profiler);
    r.fit_residual_ns = static_cast<int64_t>(trace::median(residuals));
    return r;
  }

 private:
  struct Collected {
    std::vector<double> period_us;
    std::vector<std::vector<Stamp>> steps;
  };

  static constexpr int kLeast = 5;  // rows a capture

  // Bare steps and stamped ones, either first, so that what drifts (clocks, temperature) takes part in both; then one whose stamps
  // are read. Steps are timed in a row of their own form: the launch of another graph, and the device idle while the host reads
  // stamps, are not what stamps cost.
  void rows_of_each(bool bare_first, std::vector<double>& bare, std::vector<double>& stamped, std::vector<Stamp>& device, Collected& stamps) {
    for (const bool is_bare : {bare_first, !bare_first})
      (is_bare ? bare : stamped).push_back(us_of(m_gpu.run_in_a_row(m_plan, !is_bare, kStepsInRow)));
    m_gpu.run_stamped(m_plan, device);
    stamps.steps.push_back(device);
  }

  template <class Step>
  void pass(const char* name, int steps, const Step& step) {
    if (m_progress) m_progress(std::string("accounting, ") + name, -1);
    m_session.model().sequences.reset();
    for (int i = -2; i < steps; ++i) {
      m_session.model().before_step(m_plan);
      if (i < 0)
        m_session.model().executor.run(m_plan);  // warm
      else
        step(i);
    }
  }

  AccountingPass summary(const char* name, const std::string& clock, const Collected& c) const {
    AccountingPass p;
    p.name = name, p.clock = clock;
    if (!c.period_us.empty()) p.period_us = trace::median(c.period_us);
    if (c.steps.empty()) return p;
    std::vector<std::pair<int64_t, size_t>> windows;
    for (size_t i = 0; i < c.steps.size(); ++i) windows.push_back({coverage(c.steps[i]).window_ns, i});
    std::sort(windows.begin(), windows.end());
    const std::vector<Stamp>& step = c.steps[windows[windows.size() / 2].second];
    const Coverage all = coverage(step);
    p.window_ns = all.window_ns, p.busy_ns = all.busy_ns, p.idle_ns = all.idle_ns();
    std::vector<double> kernels, gaps;
    const Stamp* last = nullptr;
    for (size_t i = 0; i < step.size(); ++i) {
      if (m_plan.ops[i].stream != 0) continue;
      kernels.push_back(us_of(step[i].end_ns - step[i].start_ns));
      if (last) gaps.push_back(us_of(step[i].start_ns - last->end_ns));
      last = &step[i];
    }
    p.kernel_us = trace::median(kernels), p.gap_us = gaps.empty() ? 0 : trace::median(gaps);
    return p;
  }

  // Of one op key, by how much its launches move a step on: median over the steps.
  double op_us(const std::vector<std::vector<int64_t>>& steps, std::string_view key) const {
    std::vector<double> us;
    for (const std::vector<int64_t>& step : steps) {
      us.push_back(0);
      for (size_t i = 0; i < step.size(); ++i) {
        if (m_plan.ops[i].key == key) us.back() += us_of(step[i]);
      }
    }
    return us.empty() ? 0 : trace::median(us);
  }
  std::vector<AccountingOp> by_op(const Collected& plain_steps, const Collected& stamped_steps) const {
    std::vector<AccountingOp> all;
    std::vector<std::vector<int64_t>> plain, stamped;
    for (const std::vector<Stamp>& step : plain_steps.steps) plain.push_back(advances(step));
    for (const std::vector<Stamp>& step : stamped_steps.steps) stamped.push_back(advances(step));
    for (const PlannedOp& op : m_plan.ops) {
      const auto at = std::find_if(all.begin(), all.end(), [&](const AccountingOp& o) { return o.op == op.key; });
      if (at != all.end())
        ++at->launches;
      else
        all.push_back({std::string(op.key), 1, op_us(plain, op.key), op_us(stamped, op.key)});
    }
    std::stable_sort(all.begin(), all.end(), [](const AccountingOp& a, const AccountingOp& b) {
      return a.stamped_us - a.plain_us > b.stamped_us - b.plain_us;
    });
    return all;
  }

  Session& m_session;
  const DecodePlan& m_plan;
  GpuStep& m_gpu;
  const int m_steps;
  const Progress& m_progress;
};

}  // namespace

double AccountingReport::stamps_cost_pct() const {
  return stamps_costs_pct.empty() ? std::numeric_limits<double>::quiet_NaN() : trace::mean(stamps_costs_pct);
}

Result<AccountingReport> account(const trace::RunSpec& spec, const Progress& progress) {
  auto session = Session::load(spec, {}, progress);
  if (!session) return session.error();
  const DecodePlan& plan = (*session)->plan();
  if (!plan.gpu || !plan.gpu->can_stamp()) return Error{"needs a GPU whose kernels stamp", "bench accounting"};
  AccountingReport r = Accounting(**session, spec.workload.steps, progress).run();
  const Setup& setup = (*session)->model().setup;
  r.device = device_name(setup), r.model = setup.spec.model.name;
  r.launch = setup.spec.toggles.value(trace::ToggleKey::launch);
  r.streams = setup.spec.toggles.value(trace::ToggleKey::streams);
  return r;
}

}  // namespace engine
