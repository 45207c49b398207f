#include "trace/import_rocprof_process.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "trace/decimal_time.h"

namespace trace {
namespace {

namespace ondemand = simdjson::ondemand;
using Json = nlohmann::json;

int64_t integer_of(const Json& object, const char* key, int64_t otherwise = -1) {
  const auto found = object.find(key);
  if (found == object.end()) return otherwise;
  if (found->is_object()) return integer_of(*found, "handle", otherwise);
  return found->is_number_integer() ? found->get<int64_t>() : otherwise;
}

std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// Calls f(key, value) for each member until it says false. False: no JSON.
template <class F>
bool each_member(ondemand::object object, F&& f) {
  for (auto field : object) {
    std::string_view key;
    ondemand::value value;
    if (field.unescaped_key().get(key) || field.value().get(value)) return false;
    if (!f(key, value)) return false;
  }
  return true;
}

// A number, or the "handle" of an object.
bool read_id(ondemand::value& value, int64_t& out) {
  ondemand::object object;
  if (value.get_object().get(object)) {
    out = parse_integer(value.raw_json_token()).value_or(-1);
    return true;
  }
  return each_member(object, [&](std::string_view key, ondemand::value& member) {
    if (key == "handle" || key == "internal") out = parse_integer(member.raw_json_token()).value_or(-1);
    return true;
  });
}

bool read_size(ondemand::value& value, std::array<int64_t, 3>& out) {
  ondemand::object object;
  if (value.get_object().get(object)) return true;
  return each_member(object, [&](std::string_view key, ondemand::value& member) {
    if (key.size() == 1 && key[0] >= 'x' && key[0] <= 'z')
      out[static_cast<size_t>(key[0] - 'x')] = parse_integer(member.raw_json_token()).value_or(-1);
    return true;
  });
}

bool read_field(std::string_view key, ondemand::value& value, RocprofRecord& r) {
  struct Id {
    std::string_view key;
    int64_t RocprofRecord::*field;
  };
  static constexpr Id kIds[] = {
      {"kind", &RocprofRecord::kind},
      {"operation", &RocprofRecord::operation},
      {"thread_id", &RocprofRecord::thread},
      {"correlation_id", &RocprofRecord::correlation},
      {"agent_id", &RocprofRecord::agent},
      {"queue_id", &RocprofRecord::queue},
      {"stream_id", &RocprofRecord::stream},
      {"kernel_id", &RocprofRecord::kernel},
      {"group_segment_size", &RocprofRecord::lds},
      {"src_agent_id", &RocprofRecord::source_agent},
      {"dst_agent_id", &RocprofRecord::target_agent},
      {"bytes", &RocprofRecord::bytes},
      {"graph_node_id", &RocprofRecord::graph_node},
      {"hip_event_handle", &RocprofRecord::event_handle},
      {"source_queue_id", &RocprofRecord::source_queue},
  };
  if (key == "start_timestamp") return r.span.start = parse_integer(value.raw_json_token()), true;
  if (key == "end_timestamp") return r.span.end = parse_integer(value.raw_json_token()), true;
  if (key == "workgroup_size") return read_size(value, r.group);
  if (key == "grid_size") return read_size(value, r.grid);
  if (key == "dispatch_info") {
    ondemand::object info;
    if (value.get_object().get(info)) return true;
    return each_member(info, [&](std::string_view inner, ondemand::value& member) { return read_field(inner, member, r); });
  }
  for (const Id& id : kIds)
    if (id.key == key) return read_id(value, r.*id.field);
  return true;
}

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> heads) {
  return std::ranges::any_of(heads, [&](std::string_view head) { return text.starts_with(head); });
}

// "MEMORY_COPY_HOST_TO_DEVICE" -> "Memcpy HOST_TO_DEVICE"
std::string copy_name(std::string_view operation) {
  constexpr std::string_view kHead = "MEMORY_COPY_";
  if (operation.starts_with(kHead)) operation.remove_prefix(kHead.size());
  return operation.empty() ? "Memcpy" : "Memcpy " + std::string(operation);
}

}  // namespace

void RocprofProcess::take_metadata(const std::string& json) {
  const Json meta = Json::parse(json, nullptr, false);
  if (!meta.is_object()) return;
  m_pid = integer_of(meta, "pid", 0);
  if (const auto node = meta.find("node"); node != meta.end() && node->is_object()) {
    m_host = text_of(*node, "machine_id");
    if (m_host.empty()) m_host = text_of(*node, "hostname");
  }
  if (const auto config = meta.find("config"); config != meta.end() && config->is_object())
    m_thread_trace = m_thread_trace || config->value("advanced_thread_trace", Json()) == true;
}

void RocprofProcess::take_agents(const std::string& json) {
  const Json rows = Json::parse(json, nullptr, false);
  if (!rows.is_array()) return;
  for (const Json& row : rows) {
    if (!row.is_object()) continue;
    Agent a;
    a.gpu = integer_of(row, "type") != 1;
    a.name = text_of(row, "product_name");
    if (a.name.empty()) a.name = text_of(row, "name");
    a.vendor = text_of(row, "vendor_name") == "NVIDIA" ? "nvidia" : "amd";
    // The same GPU in several processes of one machine is one device.
    a.key = m_host + "/" + std::to_string(integer_of(row, "node_id"));
    m_agents.insert_or_assign(integer_of(row, "id"), std::move(a));
  }
}

void RocprofProcess::take_strings(const std::string& json) {
  const Json strings = Json::parse(json, nullptr, false);
  if (!strings.is_object()) return;
  if (const auto rows = strings.find("buffer_records"); rows != strings.end() && rows->is_array())
    for (const Json& row : *rows) {
      auto& [kind, operations] = m_kinds.emplace_back();
      if (!row.is_object()) continue;
      kind = text_of(row, "kind");
      if (const auto names = row.find("operations"); names != row.end() && names->is_array())
        for (const Json& name : *names) operations.push_back(name.is_string() ? name.get<std::string>() : "");
    }
  if (const auto rows = strings.find("marker_api"); rows != strings.end() && rows->is_array())
    for (const Json& row : *rows)
      if (row.is_object()) m_markers[integer_of(row, "key")] = text_of(row, "value");
  if (const auto files = strings.find("att_filenames"); files != strings.end() && files->is_array() && !files->empty())
    m_thread_trace = true;
}

bool RocprofProcess::take_symbol(ondemand::object& object) {
  int64_t id = -1, vgpr = -1, accum = -1;
  Symbol symbol;
  std::array<std::string, 3> names;   // in order of preference
  const bool whole = each_member(object, [&](std::string_view key, ondemand::value& value) {
    const size_t name = key == "formatted_kernel_name" ? 0 : key == "demangled_kernel_name" ? 1 : key == "kernel_name" ? 2 : 3;
    if (name < 3) {
      std::string_view text;
      if (value.get_string().get(text) == simdjson::SUCCESS) names[name] = text;
      return true;
    }
    int64_t* number = key == "kernel_id"            ? &id
                      : key == "arch_vgpr_count"    ? &vgpr
                      : key == "accum_vgpr_count"   ? &accum
                      : key == "group_segment_size" ? &symbol.lds
                                                    : nullptr;
    if (number) *number = parse_integer(value.raw_json_token()).value_or(-1);
    return true;
  });
  if (!whole) return false;
  const auto named = std::ranges::find_if(names, [](const std::string& name) { return !name.empty(); });
  if (id < 0 || named == names.end()) return true;
  std::string_view name = *named;
  if (name.ends_with(".kd")) name.remove_suffix(3);
  symbol.name = m_out.builder().intern(name);
  // One register file holds both kinds.
  if (vgpr >= 0) symbol.registers = vgpr + std::max<int64_t>(accum, 0);
  m_symbols.insert_or_assign(id, symbol);
  return true;
}

bool RocprofProcess::take_record(std::string_view domain, ondemand::object& object) {
  RocprofRecord r;
  if (!each_member(object, [&](std::string_view key, ondemand::value& value) { return read_field(key, value, r); })) return false;
  const std::string_view kind = kind_name(r);
  if (domain == "kernel_dispatch") {
    take_dispatch(r);
  } else if (domain == "memory_copy") {
    take_copy(r);
  } else if (domain == "hip_event") {
    take_barrier(r);
  } else if (domain == "hip_api" || domain == "rccl_api") {
    m_out.add_call(r.span, operation_name(r), Activities::correlation(m_index, r.correlation), r.thread);
  } else if (domain == "marker_api" && starts_with_any(kind, {"MARKER_CORE"})) {
    const auto message = m_markers.find(r.correlation);
    m_out.add_annotation(r.span, message == m_markers.end() ? operation_name(r) : std::string_view(message->second), r.thread);
  } else {
    ++m_out.skipped(domain);
  }
  return true;
}

const RocprofProcess::Agent* RocprofProcess::agent(int64_t handle) {
  const auto found = m_agents.find(handle);
  return found == m_agents.end() ? nullptr : &found->second;
}

uint32_t RocprofProcess::device_of(int64_t handle) {
  Agent& a = m_agents[handle];
  if (a.device != kNone) return a.device;
  a.device = m_out.device(a.key, std::to_string(handle));
  Device& device = m_out.builder().header().devices[a.device];
  if (device.name.empty()) device.name = a.name;
  if (device.vendor.empty()) device.vendor = a.vendor.empty() ? "amd" : a.vendor;
  return a.device;
}

std::string_view RocprofProcess::kind_name(const RocprofRecord& r) const {
  const auto kind = static_cast<size_t>(r.kind);
  return r.kind >= 0 && kind < m_kinds.size() ? std::string_view(m_kinds[kind].first) : std::string_view();
}

std::string_view RocprofProcess::operation_name(const RocprofRecord& r) const {
  const auto kind = static_cast<size_t>(r.kind), operation = static_cast<size_t>(r.operation);
  if (r.kind < 0 || kind >= m_kinds.size() || r.operation < 0 || operation >= m_kinds[kind].second.size()) return "call";
  return m_kinds[kind].second[operation];
}

void RocprofProcess::take_dispatch(const RocprofRecord& r) {
  TraceBuilder& builder = m_out.builder();
  Event e;
  Detail detail;
  for (size_t i = 0; i < 3; ++i) {
    detail.grid[i] = blocks_of(r.grid[i], r.group[i]);
    detail.block[i] = narrow_or_none(r.group[i]);
  }
  detail.lds_bytes = r.lds;
  detail.hsa_queue = r.queue;
  if (r.graph_node > 0) detail.graph_node = r.graph_node;
  const auto symbol = m_symbols.find(r.kernel);
  if (symbol != m_symbols.end()) {
    e.name = symbol->second.name;
    detail.registers = narrow_or_none(symbol->second.registers);
  } else {
    m_unnamed.emplace_back(builder.event_count(), r.kernel);
  }
  const uint32_t device = device_of(r.agent);
  e.lane = m_out.lane(m_index, m_pid, device, r.queue);
  e.correlation = Activities::correlation(m_index, r.correlation);
  e.detail = builder.detail(detail);
  m_out.add(e, r.span);
  // Left out, for its times or by what was asked for.
  if (symbol == m_symbols.end() && builder.event_count() == m_unnamed.back().first) m_unnamed.pop_back();
}

void RocprofProcess::take_copy(const RocprofRecord& r) {
  const auto is_gpu = [&](int64_t handle) {
    const Agent* a = agent(handle);
    return handle >= 0 && (!a || a->gpu);
  };
  const int64_t handle = is_gpu(r.target_agent) ? r.target_agent : is_gpu(r.source_agent) ? r.source_agent : -1;
  if (handle < 0) {
    ++m_out.skipped("copies from host to host");
    return;
  }
  TraceBuilder& builder = m_out.builder();
  Event e;
  e.kind = EventKind::memcpy;
  e.name = builder.intern(copy_name(operation_name(r)));
  e.lane = m_out.lane(m_index, m_pid, device_of(handle), r.queue >= 0 ? r.queue : Activities::kCopyQueue);
  e.correlation = Activities::correlation(m_index, r.correlation);
  Detail detail;
  detail.bytes = r.bytes;
  e.detail = builder.detail(detail);
  m_out.add(e, r.span);
}

void RocprofProcess::take_barrier(const RocprofRecord& r) {
  const bool wait = operation_name(r).ends_with("WAIT");
  if (!m_out.add_annotation(r.span, wait ? kHipWaitName : kHipRecordName, r.queue) || r.agent < 0) return;
  m_barriers.add({.start_ns = *r.span.start,
                  .end_ns = *r.span.end,
                  .lane = m_out.lane(m_index, m_pid, device_of(r.agent), r.queue),
                  .source_lane = r.source_queue < 0 ? kNone : m_out.lane(m_index, m_pid, device_of(r.agent), r.source_queue),
                  .event = Activities::correlation(m_index, r.event_handle),
                  .wait = wait});
}

void RocprofProcess::finish() {
  auto& events = m_out.builder().header().events;
  for (const auto& [index, kernel] : m_unnamed) {
    const auto symbol = m_symbols.find(kernel);
    events[index].name = symbol != m_symbols.end() ? symbol->second.name
                                                   : m_out.builder().intern("kernel " + std::to_string(kernel) + " (no symbol in the file)");
  }
  m_unnamed.clear();
}

}  // namespace trace
