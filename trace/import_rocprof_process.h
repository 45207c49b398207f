// One process of a rocprofv3 JSON file: its agents, kernel symbols and strings, then its records,
// each of which becomes an activity, a host call, a range or a counted left-out. Internal to
// import_rocprof_json.cpp; not thread-safe.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "trace/hip_barriers.h"
#include "trace/import_activities.h"
#include "trace/simdjson.h"

namespace trace {

// Fields of a record, by dotted name; absent ones stay -1 or empty.
struct RocprofRecord {
  Span span;
  int64_t kind = -1, operation = -1, thread = 0, correlation = -1;
  int64_t agent = -1, queue = -1, stream = -1, kernel = -1;
  int64_t source_agent = -1, target_agent = -1, bytes = -1, lds = -1, graph_node = -1;
  int64_t event_handle = -1, source_queue = -1;
  std::array<int64_t, 3> group{-1, -1, -1}, grid{-1, -1, -1};
};

class RocprofProcess {
 public:
  // `index` = its number in the file.
  RocprofProcess(Activities& out, uint32_t index, HipBarriers& barriers) : m_out(out), m_index(index), m_barriers(barriers) {}

  void take_metadata(const std::string& json);
  void take_agents(const std::string& json);
  void take_strings(const std::string& json);
  // False: no JSON.
  bool take_symbol(simdjson::ondemand::object&);
  bool take_record(std::string_view domain, simdjson::ondemand::object&);
  // After the last one: names of kernels whose symbols came behind their dispatches.
  void finish();

  bool thread_trace() const { return m_thread_trace; }
  int64_t pid() const { return m_pid; }

 private:
  struct Symbol {
    StringId name = 0;
    int64_t registers = -1, lds = -1;
  };
  struct Agent {
    bool gpu = true;
    uint32_t device = kNone;
    std::string name, vendor, key;
  };

  const Agent* agent(int64_t handle);
  uint32_t device_of(int64_t handle);
  std::string_view operation_name(const RocprofRecord&) const;
  std::string_view kind_name(const RocprofRecord&) const;
  void take_dispatch(const RocprofRecord&);
  void take_copy(const RocprofRecord&);
  void take_barrier(const RocprofRecord&);

  Activities& m_out;
  uint32_t m_index;
  HipBarriers& m_barriers;
  int64_t m_pid = 0;
  std::string m_host;
  bool m_thread_trace = false;
  std::unordered_map<int64_t, Agent> m_agents;       // by handle
  std::unordered_map<int64_t, Symbol> m_symbols;     // by kernel id
  std::vector<std::pair<std::string, std::vector<std::string>>> m_kinds;   // name, names of operations
  std::unordered_map<int64_t, std::string> m_markers;                      // messages, by correlation id
  std::vector<std::pair<size_t, int64_t>> m_unnamed;                       // event, kernel id
};

}  // namespace trace
