#include "app/floor_args.h"

#include <CLI/CLI.hpp>

namespace app {

void add_floor_options(CLI::App& cli, FloorArgs& args) {
  const char* group = "Floors";
  cli.add_option("--model", args.model, "what ran, where the trace does not tell: glm-5, deepseek-v3.2, kimi-k2 ...")->type_name("P")->group(group);
  cli.add_option("--set", args.set, "KEY=VALUE: a field of the model; may be repeated")->type_name("KEY=VALUE")->group(group);
  cli.add_option("--batch", args.batch, "sequences in a step")->type_name("N")->group(group);
  cli.add_option("--next-n", args.next_n, "tokens a sequence and step")->type_name("N")->group(group);
  cli.add_option("--context", args.context, "tokens of a sequence, on average")->type_name("L")->group(group);
  cli.add_option("--max-context", args.max_context, "width of the index logits")->type_name("L")->group(group);
  cli.add_option("--tp", args.tp, "ranks of tensor parallelism")->type_name("N")->group(group);
  cli.add_option("--kv", args.kv, "format of the cache: bf16, fp8 or fp8_scaled (656 bytes a token)")->type_name("F")->group(group);
  cli.add_option("--routing", args.routing, "experts that a layer meets: uniform, distinct, or how many")->type_name("R")->group(group);
  cli.add_option("--hw", args.hardware, "whose ceilings: MI355X, MI300X, B200, H200, H100 ...")->type_name("GPU")->group(group);
  cli.add_option("--read-gbps", args.read_gbps, "memory, GB/s")->type_name("X")->group(group);
  cli.add_option("--bf16-tflops", args.bf16_tflops, "products of bf16, TFLOP/s")->type_name("X")->group(group);
  cli.add_option("--fp8-tflops", args.fp8_tflops, "products of fp8, TFLOP/s")->type_name("X")->group(group);
  cli.add_option("--fp4-tflops", args.fp4_tflops, "products of fp4, TFLOP/s")->type_name("X")->group(group);
  cli.add_option("--link-gbps", args.link_gbps, "from all peers together, GB/s")->type_name("X")->group(group);
}

trace::Result<trace::FloorRequest> floor_request(const FloorArgs& args) {
  trace::FloorRequest r;
  if (!args.model.empty()) {
    auto model = trace::model_preset(args.model);
    if (!model) return trace::Error{model.error().line(), "--model " + args.model};
    r.model = *model;
  }
  for (const std::string& field : args.set) {
    const size_t sign = field.find('=');
    if (!r.model) return trace::Error{"fields of a model need the model", "--set " + field + " without --model"};
    if (sign == std::string::npos) return trace::Error{"a field is set as KEY=VALUE", "--set " + field};
    if (auto done = trace::override_field(*r.model, field.substr(0, sign), field.substr(sign + 1)); !done) return done.error();
  }
  r.batch = args.batch;
  r.next_n = args.next_n;
  r.context = args.context;
  r.max_context = args.max_context;
  r.tp = args.tp;
  if (!args.kv.empty()) {
    if (args.kv == "bf16") r.kv = trace::KvFormat::bf16;
    else if (args.kv == "fp8") r.kv = trace::KvFormat::fp8;
    else if (args.kv == "fp8_scaled") r.kv = trace::KvFormat::fp8_scaled;
    else return trace::Error{"a cache is bf16, fp8 or fp8_scaled", "--kv " + args.kv};
  }
  if (!args.routing.empty()) {
    auto routing = trace::parse_routing(args.routing);
    if (!routing) return routing.error();
    r.routing = *routing;
  }
  r.hardware = args.hardware;
  r.read_gbps = args.read_gbps;
  r.bf16_tflops = args.bf16_tflops;
  r.fp8_tflops = args.fp8_tflops;
  r.fp4_tflops = args.fp4_tflops;
  r.link_gbps = args.link_gbps;
  return r;
}

}  // namespace app
