#include "tests/window/xvfb.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

namespace tests {
namespace {

constexpr int kPatience_ms = 60000;

// The server writes the number of its display and a newline once it takes clients.
std::string read_line(int from) {
  std::string line;
  pollfd ready{from, POLLIN, 0};
  char c = 0;
  while (poll(&ready, 1, kPatience_ms) == 1 && read(from, &c, 1) == 1 && c != '\n') line += c;
  return c == '\n' ? line : std::string();
}

}  // namespace

Xvfb::Xvfb() {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("no pipe for Xvfb");
  fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  const std::string fd = std::to_string(ends[1]);
  m_server = fork();
  if (m_server == 0) {
    const int quiet = open("/dev/null", O_RDWR);
    dup2(quiet, STDOUT_FILENO);
    dup2(quiet, STDERR_FILENO);
    execlp("Xvfb", "Xvfb", "-displayfd", fd.c_str(), "-screen", "0", "1600x1200x24", "-nolisten", "tcp", "-noreset", nullptr);
    _exit(127);
  }
  close(ends[1]);
  const std::string number = m_server > 0 ? read_line(ends[0]) : std::string();
  close(ends[0]);
  if (number.empty()) {
    if (m_server > 0) {
      kill(m_server, SIGKILL);
      waitpid(m_server, nullptr, 0);
    }
    throw std::runtime_error("Xvfb did not start");
  }
  if (const char* before = std::getenv("DISPLAY")) {
    m_had_display = true;
    m_before = before;
  }
  m_display = ":" + number;
  setenv("DISPLAY", m_display.c_str(), 1);
}

Xvfb::~Xvfb() {
  if (m_had_display) setenv("DISPLAY", m_before.c_str(), 1);
  else unsetenv("DISPLAY");
  kill(m_server, SIGTERM);
  waitpid(m_server, nullptr, 0);
}

}  // namespace tests
