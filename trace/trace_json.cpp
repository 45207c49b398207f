#include "trace/trace_json.h"

#include "trace/columns.h"
#include "trace/json_enums.h"
#include "trace/trace_check.h"

namespace trace {

// ---- the small tables; not in an unnamed namespace, or JsonWriter and JsonReader would not find them

template <class V, Is<Collector> S>
void fields(V& v, S& s) {
  v("name", s.name);
  v("version", s.version);
  v("clock", s.clock);
  v("resolution_ns", s.resolution_ns);
}

template <class V, Is<Device> S>
void fields(V& v, S& s) {
  v("id", s.id);
  v("name", s.name);
  v("vendor", s.vendor);
}

template <class V, Is<Lane> S>
void fields(V& v, S& s) {
  v("device", s.device);
  v("stream", s.stream);
  v("kind", s.kind);
  v("label", s.label);
  v("logical", s.logical);
  v("first", s.first);
  v("count", s.count);
}

namespace {

constexpr int64_t kMaxRows = 10'000'000;

template <class V, Is<Trace> S>
void small_fields(V& v, S& s) {
  v("title", s.title);
  v("source", s.source);
  v("collector", s.collector);
  v("origin_ns", s.origin_ns);
  v("devices", s.devices);
  v("lanes", s.lanes);
}

// ---- the large tables: their columns, listed once for both directions

template <class V, class Rows>
void columns(V& v, Rows& rows, const Event&) {
  v("start_ns", rows, [](auto& e) -> auto& { return e.start_ns; });
  v("end_ns", rows, [](auto& e) -> auto& { return e.end_ns; });
  v("correlation", rows, [](auto& e) -> auto& { return e.correlation; });
  v("name", rows, [](auto& e) -> auto& { return e.name; });
  v("lane", rows, [](auto& e) -> auto& { return e.lane; });
  v("detail", rows, [](auto& e) -> auto& { return e.detail; });
  v("call", rows, [](auto& e) -> auto& { return e.call; });
  v("step", rows, [](auto& e) -> auto& { return e.step; });
  v("op", rows, [](auto& e) -> auto& { return e.op; });
  v("kind", rows, [](auto& e) -> auto& { return e.kind; });
  v("category", rows, [](auto& e) -> auto& { return e.category; });
}

template <class V, class Rows>
void columns(V& v, Rows& rows, const Detail&) {
  constexpr std::array kAxes{"x", "y", "z"};
  for (size_t k = 0; k < 3; ++k) {
    v(std::string("grid_") + kAxes[k], rows, [k](auto& d) -> auto& { return d.grid[k]; });
    v(std::string("block_") + kAxes[k], rows, [k](auto& d) -> auto& { return d.block[k]; });
  }
  v("registers", rows, [](auto& d) -> auto& { return d.registers; });
  v("lds_bytes", rows, [](auto& d) -> auto& { return d.lds_bytes; });
  v("bytes", rows, [](auto& d) -> auto& { return d.bytes; });
  v("flops", rows, [](auto& d) -> auto& { return d.flops; });
  v("graph_node", rows, [](auto& d) -> auto& { return d.graph_node; });
  v("hsa_queue", rows, [](auto& d) -> auto& { return d.hsa_queue; });
  v("layer", rows, [](auto& d) -> auto& { return d.layer; });
}

template <class V, class Rows>
void columns(V& v, Rows& rows, const HostCall&) {
  v("start_ns", rows, [](auto& c) -> auto& { return c.start_ns; });
  v("end_ns", rows, [](auto& c) -> auto& { return c.end_ns; });
  v("correlation", rows, [](auto& c) -> auto& { return c.correlation; });
  v("name", rows, [](auto& c) -> auto& { return c.name; });
  v("thread", rows, [](auto& c) -> auto& { return c.thread; });
}

template <class V, class Rows>
void columns(V& v, Rows& rows, const Annotation&) {
  v("start_ns", rows, [](auto& a) -> auto& { return a.start_ns; });
  v("end_ns", rows, [](auto& a) -> auto& { return a.end_ns; });
  v("name", rows, [](auto& a) -> auto& { return a.name; });
  v("thread", rows, [](auto& a) -> auto& { return a.thread; });
}

template <class V, class Rows>
void columns(V& v, Rows& rows, const Edge&) {
  v("from", rows, [](auto& e) -> auto& { return e.from; });
  v("to", rows, [](auto& e) -> auto& { return e.to; });
}

template <class V, Is<Trace> S>
void tables(V& v, S& s) {
  v.table("events", s.events);
  v.table("details", s.details);
  v.table("calls", s.calls);
  v.table("annotations", s.annotations);
  v.table("edges", s.edges);
  v.texts("strings", s.strings);
  v.texts("ops", s.ops);
}

// An index that is not known is -1, not 2^32 - 1, for the sake of small differences.
template <class T>
int64_t plain(T value) {
  if constexpr (std::same_as<T, uint32_t>) {
    if (value == kNone) return -1;
  }
  return static_cast<int64_t>(value);
}

class TableWriter {
 public:
  explicit TableWriter(nlohmann::json& out) : m_out(out) {}

  template <class T>
  void table(const char* name, const std::vector<T>& rows) {
    m_table = {{"rows", rows.size()}};
    columns(*this, rows, T{});
    m_out[name] = std::move(m_table);
  }
  template <class Rows, class Get>
  void operator()(const std::string& column, Rows& rows, Get get) {
    m_values.clear();
    for (auto& row : rows) m_values.push_back(plain(get(row)));
    m_table[column] = encode_column(m_values);
  }
  void texts(const char* name, const std::vector<std::string>& rows) {
    m_out[name] = encode_texts(rows);
    m_out[name]["rows"] = rows.size();
  }

 private:
  nlohmann::json& m_out;
  nlohmann::json m_table;
  std::vector<int64_t> m_values;
};

class TableReader {
 public:
  TableReader(const nlohmann::json& in, JsonReader& errors) : m_in(in), m_errors(errors) {}

  template <class T>
  void table(const char* name, std::vector<T>& rows) {
    if (!open(name)) return;
    rows.assign(m_rows, T{});
    columns(*this, rows, T{});
  }
  template <class Rows, class Get>
  void operator()(const std::string& column, Rows& rows, Get get) {
    if (m_errors.error() || !m_table->contains(column)) return;
    const auto values = decode_column((*m_table)[column], m_rows);
    if (!values) return m_errors.fail(m_name + "." + column, values.error().what);
    for (size_t i = 0; i < m_rows; ++i)
      if (!assign(get(rows[i]), (*values)[i]))
        return m_errors.fail(m_name + "." + column, "row " + std::to_string(i) + " is out of range");
  }
  void texts(const char* name, std::vector<std::string>& rows) {
    if (!open(name)) return;
    auto texts = decode_texts(*m_table, m_rows);
    if (!texts) return m_errors.fail(name, texts.error().what);
    rows = std::move(*texts);
  }

 private:
  // Whether the table is there, with a number of rows that can be.
  bool open(const char* name) {
    m_name = name;
    if (m_errors.error() || !m_in.contains(name)) return false;
    m_table = &m_in[name];
    int64_t rows = -1;
    if (!m_table->is_object() || !m_table->contains("rows")) {
      m_errors.fail(name, "expected a table");
    } else {
      m_errors.read((*m_table)["rows"], m_name + ".rows", rows);
      if (rows < 0 || rows > kMaxRows) m_errors.fail(m_name + ".rows", "out of range");
    }
    m_rows = m_errors.error() ? 0 : static_cast<size_t>(rows);
    return !m_errors.error();
  }

  template <class T>
  static bool assign(T& field, int64_t value) {
    if constexpr (std::is_enum_v<T>) {
      field = static_cast<T>(value);
      return static_cast<int64_t>(field) == value;   // check_trace() knows the enumerators
    } else {
      field = static_cast<T>(value);
      return std::in_range<T>(value) || (std::same_as<T, uint32_t> && value == -1);
    }
  }

  const nlohmann::json& m_in;
  JsonReader& m_errors;
  std::string m_name;
  const nlohmann::json* m_table = nullptr;
  size_t m_rows = 0;
};

}  // namespace

nlohmann::json write_trace_json(const Trace& t) {
  JsonWriter writer;
  small_fields(writer, t);
  nlohmann::json out = writer.take();
  TableWriter table_writer(out);
  tables(table_writer, t);
  return out;
}

Result<TracePtr> read_trace_json(const nlohmann::json& in, const std::string& where) {
  if (!in.is_object()) return Error{"expected a trace, found " + std::string(json_type_name(in)), where};
  auto t = std::make_shared<Trace>();
  t->strings = t->ops = {""};
  JsonReader reader(in);
  small_fields(reader, *t);
  TableReader tables_of(in, reader);
  tables(tables_of, *t);
  if (reader.error()) return Error{*reader.error(), where};
  const Status status = check_trace(*t);
  if (!status) return Error{status.error().what, where};
  return TracePtr(std::move(t));
}

}  // namespace trace
