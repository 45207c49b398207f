#include "engine/equivalence.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <map>

#include "engine/gpu_step.h"

namespace engine {

using trace::Equivalence;
using trace::EquivalenceResult;
using trace::ToggleKey;

namespace {

void compare_caches(Model& model, const Arm& b, const LogicalBytes& bytes_a, int position,
                    EquivalenceResult& result) {
  const int64_t at = first_difference(model, b.caches, bytes_a);
  result.compared += static_cast<int64_t>(bytes_a.size());
  if (at < 0) return;
  result.ok = false;
  if (!result.first_difference.empty()) return;
  result.first_difference = "position " + std::to_string(position) + ", caches, logical byte " +
                            std::to_string(at) + " of " + std::to_string(bytes_a.size());
}

void prove_bitwise(Model& model, Arm& a, Arm& b, int position, EquivalenceResult& result) {
  const StepImage image_a = capture_step(model, a);
  const LogicalBytes caches_a = logical_bytes(model, a.caches);
  const StepImage image_b = capture_step(model, b);
  const ImageDifference d = compare(a.plan(), image_a, b.plan(), image_b);
  result.compared += d.compared;
  result.max_abs = std::max(result.max_abs, d.max_abs);
  if (!d.first.empty()) {
    result.ok = false;
    if (result.first_difference.empty())
      result.first_difference = "position " + std::to_string(position) + ", " + d.first;
  }
  compare_caches(model, b, caches_a, position, result);
}

// Squared errors of one op's outputs over layers and positions, beside those that rounding to the
// format alone makes. Narrow formats (bf16, e4m3) apart from fp32, where an op of a few roundings
// stands at 2 or 3 units.
struct OpError {
  double squares = 0, rounding = 0, rounding_fourth = 0;
  double units() const { return rounding > 0 ? std::sqrt(squares / rounding) : 0; }
  // Four standard errors of the units of a correctly rounding op: errors uniform within half a
  // step, whose large steps weigh most.
  double sampling() const {
    return rounding > 0 ? 1.79 * std::sqrt(rounding_fourth) / rounding : 0;
  }
};
using ErrorsByOp = std::map<std::string, OpError>;  // "weights_proj f32"

const OpError* worst(const ErrorsByOp& errors, bool wide) {
  const OpError* w = nullptr;
  for (const auto& [op, e] : errors) {
    if (op.ends_with("f32") == wide && (!w || e.units() > w->units())) w = &e;
  }
  return w;
}

double units_of(const OpError* e) {
  return e ? e->units() : 0;
}

// Runs one launch and holds it to its reference; returns what is beyond every allowance, empty when
// nothing is.
std::string judged_launch(const PlannedOp& op, ErrorsByOp& errors, int64_t& compared) {
  if (op.gpu) op.gpu->inputs_to_host(op);
  const std::vector<kernels::Expected> want = kernels::reference::run(op.args);
  std::vector<kernels::Tensor> out = kernels::outputs(op.args);
  for (kernels::Tensor& t : out) kernels::poison(t);
  launch_alone(op);
  const bool narrow = op.gpu && kernels::gpu::sums_narrowly(op.gpu->launch(static_cast<size_t>(op.index)).kernel);
  std::string wrong;
  for (size_t i = 0; i < out.size(); ++i) {
    const kernels::Judgement j = kernels::judge(out[i], want[i], narrow);
    compared += j.count;
    if (!j.ok() && wrong.empty()) wrong = op.label + " " + j.text;
    OpError& e = errors[std::string(op.key) + " " + std::string(kernels::to_string(out[i].format))];
    e.squares += j.sum_squares, e.rounding += j.rounding_squares;
    e.rounding_fourth += j.rounding_fourth;
  }
  return wrong;
}

void put_outputs(const kernels::OpArgs& args, const std::vector<std::vector<uint8_t>>& bytes) {
  std::vector<kernels::Tensor> out = kernels::outputs(args);
  for (size_t t = 0; t < out.size(); ++t) kernels::write_bytes(out[t], bytes[t]);
}

// An op that differs between the arms: missing in the other, of another kind, or with other
// formats.
bool differs(const PlannedOp& op, const DecodePlan& other) {
  const int i = find_op(other, op.label);
  if (i < 0) return true;
  const kernels::OpArgs& args = other.ops[static_cast<size_t>(i)].args;
  if (kernels::op_of(args) != kernels::op_of(op.args) || !comparable(args, op.args)) return true;
  // Attention has one output format and two input formats.
  if (const auto* sparse = std::get_if<kernels::SparsePartialArgs>(&args))
    return sparse->q_format != std::get<kernels::SparsePartialArgs>(op.args).q_format;
  const auto* dense = std::get_if<kernels::DensePartialArgs>(&args);
  return dense && dense->q_format != std::get<kernels::DensePartialArgs>(op.args).q_format;
}

class BoundedProof {
 public:
  BoundedProof(Arm& a, Arm& b, EquivalenceResult& result) : m_a(a), m_b(b), m_result(result) {}

  void at(int position) {
    m_position = position;
    run_a();
    run_b();
  }

  void conclude() {
    const OpError *a = worst(m_errors_a, false), *b = worst(m_errors_b, false);
    const double wide_a = units_of(worst(m_errors_a, true)),
                 wide_b = units_of(worst(m_errors_b, true));
    char text[224];
    std::snprintf(text, sizeof text,
                  "rms error of the launches that differ, in units of their formats' rounding: "
                  "bf16 and e4m3 a %.3f, b %.3f; "
                  "fp32 a %.2f, b %.2f",
                  units_of(a), units_of(b), wide_a, wide_b);
    m_result.notes.push_back(text);
    const bool narrow_holds =
        !b || b->units() <= 1.05 * std::max(units_of(a), 1.0) * (1 + b->sampling());
    if (narrow_holds && wide_b <= std::max(1.05 * wide_a, kFp32Floor)) return;
    m_result.ok = false;
    if (m_result.first_difference.empty()) m_result.first_difference = text;
  }

 private:
  void judge(const PlannedOp& op, ErrorsByOp& errors) {
    const std::string wrong = judged_launch(op, errors, m_result.compared);
    if (wrong.empty()) return;
    m_result.ok = false;
    if (m_result.first_difference.empty()) {
      m_result.first_difference = "position " + std::to_string(m_position) + ", " + wrong;
    }
  }

  // A as it is, every launch's outputs kept, those that B does otherwise judged.
  void run_a() {
    const DecodePlan& plan = m_a.plan();
    m_a.step.arena.poison();
    m_image.assign(plan.ops.size(), {});
    for (size_t i = 0; i < plan.ops.size(); ++i) {
      if (differs(plan.ops[i], m_b.plan()))
        judge(plan.ops[i], m_errors_a);
      else
        launch_alone(plan.ops[i]);
      for (const kernels::Tensor& t : kernels::outputs(plan.ops[i].args)) {
        m_image[i].emplace_back();
        kernels::read_bytes(t, m_image[i].back());
      }
    }
  }

  // B with A's results put in place of every launch both have; the others run, on A's inputs.
  void run_b() {
    m_b.step.arena.poison();
    for (const PlannedOp& op : m_b.plan().ops) {
      if (differs(op, m_a.plan())) {
        judge(op, m_errors_b);
      } else {
        put_outputs(op.args, m_image[static_cast<size_t>(find_op(m_a.plan(), op.label))]);
      }
    }
  }

  Arm &m_a, &m_b;
  EquivalenceResult& m_result;
  StepImage m_image;
  ErrorsByOp m_errors_a, m_errors_b;
  int m_position = 0;
};

// How far the two arms drift apart when each runs on its own: reported, never judged.
void report_drift(Model& model, Arm& a, Arm& b, EquivalenceResult& result) {
  const StepImage image_a = capture_step(model, a), image_b = capture_step(model, b);
  const ImageDifference d = compare(a.plan(), image_a, b.plan(), image_b);
  result.max_abs = std::max(result.max_abs, d.max_abs);
  int64_t same = 0, all = 0;
  for (size_t i = 0; i < a.plan().ops.size(); ++i) {
    const PlannedOp& op = a.plan().ops[i];
    const int j = find_op(b.plan(), op.label);
    if (op.key != "topk" || j < 0) continue;
    const auto& args = std::get<kernels::TopkArgs>(op.args);
    const auto* x = reinterpret_cast<const int32_t*>(image_a[i][0].data());
    const auto* y = reinterpret_cast<const int32_t*>(image_b[static_cast<size_t>(j)][0].data());
    for (int64_t row = 0; row < args.B * args.next_n; ++row) {
      std::vector<int32_t> u(x + row * args.k, x + (row + 1) * args.k),
          v(y + row * args.k, y + (row + 1) * args.k);
      std::erase(u, -1), std::erase(v, -1);
      std::sort(u.begin(), u.end()), std::sort(v.begin(), v.end());
      std::vector<int32_t> common;
      std::set_intersection(u.begin(), u.end(), v.begin(), v.end(), std::back_inserter(common));
      same += static_cast<int64_t>(common.size()), all += static_cast<int64_t>(u.size());
    }
  }
  if (all == 0) return;  // no indexer
  char text[96];
  std::snprintf(text, sizeof text, "each arm on its own: top-k slots in common %.2f %%",
                100 * static_cast<double>(same) / static_cast<double>(all));
  result.notes.push_back(text);
}

}  // namespace

EquivalenceResult prove(Model& model, Arm& a, Arm& b, Equivalence cls,
                        const ProofOptions& options) {
  EquivalenceResult result;
  result.cls = cls, result.ok = true;
  BoundedProof bounded(a, b, result);
  for (int p = 0; p < options.positions; ++p) {
    if (options.cancelled && options.cancelled()) {
      result.ok = false, result.first_difference = "cancelled";
      return result;
    }
    if (options.progress) options.progress(static_cast<double>(p) / options.positions);
    model.sequences.freeze_at(p);
    if (cls == Equivalence::bounded)
      bounded.at(p);
    else
      prove_bitwise(model, a, b, p, result);
    for (const Arm* arm : {&a, &b}) {
      const std::string name = arm->step.arena.overrun();
      if (name.empty()) continue;
      result.ok = false;
      if (result.first_difference.empty())
        result.first_difference = "a launch wrote past its buffer: " + name;
    }
  }
  if (cls == Equivalence::bounded) {
    bounded.conclude();
    report_drift(model, a, b, result);
  }
  model.sequences.freeze_at(0);
  return result;
}

std::string fault_key(const trace::ToggleSet& a, const trace::ToggleSet& b) {
  const std::vector<ToggleKey> keys = a.differing(b);
  switch (keys.empty() ? ToggleKey::count_ : keys.front()) {
    case ToggleKey::x_scale:
      return "input_norm";
    case ToggleKey::head_gates:
      return "head_gates";
    case ToggleKey::rope_update:
      return "index_rope";
    case ToggleKey::index_layout:
    case ToggleKey::page_size:
      return "index_k_store";
    case ToggleKey::logits_init:
      return "mqa_logits";
    case ToggleKey::streams:
      return "topk";
    case ToggleKey::v_layout:
      return "v_bmm";
    default:
      return "rope_cat_store";
  }
}

}  // namespace engine
