#include "trace/import_sqlite.h"

#include <algorithm>
#include <iterator>

namespace trace {
namespace {

struct SqliteFormat {
  std::string_view name;
  bool (*knows)(SqliteFile&);
  void (*read)(SqliteImport&);
};

constexpr SqliteFormat kSqliteFormats[] = {
    {"rocpd (rocprofv3) SQLite", is_rocpd, import_rocpd},
    {"RPD SQLite", is_rpd, import_rpd},
    {"Nsight Systems SQLite", is_nsys, import_nsys},
};

}  // namespace

StringTable::StringTable(SqliteFile& file, TraceBuilder& builder, const std::string& table, std::string_view id, std::string_view text, const std::string& also)
    : m_builder(builder) {
  if (file.has(table) && file.has_column(table, id) && file.has_column(table, text))
    m_query.emplace(file, "SELECT " + SqliteFile::quoted(text) + " FROM " + SqliteFile::quoted(table) + " WHERE " + SqliteFile::quoted(id) + " = ?" + also);
}

StringId StringTable::look_up(int64_t id) {
  if (id >= 0 && id < kDense) {
    m_dense.resize(std::max(m_dense.size(), std::min<size_t>(kDense, 2 * static_cast<size_t>(id) + 64)), kUnasked);
    StringId& text = m_dense[static_cast<size_t>(id)] = 0;
    if (!m_query) return 0;
    m_query->bind(id);
    return text = m_query->next() ? m_builder.intern(m_query->text(0)) : 0;
  }
  const auto [found, fresh] = m_known.try_emplace(id, 0);
  if (fresh && m_query) {
    m_query->bind(id);
    if (m_query->next()) found->second = m_builder.intern(m_query->text(0));
  }
  return found->second;
}

bool sniff_sqlite(std::string_view head) { return head.starts_with(std::string_view("SQLite format 3\0", 16)); }

Result<Imported> import_sqlite(ByteSource& source, const ImportJob& job) {
  auto file = SqliteFile::open(source, job);
  if (!file) return file.error();
  const auto format = std::ranges::find_if(kSqliteFormats, [&](const SqliteFormat& f) { return f.knows(**file); });
  if (format == std::end(kSqliteFormats))
    return Error{"this SQLite file has none of the tables of rocpd, RPD or Nsight Systems", job.path};
  Activities out(job);
  out.set_format(std::string(format->name) + (source.compression().empty() ? "" : ", " + std::string(source.compression())));
  SqliteImport import{**file, out};
  format->read(import);
  if (import.cancelled || (job.options.cancel && job.options.cancel->load())) return Error{"cancelled", job.path};
  auto& warnings = out.report().warnings;
  for (const std::string& warning : (*file)->warnings()) warnings.push_back(warning);
  if (!(*file)->problem().empty()) {
    if (out.report().used == 0) return Error{(*file)->problem(), job.path};
    warnings.push_back((*file)->problem() + ": kept what was whole before");
  }
  return out.finish();
}

}  // namespace trace
