// Nsight Systems' SQLite export. Tables are made only when there is something for them, and their
// columns differ between versions, so both are probed. Ids of devices, streams and correlations are
// of one process.
#include <algorithm>

#include "trace/import_sqlite.h"
#include "trace/import_sqlite_columns.h"

namespace trace {
namespace {

constexpr int64_t kPushPop = 59, kStartEnd = 60;   // NVTX_EVENTS.eventType

class NsysReader {
 public:
  explicit NsysReader(SqliteImport& import)
      : m_import(import),
        m_file(import.file),
        m_out(import.out),
        m_builder(import.out.builder()),
        m_strings(m_file, m_builder, "StringIds", "id", "value") {}

  void read() {
    gpus();
    kernels();
    copies("CUPTI_ACTIVITY_KIND_MEMCPY", EventKind::memcpy);
    copies("CUPTI_ACTIVITY_KIND_MEMSET", EventKind::memset);
    graphs();
    calls("CUPTI_ACTIVITY_KIND_RUNTIME");
    calls("CUPTI_ACTIVITY_KIND_DRIVER");
    ranges();
    for (const char* table : {"CUPTI_ACTIVITY_KIND_SYNCHRONIZATION", "OSRT_API", "CUDNN_EVENTS", "CUBLAS_EVENTS"})
      if (const int64_t rows = m_file.count(table)) m_out.skipped(table) += rows;
    Collector& collector = m_builder.header().collector;
    collector = {"nsight systems", version(), ClockSource::cupti, 1};
    for (Device& device : m_builder.header().devices) device.vendor = "nvidia";
    caveats();
  }

 private:
  std::string version() {
    std::string product, schema;
    if (!m_file.has("META_DATA_EXPORT")) return "";
    SqliteRows rows(m_file, "SELECT name, value FROM META_DATA_EXPORT WHERE name IN ('EXPORT_PRODUCT_VERSION', 'EXPORT_SCHEMA_VERSION')");
    while (rows.next()) (rows.text(0) == "EXPORT_PRODUCT_VERSION" ? product : schema) = rows.text(1).substr(0, 40);
    return product + (schema.empty() ? "" : (product.empty() ? "schema " : ", schema ") + schema);
  }

  // A process sees devices by ids of its own (CUDA_VISIBLE_DEVICES); the table says which GPU each is.
  void gpus() {
    if (m_file.has("TARGET_INFO_GPU")) {
      SqliteRows rows(m_file, m_file.select("TARGET_INFO_GPU", {"id", "name"}));
      while (rows.next() && m_gpu_names.size() < 1000) m_gpu_names[rows.integer_or(0, -1)] = rows.text(1);
    }
    if (!m_file.has("TARGET_INFO_CUDA_DEVICE")) return;
    SqliteRows rows(m_file, m_file.select("TARGET_INFO_CUDA_DEVICE", {"pid", "cudaId", "gpuId"}));
    while (rows.next() && m_gpu_of.size() < 10'000) {
      const auto gpu = rows.integer(2);
      if (gpu) m_gpu_of[{rows.integer_or(0, 0), rows.integer_or(1, 0)}] = *gpu;
    }
  }

  static int64_t pid_of(int64_t global) { return (global >> 24) & 0xffffff; }

  uint32_t process(int64_t global_pid) {
    if (global_pid == m_last_global && !m_processes.empty()) return m_last_process;
    m_last_global = global_pid;
    return m_last_process = m_processes.try_emplace(pid_of(global_pid), static_cast<uint32_t>(m_processes.size())).first->second;
  }

  uint32_t lane(int64_t global_pid, int64_t device, int64_t stream) {
    const int64_t pid = pid_of(global_pid);
    const uint32_t number = process(global_pid);
    const auto [found, fresh] = m_devices.try_emplace({number, device}, 0);
    if (fresh) {
      const auto gpu = m_gpu_of.find({pid, device});
      const int64_t id = gpu == m_gpu_of.end() ? device : gpu->second;
      found->second = m_out.device(std::to_string(id), std::to_string(id));
      if (const auto name = m_gpu_names.find(id); name != m_gpu_names.end()) m_builder.header().devices[found->second].name = name->second;
    }
    return m_out.lane(number, pid, found->second, stream, "stream");
  }

  void kernels() {
    const std::string table = "CUPTI_ACTIVITY_KIND_KERNEL";
    if (!m_file.has(table)) return;
    const int64_t rows_about = m_file.last_rowid(table);
    m_import.expect_kernels(rows_about);
    SqliteColumns rows(m_file, m_file.list(table, "", {"start", "end", "deviceId", "streamId", "correlationId", "globalPid", "demangledName", "shortName",
                                                       "gridX", "gridY", "gridZ", "blockX", "blockY", "blockZ", "registersPerThread", "staticSharedMemory",
                                                       "dynamicSharedMemory", "graphNodeId"}), {table});
    for (int64_t i = 0; m_import.going(i, rows_about) && rows.next(); ++i) {
      Event e;
      e.name = m_strings.intern(rows.integer_or(6, -1));
      if (e.name == 0) e.name = m_strings.intern(rows.integer_or(7, -1));
      e.lane = lane(rows.integer_or(5, 0), rows.integer_or(2, 0), rows.integer_or(3, 0));
      e.correlation = Activities::correlation(m_last_process, rows.integer_or(4, -1));
      Detail detail;
      for (int k = 0; k < 3; ++k) {
        detail.grid[static_cast<size_t>(k)] = narrow_or_none(rows.integer_or(8 + k, -1));
        detail.block[static_cast<size_t>(k)] = narrow_or_none(rows.integer_or(11 + k, -1));
      }
      detail.registers = narrow_or_none(rows.integer_or(14, -1));
      const int64_t fixed = rows.integer_or(15, -1), dynamic = rows.integer_or(16, -1);
      if (fixed >= 0 && dynamic >= 0 && fixed < INT32_MAX && dynamic < INT32_MAX) detail.lds_bytes = fixed + dynamic;
      detail.graph_node = rows.integer_or(17, -1);
      e.detail = m_builder.detail(detail);
      m_out.add(e, {rows.integer(0), rows.integer(1)});
    }
  }

  std::string copy_name(int64_t kind) {
    static constexpr std::string_view kNames[] = {"", "HtoD", "DtoH", "HtoA", "AtoH", "AtoA", "AtoD", "DtoA", "DtoD", "HtoH", "PtoP", "unified HtoD", "unified DtoH", "unified DtoD"};
    return kind > 0 && kind < static_cast<int64_t>(std::size(kNames)) ? "Memcpy " + std::string(kNames[kind]) : "Memcpy";
  }

  void copies(const std::string& table, EventKind kind) {
    if (!m_file.has(table)) return;
    const int64_t rows_about = m_file.last_rowid(table);
    SqliteColumns rows(m_file, m_file.list(table, "", {"start", "end", "deviceId", "streamId", "correlationId", "globalPid", "bytes", "graphNodeId", "copyKind"}), {table});
    for (int64_t i = 0; m_import.going(i, rows_about) && rows.next(); ++i) {
      Event e;
      e.kind = kind;
      e.name = m_builder.intern(kind == EventKind::memset ? "Memset" : copy_name(rows.integer_or(8, 0)));
      e.lane = lane(rows.integer_or(5, 0), rows.integer_or(2, 0), rows.integer_or(3, 0));
      e.correlation = Activities::correlation(m_last_process, rows.integer_or(4, -1));
      Detail detail;
      detail.bytes = rows.integer_or(6, -1);
      detail.graph_node = rows.integer_or(7, -1);
      e.detail = m_builder.detail(detail);
      m_out.add(e, {rows.integer(0), rows.integer(1)});
    }
  }

  // One row a graph launch, instead of its kernels, where graphs were traced whole.
  void graphs() {
    const std::string table = "CUPTI_ACTIVITY_KIND_GRAPH_TRACE";
    if (!m_file.has(table)) return;
    SqliteColumns rows(m_file, m_file.list(table, "", {"start", "end", "deviceId", "streamId", "correlationId", "globalPid", "graphId"}), {table});
    for (int64_t i = 0; m_import.going(i, 0) && rows.next(); ++i) {
      Event e;
      e.name = m_builder.intern("CUDA graph " + std::to_string(rows.integer_or(6, 0)) + " (whole launch)");
      e.lane = lane(rows.integer_or(5, 0), rows.integer_or(2, 0), rows.integer_or(3, 0));
      e.correlation = Activities::correlation(m_last_process, rows.integer_or(4, -1));
      m_graph_launches += m_out.add(e, {rows.integer(0), rows.integer(1)});
    }
  }

  void calls(const std::string& table) {
    if (!m_file.has(table)) return;
    const int64_t rows_about = m_file.last_rowid(table);
    SqliteColumns rows(m_file, m_file.list(table, "", {"start", "end", "globalTid", "correlationId", "nameId"}), {table});
    for (int64_t i = 0; m_import.going(i, rows_about) && rows.next(); ++i) {
      const int64_t thread = rows.integer_or(2, 0);
      const uint32_t number = process(thread & ~int64_t{0xffffff});
      m_out.add_call({rows.integer(0), rows.integer(1)}, m_strings.intern(rows.integer_or(4, -1)),
                     Activities::correlation(number, rows.integer_or(3, -1)), thread & 0xffffff);
    }
  }

  void ranges() {
    const std::string table = "NVTX_EVENTS";
    if (!m_file.has(table)) return;
    SqliteRows rows(m_file, m_file.select(table, {"start", "end", "eventType", "text", "textId", "globalTid"}));
    for (int64_t i = 0; m_import.going(i, 0) && rows.next(); ++i) {
      const int64_t type = rows.integer_or(2, -1);
      if (type != kPushPop && type != kStartEnd) {
        ++m_out.skipped("NVTX events that are no ranges");
        continue;
      }
      if (!rows.integer(1)) {
        ++m_out.skipped("NVTX ranges without an end");
        continue;
      }
      const std::string name = rows.text(3).empty() ? m_strings.text(rows.integer_or(4, -1)) : std::string(rows.text(3));
      m_out.add_annotation({rows.integer(0), rows.integer(1)}, name, rows.integer_or(5, 0) & 0xffffff);
    }
  }

  void caveats() {
    auto& out = m_out.report().caveats;
    if (m_graph_launches > 0)
      out.push_back(std::to_string(m_graph_launches) + " CUDA graph launches are one bar each: the trace holds no kernels and no gaps inside them; record with --cuda-graph-trace=node to see them");
    if (m_processes.size() > 1) out.push_back(std::to_string(m_processes.size()) + " processes: streams of the later ones are labelled with their process");
    if (!m_file.has("DIAGNOSTIC_EVENT")) return;
    SqliteRows rows(m_file, m_file.select("DIAGNOSTIC_EVENT", {"severity", "text"}));
    for (int told = 0; told < 5 && rows.next();) {
      const std::string_view text = rows.text(1);
      const bool error = rows.integer_or(0, 0) == 3, about_gpus = text.find("CUDA") != std::string_view::npos && rows.integer_or(0, 0) == 2;
      if (!error && !about_gpus) continue;
      out.push_back("Nsight Systems says: " + std::string(text.substr(0, 300)));
      ++told;
    }
  }

  SqliteImport& m_import;
  SqliteFile& m_file;
  Activities& m_out;
  TraceBuilder& m_builder;
  StringTable m_strings;
  std::map<int64_t, std::string> m_gpu_names;
  std::map<std::pair<int64_t, int64_t>, int64_t> m_gpu_of;       // (pid, CUDA id) -> GPU
  std::map<std::pair<uint32_t, int64_t>, uint32_t> m_devices;    // (process, CUDA id) -> index
  std::map<int64_t, uint32_t> m_processes;                       // pid -> number
  int64_t m_last_global = 0;
  uint32_t m_last_process = 0;
  int64_t m_graph_launches = 0;
};

}  // namespace

bool is_nsys(SqliteFile& file) {
  return file.has("StringIds") && std::ranges::any_of(file.tables(), [](const std::string& t) {
           return t.starts_with("CUPTI_ACTIVITY_KIND_") || t == "META_DATA_EXPORT" || t == "TARGET_INFO_SESSION_START_TIME" || t == "ANALYSIS_DETAILS";
         });
}

void import_nsys(SqliteImport& import) { NsysReader(import).read(); }

}  // namespace trace
