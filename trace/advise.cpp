#include "trace/advise.h"

#include <fmt/format.h>

#include "trace/advise_switches.h"
#include "trace/layers.h"

namespace trace {
namespace {

// Layers of a known model that have the kernels of this switch.
int layers_with(const ModelConfig& model, ToggleKey key) {
  switch (key) {
    case ToggleKey::head_gates:
    case ToggleKey::rope_update:
    case ToggleKey::index_layout:
    case ToggleKey::page_size:
    case ToggleKey::logits_init:
    case ToggleKey::streams: {
      int n = 0;
      for (int layer = 0; layer < model.layers; ++layer) n += model.runs_indexer(layer);
      return n;
    }
    default:
      return model.layers;
  }
}

bool counts_indexers(const ModelConfig& model, ToggleKey key) {
  return model.has_indexer() && key != ToggleKey::cat_skip && key != ToggleKey::x_scale &&
         key != ToggleKey::v_layout && key != ToggleKey::launch && key != ToggleKey::kv_dtype;
}

// a x b / c, rounded half up; exact where it divides.
int64_t scaled(int64_t a, int64_t b, int64_t c) {
  __extension__ typedef __int128 Wide;
  return static_cast<int64_t>((Wide{a} * b * 2 + c) / (Wide{2} * c));
}

void add_worth(const SwitchEvidence& e, const Advice& advice, SwitchAdvice& s) {
  const SwitchWorth worth = worth_of_switch(s.key, e);
  if (worth.kernels.count()) s.kernels = kernels_of(e.trace, advice.window, worth.kernels);
  s.worth_ns = worth.ns;
  const int64_t recorders = recorders_idle_ns(e.trace, e.bubbles), wall = advice.window.wall_ns() - recorders;
  if (wall > 0)
    s.worth_pct_of_window = 100 * static_cast<double>(worth.ns) / static_cast<double>(wall);
  s.arithmetic = fmt::format("{}; {} of {}{} = {:.2f} %, at most and without the gaps", worth.how,
                             us_text(worth.ns), us_text(wall), recorders > 0 ? " in steps" : "", s.worth_pct_of_window);
  const auto& model = advice.model.config;
  // Idle time spared by graphs does not grow with layers by itself.
  if (!model || s.key == ToggleKey::launch || worth.ns == 0) return;
  const bool index = counts_indexers(*model, s.key);
  const int64_t seen = index ? e.indexers : e.attention_blocks;
  if (seen == 0) return;
  const int layers = layers_with(*model, s.key);
  s.worth_step_ns = scaled(worth.ns, layers, seen);
  s.arithmetic += fmt::format("; {} has {} such layers, {} ran here: {} a step", model->name,
                              layers, seen, us_text(*s.worth_step_ns));
}

SwitchFinding as_recorded(const RunSpec& spec, ToggleKey key, SwitchFinding found) {
  if (const auto why = unavailable(key, spec.model, spec.backend))
    return {SwitchState::not_applicable, {}, *why, {}};
  const SwitchState state = spec.toggles.index(key) ? SwitchState::on : SwitchState::off;
  if (found.state != state) found.shown = {};
  found.state = state;
  found.value = spec.toggles.value(key);
  found.reason = fmt::format("recorded with {}={}", info(key).name, found.value);
  return found;
}

// A model without latent attention has none of the switches.
std::string not_of_this_family(const SwitchEvidence& e, ToggleKey key) {
  if (e.model.family == ModelFamily::unknown)
    return "no attention of a known kind ran: the switches are those of latent attention";
  std::string why = e.model.name + " has no latent attention, which this switch is of";
  if (key == ToggleKey::launch) {
    const SwitchFinding f = find_switch(key, e);
    if (f.state != SwitchState::not_applicable) why += "; as for launches, " + f.reason;
  }
  return why;
}

SwitchAdvice advise_one(const SwitchEvidence& e, const Advice& advice, ToggleKey key,
                        const AdviseOptions& options) {
  SwitchAdvice s;
  s.key = key;
  const bool latent =
      e.model.family == ModelFamily::dsa || e.model.family == ModelFamily::dense_mla;
  SwitchFinding f;
  if (latent || options.spec)
    f = find_switch(key, e);
  else
    f.reason = not_of_this_family(e, key);
  if (options.spec) f = as_recorded(*options.spec, key, std::move(f));
  s.state = f.state;
  s.value = f.value;
  s.reason = std::move(f.reason);
  s.kernels = kernels_of(e.trace, advice.window, f.shown);
  if (s.state == SwitchState::off) add_worth(e, advice, s);
  return s;
}

void add_layers(const Trace& trace, uint32_t device, Advice& advice) {
  const LayerWindows found = find_layers(trace, device);
  advice.layers = found.layers;
  advice.steps = found.steps;
  advice.layer_rule = found.rule;
  if (found.layers || advice.attention_blocks != 1) return;
  advice.layers = 1;
  advice.layer_rule += "; attention ran once, so this is one layer";
}

void add_caveats(const SwitchEvidence& e, const AdviseOptions& options, Advice& advice) {
  const auto& model = advice.model.config;
  if (e.uses.events().empty())
    advice.caveats.push_back("no GPU activity: there is nothing to advise on");
  if (e.uses.has("attention_backward"))
    advice.caveats.push_back(
        "attention runs backward too: this is training, and the switches are of decode");
  if (options.spec)
    advice.caveats.push_back("an engine's run: states are as recorded, worth as measured");
  if (model && advice.steps == 1 && advice.layers > 1 && advice.layers != model->layers)
    advice.caveats.push_back(fmt::format("{} has {} layers, this step shows {}", model->name,
                                         model->layers, advice.layers));
  int64_t unknown_ns = 0;
  const OpUse& unknown = e.uses.of("");
  for (const EventId id : unknown.events)
    unknown_ns += clipped_ns(e.trace.events[id], advice.window);
  if (unknown.count())
    advice.caveats.push_back(
        fmt::format("{} kernels, {}, are known to no rule: a rules file of your own can name them",
                    unknown.count(), us_text(unknown_ns)));
}

}  // namespace

int64_t SwitchAdvice::kernel_count() const {
  int64_t n = 0;
  for (const KernelUse& k : kernels) n += k.count;
  return n;
}

Advice advise(const Trace& trace, uint32_t device, const AdviseOptions& options) {
  Advice advice;
  advice.window = options.window ? *options.window : whole(trace, device);
  const OpUses uses(trace, advice.window);
  advice.model = detect_model(trace, uses);
  const ModelConfig* given = options.spec    ? &options.spec->model
                             : options.model ? &*options.model
                                             : nullptr;
  if (given) {
    advice.model.config = *given;
    advice.model.name = given->name;
    advice.model.family = given->has_indexer() ? ModelFamily::dsa : ModelFamily::dense_mla;
  }
  const BubbleReport bubbles = classify(trace, advice.window);
  advice.attention_blocks = uses.count({"sparse_partial"});
  for (const std::string_view op : {"mla", "attention"})
    if (advice.attention_blocks == 0) advice.attention_blocks = uses.of(op).count();
  const SwitchEvidence e{.trace = trace,
                         .uses = uses,
                         .model = advice.model,
                         .bubbles = bubbles,
                         .attention_blocks = advice.attention_blocks,
                         .indexers = uses.of("mqa_logits").count()};
  add_layers(trace, device, advice);
  for (const ToggleInfo& row : toggle_table())
    advice.switches.push_back(advise_one(e, advice, row.key, options));
  add_caveats(e, options, advice);
  return advice;
}

std::string advice_text(const Advice& advice) {
  std::string text = fmt::format("model: {}\n", advice.model.name);
  for (const std::string& line : advice.model.evidence) text += "  " + line + "\n";
  text += fmt::format("layers: {}\n  {}\n",
                      advice.layers ? std::to_string(advice.layers) : "unknown", advice.layer_rule);
  for (const SwitchAdvice& s : advice.switches) {
    const std::string state = s.state == SwitchState::not_applicable
                                  ? "not applicable"
                                  : std::string(to_string(s.state)) + " (" + s.value + ")";
    text += fmt::format("{:<13} {:<17} {}\n", info(s.key).name, state, s.reason);
    if (!s.arithmetic.empty())
      text += fmt::format("{:<13} {:<17} worth {}\n", "", "", s.arithmetic);
  }
  for (const std::string& line : advice.caveats) text += "note: " + line + "\n";
  return text;
}

std::string_view to_string(SwitchState state) {
  switch (state) {
    case SwitchState::on:
      return "on";
    case SwitchState::off:
      return "off";
    case SwitchState::not_applicable:
      break;
  }
  return "not_applicable";
}

}  // namespace trace
