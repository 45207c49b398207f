#include "trace/import_chrome_meta.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "trace/decimal_time.h"

namespace trace {
namespace {

using Json = nlohmann::json;

bool contains_any(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::any_of(
      words, [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

std::string vendor_of(std::string_view name) {
  if (contains_any(name, {"AMD", "Radeon", "Instinct", "gfx9", "MI2", "MI3"})) return "amd";
  if (contains_any(
          name, {"NVIDIA", "Tesla", "GeForce", "Quadro", "A100", "H100", "H200", "B200", "GB200"}))
    return "nvidia";
  return "";
}

// 70051831 -> 7.0.51831, as hipRuntimeGetVersion packs it; anything else as it stands.
std::string hip_version(const std::string& text) {
  const auto packed = parse_integer(text);
  if (!packed || *packed < 10'000'000) return text;
  return std::to_string(*packed / 10'000'000) + "." + std::to_string(*packed / 100'000 % 100) +
         "." + std::to_string(*packed % 100'000);
}

// 12040 -> 12.4
std::string cuda_version(const std::string& text) {
  const auto packed = parse_integer(text);
  if (!packed || *packed < 1000) return text;
  return std::to_string(*packed / 1000) + "." + std::to_string(*packed % 1000 / 10);
}

std::string joined(std::initializer_list<std::pair<std::string_view, std::string>> parts) {
  std::string text;
  for (const auto& [what, version] : parts)
    if (!version.empty()) text += (text.empty() ? "" : ", ") + std::string(what) + " " + version;
  return text;
}

ClockSource clock_from(std::string_view key) {
  for (int i = 0; i <= static_cast<int>(ClockSource::unknown); ++i)
    if (to_string(static_cast<ClockSource>(i)) == key) return static_cast<ClockSource>(i);
  return ClockSource::unknown;
}

std::string text_or(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return "";
  return found->is_string() ? found->get<std::string>() : found->dump();
}

}  // namespace

bool ChromeMeta::wants(std::string_view key) {
  static constexpr std::string_view kWanted[] = {
      "distributedInfo",      "deviceProperties",     "roctracer_version",   "hip_runtime_version", "cupti_version",
      "cuda_runtime_version", "cuda_driver_version", "decodescope"};
  return std::ranges::find(kWanted, key) != std::end(kWanted);
}

void ChromeMeta::take(std::string_view key, std::string_view json) {
  if (key == "deviceProperties") return take_devices(json);
  if (key == "distributedInfo") return take_rank(json);
  if (key == "decodescope") return take_own(json);
  const std::string text(bare_token(json));
  if (key == "roctracer_version")
    m_roctracer = text;
  else if (key == "hip_runtime_version")
    m_hip = text;
  else if (key == "cupti_version")
    m_cupti = text;
  else if (key == "cuda_runtime_version")
    m_cuda = text;
  else if (key == "cuda_driver_version")
    m_driver = text;
}

void ChromeMeta::take_devices(std::string_view text) {
  const Json rows = Json::parse(text, nullptr, false);
  if (!rows.is_array()) return;
  for (const Json& row : rows) {
    if (!row.is_object()) continue;
    DeviceRow device{text_or(row, "id"), text_or(row, "name"), text_or(row, "vendor")};
    if (device.vendor.empty()) device.vendor = vendor_of(device.name);
    // An unnamed device with waves of 64 lanes is AMD's: containers of ROCm leave the name empty.
    if (device.vendor.empty() && row.value("warpSize", Json()) == 64) device.vendor = "amd";
    m_devices.push_back(std::move(device));
  }
}

void ChromeMeta::take_rank(std::string_view text) {
  const Json info = Json::parse(text, nullptr, false);
  if (!info.is_object()) return;
  const auto rank = parse_integer(text_or(info, "rank"));
  if (rank && *rank >= 0 && *rank < 1'000'000) m_rank = static_cast<int>(*rank);
}

void ChromeMeta::take_own(std::string_view text) {
  const Json own = Json::parse(text, nullptr, false);
  if (!own.is_object()) return;
  m_own = true;
  m_own_collector.name = text_or(own, "collector");
  m_own_collector.version = text_or(own, "collector_version");
  m_own_collector.clock = clock_from(text_or(own, "clock"));
  m_own_collector.resolution_ns =
      std::max<int64_t>(1, parse_integer(text_or(own, "resolution_ns")).value_or(1));
  m_origin_ns = parse_integer(text_or(own, "origin_ns")).value_or(0);
  const auto edges = own.find("edges");
  if (edges == own.end() || !edges->is_array()) return;
  for (const Json& edge : *edges)
    if (edge.is_array() && edge.size() == 2 && edge[0].is_number_unsigned() &&
        edge[1].is_number_unsigned())
      m_edges.push_back({edge[0].get<EventId>(), edge[1].get<EventId>()});
}

Collector ChromeMeta::collector(std::string_view runtime) const {
  if (m_own) return m_own_collector;
  const bool amd_device =
      std::ranges::any_of(m_devices, [](const DeviceRow& d) { return d.vendor == "amd"; });
  const bool nvidia_device =
      std::ranges::any_of(m_devices, [](const DeviceRow& d) { return d.vendor == "nvidia"; });
  if (!m_roctracer.empty() || !m_hip.empty() || runtime == "hip" || (amd_device && !nvidia_device))
    return {"kineto+roctracer", joined({{"hip", hip_version(m_hip)}, {"roctracer", m_roctracer}}),
            ClockSource::roctracer, 1};
  if (!m_cupti.empty() || !m_cuda.empty() || runtime == "cuda" || nvidia_device)
    return {"kineto+cupti",
            joined({{"cuda", cuda_version(m_cuda)},
                    {"cupti", m_cupti},
                    {"driver", cuda_version(m_driver)}}),
            ClockSource::cupti, 1};
  return {"kineto", "", ClockSource::unknown, 1};
}

// Our own files say where 0 was, which need not be the first event.
void ChromeMeta::move_origin(Trace& t) const {
  const auto fits = [&](const auto& spans) {
    return std::ranges::all_of(spans, [&](const auto& s) {
      int64_t start = 0, end = 0;
      return !__builtin_sub_overflow(s.start_ns, m_origin_ns, &start) &&
             !__builtin_sub_overflow(s.end_ns, m_origin_ns, &end) && start >= -kMaxTimeNs &&
             end <= kMaxTimeNs;
    });
  };
  if (!fits(t.events) || !fits(t.calls) || !fits(t.annotations)) return;
  const auto move = [&](auto& spans) {
    for (auto& s : spans) s.start_ns -= m_origin_ns, s.end_ns -= m_origin_ns;
  };
  move(t.events);
  move(t.calls);
  move(t.annotations);
  t.origin_ns = m_origin_ns;
}

void ChromeMeta::apply(TraceBuilder& builder, std::string_view runtime, bool whole) const {
  Trace& t = builder.header();
  t.collector = collector(runtime);
  const std::string vendor = t.collector.clock == ClockSource::roctracer ? "amd"
                             : t.collector.clock == ClockSource::cupti   ? "nvidia"
                                                                         : "";
  // ROCm numbers devices otherwise in its events than in its properties (one device 0 in the header, device 9 in the
  // events): where all properties are of one model there is no doubt which.
  const bool one_model = !m_devices.empty() && std::ranges::all_of(m_devices, [&](const DeviceRow& d) {
    return d.name == m_devices.front().name;
  });
  for (Device& device : t.devices) {
    auto row = std::ranges::find(m_devices, device.id, &DeviceRow::id);
    if (row == m_devices.end() && one_model) row = m_devices.begin();
    if (row != m_devices.end()) {
      device.name = row->name;
      device.vendor = row->vendor;
    }
    if (device.vendor.empty()) device.vendor = vendor;
  }
  if (m_own) move_origin(t);
  // By the order of the file's events, so of no use where some were left out.
  const auto events = static_cast<EventId>(t.events.size());
  if (!whole) return;
  for (const Edge& edge : m_edges)
    if (edge.from < events && edge.to < events) builder.add_edge(edge.from, edge.to);
}

}  // namespace trace
