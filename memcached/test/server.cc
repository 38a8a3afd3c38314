/**
 * The reference behind the protocols, on a loopback port: to be compared with memcached, and for memccapable.
 *
 * Usage: server [--user NAME --password WORD]. Prints the port that it found, and ends when its input does.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>
#include <memory>
#include <vector>

#include "memcached/test/reference.h"

namespace memcached::test {
namespace {

struct Client {
  Client(int ofSocket, Pool& pool, const Settings& settings) : socket(ofSocket), connection(pool, settings) {}
  ~Client() { ::close(socket); }

  int socket;
  Connection connection;
  bool broken = false;
};

struct Login {
  std::string_view user;
  std::string_view password;
};

bool accepts(void* context, std::string_view user, std::string_view password) {
  const auto* const login = static_cast<const Login*>(context);
  return user == login->user && password == login->password;
}

bool wouldBlock() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

void receiveFrom(Client& client) {
  const std::span<char> space = client.connection.inputSpace();
  const ssize_t bytes = recv(client.socket, space.data(), space.size(), 0);
  if (bytes > 0) {
    client.connection.received(static_cast<size_t>(bytes));
  } else if (bytes == 0) {
    client.connection.endOfInput();
  } else if (!wouldBlock()) {
    client.broken = true;
  }
}

/** Returns whether it sent all. */
bool sendTo(Client& client) {
  constexpr size_t PIECES = 16;
  while (client.connection.outputBytes() != 0) {
    std::string_view pieces[PIECES];
    iovec vectors[PIECES];
    const size_t count = client.connection.outputPieces(pieces);
    for (size_t i = 0; i < count; ++i) vectors[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
    const ssize_t bytes = writev(client.socket, vectors, static_cast<int>(count));
    if (bytes < 0) {
      client.broken = !wouldBlock();
      return false;
    }
    client.connection.sent(static_cast<size_t>(bytes));
  }
  return true;
}

void attend(Client& client, Reference& reference, short events) {
  if ((events & (POLLIN | POLLHUP | POLLERR)) != 0 && client.connection.wantsInput()) receiveFrom(client);
  do {
    reference.serve(client.connection);
  } while (client.connection.outputBytes() != 0 && sendTo(client));
}

int listenSomewhere(uint16_t& port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof address;
  auto* const general = reinterpret_cast<sockaddr*>(&address);
  if (listener < 0 || bind(listener, general, bytes) != 0 || listen(listener, SOMAXCONN) != 0 ||
      getsockname(listener, general, &bytes) != 0) {
    return -1;
  }
  port = ntohs(address.sin_port);
  return listener;
}

void serveAll(int listener, const Settings& settings) {
  Pool pool;
  Reference reference;
  std::vector<std::unique_ptr<Client>> clients;
  std::vector<pollfd> watched;
  for (;;) {
    watched.assign({{STDIN_FILENO, POLLIN, 0}, {listener, POLLIN, 0}});
    for (const auto& client : clients) {
      const bool writes = client->connection.outputBytes() != 0;
      const auto events = static_cast<short>((client->connection.wantsInput() ? POLLIN : 0) | (writes ? POLLOUT : 0));
      watched.push_back({client->socket, events, 0});
    }
    poll(watched.data(), watched.size(), -1);
    reference.now = time(nullptr);
    if (watched[0].revents != 0) return; // whoever started it is gone
    for (size_t i = 0; i < clients.size(); ++i) {
      if (watched[i + 2].revents != 0) attend(*clients[i], reference, watched[i + 2].revents);
    }
    std::erase_if(clients, [](const auto& client) { return client->broken || client->connection.closeWanted(); });
    const int accepted = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
    if (accepted >= 0) clients.push_back(std::make_unique<Client>(accepted, pool, settings));
  }
}

}  // namespace
}  // namespace memcached::test

int main(int argc, char** argv) {
  using namespace memcached::test;
  std::signal(SIGPIPE, SIG_IGN);
  memcached::Settings settings;
  Login login;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--user") login.user = argv[i + 1];
    if (name == "--password") login.password = argv[i + 1];
  }
  if (!login.user.empty()) settings.credentials = {accepts, &login};
  uint16_t port = 0;
  const int listener = listenSomewhere(port);
  if (listener < 0) {
    std::fprintf(stderr, "server: no loopback port can be opened; see whether this machine has a loopback device.\n");
    return 1;
  }
  std::printf("%u\n", port);
  std::fflush(stdout);
  serveAll(listener, settings);
  ::close(listener);
  return 0;
}
