// The fields of every struct of run.h and ab.h that travels as JSON, listed once for writing and reading.
// Internal to run_json.cpp and messages_json.cpp; read_json and write_json are for everyone else.
#pragma once
#include "trace/json_enums.h"
#include "trace/json_fields.h"

namespace trace {

template <class V, Is<ModelConfig> S>
void fields(V& v, S& s) {
  v("name", s.name);
  v("synthetic", s.synthetic);
  v("hidden", s.hidden);
  v("layers", s.layers);
  v("dense_layers", s.dense_layers);
  v("heads", s.heads);
  v("q_lora_rank", s.q_lora_rank);
  v("kv_lora_rank", s.kv_lora_rank);
  v("qk_nope_head_dim", s.qk_nope_head_dim);
  v("qk_rope_head_dim", s.qk_rope_head_dim);
  v("v_head_dim", s.v_head_dim);
  v("index_heads", s.index_heads);
  v("index_head_dim", s.index_head_dim);
  v("index_topk", s.index_topk);
  v("index_topk_freq", s.index_topk_freq);
  v("index_topk_offset", s.index_topk_offset);
  v("experts", s.experts);
  v("experts_per_token", s.experts_per_token);
  v("shared_experts", s.shared_experts);
  v("moe_intermediate", s.moe_intermediate);
  v("dense_intermediate", s.dense_intermediate);
  v("expert_groups", s.expert_groups);
  v("topk_groups", s.topk_groups);
  v("routed_scaling", s.routed_scaling);
  v("norm_topk_prob", s.norm_topk_prob);
  v("vocab", s.vocab);
  v("rope_theta", s.rope_theta);
  v("rope_factor", s.rope_factor);
  v("rope_original_positions", s.rope_original_positions);
  v("rope_beta_fast", s.rope_beta_fast);
  v("rope_beta_slow", s.rope_beta_slow);
  v("rope_mscale", s.rope_mscale);
  v("rope_mscale_all_dim", s.rope_mscale_all_dim);
  v("max_positions", s.max_positions);
  v("rms_norm_eps", s.rms_norm_eps);
  v("rope_interleave", s.rope_interleave);
  v("indexer_rope_interleave", s.indexer_rope_interleave);
  v("linears", s.linears);
  v("absorb", s.absorb);
  v("experts_format", s.experts_format);
  v("o_proj", s.o_proj);
}

template <class V, Is<Workload> S>
void fields(V& v, S& s) {
  v("batch", s.batch);
  v("next_n", s.next_n);
  v("context", s.context);
  v("max_context", s.max_context);
  v("steps", s.steps);
  v("warmup", s.warmup);
  v("tp", s.tp);
  v("seed", s.seed);
  v("shared_prefix", s.shared_prefix);
  v("pages_shuffled", s.pages_shuffled);
  v("routing", s.routing);
  v("prefill", s.prefill);
}

template <class V, Is<RunSpec> S>
void fields(V& v, S& s) {
  v("model", s.model);
  v("workload", s.workload);
  v("toggles", s.toggles);
  v("backend", s.backend);
  v("weights", s.weights);
  v("set", s.set);
  v("name", s.name);
}

template <class V, Is<Estimate> S>
void fields(V& v, S& s) {
  v("median", s.median);
  v("lo", s.lo);
  v("hi", s.hi);
  v("n", s.n);
}

template <class V, Is<ImportReport> S>
void fields(V& v, S& s) {
  v("file", s.file);
  v("format", s.format);
  v("read", s.read);
  v("used", s.used);
  v("skipped", s.skipped);
  v("warnings", s.warnings);
  v("resolution_ns", s.resolution_ns);
  v("collector", s.collector);
  v("version", s.version);
  v("ties", s.ties);
  v("overlaps", s.overlaps);
  v("layers", s.layers);
  v("steps", s.steps);
  v("window_rule", s.window_rule);
  v("caveats", s.caveats);
}

template <class V>
void arm_field(V& v, const char& arm) {
  v("ab_arm", arm ? std::string(1, arm) : std::string());
}
inline void arm_field(JsonReader& v, char& arm) {
  std::string text(arm ? 1 : 0, arm);
  v("ab_arm", text);
  if (text.empty()) {
    arm = 0;
  } else if (text == "a" || text == "b") {
    arm = text[0];
  } else {
    v.fail("ab_arm", "expected a, b or nothing, found \"" + text + "\"");
  }
}

template <class V, Is<Run> S>
void fields(V& v, S& s) {
  v("id", s.id);
  v("name", s.name);
  v("created", s.created);
  v("origin", s.origin);
  v("program", s.program);
  v("host", s.host);
  v("backend", s.backend);
  v("device", s.device);
  v("standing", s.standing);
  v("spec", s.spec);
  v("step_us", s.step_us);
  v("traced_step_us", s.traced_step_us);
  v("step", s.step);
  v("kernels_per_step", s.kernels_per_step);
  v("report", s.report);
  v("tags", s.tags);
  v("note", s.note);
  v("starred", s.starred);
  v("ab_id", s.ab_id);
  arm_field(v, s.ab_arm);
}

template <class V, Is<AbSpec> S>
void fields(V& v, S& s) {
  v("base", s.base);
  v("keys", s.keys);
  v("a", s.a);
  v("b", s.b);
  v("full", s.full);
  v("resume", s.resume);
  v("first_instance", s.first_instance);
  v("instances", s.instances);
  v("quads", s.quads);
  v("block_steps", s.block_steps);
  v("dropped_steps", s.dropped_steps);
  v("command_a", s.command_a);
  v("command_b", s.command_b);
}

template <class V, Is<Quad> S>
void fields(V& v, S& s) {
  v("block_us", s.block_us);
  v("dropped", s.dropped);
}

template <class V, Is<Instance> S>
void fields(V& v, S& s) {
  v("null_arm", s.null_arm);
  v("quads", s.quads);
  v("a_us", s.a_us);
  v("b_us", s.b_us);
}

template <class V, Is<AbEstimate> S>
void fields(V& v, S& s) {
  v("delta_us", s.delta_us);
  v("delta_pct", s.delta_pct);
  v("lo", s.lo);
  v("hi", s.hi);
  v("mde_us", s.mde_us);
  v("verdict", s.verdict);
  v("reason", s.reason);
  v("instances", s.instances);
  v("null_instances", s.null_instances);
  v("quads", s.quads);
  v("dropped_pct", s.dropped_pct);
  v("null_delta_us", s.null_delta_us);
  v("null_lo", s.null_lo);
  v("null_hi", s.null_hi);
  v("lag1", s.lag1);
  v("instance_variance_share", s.instance_variance_share);
  v("a_mean_us", s.a_mean_us);
  v("b_mean_us", s.b_mean_us);
  v("tail_a_pct", s.tail_a_pct);
  v("tail_b_pct", s.tail_b_pct);
  v("a", s.a);
  v("b", s.b);
}

template <class V, Is<EquivalenceResult> S>
void fields(V& v, S& s) {
  v("class", s.cls);
  v("ok", s.ok);
  v("compared", s.compared);
  v("max_abs", s.max_abs);
  v("first_difference", s.first_difference);
  v("notes", s.notes);
}

template <class V, Is<LaunchDelta> S>
void fields(V& v, S& s) {
  v("name", s.name);
  v("per_step", s.per_step);
}

}  // namespace trace
