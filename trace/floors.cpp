#include "trace/floors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "trace/advise.h"
#include "trace/op_uses.h"
#include "trace/step_note.h"

namespace trace {
namespace {

// What the request says, else what the run was asked for, else what the trace tells, with where it is from.
class Resolver {
 public:
  Resolver(const Run& run, uint32_t device, const FloorRequest& request) : m_run(run), m_device(device), m_request(request), m_advice(advise(*run.trace, device, {})), m_note(step_note(*run.trace)) {}

  Status resolve(FloorAssumptions& out) {
    if (Status model = take_model(out); !model.ok()) return model;
    StepShape& s = out.shape;
    const Workload* w = m_run.spec ? &m_run.spec->workload : nullptr;
    const Workload none{};
    if (Status known = take_batch(s, w); !known.ok()) return known;
    s.next_n = number("next_n", m_request.next_n, w ? w->next_n : none.next_n);
    s.max_context = number("max_context", m_request.max_context, w ? w->max_context : (s.context + 63) / 64 * 64);
    take_tp(s);
    if (s.batch < 1 || s.next_n < 1 || s.context < 1 || s.max_context < s.context) return Error{"a step needs one sequence and one token at least, and max_context not below context", fmt::format("batch {}, next_n {}, context {}, max_context {}", s.batch, s.next_n, s.context, s.max_context)};
    if (Status valid = s.gqa ? validate(*s.gqa, s.tp) : validate(s.model, s.tp); !valid.ok()) return valid;
    if (Status kv = take_kv(s); !kv.ok()) return kv;
    s.routing = m_request.routing.value_or(Routing{});
    say("routing", fmt::format("{}", to_string(s.routing)), m_request.routing ? "given" : "assumed");
    if (Status hw = take_ceilings(out.ceilings); !hw.ok()) return hw;
    out.list = std::move(m_list);
    return Ok{};
  }

 private:
  void say(std::string what, std::string value, std::string from) { m_list.push_back({std::move(what), std::move(value), std::move(from)}); }

  int number(const char* what, const std::optional<int>& given, int otherwise) {
    say(what, std::to_string(given.value_or(otherwise)), given ? "given" : m_run.spec ? "the run's request" : "assumed");
    return given.value_or(otherwise);
  }

  // Batch and context: given, the run's, or what the engine wrote into the trace beside its steps.
  Status take_batch(StepShape& s, const Workload* w) {
    const auto take = [&](const char* what, const std::optional<int>& given, std::optional<int> run, std::optional<int> noted, int& field) {
      const auto value = given ? given : run ? run : noted;
      if (!value) return false;
      field = *value;
      say(what, std::to_string(field), given ? "given" : run ? "the run's request" : "the trace's annotation `" + m_note->text + "`");
      return true;
    };
    const std::string mixed = m_note && m_note->prefills ? " (its steps read prompts too: `" + m_note->text + "`)" : "";
    if (!take("batch", m_request.batch, w ? std::optional(w->batch) : std::nullopt, m_note ? m_note->batch : std::nullopt, s.batch))
      return Error{"how many sequences a step held is not in the trace" + mixed, "give --batch N"};
    if (!take("context", m_request.context, w ? std::optional(w->context) : std::nullopt, m_note ? m_note->context : std::nullopt, s.context))
      return Error{"how long the sequences were is not in the trace" + mixed, "give --context L"};
    return Ok{};
  }

  Status take_model(FloorAssumptions& out) {
    StepShape& s = out.shape;
    if (m_request.gqa) {
      s.gqa = m_request.gqa;
      s.model = s.gqa->dims;
    } else if (m_request.model) s.model = *m_request.model;
    else if (m_run.spec) s.model = m_run.spec->model;
    else if (m_advice.model.config) s.model = *m_advice.model.config;
    else {
      std::string fitting;
      for (const std::string& name : m_advice.model.fitting) fitting += (fitting.empty() ? "; of those known these fit: " : ", ") + name;
      return Error{"which model ran is not known (" + m_advice.model.name + fitting + ")", "give --model P"};
    }
    const bool given = m_request.gqa || m_request.model;
    say("model", s.model.name + (s.model.synthetic ? " (synthetic)" : ""), given ? "given" : m_run.spec ? "the run's request" : "what kernel names tell, see advise");
    if (s.gqa) say("dimensions", describe(*s.gqa), s.model.synthetic ? "given" : "the model's config.json");
    return Ok{};
  }

  void take_tp(StepShape& s) {
    if (m_run.spec || m_request.tp || m_advice.model.ranks == 0) s.tp = number("tp", m_request.tp, m_run.spec ? m_run.spec->workload.tp : 1);
    else {
      s.tp = m_advice.model.ranks;
      say("tp", std::to_string(s.tp), "the all-reduces' names");
    }
  }

  Status take_kv(StepShape& s) {
    std::string from = "given";
    if (m_request.kv) s.kv = *m_request.kv;
    else if (s.gqa) {
      s.kv = KvFormat::bf16;
      from = "assumed";
    } else if (m_run.spec) {
      s.kv = m_run.spec->toggles.value(ToggleKey::kv_dtype) == "fp8" ? KvFormat::fp8 : KvFormat::bf16;
      from = "the run's request";
    } else {
      from = "assumed";
      for (const SwitchAdvice& a : m_advice.switches) {
        if (a.key != ToggleKey::kv_dtype || a.state == SwitchState::not_applicable) continue;
        s.kv = a.state == SwitchState::on ? KvFormat::fp8 : KvFormat::bf16;
        from = "what kernel names tell, see advise";
      }
    }
    if (s.gqa && s.kv == KvFormat::fp8_scaled) return Error{"a cache with scales beside its values is of latent attention", "--kv bf16 or fp8"};
    say("kv cache", std::string(to_string(s.kv)), from);
    return Ok{};
  }

  Status take_ceilings(Ceilings& c) {
    std::string device = m_request.hardware;
    if (device.empty()) device = m_run.trace->devices[m_device].name.empty() ? m_run.device : m_run.trace->devices[m_device].name;
    auto known = ceilings_of(device);
    if (known) c = *known;
    else if (!m_request.hardware.empty() || !m_request.read_gbps || !m_request.bf16_tflops)
      return Error{known.error().what + " by --hw, or by --read-gbps and --bf16-tflops", known.error().where};
    const auto ceiling = [&](const char* what, const char* unit, const std::optional<double>& given, double& value) -> Status {
      if (given && !(*given > 0 && *given < 1e9)) return Error{"a ceiling is a positive number", fmt::format("{} {}", what, *given)};
      value = given.value_or(value);
      say(what, value > 0 ? fmt::format("{:g} {}", value, unit) : "none: the next wider format's", given ? "given" : c.name + ", " + (&value == &c.link_gbps ? c.link_source : c.source));
      return Ok{};
    };
    for (const auto& [what, unit, given, value] : {std::tuple{"memory", "GB/s", &m_request.read_gbps, &c.read_gbps}, std::tuple{"bf16 products", "TFLOP/s", &m_request.bf16_tflops, &c.bf16_tflops},
                                                   std::tuple{"fp8 products", "TFLOP/s", &m_request.fp8_tflops, &c.fp8_tflops}, std::tuple{"fp4 products", "TFLOP/s", &m_request.fp4_tflops, &c.fp4_tflops},
                                                   std::tuple{"links", "GB/s", &m_request.link_gbps, &c.link_gbps}})
      if (Status done = ceiling(what, unit, *given, *value); !done.ok()) return done;
    return Ok{};
  }

  const Run& m_run;
  uint32_t m_device;
  const FloorRequest& m_request;
  Advice m_advice;
  std::optional<StepNote> m_note;
  std::vector<Assumption> m_list;
};

double peak(const Ceilings& c, Arithmetic a) {
  if (a == Arithmetic::fp4 && c.fp4_tflops > 0) return c.fp4_tflops;
  if (a >= Arithmetic::fp8 && c.fp8_tflops > 0) return c.fp8_tflops;
  return c.bf16_tflops;
}

struct Floor {
  int64_t ns = 0;
  FloorBound bound = FloorBound::memory;
};

// GB/s = bytes a ns; TFLOP/s = 1000 flops a ns.
Floor floor_of(const OpCost& cost, const Ceilings& c) {
  double ns = static_cast<double>(cost.bytes) / c.read_gbps;
  FloorBound bound = FloorBound::memory;
  const auto longer = [&](double other, FloorBound by) {
    if (other <= ns) return;
    ns = other;
    bound = by;
  };
  if (cost.arithmetic != Arithmetic::none) longer(static_cast<double>(cost.flops) / (peak(c, cost.arithmetic) * 1000), FloorBound::arithmetic);
  if (cost.link_bytes > 0 && c.link_gbps > 0) longer(static_cast<double>(cost.link_bytes) / c.link_gbps, FloorBound::link);
  return {std::llround(ns), bound};
}

// The op that runs next on each event's stream. By EventId, of the window's events; empty at the end.
std::map<EventId, std::string_view> next_ops(const Trace& t, const std::vector<EventId>& events) {
  std::map<EventId, std::string_view> next;
  std::map<uint32_t, EventId> last;
  for (const EventId id : events) {
    const auto [at, first] = last.try_emplace(t.events[id].lane, id);
    if (!first) {
      next[at->second] = t.op_of(t.events[id]);
      at->second = id;
    }
  }
  return next;
}

std::optional<OpCost> cost_of(const Trace& t, const Event& e, std::string_view next, const StepShape& shape, const OpRan& ran, bool& recorded) {
  auto cost = op_cost(shape, t.op_of(e), next, ran);
  const Detail* d = t.detail_of(e);
  recorded = e.kind == EventKind::kernel && d && d->bytes >= 0 && d->flops >= 0;
  if (!recorded) return e.kind == EventKind::memset ? std::nullopt : cost;
  return OpCost{d->bytes, d->flops, 0, cost ? cost->arithmetic : Arithmetic::none};
}

void add_caveats(FloorReport& r) {
  const auto us = [](int64_t ns) { return static_cast<double>(ns) / 1000; };
  if (std::ranges::any_of(r.rows, [](const FloorRow& row) { return row.bound != FloorBound::none && !row.recorded; }))
    r.caveats.push_back("bytes and flops are a model's estimate from the assumptions above, each tensor counted once; nothing of it is measured");
  if (r.unknown_ns > 0) r.caveats.push_back(fmt::format("{} kernels, {:.3f} us, have no estimate: their time is neither floor nor above it", r.kernels - r.estimated, us(r.unknown_ns)));
  if (r.assumptions.shape.gqa && r.assumptions.shape.gqa->sliding_window > 0)
    r.caveats.push_back("layers of attention with a window and without are not told apart: each counts as their mean");
  if (r.beaten > 0) r.caveats.push_back(fmt::format("{} kernels took less than their floor: batch, context, routing, tp or a ceiling cannot be as assumed", r.beaten));
  r.caveats.push_back("a floor leaves out what a launch costs and that caches may hold what is counted: kernels of a few microseconds are bound by neither memory nor arithmetic");
}

}  // namespace

Result<FloorAssumptions> floor_assumptions(const Run& run, uint32_t device, const FloorRequest& request) {
  FloorAssumptions out;
  Resolver resolver(run, device, request);
  if (Status done = resolver.resolve(out); !done.ok()) return done.error();
  return out;
}

FloorReport floors(const Trace& t, const Window& window, const FloorAssumptions& assumptions) {
  FloorReport r;
  r.window = window;
  r.assumptions = assumptions;
  r.wall_ns = window.wall_ns();
  const OpUses uses(t, window);
  const OpRan ran = [&](std::string_view op) { return uses.has(op); };
  const auto next = next_ops(t, uses.events());
  std::map<std::pair<StringId, uint16_t>, FloorRow> rows;
  int64_t sum = 0;
  for (const EventId id : uses.events()) {
    const Event& e = t.events[id];
    const int64_t ns = clipped_ns(e, window);
    FloorRow& row = rows[{e.name, e.op}];
    row.category = e.category;
    ++row.count;
    ++r.kernels;
    row.ns += ns;
    sum += ns;
    bool recorded = false;
    const auto after = next.find(id);
    const auto cost = cost_of(t, e, after == next.end() ? std::string_view() : after->second, assumptions.shape, ran, recorded);
    if (!cost) {
      r.unknown_ns += ns;
      continue;
    }
    const Floor floor = floor_of(*cost, assumptions.ceilings);
    row.bytes += cost->bytes;
    row.flops += cost->flops;
    row.floor_ns += floor.ns;
    row.bound = floor.bound;
    row.recorded = recorded;
    r.floor_ns += floor.ns;
    ++r.estimated;
    r.beaten += ns < floor.ns && ns == e.duration_ns();
  }
  for (const IdleSpan& idle : idle_spans(t, window, uses.events())) r.idle_ns += idle.ns();
  r.above_ns = sum - r.unknown_ns - r.floor_ns;
  r.concurrency_ns = sum - (r.wall_ns - r.idle_ns);
  for (auto& [key, row] : rows) {
    row.name = t.strings[key.first];
    row.op = t.ops[key.second];
    r.rows.push_back(std::move(row));
  }
  std::ranges::stable_sort(r.rows, [](const FloorRow& a, const FloorRow& b) {
    const bool known_a = a.bound != FloorBound::none, known_b = b.bound != FloorBound::none;
    return known_a != known_b ? known_a : a.above_ns() > b.above_ns();
  });
  add_caveats(r);
  return r;
}

std::string floors_text(const FloorReport& r) {
  const auto us = [](int64_t ns) { return fmt::format("{}{}.{:03}", ns < 0 ? "-" : "", std::abs(ns) / 1000, std::abs(ns) % 1000); };
  std::string out = "assumed:\n";
  for (const Assumption& a : r.assumptions.list) out += fmt::format("  {:<14} {:<22} {}\n", a.what, a.value, a.from);
  out += fmt::format("\n{:>10} {:>10} {:>6} {:>11} {:>11} {:>5}  {:<16} {}\n", "us", "floor us", "x", "MB", "MFLOP", "n", "op", "kernel");
  for (const FloorRow& row : r.rows) {
    const bool known = row.bound != FloorBound::none;
    out += fmt::format("{:>10} {:>10} {:>6} {:>11} {:>11} {:>5}  {:<16} {}\n", us(row.ns), known ? us(row.floor_ns) : "-", known && row.floor_ns > 0 ? fmt::format("{:.1f}", static_cast<double>(row.ns) / static_cast<double>(row.floor_ns)) : "-",
                       known ? fmt::format("{:.3f}", static_cast<double>(row.bytes) / 1e6) : "-", known && row.flops > 0 ? fmt::format("{:.1f}", static_cast<double>(row.flops) / 1e6) : "-", row.count, row.op.empty() ? "-" : row.op, row.name.substr(0, 60));
  }
  out += fmt::format("\n{}: wall {} = floor {} + above it {} + without an estimate {} + idle {} - concurrency {} us\n", r.window.label, us(r.wall_ns), us(r.floor_ns), us(r.above_ns), us(r.unknown_ns), us(r.idle_ns), us(r.concurrency_ns));
  if (r.wall_ns > 0) out += fmt::format("the floor is {:.1f} % of the wall; {} of {} kernels have an estimate\n", 100.0 * static_cast<double>(r.floor_ns) / static_cast<double>(r.wall_ns), r.estimated, r.kernels);
  for (const std::string& caveat : r.caveats) out += "note: " + caveat + "\n";
  return out;
}

std::string_view to_string(FloorBound b) { return b == FloorBound::none ? "none" : b == FloorBound::memory ? "memory" : b == FloorBound::arithmetic ? "arithmetic" : "link"; }

}  // namespace trace
