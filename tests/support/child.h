// Runs a program to its end and keeps what it said. For tests that drive the command line as a user does.
#pragma once
#include <map>
#include <string>
#include <vector>

namespace support {

struct ChildResult {
  int exit_code = -1;      // -signal when killed by one
  std::string out, err;
};

// `env` is added to the environment; an empty value unsets the variable.
ChildResult run_child(const std::vector<std::string>& argv, const std::map<std::string, std::string>& env = {},
                      const std::string& stdin_text = {});

// A folder that is removed with everything in it.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::string& path() const { return m_path; }
  std::string file(const std::string& name) const { return m_path + "/" + name; }

 private:
  std::string m_path;
};

}  // namespace support
