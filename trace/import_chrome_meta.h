// What a Chrome or Kineto file says beside its records: devices, versions, who wrote it. Internal
// to the importer.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "trace/builder.h"

namespace trace {

class ChromeMeta {
 public:
  // Whether the value of this key of the root is wanted; others are passed over without being kept.
  static bool wants(std::string_view key);
  // `json`: the value's text. A value that cannot be read is as good as absent.
  void take(std::string_view key, std::string_view json);

  bool own_export() const { return m_own; }
  int rank() const { return m_rank; }   // -1 = not said
  // Collector and devices of the trace, and the origin if the file is our own. `runtime`: "cuda",
  // "hip" or empty, from its host calls. `whole`: the builder holds every event of the file. After the
  // last record, before finish().
  void apply(TraceBuilder&, std::string_view runtime, bool whole) const;

 private:
  void take_rank(std::string_view json);
  struct DeviceRow {
    std::string id, name, vendor;
  };
  void take_devices(std::string_view json);
  void take_own(std::string_view json);
  Collector collector(std::string_view runtime) const;
  void move_origin(Trace&) const;

  std::vector<DeviceRow> m_devices;
  std::string m_roctracer, m_hip, m_cupti, m_cuda, m_driver;
  int m_rank = -1;
  bool m_own = false;
  Collector m_own_collector;
  int64_t m_origin_ns = 0;
  std::vector<Edge> m_edges;
};

}  // namespace trace
