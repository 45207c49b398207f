// A child process for tests: it may be killed, lose rights or run out of space without harm to the test program.
// What it reports travels through a pipe, so that the parent knows what was finished before the end came.
// REQUIRES: the test program has no threads of its own while it forks.
#pragma once
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

namespace tests {

class Child {
 public:
  // The child's only way out: bytes to the parent, in one piece up to 4096.
  using Report = std::function<void(const std::string&)>;

  explicit Child(const std::function<void(const Report&)>& work) {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
    m_process = ::fork();
    if (m_process < 0) throw std::runtime_error("no child process");
    if (m_process == 0) {
      ::close(ends[0]);
      work([&](const std::string& text) {
        if (::write(ends[1], text.data(), text.size()) != static_cast<ssize_t>(text.size())) ::_exit(4);
      });
      ::_exit(0);
    }
    ::close(ends[1]);
    m_from_child = ends[0];
  }
  ~Child() {
    kill();
    wait();
    ::close(m_from_child);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void kill() {
    if (m_process > 0) ::kill(m_process, SIGKILL);
  }
  // The next bytes it reported; "" at its end.
  std::string read() {
    char buffer[4096];
    const ssize_t n = ::read(m_from_child, buffer, sizeof buffer);
    return n > 0 ? std::string(buffer, static_cast<size_t>(n)) : "";
  }
  // Everything it reports until its end.
  std::string read_all() {
    std::string all;
    for (std::string part = read(); !part.empty(); part = read()) all += part;
    return all;
  }
  // The status as of waitpid.
  int wait() {
    if (m_process > 0) ::waitpid(m_process, &m_status, 0);
    m_process = 0;
    return m_status;
  }

 private:
  pid_t m_process = 0;
  int m_from_child = -1;
  int m_status = 0;
};

}  // namespace tests
