#include "kernels/ops.h"

namespace kernels {
namespace {

// Visits the alternatives that are ops.
template <class Result, class Visit>
Result visit_op(const OpArgs& args, Visit visit) {
  return std::visit(
      [&visit](const auto& a) -> Result {
        if constexpr (std::is_same_v<std::decay_t<decltype(a)>, std::monostate>)
          return {};
        else
          return visit(a);
      },
      args);
}

}  // namespace

std::string_view key_of(Op op) {
  static constexpr std::string_view kKeys[] = {
#define X(key, Args) #key,
      DS_OPS(X)
#undef X
  };
  return kKeys[static_cast<size_t>(op)];
}

Status check(const OpArgs& args) {
  return visit_op<Status>(args, [](const auto& a) { return check(a); });
}

Cost cost(const OpArgs& args) {
  return visit_op<Cost>(args, [](const auto& a) { return cost(a); });
}

Cost cost_as_routed(const OpArgs& args) {
  return visit_op<Cost>(args, [](const auto& a) {
    if constexpr (requires { routed_cost(a); })
      return routed_cost(a);
    else
      return cost(a);
  });
}

std::vector<Tensor> outputs(const OpArgs& args) {
  return visit_op<std::vector<Tensor>>(args, [](const auto& a) { return outputs(a); });
}

std::vector<Expected> reference::run(const OpArgs& args) {
  return visit_op<std::vector<Expected>>(args, [](const auto& a) { return reference::run(a); });
}

const Backend& cpu_backend() {
  static constexpr Backend backend{"cpu",
                                   {
#define X(key, Args) [](const OpArgs& args, Part part) { cpu::run(std::get<Args>(args), part); },
                                       DS_OPS(X)
#undef X
                                   }};
  return backend;
}

}  // namespace kernels
