#include "front/server.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace front {

namespace {

constexpr int EVENTS_MAX = 256;
constexpr size_t PIECES_MAX = 16;
constexpr uint64_t IDLE_LOOK_MILLIS = 1000;
/** In an event's data; a listener's has the highest bit beside its descriptor, and nobody's has this one alone. */
constexpr uint64_t LISTENER = uint64_t{1} << 63;
constexpr uint64_t NOBODY = uint64_t{1} << 62;

bool wouldBlock() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

Server::Server(machine::Machine& machine, const FrontSettings& ofFront, const ServerSettings& settings)
    : settings_(settings), credentials_(settings.credentials), front_(machine, ofFront) {
  protocol_.credentials = credentials_.forProtocol();
  front_.connectionsMax = settings.connectionsMax;
}

Server::~Server() {
  for (const auto& client : clients_) {
    if (client->socket >= 0) ::close(client->socket);
  }
  for (const int listener : listeners_) ::close(listener);
  if (epoll_ >= 0) ::close(epoll_);
  if (!settings_.path.empty()) ::unlink(settings_.path.c_str());
}

std::unique_ptr<Server> Server::open(machine::Machine& machine, const FrontSettings& ofFront,
                                     const ServerSettings& settings, std::string& error) {
  std::unique_ptr<Server> server(new Server(machine, ofFront, settings));
  server->epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (server->epoll_ < 0) {
    error = "no descriptors left: raise the limit 'ulimit -n'";
    return nullptr;
  }
  if (!settings.host.empty() && !server->listenTcp(error)) return nullptr;
  if (!settings.path.empty() && !server->listenPath(error)) return nullptr;
  return server;
}

bool Server::listenTcp(std::string& error) {
  sockaddr_storage address{};
  auto* const four = reinterpret_cast<sockaddr_in*>(&address);
  auto* const six = reinterpret_cast<sockaddr_in6*>(&address);
  socklen_t bytes = sizeof *four;
  if (inet_pton(AF_INET, settings_.host.c_str(), &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons(settings_.port);
  } else if (inet_pton(AF_INET6, settings_.host.c_str(), &six->sin6_addr) == 1) {
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(settings_.port);
    bytes = sizeof *six;
  } else {
    error = "--memcached wants an IP address of this machine before the port, not " + settings_.host;
    return false;
  }
  const int listener = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int yes = 1;
  auto* const general = reinterpret_cast<sockaddr*>(&address);
  if (listener >= 0) {
    listeners_.push_back(listener);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  }
  if (listener < 0 || bind(listener, general, bytes) != 0 || listen(listener, SOMAXCONN) != 0 ||
      getsockname(listener, general, &bytes) != 0) {
    const std::string place = settings_.host + " port " + std::to_string(settings_.port);
    error = "memcached's clients cannot be listened to at " + place + " (" + std::strerror(errno) +
            "): choose another with --memcached";
    return false;
  }
  port_ = ntohs(address.ss_family == AF_INET ? four->sin_port : six->sin6_port);
  return watchListener(listener, error);
}

bool Server::listenPath(std::string& error) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (settings_.path.size() >= sizeof address.sun_path) {
    error = "the path of a Unix socket is too long: choose a shorter TMPDIR";
    return false;
  }
  std::memcpy(address.sun_path, settings_.path.data(), settings_.path.size());
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener >= 0) listeners_.push_back(listener);
  if (listener < 0 || bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener, SOMAXCONN) != 0) {
    error = "no Unix socket can be made at " + settings_.path + " (" + std::strerror(errno) +
            "): choose another TMPDIR";
    return false;
  }
  return watchListener(listener, error);
}

bool Server::watchListener(int listener, std::string& error) {
  epoll_event event{EPOLLIN, {.u64 = LISTENER | static_cast<uint32_t>(listener)}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, listener, &event) == 0) return true;
  error = std::string("epoll_ctl: ") + std::strerror(errno);
  return false;
}

bool Server::alsoWatch(int descriptor) {
  epoll_event event{EPOLLIN, {.u64 = NOBODY}};
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

uint32_t Server::receive(bool serving, bool open, uint64_t nowMillis) {
  nowMillis_ = nowMillis;
  epoll_event events[EVENTS_MAX];
  const int ready = epoll_wait(epoll_, events, EVENTS_MAX, 0);
  uint32_t heard = 0;
  for (int i = 0; i < ready; ++i) {
    const uint64_t who = events[i].data.u64;
    if (who == NOBODY) continue;
    ++heard;
    if ((who & LISTENER) != 0) {
      acceptAll(static_cast<int>(who & UINT32_MAX));
      continue;
    }
    Client& client = *reinterpret_cast<Client*>(who);
    const bool gone = (events[i].events & (EPOLLHUP | EPOLLERR)) != 0;
    // Who is gone is told of again and again until it is closed.
    if (gone && client.socket >= 0 && !client.connection.wantsInput()) hangUp(client);
    if (gone || (events[i].events & EPOLLIN) != 0) receiveFrom(client);
    front_.activate(client);
  }
  front_.turn(serving, open, nowMillis);
  if (settings_.idleMillis != 0 && nowMillis - idleLookMillis_ >= IDLE_LOOK_MILLIS) closeIdle();
  return heard;
}

void Server::acceptAll(int listener) {
  for (;;) {
    const int socket = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) return;  // nobody more, or no descriptors: who waits is accepted when one is free
    if (front_.connections >= settings_.connectionsMax) {
      refuse(socket);
    } else {
      add(socket);
    }
  }
}

void Server::refuse(int socket) {
  constexpr std::string_view SORRY = "ERROR Too many open connections\r\n";
  const ssize_t sent = ::send(socket, SORRY.data(), SORRY.size(), MSG_NOSIGNAL);
  static_cast<void>(sent);  // who is gone already does not mind
  ::close(socket);
  ++front_.counts.rejected_connections;
}

void Server::add(int socket) {
  const int yes = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);  // a Unix socket has no such thing
  clients_.push_back(std::make_unique<Client>(pool_, protocol_, socket));
  Client& client = *clients_.back();
  client.place = static_cast<uint32_t>(clients_.size() - 1);
  client.heardMillis = nowMillis_;
  client.watched = EPOLLIN;
  epoll_event event{EPOLLIN, {.ptr = &client}};
  ++front_.connections;
  ++front_.counts.total_connections;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event) != 0) end(client);
}

void Server::receiveFrom(Client& client) {
  if (client.socket < 0 || !client.connection.wantsInput()) return;
  const std::span<char> space = client.connection.inputSpace();
  const ssize_t bytes = ::recv(client.socket, space.data(), space.size(), 0);
  if (bytes > 0) {
    client.heardMillis = nowMillis_;
    front_.counts.bytes_read += static_cast<uint64_t>(bytes);
    client.connection.received(static_cast<size_t>(bytes));
  } else if (bytes == 0) {
    client.connection.endOfInput();
  } else if (!wouldBlock()) {
    hangUp(client);
  }
}

bool Server::flush() {
  front_.endTurn();
  flushing_.swap(front_.touched());
  for (Client* const client : flushing_) {
    client->touched = false;
    sendTo(*client);
  }
  flushing_.clear();
  for (Client* const client : over_) end(*client);
  over_.clear();
  return front_.busy();
}

/** Sends what there is; looks what is to be waited for, or whether it is over. */
void Server::sendTo(Client& client) {
  while (client.socket >= 0 && client.connection.outputBytes() != 0) {
    std::string_view pieces[PIECES_MAX];
    iovec vectors[PIECES_MAX];
    const size_t count = client.connection.outputPieces(pieces);
    for (size_t i = 0; i < count; ++i) vectors[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
    msghdr message{};
    message.msg_iov = vectors;
    message.msg_iovlen = count;
    const ssize_t bytes = ::sendmsg(client.socket, &message, MSG_NOSIGNAL);
    if (bytes < 0) {
      if (!wouldBlock()) hangUp(client);
      break;
    }
    front_.counts.bytes_written += static_cast<uint64_t>(bytes);
    // There is room again: what waited for it goes on.
    if (client.connection.outputBytes() >= memcached::OUTPUT_BYTES_MAX) front_.activate(client);
    client.connection.sent(static_cast<size_t>(bytes));
  }
  if (client.socket < 0) {
    client.connection.sent(client.connection.outputBytes());
    if (client.waiting.empty() && !client.active) over_.push_back(&client);
  } else if (client.connection.closeWanted()) {
    over_.push_back(&client);
  } else {
    watch(client);
  }
}

void Server::watch(Client& client) {
  const bool writes = client.connection.outputBytes() != 0;
  const uint32_t wanted = (client.connection.wantsInput() ? EPOLLIN : 0u) | (writes ? EPOLLOUT : 0u);
  if (wanted == client.watched) return;
  client.watched = wanted;
  epoll_event event{wanted, {.ptr = &client}};
  epoll_ctl(epoll_, EPOLL_CTL_MOD, client.socket, &event);
}

/** The client is gone; what it has under way is still answered, to nobody. */
void Server::hangUp(Client& client) {
  ::close(client.socket);
  client.socket = -1;
  client.connection.endOfInput();
  front_.activate(client);
}

void Server::end(Client& client) {
  front_.forget(client);
  if (client.socket >= 0) ::close(client.socket);
  --front_.connections;
  const uint32_t place = client.place;
  clients_.back()->place = place;
  std::swap(clients_[place], clients_.back());
  clients_.pop_back();
}

void Server::closeIdle() {
  idleLookMillis_ = nowMillis_;
  for (const auto& client : clients_) {
    const bool idle = client->waiting.empty() && nowMillis_ - client->heardMillis > settings_.idleMillis;
    if (!idle || client->socket < 0) continue;
    ++front_.counts.idle_kicks;
    hangUp(*client);
  }
}

}  // namespace front
