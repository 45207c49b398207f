#include "ui/vm/spec_vm.h"

#include <fmt/format.h>

#include "trace/model_name.h"
#include "ui/vm/format.h"

namespace ui {
namespace {

using trace::ModelConfig;
using trace::Workload;

std::string shape_text(const ModelConfig& m) {
  std::string text = fmt::format("{} layers ({} dense), hidden {}, {} heads", m.layers, m.dense_layers, m.hidden, m.heads);
  if (m.has_indexer()) text += fmt::format(", {} index heads, top-k {}", m.index_heads, m.index_topk);
  if (m.experts > 0) text += fmt::format(", {} experts top-{} + {} shared", m.experts, m.experts_per_token, m.shared_experts);
  return text;
}

std::string_view format_name(trace::WeightFormat f) {
  switch (f) {
    case trace::WeightFormat::bf16: return "bf16";
    case trace::WeightFormat::fp8_block: return "fp8";
    case trace::WeightFormat::mxfp4: return "MXFP4";
  }
  return {};
}

std::string formats_text(const ModelConfig& m) {
  return fmt::format("linears {}, w_kc and w_vc {}, experts {}, o_proj {}", format_name(m.linears), format_name(m.absorb),
                     format_name(m.experts_format), format_name(m.o_proj));
}

std::string caches_text(const Workload& w) {
  std::string text = w.prefill ? "by a prefill" : "from seeded latents";
  text += w.pages_shuffled ? ", pages shuffled" : ", pages in order";
  if (w.shared_prefix > 0) text += fmt::format(", {:.0f} % of the context shared", 100 * w.shared_prefix);
  return text;
}

std::string settings_text(const trace::RunSpec& spec) {
  std::string text;
  for (const auto& [key, value] : spec.set) text += (text.empty() ? "" : ", ") + key + "=" + value;
  return text;
}

// All of them: what a switch stood at matters also where it is the first value.
std::string switches_text(const trace::ToggleSet& toggles) {
  std::string text;
  for (const trace::ToggleInfo& info : trace::toggle_table())
    text += (text.empty() ? "" : ", ") + std::string(info.name) + " " + std::string(toggles.value(info.key));
  return text;
}

}  // namespace

std::vector<FieldVm> spec_fields(const trace::Run& run) {
  std::vector<FieldVm> fields;
  if (!run.spec) return fields;
  const auto add = [&](const char* key, std::string value) {
    if (!value.empty()) fields.push_back({key, std::move(value)});
  };
  const trace::RunSpec& spec = *run.spec;
  const Workload& w = spec.workload;
  add("model", trace::shown_name(spec.model));
  add("shape", shape_text(spec.model));
  add("formats", formats_text(spec.model));
  add("weights", spec.weights.empty() ? "synthetic" : spec.weights);
  add("rank", "1 of " + std::to_string(w.tp));
  add("batch", std::to_string(w.batch) + (w.next_n > 1 ? " × " + std::to_string(w.next_n) + " tokens" : ""));
  add("context", count_text(w.context) + " of " + count_text(w.max_context));
  add("routing", w.routing);
  add("caches", caches_text(w));
  add("seed", std::to_string(w.seed));
  add("switches", switches_text(spec.toggles));
  add("settings", settings_text(spec));
  add("steps", count_text(w.steps) + " after " + count_text(w.warmup) + " to warm up");
  add("backend", run.backend.empty() ? spec.backend : run.backend);
  add("device", run.device);
  if (run.step.n > 0)
    add("untraced step", fmt::format("{} µs, 95 %: {} … {}, n {}", number_text(run.step.median, 1), number_text(run.step.lo, 1),
                                     number_text(run.step.hi, 1), run.step.n));
  if (run.traced_step_us > 0)
    add("traced step", number_text(run.traced_step_us, 1) + " µs, " + signed_percent_text(trace::tracing_overhead_pct(run)) + " by tracing");
  if (run.trace)
    add("collector", run.trace->collector.name + (run.trace->collector.version.empty() ? "" : ", " + run.trace->collector.version));
  add("program", run.program);
  add("host", run.host);
  add("recorded", run.created);
  add("standing", run.standing);
  if (run.ab_id != 0) add("A/B", fmt::format("arm {} of A/B {}", run.ab_arm, run.ab_id));
  return fields;
}

std::string record_command(const trace::RunSpec& spec) {
  auto preset = trace::model_preset(spec.model.name);
  if (!preset.ok()) return {};
  ModelConfig model = preset.value();
  const bool cut = model.layers != spec.model.layers;
  model.layers = spec.model.layers;
  if (!(model == spec.model)) return {};
  const Workload &w = spec.workload, standard;
  std::string text = "decodescope record --model " + spec.model.name;
  const auto number = [&](const char* option, auto value, auto usual) {
    if (value != usual) text += fmt::format(" {} {}", option, value);
  };
  if (spec.backend != "auto") text += " --backend " + spec.backend;
  if (cut) text += fmt::format(" --layers {}", spec.model.layers);
  number("--tp", w.tp, standard.tp);
  number("--batch", w.batch, standard.batch);
  number("--next-n", w.next_n, standard.next_n);
  number("--context", w.context, standard.context);
  text += fmt::format(" --max-context {}", w.max_context);   // its default goes by backend and model
  number("--steps", w.steps, standard.steps);
  number("--warmup", w.warmup, standard.warmup);
  number("--seed", w.seed, standard.seed);
  number("--shared-prefix", w.shared_prefix, standard.shared_prefix);
  if (w.prefill) text += " --prefill";
  if (!w.pages_shuffled) text += " --page-order sequential";
  if (w.routing != standard.routing) text += " --routing " + w.routing;
  if (!spec.weights.empty()) text += " --weights '" + spec.weights + "'";
  const trace::ToggleSet usual;
  for (const trace::ToggleInfo& info : trace::toggle_table()) {
    // Graph launch is the default on a GPU and must be said either way.
    const bool said = info.key == trace::ToggleKey::launch ? spec.backend != "cpu" : spec.toggles.index(info.key) != usual.index(info.key);
    if (said) text += fmt::format(" --set {}={}", info.name, spec.toggles.value(info.key));
  }
  for (const auto& [key, value] : spec.set) text += fmt::format(" --set {}={}", key, value);
  return text;
}

}  // namespace ui
