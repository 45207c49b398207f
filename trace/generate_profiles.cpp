#include "trace/generate_profiles.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cstdio>
#include <memory>
#include <vector>

namespace trace {
namespace {

constexpr int64_t kNames = 48, kPerLaunch = 400, kBegin = 5'000'000'000'000;

struct Kernel {
  int64_t start, end, name, queue, launch;
};
struct Call {
  int64_t start, end, launch;
};

// Kernels in the order of their start, and a call before the first of each launch.
class Loop {
 public:
  Kernel next(Call* call) {
    if (m_count % kPerLaunch == 0) {
      m_now += 4'000;
      if (call) *call = {m_now - 3'500, m_now - 1'000, m_count / kPerLaunch};
    }
    const int64_t length = 1'500 + draw(6'000);
    const bool side = m_count % kPerLaunch % 40 > 30;
    const Kernel k{m_now, m_now + length, m_count % kNames, side ? 2 : 1, m_count / kPerLaunch};
    m_now = k.end + (draw(30) == 0 ? 5'000 : 1);
    ++m_count;
    return k;
  }
  bool launches() const { return m_count % kPerLaunch == 0; }

 private:
  int64_t draw(int64_t below) {
    m_state = m_state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<int64_t>((m_state >> 33) % static_cast<uint64_t>(below));
  }
  uint64_t m_state = 1;
  int64_t m_now = kBegin, m_count = 0;
};

std::string kernel_name(int64_t i) { return fmt::format("void decode::kernel_{}<128, {}, float>(float const*, float*, int)", i, i * 8); }

class Database {
 public:
  explicit Database(const std::string& path) {
    std::remove(path.c_str());
    if (sqlite3_open(path.c_str(), &m_handle) != SQLITE_OK) m_failed = true;
    run("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN");
  }
  ~Database() {
    for (sqlite3_stmt* s : m_statements) sqlite3_finalize(s);
    sqlite3_close(m_handle);
  }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void run(const std::string& sql) { m_failed = m_failed || sqlite3_exec(m_handle, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK; }
  sqlite3_stmt* prepare(const std::string& sql) {
    sqlite3_stmt* s = nullptr;
    m_failed = m_failed || sqlite3_prepare_v2(m_handle, sql.c_str(), -1, &s, nullptr) != SQLITE_OK;
    m_statements.push_back(s);
    return s;
  }
  void row(sqlite3_stmt* s, std::initializer_list<int64_t> values) {
    int at = 0;
    for (const int64_t v : values) sqlite3_bind_int64(s, ++at, v);
    m_failed = m_failed || sqlite3_step(s) != SQLITE_DONE;
    sqlite3_reset(s);
  }
  void text(const std::string& table, int64_t id, const std::string& value, const char* before = "") { run(fmt::format("INSERT INTO {} VALUES ({}, {}'{}')", table, id, before, value)); }
  bool done() {
    run("COMMIT");
    return !m_failed;
  }

 private:
  sqlite3* m_handle = nullptr;
  std::vector<sqlite3_stmt*> m_statements;
  bool m_failed = false;
};

bool write_nsys(int64_t kernels, const std::string& path) {
  Database db(path);
  db.run("CREATE TABLE META_DATA_EXPORT (name TEXT, value TEXT); INSERT INTO META_DATA_EXPORT VALUES ('EXPORT_SCHEMA_VERSION', '3.13.2');"
         "CREATE TABLE StringIds (id INTEGER PRIMARY KEY, value TEXT); CREATE TABLE TARGET_INFO_GPU (id INTEGER, name TEXT); INSERT INTO TARGET_INFO_GPU VALUES (0, 'NVIDIA H200');"
         "CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start INTEGER, end INTEGER, deviceId INTEGER, contextId INTEGER, greenContextId INTEGER, streamId INTEGER, correlationId INTEGER, globalPid INTEGER, demangledName INTEGER, "
         "shortName INTEGER, mangledName INTEGER, launchType INTEGER, cacheConfig INTEGER, registersPerThread INTEGER, gridX INTEGER, gridY INTEGER, gridZ INTEGER, blockX INTEGER, blockY INTEGER, blockZ INTEGER, "
         "staticSharedMemory INTEGER, dynamicSharedMemory INTEGER, localMemoryPerThread INTEGER, localMemoryTotal INTEGER, gridId INTEGER, sharedMemoryExecuted INTEGER, graphNodeId INTEGER);"
         "CREATE TABLE CUPTI_ACTIVITY_KIND_RUNTIME (start INTEGER, end INTEGER, eventClass INTEGER, globalTid INTEGER, correlationId INTEGER, nameId INTEGER, returnValue INTEGER)");
  for (int64_t i = 0; i < kNames; ++i) db.text("StringIds", i + 1, kernel_name(i));
  db.text("StringIds", 1000, "cudaGraphLaunch_v10000");
  sqlite3_stmt* kernel = db.prepare("INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES (?1, ?2, 0, 1, NULL, ?3, ?4, 1291845632, ?5, ?5, ?5, 0, 0, 64, 132, 1, 1, 256, 1, 1, 0, 49152, 0, 0, ?6, 65536, ?7)");
  sqlite3_stmt* launch = db.prepare("INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME VALUES (?1, ?2, 0, 1291845710, ?3, 1000, 0)");
  Loop loop;
  for (int64_t i = 0; i < kernels; ++i) {
    Call call{};
    const bool first = loop.launches();
    const Kernel k = loop.next(&call);
    if (first) db.row(launch, {call.start, call.end, call.launch + 1});
    db.row(kernel, {k.start, k.end, k.queue + 6, k.launch + 1, k.name + 1, i, i % kPerLaunch});
  }
  return db.done();
}

bool write_rpd(int64_t kernels, const std::string& path) {
  Database db(path);
  db.run("CREATE TABLE rocpd_metadata (id INTEGER PRIMARY KEY, tag TEXT, value TEXT); INSERT INTO rocpd_metadata VALUES (1, 'schema_version', '2');"
         "CREATE TABLE rocpd_string (id INTEGER PRIMARY KEY, string TEXT);"
         "CREATE TABLE rocpd_op (id INTEGER PRIMARY KEY, gpuId INTEGER, queueId INTEGER, sequenceId INTEGER, completionSignal TEXT, start INTEGER, end INTEGER, description_id INTEGER, opType_id INTEGER);"
         "CREATE TABLE rocpd_api (id INTEGER PRIMARY KEY, pid INTEGER, tid INTEGER, start INTEGER, end INTEGER, apiName_id INTEGER, args_id INTEGER);"
         "CREATE TABLE rocpd_api_ops (id INTEGER PRIMARY KEY, api_id INTEGER, op_id INTEGER)");
  for (int64_t i = 0; i < kNames; ++i) db.text("rocpd_string", i + 1, kernel_name(i));
  db.text("rocpd_string", 1000, "hipGraphLaunch");
  db.text("rocpd_string", 1001, "KernelExecution");
  sqlite3_stmt* kernel = db.prepare("INSERT INTO rocpd_op VALUES (?1, 2, ?2, 0, '', ?3, ?4, ?5, 1001)");
  sqlite3_stmt* launch = db.prepare("INSERT INTO rocpd_api VALUES (?1, 77, 78, ?2, ?3, 1000, 1000)");
  sqlite3_stmt* link = db.prepare("INSERT INTO rocpd_api_ops (api_id, op_id) VALUES (?1, ?2)");
  Loop loop;
  for (int64_t i = 0; i < kernels; ++i) {
    Call call{};
    const bool first = loop.launches();
    const Kernel k = loop.next(&call);
    if (first) db.row(launch, {call.launch + 1, call.start, call.end});
    db.row(kernel, {i + 1, k.queue, k.start, k.end, k.name + 1});
    db.row(link, {k.launch + 1, i + 1});
  }
  return db.done();
}

bool write_rocpd(int64_t kernels, const std::string& path) {
  Database db(path);
  const std::string u = "_00001f2e_5f3a";
  const std::string id = "id INTEGER PRIMARY KEY, guid TEXT, ";
  db.run("CREATE TABLE rocpd_metadata" + u + " (id INTEGER PRIMARY KEY, tag TEXT, value TEXT); INSERT INTO rocpd_metadata" + u + " VALUES (1, 'schema_version', '3.0.4');" +
         "CREATE TABLE rocpd_string" + u + " (" + id + "string TEXT); CREATE TABLE rocpd_info_node" + u + " (" + id + "hash INT, machine_id TEXT); INSERT INTO rocpd_info_node" + u + " VALUES (1, 'g', 5, 'machine');" +
         "CREATE TABLE rocpd_info_process" + u + " (" + id + "nid INT, ppid INT, pid INT); INSERT INTO rocpd_info_process" + u + " VALUES (1, 'g', 1, 0, 77);" +
         "CREATE TABLE rocpd_info_agent" + u + " (" + id + "nid INT, pid INT, type TEXT, absolute_index INT, name TEXT, product_name TEXT); INSERT INTO rocpd_info_agent" + u +
         " VALUES (2, 'g', 1, 1, 'GPU', 2, 'gfx950', 'AMD Instinct MI355X');" + "CREATE TABLE rocpd_info_kernel_symbol" + u + " (" + id + "kernel_name TEXT, display_name TEXT, arch_vgpr_count INT, accum_vgpr_count INT);" +
         "CREATE TABLE rocpd_event" + u + " (" + id + "category_id INT, stack_id INT, parent_stack_id INT, correlation_id INT, extdata TEXT);" + "CREATE TABLE rocpd_kernel_dispatch" + u + " (" + id +
         "nid INT, pid INT, tid INT, agent_id INT, queue_id INT, stream_id INT, kernel_id INT, dispatch_id INT, start INT, end INT, group_segment_size INT, workgroup_size_x INT, workgroup_size_y INT, workgroup_size_z INT, "
         "grid_size_x INT, grid_size_y INT, grid_size_z INT, region_name_id INT, event_id INT);" +
         "CREATE TABLE rocpd_region" + u + " (" + id + "nid INT, pid INT, tid INT, start INT, end INT, name_id INT, event_id INT)");
  for (int64_t i = 0; i < kNames; ++i) db.run(fmt::format("INSERT INTO rocpd_info_kernel_symbol{} VALUES ({}, 'g', 'k.kd', '{}', 64, 0)", u, i + 1, kernel_name(i)));
  db.text("rocpd_string" + u, 1, "hipGraphLaunch", "'g', ");
  db.text("rocpd_string" + u, 2, "HIP_API", "'g', ");
  sqlite3_stmt* kernel = db.prepare("INSERT INTO rocpd_kernel_dispatch" + u + " VALUES (?1, 'g', 1, 1, 78, 2, ?2, 0, ?3, ?1, ?4, ?5, 512, 256, 1, 1, 65536, 1, 1, NULL, ?6)");
  sqlite3_stmt* launch = db.prepare("INSERT INTO rocpd_region" + u + " VALUES (?1, 'g', 1, 1, 78, ?2, ?3, 1, ?4)");
  // As the profiler does it: an event for each call and each dispatch, with the call's id on both.
  sqlite3_stmt* event = db.prepare("INSERT INTO rocpd_event" + u + " VALUES (?1, 'g', 2, ?2, 0, ?2, '{}')");
  int64_t events = 0;
  Loop loop;
  for (int64_t i = 0; i < kernels; ++i) {
    Call call{};
    const bool first = loop.launches();
    const Kernel k = loop.next(&call);
    if (first) {
      db.row(event, {++events, call.launch + 1});
      db.row(launch, {call.launch + 1, call.start, call.end, events});
    }
    db.row(event, {++events, k.launch + 1});
    db.row(kernel, {i + 1, k.queue, k.name + 1, k.start, k.end, events});
  }
  return db.done();
}

// Text by and by, so that memory does not follow the file.
class TextFile {
 public:
  explicit TextFile(const std::string& path) : m_file(std::fopen(path.c_str(), "wb"), std::fclose) {}
  void put(const std::string& text) { m_failed = m_failed || !m_file || std::fwrite(text.data(), 1, text.size(), m_file.get()) != text.size(); }
  bool done() { return !m_failed && m_file && std::fflush(m_file.get()) == 0; }

 private:
  std::unique_ptr<FILE, int (*)(FILE*)> m_file;
  bool m_failed = false;
};

bool write_json(int64_t kernels, const std::string& path) {
  TextFile out(path);
  out.put(R"({"rocprofiler-sdk-tool":[{"metadata":{"pid":77},"agents":[{"id":{"handle":9},"type":2,"node_id":2,"name":"gfx950","product_name":"AMD Instinct MI355X"}],"kernel_symbols":[)");
  for (int64_t i = 0; i < kNames; ++i) out.put(fmt::format("{}{{\"kernel_id\":{},\"formatted_kernel_name\":\"{}\",\"arch_vgpr_count\":64,\"accum_vgpr_count\":0}}", i ? "," : "", i + 1, kernel_name(i)));
  out.put("],\"buffer_records\":{\"kernel_dispatch\":[");
  Loop loop;
  for (int64_t i = 0; i < kernels; ++i) {
    const Kernel k = loop.next(nullptr);
    out.put(fmt::format("{}{{\"size\":0,\"kind\":11,\"operation\":2,\"thread_id\":78,\"correlation_id\":{{\"internal\":{},\"external\":0}},\"start_timestamp\":{},\"end_timestamp\":{},\"dispatch_info\":{{\"size\":0,\"agent_id\":{{\"handle\":9}},"
                        "\"queue_id\":{{\"handle\":{}}},\"kernel_id\":{},\"dispatch_id\":{},\"private_segment_size\":0,\"group_segment_size\":512,\"workgroup_size\":{{\"x\":256,\"y\":1,\"z\":1}},\"grid_size\":{{\"x\":65536,\"y\":1,\"z\":1}}}},"
                        "\"stream_id\":{{\"handle\":0}}}}",
                        i ? "," : "", k.launch + 1, k.start, k.end, k.queue, k.name + 1, i + 1));
  }
  out.put("]}}]}\n");
  return out.done();
}

bool write_csv(int64_t kernels, const std::string& path) {
  TextFile out(path);
  out.put("\"Kind\",\"Agent_Id\",\"Queue_Id\",\"Stream_Id\",\"Thread_Id\",\"Dispatch_Id\",\"Kernel_Id\",\"Kernel_Name\",\"Correlation_Id\",\"Start_Timestamp\",\"End_Timestamp\",\"LDS_Block_Size\",\"Scratch_Size\",\"VGPR_Count\","
          "\"Accum_VGPR_Count\",\"SGPR_Count\",\"Workgroup_Size_X\",\"Workgroup_Size_Y\",\"Workgroup_Size_Z\",\"Grid_Size_X\",\"Grid_Size_Y\",\"Grid_Size_Z\"\n");
  Loop loop;
  for (int64_t i = 0; i < kernels; ++i) {
    const Kernel k = loop.next(nullptr);
    out.put(fmt::format("\"KERNEL_DISPATCH\",\"Agent 2\",{},0,78,{},{},\"{}\",{},{},{},512,0,64,0,32,256,1,1,65536,1,1\n", k.queue, i + 1, k.name + 1, kernel_name(k.name), k.launch + 1, k.start, k.end));
  }
  return out.done();
}

}  // namespace

std::string_view file_name(ProfileFormat f) {
  constexpr std::array<std::string_view, 5> names{"nsys.sqlite", "rpd.rpd", "rocpd.db", "rocprofv3.json", "kernel_trace.csv"};
  return names[static_cast<size_t>(f)];
}

Result<int64_t> generate_profile(ProfileFormat format, int64_t kernels, const std::string& path) {
  bool written = false;
  bool calls = true;
  switch (format) {
    case ProfileFormat::nsys: written = write_nsys(kernels, path); break;
    case ProfileFormat::rpd: written = write_rpd(kernels, path); break;
    case ProfileFormat::rocpd: written = write_rocpd(kernels, path); break;
    case ProfileFormat::rocprof_json: written = write_json(kernels, path), calls = false; break;
    case ProfileFormat::rocprof_csv: written = write_csv(kernels, path), calls = false; break;
  }
  if (!written) return Error{"the generated file cannot be written", path};
  return kernels + (calls ? (kernels + kPerLaunch - 1) / kPerLaunch : 0);
}

}  // namespace trace
