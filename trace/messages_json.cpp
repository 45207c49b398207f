#include "trace/messages_json.h"

#include "trace/run_fields.h"
#include "trace/run_json.h"
#include "trace/trace_json.h"

namespace trace {

// ---- what only messages carry; not in an unnamed namespace, or JsonWriter and JsonReader would not find it

nlohmann::json json_value(const TracePtr& trace) { return trace ? write_trace_json(*trace) : nlohmann::json(); }

void read_json_value(JsonReader& reader, const nlohmann::json& in, const std::string& path, TracePtr& trace) {
  if (in.is_null()) return trace.reset();
  auto read = read_trace_json(in, "");
  if (!read) return reader.fail(path, read.error().what);
  trace = std::move(*read);
}

nlohmann::json json_value(const RunPtr& run) {
  if (!run) return nullptr;
  JsonWriter writer;
  fields(writer, *run);
  writer("trace", run->trace);
  return writer.take();
}

void read_json_value(JsonReader& reader, const nlohmann::json& in, const std::string& path, RunPtr& run) {
  if (in.is_null()) return run.reset();
  auto value = std::make_shared<Run>();
  reader.read(in, path, *value);
  if (in.is_object() && in.contains("trace")) reader.read(in["trace"], path + ".trace", value->trace);
  run = std::move(value);
}

template <class V, Is<SensorReading> S>
void fields(V& v, S& s) {
  v("clock_mhz", s.clock_mhz);
  v("memory_mhz", s.memory_mhz);
  v("watts", s.watts);
  v("celsius", s.celsius);
  v("throttle", s.throttle);
}
template <class V, Is<SensorRange> S>
void fields(V& v, S& s) {
  v("low", s.low);
  v("high", s.high);
  v("readings", s.readings);
}

template <class V, Is<AbResult> S>
void fields(V& v, S& s) {
  v("spec", s.spec);
  v("a", s.a);
  v("b", s.b);
  v("estimate", s.estimate);
  v("instances", s.instances);
  v("equivalence", s.equivalence);
  v("removed", s.removed);
  v("added", s.added);
  v("notes", s.notes);
  v("sensors", s.sensors);
}

template <class T>
concept Shared = std::same_as<T, AbResult> || std::same_as<T, PlanSketch>;

template <Shared T>
nlohmann::json json_value(const std::shared_ptr<const T>& value) {
  return value ? JsonWriter::of(*value) : nlohmann::json();
}

template <Shared T>
void read_json_value(JsonReader& reader, const nlohmann::json& in, const std::string& path, std::shared_ptr<const T>& to) {
  if (in.is_null()) return to.reset();
  auto value = std::make_shared<T>();
  reader.read(in, path, *value);
  to = std::move(value);
}

template <class V, Is<PlannedLaunch> S>
void fields(V& v, S& s) {
  v("label", s.label);
  v("kernel", s.kernel);
  v("category", s.category);
  v("stream", s.stream);
  v("reads", s.reads);
  v("writes", s.writes);
  v("waits", s.waits);
  v("form", s.form);
  v("bytes", s.bytes);
}
template <class V, Is<PlannedBuffer> S>
void fields(V& v, S& s) {
  v("name", s.name);
  v("format", s.format);
  v("bytes", s.bytes);
  v("cache", s.cache);
}
template <class V, Is<PlanArm> S>
void fields(V& v, S& s) {
  v("value", s.value);
  v("launches", s.launches);
  v("buffers", s.buffers);
  v("step_launches", s.step_launches);
  v("host_launches", s.host_launches);
}
template <class V, Is<PlanCheck> S>
void fields(V& v, S& s) {
  v("what", s.what);
  v("result", s.result);
  v("ok", s.ok);
}
template <class V, Is<PlanSketch> S>
void fields(V& v, S& s) {
  v("key", s.key);
  v("spec", s.spec);
  v("layer", s.layer);
  v("layers", s.layers);
  v("layers_changed", s.layers_changed);
  v("a", s.a);
  v("b", s.b);
  v("checks", s.checks);
  v("problem", s.problem);
}

template <class V, Is<Error> S>
void fields(V& v, S& s) {
  v("what", s.what);
  v("where", s.where);
}

template <class V, Is<BackendInfo> S>
void fields(V& v, S& s) {
  v("name", s.name);
  v("built", s.built);
  v("usable", s.usable);
  v("why", s.why);
  v("device", s.device);
}

namespace request {

template <class V, Is<Hello> S>
void fields(V& v, S& s) {
  v("protocol", s.protocol);
  v("version", s.version);
}
template <class V, Is<Start> S>
void fields(V& v, S& s) {
  v("spec", s.spec);
}
template <class V, Is<SetToggles> S>
void fields(V& v, S& s) {
  v("toggles", s.toggles);
}
template <class V, Is<Record> S>
void fields(V& v, S& s) {
  v("steps", s.steps);
  v("name", s.name);
}
template <class V, Is<RunAb> S>
void fields(V& v, S& s) {
  v("spec", s.spec);
}
template <class V, Is<Sketch> S>
void fields(V& v, S& s) {
  v("spec", s.spec);
  v("key", s.key);
}
// Messages that are their type alone.
template <class V, class S>
  requires std::is_empty_v<S>
void fields(V&, S&) {}

}  // namespace request

namespace reply {

template <class V, Is<Welcome> S>
void fields(V& v, S& s) {
  v("protocol", s.protocol);
  v("version", s.version);
  v("backends", s.backends);
}
template <class V, Is<State> S>
void fields(V& v, S& s) {
  v("phase", s.phase);
  v("detail", s.detail);
  v("fraction", s.fraction);
  v("spec", s.spec);
}
template <class V, Is<StepDone> S>
void fields(V& v, S& s) {
  v("index", s.index);
  v("us", s.us);
  v("toggles", s.toggles);
  v("kernels", s.kernels);
  v("sensors", s.sensors);
}
template <class V, Is<StepTrace> S>
void fields(V& v, S& s) {
  v("index", s.index);
  v("trace", s.trace);
}
template <class V, Is<Recorded> S>
void fields(V& v, S& s) {
  v("run", s.run);
}
template <class V, Is<AbProgress> S>
void fields(V& v, S& s) {
  v("instance", s.instance);
  v("instances", s.instances);
  v("quad", s.quad);
  v("quads", s.quads);
  v("detail", s.detail);
  v("so_far", s.so_far);
}
template <class V, Is<AbDone> S>
void fields(V& v, S& s) {
  v("result", s.result);
}
template <class V, Is<Sketched> S>
void fields(V& v, S& s) {
  v("sketch", s.sketch);
}
template <class V, Is<Refused> S>
void fields(V& v, S& s) {
  v("error", s.error);
}
template <class V, Is<Failed> S>
void fields(V& v, S& s) {
  v("error", s.error);
}
template <class V, Is<Cancelled> S>
void fields(V& v, S& s) {
  v("what", s.what);
}
template <class V, Is<Notice> S>
void fields(V& v, S& s) {
  v("text", s.text);
}
template <class V, Is<Coming> S>
void fields(V& v, S& s) {
  v("bytes", s.bytes);
}

}  // namespace reply

namespace {

// The value of "type", in the order of the variants.
template <class Variant>
struct Types;
template <>
struct Types<Request> {
  static constexpr std::array<std::string_view, std::variant_size_v<Request>> names{
      "hello", "start", "set_toggles", "pause", "resume", "single_step", "record", "run_ab", "sketch", "cancel", "stop", "bye"};
};
template <>
struct Types<Reply> {
  static constexpr std::array<std::string_view, std::variant_size_v<Reply>> names{
      "welcome", "state",   "step_done", "step_trace", "recorded", "ab_progress",
      "ab_done", "sketched", "refused", "failed",    "cancelled",  "notice", "coming"};
};

template <class Variant>
std::string write_any(const Variant& message) {
  nlohmann::json out = std::visit([](const auto& m) { return JsonWriter::of(m); }, message);
  out["type"] = Types<Variant>::names[message.index()];
  return out.dump();
}

constexpr const char* kWhere = "message";

// The alternative number `index`, counting from Index.
template <class Variant, size_t Index = 0>
Result<Variant> read_alternative(const nlohmann::json& in, size_t index) {
  if constexpr (Index == std::variant_size_v<Variant>) {
    return Error{"no such message", kWhere};
  } else if (index != Index) {
    return read_alternative<Variant, Index + 1>(in, index);
  } else {
    std::variant_alternative_t<Index, Variant> message{};
    JsonReader reader(in);
    reader.read(in, "", message);
    const std::string where = std::string(kWhere) + " " + std::string(Types<Variant>::names[Index]);
    if (reader.error()) return Error{*reader.error(), where};
    return Variant(std::in_place_index<Index>, std::move(message));
  }
}

template <class Variant>
Result<Variant> read_any(std::string_view line) {
  const auto in = parse_json(line, kWhere);
  if (!in) return in.error();
  if (!in->is_object()) return Error{"expected an object, found " + std::string(json_type_name(*in)), kWhere};
  const auto type = in->find("type");
  if (type == in->end() || !type->is_string()) return Error{"has no \"type\"", kWhere};
  std::string known;
  for (size_t i = 0; i < Types<Variant>::names.size(); ++i) {
    if (Types<Variant>::names[i] == type->template get_ref<const std::string&>())
      return read_alternative<Variant>(*in, i);
    known += (i ? ", " : "") + std::string(Types<Variant>::names[i]);
  }
  return Error{"no such type: " + type->dump() + ", known are " + known, kWhere};
}

}  // namespace

std::string write_message(const Request& message) { return write_any(message); }
std::string write_message(const Reply& message) { return write_any(message); }
Result<Request> read_request(std::string_view line) { return read_any<Request>(line); }
Result<Reply> read_reply(std::string_view line) { return read_any<Reply>(line); }

}  // namespace trace
