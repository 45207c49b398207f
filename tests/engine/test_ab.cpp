// A/B on a small model: the design is followed, what the arms compute is proven, and a broken arm
// is found out.
#include <cmath>

#include "engine/ab.h"
#include "engine/equivalence.h"
#include "small_model.h"

using namespace engine;
using namespace engine::test;

namespace {

trace::AbSpec small_ab(const char* arms, const char* preset = "tiny") {
  trace::AbSpec spec;
  spec.base = small_spec(3, 140, 1, preset);
  const auto parsed = trace::parse_arms(arms, trace::ToggleSet()).value();
  spec.keys = parsed.keys, spec.a = parsed.a, spec.b = parsed.b;
  spec.instances = 2, spec.quads = 2;
  return spec;
}

std::string names(const std::vector<trace::LaunchDelta>& all) {
  std::string text;
  for (const auto& d : all) text += d.name + " " + std::to_string(std::llround(d.per_step)) + " ";
  return text;
}

}  // namespace

TEST_CASE("an A/B follows its design") {
  trace::AbSpec spec = small_ab("cat_skip");
  spec.instances = 4;
  int last_instance = 0, reports = 0;
  AbHooks hooks;
  hooks.program = "test 1";
  hooks.progress = [&](const trace::reply::AbProgress& p) {
    ++reports;
    CHECK(p.instances == 5);
    CHECK(p.instance >= last_instance);
    CHECK((p.instance < p.instances || p.detail == "recording both arms"));  // those that are finished
    last_instance = p.instance;
  };
  const auto done = run_ab(spec, hooks);
  REQUIRE(done.ok());
  const trace::AbResult& r = *done;
  REQUIRE(r.instances.size() == 5);  // every fourth is the null arm
  for (size_t i = 0; i < 5; ++i) {
    const trace::Instance& instance = r.instances[i];
    CHECK(instance.null_arm == (i == 3));
    CHECK(instance.quads.size() == 2);
    CHECK(instance.a_us.size() == 2 * 2 * 6);  // quads, blocks of an arm, kept steps
    CHECK(instance.b_us.size() == 2 * 2 * 6);
    for (const trace::Quad& q : instance.quads) {
      for (const double us : q.block_us) CHECK(us > 0);
    }
  }
  CHECK(reports > 10);
  CHECK(r.equivalence.cls == trace::Equivalence::bitwise);
  CHECK(r.equivalence.ok);
  CHECK(r.equivalence.compared > 10000);
  CHECK(names(r.removed) == "concat 2 ");
  CHECK(r.added.empty());
  CHECK(r.estimate.instances == 4);
  CHECK(r.estimate.null_instances == 1);
  CHECK(std::isfinite(r.estimate.mde_us));
  REQUIRE((r.a && r.b));
  CHECK(r.a->ab_arm == 'a');
  CHECK(r.b->ab_arm == 'b');
  CHECK(r.a->step_us.size() == 4 * 2 * 2 * 6);
  CHECK(r.a->step.n == static_cast<int64_t>(r.a->step_us.size()));
  CHECK(r.a->kernels_per_step == r.b->kernels_per_step + 2);
  CHECK(r.a->program == "test 1");
  CHECK(r.a->spec->toggles == spec.a);
  CHECK(r.b->spec->toggles == spec.b);
  CHECK(r.a->spec->backend == "cpu");
  REQUIRE((r.a->trace && r.b->trace));
  CHECK(r.a->trace->events.size() == 16 * static_cast<size_t>(r.a->kernels_per_step));
}

TEST_CASE("what each switch removes is counted from recorded events") {
  struct Row {
    const char *preset, *arms, *removed;  // over the two layers
  };
  const Row rows[] = {
      {"tiny", "x_scale", "x_scale_copy 8 "},
      {"tiny", "logits_init", "logits_fill 2 "},
      {"tiny", "rope_update", "rope_clone 4 rope_write_back 4 "},
      {"tiny", "head_gates", "gates_cast 2 gates_reduce 2 gates_scale_heads 2 gates_scale_q 2 "},
      {"tiny", "index_layout,page_size=1:64,logits_init", "logits_fill 2 "},
      {"tiny", "streams", ""},
      {"tiny", "kv_dtype", ""},
      {"tiny-mxfp4", "v_layout", "v_flatten 2 "},
      {"tiny-mxfp4", "kv_dtype", ""},
      {"tiny-mxfp4", "x_scale", "x_scale_copy 4 "},  // qkv_a and q_b: o_proj is bf16
      {"tiny-dense", "kv_dtype", ""}};
  for (const Row& row : rows) {
    trace::AbSpec spec = small_ab(row.arms, row.preset);
    spec.instances = 1, spec.quads = 1;
    const auto done = run_ab(spec);
    INFO(row.preset << " " << row.arms << ", seed " << Catch::getSeed());
    REQUIRE(done.ok());
    INFO(done->equivalence.first_difference);
    CHECK(done->equivalence.ok);
    CHECK(names(done->removed) == row.removed);
    CHECK(done->added.empty());
  }
}

TEST_CASE("only a bf16 o_proj pays for the layout of the v BMM") {
  for (const auto& [format, removed] : {std::pair{trace::WeightFormat::bf16, "v_flatten 2 "},
                                        {trace::WeightFormat::fp8_block, ""},
                                        {trace::WeightFormat::mxfp4, ""}}) {
    trace::AbSpec spec = small_ab("v_layout", "tiny-mxfp4");
    spec.base.model.o_proj = format;
    spec.instances = 1, spec.quads = 1;
    const auto done = run_ab(spec);
    REQUIRE(done.ok());
    INFO(done->equivalence.first_difference << ", seed " << Catch::getSeed());
    CHECK(done->equivalence.ok);
    CHECK(names(done->removed) == removed);
  }
}

TEST_CASE("equal formats are shared, others converted once and said") {
  trace::AbSpec spec = small_ab("index_layout,page_size=16:64");
  spec.instances = 1, spec.quads = 1;
  const auto done = run_ab(spec);
  REQUIRE(done.ok());
  std::string notes;
  for (const std::string& n : done->notes) notes += n + "\n";
  INFO(notes);
  CHECK(notes.find("converted once") != std::string::npos);
  CHECK(notes.find("arm a: block table") != std::string::npos);
  CHECK(notes.find("tokens of its pages unused") != std::string::npos);

  auto session = load(small_spec(2, 100));
  Caches& own = session->arm().caches;
  const Caches same =
      caches_for(session->model(), with(session->arm().toggles, "cat_skip", "on"), own);
  CHECK(same.kv == own.kv);
  CHECK(same.index == own.index);
  const Caches other =
      caches_for(session->model(), with(session->arm().toggles, "page_size", "16"), own);
  CHECK(other.kv == own.kv);
  CHECK(other.index != own.index);
}

TEST_CASE("one flipped bit in the switched path is found") {
  for (const trace::ToggleInfo& row : trace::toggle_table()) {
    const char* preset = row.key == trace::ToggleKey::v_layout ? "tiny-mxfp4" : "tiny";
    if (trace::unavailable(row.key, check_model(preset), "cpu")) continue;
    INFO(row.name << ", seed " << Catch::getSeed());
    trace::AbSpec spec = small_ab(row.name.data(), preset);
    spec.instances = 1, spec.quads = 1;
    spec.base.set["fault"] = "bitflip";
    const auto done = run_ab(spec);
    REQUIRE(done.ok());
    CHECK_FALSE(done->equivalence.ok);
    CHECK_FALSE(done->equivalence.first_difference.empty());
  }
}

TEST_CASE("bounded switches are held to their own formats in both directions") {
  for (const char* arms : {"head_gates", "head_gates=fused:unfused", "kv_dtype",
                           "kv_dtype=fp8:bf16", "head_gates,kv_dtype,index_layout,cat_skip"}) {
    trace::AbSpec spec = small_ab(arms);
    auto session = load([&] {
      auto s = spec.base;
      s.toggles = spec.a;
      return s;
    }());
    auto b = make_arm(session->model(), spec.b,
                      caches_for(session->model(), spec.b, session->arm().caches));
    REQUIRE(b.ok());
    const auto proof = prove(session->model(), session->arm(), *b, trace::Equivalence::bounded);
    std::string notes;
    for (const std::string& n : proof.notes) notes += n + "\n";
    INFO(arms << ", seed " << Catch::getSeed() << "\n" << notes << proof.first_difference);
    CHECK(proof.ok);
    CHECK(proof.compared > 100);
    CHECK(notes.find("top-k slots in common") != std::string::npos);
  }
}

TEST_CASE("an A/B that cannot be is refused, and one can be broken off") {
  trace::AbSpec spec = small_ab("cat_skip");
  const auto refused = [](const trace::AbSpec& s, std::string_view word) {
    const auto done = run_ab(s);
    REQUIRE_FALSE(done.ok());
    INFO(done.error().line());
    CHECK(done.error().line().find(word) != std::string::npos);
  };
  trace::AbSpec same = spec;
  same.b = same.a;
  refused(same, "the same switches");
  trace::AbSpec shuffled = spec;
  shuffled.b = with(with(spec.b, "index_layout", "preshuffle"), "page_size", "1");
  refused(shuffled, "multiple of 16");
  std::swap(shuffled.a, shuffled.b);
  refused(shuffled, "multiple of 16");
  trace::AbSpec nothing = spec;
  nothing.base.workload.batch = 0;
  refused(nothing, "nothing to compare");
  trace::AbSpec block = spec;
  block.dropped_steps = 8;
  refused(block, "at least one step");

  AbHooks hooks;
  int calls = 0;
  hooks.cancelled = [&] { return ++calls > 20; };
  const auto broken = run_ab(spec, hooks);
  REQUIRE_FALSE(broken.ok());
  CHECK(broken.error().what == "cancelled");
}

TEST_CASE("an A/B cut off keeps what it has finished") {
  trace::AbSpec spec = small_ab("cat_skip");
  spec.instances = 6, spec.quads = 2;
  AbHooks hooks;
  int instance = 0;
  hooks.progress = [&](const trace::reply::AbProgress& p) { instance = p.instance; };
  hooks.cancelled = [&] { return instance >= 2; };
  const auto kept = run_ab(spec, hooks);
  REQUIRE(kept);
  CHECK(kept->instances.size() == 2);
  for (const trace::Instance& i : kept->instances) CHECK(i.quads.size() == 2);
  CHECK(std::any_of(kept->notes.begin(), kept->notes.end(), [](const std::string& n) { return n.find("cut off in instance 3 of 7: the 2 before it are kept") == 0; }));
  CHECK((kept->estimate.null_instances == 0 && std::isnan(kept->estimate.null_delta_us)));
  CHECK(kept->a->trace->events.size() > 0);
  REQUIRE(kept->removed.size() == 1);  // counted over the steps that are recorded
  CHECK(kept->removed[0].per_step == kept->a->kernels_per_step - kept->b->kernels_per_step);
  CHECK(kept->b->step_us.size() == 2 * 2 * 2 * static_cast<size_t>(spec.block_steps - spec.dropped_steps));
  hooks.cancelled = [&] { return instance >= 1; };  // one alone says nothing
  instance = 0;
  const auto lost = run_ab(spec, hooks);
  REQUIRE_FALSE(lost.ok());
  CHECK(lost.error().what == "cancelled");
}
