// SQLite files of tests, from statements.
#pragma once
#include <sqlite3.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace tests {

class SqliteMaker {
 public:
  explicit SqliteMaker(const std::string& path) : m_path(path) {
    if (sqlite3_open(path.c_str(), &m_handle) != SQLITE_OK) throw std::runtime_error("no SQLite file: " + path);
    run("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN");
  }
  ~SqliteMaker() { close(); }
  SqliteMaker(const SqliteMaker&) = delete;
  SqliteMaker& operator=(const SqliteMaker&) = delete;

  void run(const std::string& sql) {
    char* error = nullptr;
    if (sqlite3_exec(m_handle, sql.c_str(), nullptr, nullptr, &error) != SQLITE_OK) throw std::runtime_error(std::string(error) + " in " + sql.substr(0, 200));
  }
  static std::string quoted(const std::string& name) {
    std::string out = "\"";
    for (const char c : name) out += c == '"' ? "\"\"" : std::string(1, c);
    return out + '"';
  }
  void table(const std::string& name, const std::string& columns) { run("CREATE TABLE " + quoted(name) + " (" + columns + ")"); }
  void row(const std::string& name, const std::vector<std::string>& values) {
    std::string sql = "INSERT INTO " + quoted(name) + " VALUES (";
    for (size_t i = 0; i < values.size(); ++i) sql += (i ? ", " : "") + values[i];
    run(sql + ")");
  }
  sqlite3* handle() { return m_handle; }
  const std::string& close() {
    if (m_handle) {
      sqlite3_exec(m_handle, "COMMIT", nullptr, nullptr, nullptr);
      sqlite3_close(m_handle);
    }
    m_handle = nullptr;
    return m_path;
  }

 private:
  std::string m_path;
  sqlite3* m_handle = nullptr;
};

}  // namespace tests
