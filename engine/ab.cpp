#include "engine/ab.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "engine/equivalence.h"
#include "engine/gpu_device.h"
#include "engine/sensors.h"
#include "engine/session.h"
#include "engine/synth.h"
#include "trace/stats.h"

namespace engine {

using trace::AbResult;
using trace::AbSpec;
using trace::Error;
using trace::Instance;
using trace::Ok;
using trace::Quad;
using trace::Result;
using trace::Status;

namespace {

constexpr int kTracedSteps = 16, kTracedWhenCutOff = 4;  // somebody waits
constexpr int kKept = 2;  // instances that an A/B cut off must have finished to be kept

struct Counts {
  int instances, quads;
  int total() const { return instances + std::max(1, (instances - 1) / 3); }  // with null arms
};

Counts wanted(const AbSpec& spec) {
  Counts c = spec.full ? Counts{8, 25} : Counts{3, 8};
  if (spec.instances > 0) c.instances = spec.instances;
  if (spec.quads > 0) c.quads = spec.quads;
  return c;
}

Status check_design(const AbSpec& spec) {
  if (spec.a == spec.b) return Error{"both arms have the same switches", spec.a.text()};
  if (spec.block_steps < 1 || spec.dropped_steps < 0 || spec.dropped_steps >= spec.block_steps) {
    return Error{"a block must keep at least one step",
                 "block_steps=" + std::to_string(spec.block_steps) +
                     " dropped_steps=" + std::to_string(spec.dropped_steps)};
  }
  if (spec.instances < 0 || spec.quads < 0)
    return Error{"instances and quads must not be negative", "A/B"};
  if (spec.base.workload.batch == 0)
    return Error{"a batch of 0 launches nothing: there is nothing to compare", "--batch 0"};
  return Ok{};
}

std::string format(const char* pattern, double value) {
  char text[160];
  std::snprintf(text, sizeof text, pattern, value);
  return text;
}

class AbRun {
 public:
  AbRun(const AbSpec& spec, const AbHooks& hooks, Setup setup, SharedWeights weights)
      : m_hooks(hooks),
        m_result{.spec = spec},
        m_counts(wanted(spec)),
        m_total(m_counts.total()),
        m_model(std::move(setup), std::move(weights)) {}

  Result<AbResult> run() {
    for (const auto step :
         {&AbRun::load, &AbRun::prove_arms, &AbRun::pilot, &AbRun::measure, &AbRun::record}) {
      if (const Status status = (this->*step)(); !status) return status.error();
    }
    m_result.estimate = trace::infer(m_result.instances);
    fill_runs();
    return std::move(m_result);
  }

 private:
  const AbSpec& spec() const { return m_result.spec; }
  const std::string& backend() const { return m_model.setup.spec.backend; }
  uint64_t seed() const { return spec().base.workload.seed; }
  bool cancelled() const { return !m_cut_off && m_hooks.cancelled && m_hooks.cancelled(); }
  Error cancel_error() const {
    return {"cancelled", "A/B in instance " + std::to_string(m_result.instances.size() + 1)};
  }

  void report(const std::string& detail) {
    if (!m_hooks.progress) return;
    trace::reply::AbProgress p;
    p.instance = static_cast<int>(m_result.instances.size()) - (m_measuring ? 1 : 0), p.instances = m_total;  // finished
    p.quad = m_quad, p.quads = m_counts.quads;
    p.detail = detail;
    if (!m_result.instances.empty()) p.so_far = trace::infer(m_result.instances);
    m_hooks.progress(p);
  }

  Status load() {
    report("filling caches");
    Result<Caches> filled = filled_caches(m_model, spec().a);
    if (!filled) return filled.error();
    m_a = std::move(filled).value();
    int64_t bytes = 0;
    const int64_t begin = now_ns();
    m_b = caches_for(m_model, spec().b, m_a, &bytes);
    if (bytes > 0) {
      m_result.notes.push_back(
          "arm b's caches were converted once, outside the timed steps: " + gib_text(bytes) +
          format(" in %.1f ms", static_cast<double>(now_ns() - begin) / 1e6));
    }
    note_tables();
    const bool gpu = is_gpu(m_model.setup.spec.backend);
    m_result.notes.push_back(cache_state(m_model) + "; one frozen position; " +
                             (gpu ? "device events around each step" : "host clock"));
    m_result.notes.push_back(Sensors::describe(backend()));
    return Ok{};
  }

  // What a page size costs beside time.
  void note_tables() {
    if (spec().a.page_size() == spec().b.page_size()) return;
    for (const auto& [name, set] : {std::pair{"a", spec().a}, {"b", spec().b}}) {
      const int64_t page = set.page_size();
      int64_t wasted = 0;
      for (int64_t b = 0; b < m_model.setup.shape.B; ++b) {
        const int64_t length = m_model.sequences.start(b) + m_model.setup.shape.next_n;
        wasted += (page - length % page) % page;
      }
      m_result.notes.push_back(
          std::string("arm ") + name + ": block table " +
          gib_text(m_model.setup.shape.B * m_model.sequences.block_columns(static_cast<int>(page)) *
                   4) +
          ", " + std::to_string(wasted) + " tokens of its pages unused");
    }
  }

  Result<Arm> place(const trace::ToggleSet& set, const Caches& caches, uint64_t placement,
                    bool toggled) {
    ArmOptions options;
    options.placement_seed = placement;
    if (toggled && m_model.setup.fault) options.fault_key = fault_key(spec().a, spec().b);
    return make_arm(m_model, set, caches, options);
  }

  struct Arms {
    std::unique_ptr<Arm> a, b;
  };

  // Both arms anew; which is built first is drawn, too.
  Result<Arms> place_both(int64_t instance, bool null_arm) {
    const Draw draw(seed(), "instance");
    const auto words = draw.words(static_cast<uint32_t>(instance), 0, 0, 0);
    const auto placed = [&](bool second) -> Result<Arm> {
      const bool as_a = !second || null_arm;
      return place(as_a ? spec().a : spec().b, as_a ? m_a : m_b, words[second ? 1 : 0], !as_a);
    };
    Arms arms;
    for (const bool second : {words[2] % 2 == 0, words[2] % 2 != 0}) {
      Result<Arm> arm = placed(second);
      if (!arm) return arm.error();
      (second ? arms.b : arms.a) = std::make_unique<Arm>(std::move(arm).value());
    }
    m_model.sequences.freeze_at(0);
    for (int i = 0; i < spec().dropped_steps; ++i) {  // pages of new arenas, outside every block
      m_model.executor.run(arms.a->plan());
      m_model.executor.run(arms.b->plan());
    }
    return arms;
  }

  Status prove_arms() {
    Result<Arms> arms = place_both(-1, false);
    if (!arms) return arms.error();
    report("proving that both arms compute the same");
    ProofOptions options;
    options.cancelled = m_hooks.cancelled;
    m_result.equivalence =
        prove(m_model, *arms->a, *arms->b, trace::equivalence_of(spec().a, spec().b), options);
    return cancelled() ? Status(cancel_error()) : Ok{};
  }

  // Mean time of the kept steps, which are added to `kept`.
  double block(const Arm& arm, std::vector<double>& kept) {
    double total = 0;
    for (int i = 0; i < spec().block_steps; ++i) {
      m_model.before_step(arm.plan());
      const double us = static_cast<double>(m_model.executor.run(arm.plan())) / 1000;
      if (i < spec().dropped_steps) continue;
      kept.push_back(us);
      total += us;
    }
    return total / (spec().block_steps - spec().dropped_steps);
  }

  Quad quad(const Arms& arms, Instance& instance) {
    Quad q;
    Sensors sensors(backend(), &m_sensors);
    for (size_t i = 0; i < 4; ++i) {
      const bool second = i == 1 || i == 2;  // A B B A
      q.block_us[i] = block(second ? *arms.b : *arms.a, second ? instance.b_us : instance.a_us);
      q.dropped |= sensors.disturbed();  // read between blocks, never inside one
    }
    return q;
  }

  // Discarded. In the full form it fixes the number of quads: enough for a standard error of 0.1 %
  // of a step within an instance, 25 to 100.
  Status pilot() {
    Result<Arms> arms = place_both(-2, false);
    if (!arms) return arms.error();
    report("pilot");
    Instance pilot;
    std::vector<double> deltas;
    const int quads = spec().full ? 6 : 1;
    for (int i = 0; i < quads && !cancelled(); ++i) deltas.push_back(quad(*arms, pilot).delta_us());
    if (cancelled()) return cancel_error();
    if (!spec().full || spec().quads > 0) return Ok{};
    const double goal = 0.001 * trace::mean(pilot.a_us);
    const double needed = goal > 0 ? trace::sample_variance(deltas) / (goal * goal) : 0;
    m_counts.quads = static_cast<int>(std::clamp(std::ceil(needed), 25.0, 100.0));
    m_result.notes.push_back("pilot: " + std::to_string(m_counts.quads) + " quads an instance");
    return Ok{};
  }

  // Every fourth instance is the null arm, at least one.
  Status measure() {
    const OtherPrograms others;
    int real = 0, null_arms = 0;
    for (int64_t i = spec().first_instance; !m_cut_off && (real < m_counts.instances || null_arms == 0); ++i) {
      Instance instance;
      instance.null_arm = i % 4 == 3 || real == m_counts.instances;
      (instance.null_arm ? null_arms : real) += 1;
      Result<Arms> arms = place_both(i, instance.null_arm);
      if (!arms) return arms.error();
      m_result.instances.push_back(std::move(instance));
      m_measuring = true;
      for (m_quad = 0; m_quad < m_counts.quads;) {
        if (cancelled()) {
          if (const Status status = cut_off(); !status) return status;
          break;
        }
        Instance& now = m_result.instances.back();
        now.quads.push_back(quad(*arms, now));
        ++m_quad;
        report(now.null_arm ? "null arm: a against a" : "measuring");
      }
    }
    m_measuring = false;
    if (const std::string note = others.note(); !note.empty()) m_result.notes.push_back(note);
    if (m_sensors.readings > 0) {
      m_result.sensors = m_sensors;
      m_result.notes.push_back(text_of(m_sensors));
    }
    return Ok{};
  }

  // Cancelled while it measures: of two finished instances and more something can be said. What is cut off is left out, and
  // said; both arms are recorded, a few steps each. error: too few.
  Status cut_off() {
    const Error error = cancel_error();
    m_result.instances.pop_back();
    const auto finished = std::count_if(m_result.instances.begin(), m_result.instances.end(), [](const Instance& i) { return !i.null_arm; });
    if (finished < kKept) return error;
    m_cut_off = true;
    m_result.notes.push_back("cut off in instance " + std::to_string(m_result.instances.size() + 1) + " of " + std::to_string(m_total) +
                             ": the " + std::to_string(m_result.instances.size()) + " before it are kept");
    return Ok{};
  }

  // The traced pass of each arm, and what its launches have lost or gained.
  Status record() {
    Result<Arms> arms = place_both(-3, false);
    if (!arms) return arms.error();
    report("recording both arms");
    std::map<std::string, double> count_a, count_b;
    m_trace_a = traced(*arms->a, m_traced_a, count_a);
    m_trace_b = traced(*arms->b, m_traced_b, count_b);
    for (const auto& [name, n] : count_a) {
      if (n > count_b[name]) m_result.removed.push_back({name, n - count_b[name]});
    }
    for (const auto& [name, n] : count_b) {
      if (n > count_a[name]) m_result.added.push_back({name, n - count_a[name]});
    }
    return cancelled() ? Status(cancel_error()) : Ok{};
  }

  trace::TracePtr traced(const Arm& arm, double& median_us,
                         std::map<std::string, double>& launches) {
    std::vector<RecordedStep> steps;
    std::vector<double> us;
    const int count = m_cut_off ? kTracedWhenCutOff : kTracedSteps;
    for (int i = 0; i < count && !cancelled(); ++i) {
      m_model.before_step(arm.plan());
      steps.push_back(recorded_step(m_model.executor, arm.plan(), i));
      us.push_back(static_cast<double>(steps.back().end_ns - steps.back().begin_ns) / 1000);
    }
    median_us = trace::median(us);
    const trace::TracePtr trace =
        build_trace(arm.plan(), steps, {m_model.config().name, device_name(m_model.setup), spec().base.backend});
    for (const trace::Event& e : trace->events)
      launches[std::string(trace->name_of(e))] += 1.0 / count;
    return trace;
  }

  trace::RunPtr finished_run(char arm) const {
    const bool first = arm == 'a';
    std::string name = m_model.config().name;
    for (const trace::ToggleKey key : spec().keys) {
      const trace::ToggleSet& set = first ? spec().a : spec().b;
      name.append(" ").append(trace::info(key).name).append("=").append(set.value(key));
    }
    auto run = std::make_shared<trace::Run>(described_run(
        m_model.setup, first ? spec().a : spec().b,
        spec().base.name.empty() ? name : spec().base.name + " " + name, m_hooks.program));
    for (const Instance& i : m_result.instances) {
      if (i.null_arm) continue;
      const std::vector<double>& us = first ? i.a_us : i.b_us;
      run->step_us.insert(run->step_us.end(), us.begin(), us.end());
    }
    run->step = trace::estimate_median(run->step_us);
    run->traced_step_us = first ? m_traced_a : m_traced_b;
    run->trace = first ? m_trace_a : m_trace_b;
    run->kernels_per_step = kernels_per_step(*run->trace);
    run->ab_arm = arm;
    return run;
  }

  void fill_runs() {
    m_result.a = finished_run('a');
    m_result.b = finished_run('b');
  }

  const AbHooks& m_hooks;
  AbResult m_result;
  Counts m_counts;
  int m_total, m_quad = 0;
  bool m_measuring = false, m_cut_off = false;  // the last instance is under way; those to come are not wanted
  Model m_model;  // behind what report() reads: loading reports
  Caches m_a, m_b;
  trace::SensorRange m_sensors;
  trace::TracePtr m_trace_a, m_trace_b;
  double m_traced_a = 0, m_traced_b = 0;
};

}  // namespace

trace::Result<Setup> prepare_ab(const AbSpec& spec) {
  if (const Status status = check_design(spec); !status) return status.error();
  trace::RunSpec base = spec.base;
  base.toggles = spec.b;
  Result<Setup> setup =
      prepare(base);  // each arm must be able to run; b's caches may come on top of a's
  if (!setup) return setup.error();
  if (const Status status = allowed(*setup, spec.a); !status) return status.error();
  // Two equal arms would only say how noisy the machine is.
  for (const trace::ToggleKey key : spec.keys) {
    if (const auto why = trace::unavailable(key, setup->spec.model, setup->spec.backend))
      return Error{*why, "--toggle " + std::string(trace::info(key).name)};
  }
  setup->spec.toggles = spec.a;
  return setup;
}

Result<AbResult> run_ab(const AbSpec& spec, const AbHooks& hooks) {
  Result<Setup> setup = prepare_ab(spec);
  if (!setup) return setup.error();
  AbSpec effective = spec;
  effective.base = setup->spec;
  Result<SharedWeights> weights =
      load_weights(*setup, hooks.reuse, [&](const std::string& what, double) {
        trace::reply::AbProgress p;
        p.instances = wanted(spec).total(), p.quads = wanted(spec).quads;
        p.detail = what;
        if (hooks.progress) hooks.progress(p);
      });
  if (!weights) return weights.error();
  AbRun run(effective, hooks, std::move(setup).value(), std::move(weights).value());
  return run.run();
}

}  // namespace engine
