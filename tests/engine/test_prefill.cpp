// Prefill: what it leaves in the caches is what decoding the same tokens one by one leaves.
#include "engine/capture.h"
#include "engine/prefill.h"
#include "small_model.h"

using namespace engine;
using namespace engine::test;

namespace {

trace::RunSpec prefill_spec(int batch, int context, const char* preset = "tiny") {
  trace::RunSpec spec = small_spec(batch, context, 1, preset);
  spec.workload.prefill = true;
  return spec;
}

PlanInputs inputs_of(Model& m, const Caches& c) {
  return {m.config(), m.setup.shape, *m.weights.weights, m.sequences, *c.kv, *c.index};
}

// One sequence from nothing, each prompt token forced, by the decode step of these switches.
std::unique_ptr<Session> decoded(trace::RunSpec spec, const Sequences& prompt, int tokens) {
  spec.workload.context = 0, spec.workload.prefill = false;
  auto session = load(spec);
  for (int p = 0; p < tokens; ++p) {
    const int32_t token = prompt.prompt_token(0, p);
    session->model().sequences.set_tokens(&token);
    session->step();
  }
  return session;
}

int64_t slot_of(const Sequences& q, int64_t position) {
  return q.slot(0, position);
}

}  // namespace

TEST_CASE("decode after a prefill is decode after decoding token by token, bit by bit") {
  for (const char* preset : {"tiny", "tiny-dense", "tiny-mxfp4"}) {
    for (const int context : {1, 63, 130}) {  // below and above the top-k of 64 and the chunk
      for (const char* kv : {"fp8", "bf16"}) {
        auto spec = prefill_spec(1, context, preset);
        spec.toggles = with(spec.toggles, "kv_dtype", kv);
        INFO(preset << ", context " << context << ", " << kv << ", seed " << Catch::getSeed());
        auto filled = load(spec);
        Sequences& q = filled->model().sequences;
        auto by_token = decoded(spec, q, context);
        Sequences& r = by_token->model().sequences;
        CHECK(slot_of(q, context) == slot_of(r, context));
        REQUIRE(r.positions()[0] == context);
        r.set_tokens(q.tokens());
        CHECK(logical_bytes(filled->model(), filled->arm().caches) ==
              logical_bytes(filled->model(), by_token->arm().caches));
        const StepImage a = capture_step(filled->model(), filled->arm()),
                        b = capture_step(by_token->model(), by_token->arm());
        const ImageDifference d = compare(filled->plan(), a, by_token->plan(), b);
        CHECK(d.first == "");
        CHECK(d.compared > 1000);
      }
    }
  }
}

TEST_CASE("ragged prompts with a shared prefix: the chunk changes nothing, nor do the switches") {
  for (const char* preset : {"tiny", "tiny-dense"}) {
    auto spec = prefill_spec(5, 150, preset);
    spec.workload.shared_prefix = 0.6;
    INFO(preset << ", seed " << Catch::getSeed());
    auto session = load(spec);
    Model& m = session->model();
    REQUIRE(m.sequences.shared_tokens() == 64);
    const auto want = logical_bytes(m, session->arm().caches);
    auto other = small_spec(5, 150, 1, preset);
    for (const int64_t chunk : {1, 7, 64, 1000}) {
      auto all = trace::ToggleSet::all_off();
      if (chunk == 7)
        for (const auto& [key, value] : {std::pair{"cat_skip", "on"},
                                         {"x_scale", "transposed"},
                                         {"streams", "dual"},
                                         {"logits_init", "empty"},
                                         {"rope_update", "guarded"},
                                         {"index_layout", "preshuffle"},
                                         {"page_size", "16"}}) {
          if (!trace::unavailable(trace::toggle_key(key).value(), spec.model, "cpu"))
            all = with(all, key, value);
        }
      all = with(all, "kv_dtype", session->arm().toggles.value(trace::ToggleKey::kv_dtype));
      const int64_t slots = m.sequences.slot_count();
      const auto layout = all.is(trace::ToggleKey::index_layout, "preshuffle")
                              ? kernels::IndexLayout::preshuffle
                              : kernels::IndexLayout::row;
      const Caches empty{empty_kv(m.setup.shape, slots, session->arm().caches.kv->format),
                         empty_index(m.config(), m.setup.shape, slots, layout, all.page_size())};
      REQUIRE(prefill(inputs_of(m, empty), all, {}, m.executor, {}, chunk).ok());
      INFO("chunk " << chunk);
      const bool same = logical_bytes(m, empty) == want;
      CHECK(same);
    }
  }
}

TEST_CASE("every launch of a prefill agrees with its reference") {
  for (const char* preset : {"tiny", "tiny-dense", "tiny-mxfp4"}) {
    INFO(preset << ", seed " << Catch::getSeed());
    auto session = load(prefill_spec(1, 150, preset));
    Model& m = session->model();
    PrefillChunk chunk;  // the last tokens of a prompt whose first are there already
    chunk.slot_stride = m.setup.shape.max_context;
    for (int32_t p = 0; p < 150; ++p) chunk.gathered.push_back(m.sequences.slot(0, p));
    for (int32_t p = 120; p < 150; ++p) {
      chunk.tokens.push_back(m.sequences.prompt_token(0, p));
      chunk.positions.push_back(p), chunk.lengths.push_back(p + 1);
      chunk.slots.push_back(m.sequences.slot(0, p));
      chunk.slot_table.insert(chunk.slot_table.end(), m.sequences.slot_table(),
                              m.sequences.slot_table() + chunk.slot_stride);
      chunk.begin.push_back(0), chunk.end.push_back(p + 1);
    }
    auto step =
        plan_prefill(inputs_of(m, session->arm().caches), chunk, trace::ToggleSet::all_off());
    REQUIRE(step.ok());
    step->arena.poison();
    int ragged = 0;
    for (const PlannedOp& op : step->plan.ops) {
      INFO(op.label);
      ragged += op.key == "ragged_logits" || op.key == "ragged_topk" || op.key == "index_k_gather";
      CHECK(op.key != "lm_head");
      const auto want = kernels::reference::run(op.args);
      auto out = kernels::outputs(op.args);
      for (kernels::Tensor& t : out) kernels::poison(t);
      kernels::cpu_backend()(op.args, {});
      for (size_t i = 0; i < out.size(); ++i) {
        const kernels::Judgement j = kernels::judge(out[i], want[i]);
        INFO(j.text);
        CHECK(j.ok());
      }
    }
    CHECK(ragged == (m.config().has_indexer() ? 3 * (m.config().layers - 1) : 0));
    CHECK(step->arena.overrun().empty());
  }
}

TEST_CASE(
    "a prefill reads the query in two parts, whatever decode does, and refuses the merged form") {
  for (const char* preset : {"tiny", "tiny-dense"}) {
    auto spec = prefill_spec(2, 100, preset);
    if (spec.model.has_indexer()) spec.toggles = with(spec.toggles, "cat_skip", "on");
    auto session = load(spec);  // prefilled in the split form, decodes in the merged one
    Model& m = session->model();
    PrefillChunk chunk;
    chunk.slot_stride = m.setup.shape.max_context;
    chunk.tokens = {1}, chunk.positions = {0}, chunk.lengths = {1};
    chunk.slots = chunk.gathered = {m.sequences.slot(0, 0)};
    chunk.slot_table.assign(m.sequences.slot_table(), m.sequences.slot_table() + chunk.slot_stride);
    chunk.begin = {0}, chunk.end = {1};
    const PlanInputs in = inputs_of(m, session->arm().caches);
    const auto merged =
        plan_prefill(in, chunk, with(trace::ToggleSet::all_off(), "cat_skip", "on"));
    REQUIRE_FALSE(merged.ok());
    CHECK(merged.error().what.find("in two parts") != std::string::npos);
    CHECK(merged.error().where == "cat_skip=on");
    auto set = trace::ToggleSet::all_off();
    const auto split = plan_prefill(in, chunk, set);
    REQUIRE(split.ok());
    bool concat = false;
    for (const PlannedOp& op : split->plan.ops) concat |= op.key == "concat";
    CHECK(concat);
  }
}

TEST_CASE("the last layer makes the index key alone, and guards its RoPE as the others do") {
  auto spec = prefill_spec(1, 70);
  auto session = load(spec);
  Model& m = session->model();
  const int last = m.config().layers - 1;
  for (const bool guarded : {false, true}) {
    for (const bool k_in_place : {true, false}) {
      const auto set =
          with(trace::ToggleSet::all_off(), "rope_update", guarded ? "guarded" : "clone");
      PlanOptions options;
      options.k_rope_in_place = k_in_place;
      const Caches empty{empty_kv(m.setup.shape, m.sequences.slot_count(), kernels::Format::bf16),
                         empty_index(m.config(), m.setup.shape, m.sequences.slot_count(),
                                     kernels::IndexLayout::row, set.page_size())};
      PrefillChunk chunk;
      chunk.slot_stride = m.setup.shape.max_context;
      chunk.tokens = {1}, chunk.positions = {0}, chunk.lengths = {1};
      chunk.slots = chunk.gathered = {m.sequences.slot(0, 0)};
      chunk.slot_table.assign(m.sequences.slot_table(),
                              m.sequences.slot_table() + chunk.slot_stride);
      chunk.begin = {0}, chunk.end = {1};
      const auto bf16 = with(set, "kv_dtype", "bf16");
      const auto step = plan_prefill(inputs_of(m, empty), chunk, bf16, options);
      REQUIRE(step.ok());
      std::string copies, query;
      for (const PlannedOp& op : step->plan.ops) {
        if (op.layer != last) continue;
        if (op.key == "rope_clone" || op.key == "rope_write_back") copies += op.label + ";";
        for (const char* key : {"wq_b", "hadamard_q", "index_q_quant", "head_gates", "ragged_topk"})
          if (op.key == key) query += op.label + ";";
      }
      const std::string at = "layer " + std::to_string(last) + " ";
      CHECK(query == "");
      // In place and guarded: nothing to copy. Elsewhere, or unguarded: the key's two, never q's.
      CHECK(copies ==
            (guarded && k_in_place ? "" : at + "rope_clone k;" + at + "rope_write_back k;"));
      REQUIRE(prefill(inputs_of(m, empty), bf16, options, m.executor).ok());
      auto plain = spec;
      plain.toggles = with(plain.toggles, "kv_dtype", "bf16");
      auto base = load(plain);
      const bool same = logical_bytes(m, empty) == logical_bytes(base->model(), base->arm().caches);
      CHECK(same);
    }
  }
}

TEST_CASE("a prefilled run records, and differs from one of seeded latents") {
  auto spec = prefill_spec(2, 100);
  auto session = load(spec);
  CHECK(session->step().kernels > 0);
  auto run = session->record({.steps = 2});
  REQUIRE(run.ok());
  CHECK((*run)->spec->workload.prefill);
  spec.workload.prefill = false;
  auto seeded = load(spec);
  CHECK(logical_bytes(session->model(), session->arm().caches) !=
        logical_bytes(session->model(), seeded->arm().caches));
}
