// What a run says about who recorded it and where, taken out before it is shared: host and user names, folders, command
// lines. Kernel names, times and notes stay, except for such words inside them.
//   path       of an absolute path only the last part stays: "/home/ann/job/trace.json" becomes "trace.json"
//   host       the run's host name, this machine's and their first parts, as whole words, become "host"
//   user       names of the owners of home folders seen, and who is logged in here, as whole words, become "user"
//   address    IPv4 addresses and user@host become "address"
//   command    a text that is a command line (a program in a folder, then arguments) keeps the program's name
// Thread rule: pure functions, but for the names of this machine and user, which are read from the system.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trace/ab.h"
#include "trace/run.h"

namespace trace {

struct ScrubbedText {
  std::string kind;          // "path", "host", "user", "address", "command"
  std::string was, became;
  int64_t count = 0;         // places
};

class Scrubber {
 public:
  Scrubber();                                         // knows this machine's names
  explicit Scrubber(std::vector<std::string> hosts, std::vector<std::string> users);   // just these
  // Learns the names that this run gives away, then takes them out of it.
  Run run(const Run&);
  // What was compared: the settings of the arms, or two command lines.
  AbSpec ab(AbSpec);
  std::string text(std::string_view);
  // Most frequent first.
  std::vector<ScrubbedText> gone() const;

 private:
  std::string names(std::string text);
  std::string file(const std::string& name);
  std::string command(std::string_view line);
  void spec(RunSpec&);
  void learn(const Run&);
  void learn_host(std::string_view);
  void learn_user(std::string_view);
  void note(const char* kind, std::string_view was, std::string_view became);

  std::vector<std::string> m_hosts, m_users;          // longest first
  std::map<std::pair<std::string, std::string>, ScrubbedText> m_gone;   // by kind and text
};

}  // namespace trace
