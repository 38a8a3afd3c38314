/**
 * The sockets of a front: one epoll set, which its replica waits on beside its datagrams.
 *
 * Everything happens in the replica's turn: receive() reads what has come and executes, flush() sends what became
 * answerable. No call blocks.
 */
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "front/credentials.h"
#include "front/front.h"

namespace front {

struct ServerSettings {
  std::string host;  // an address; empty: nothing is listened to but `path`
  uint16_t port = 0;
  std::string path;  // of a Unix socket; empty: none
  uint32_t connectionsMax = 1024;
  uint64_t idleMillis = 0;  // a connection that says nothing for so long is closed; 0: it is not
  std::string credentials;  // "user:password" lines; empty: nobody has to say who he is
};

class Server {
 public:
  /** Null: `error` says what to change. */
  static std::unique_ptr<Server> open(machine::Machine& machine, const FrontSettings& ofFront,
                                      const ServerSettings& settings, std::string& error);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /** Readable when a client has something to say. */
  int descriptor() const { return epoll_; }
  uint16_t port() const { return port_; }
  /** Ends the wait when `descriptor` is readable, and nothing more: the owner looks after it. */
  bool alsoWatch(int descriptor);

  /** Returns how many sockets had something to say. */
  uint32_t receive(bool serving, bool open, uint64_t nowMillis);
  /** After what this turn applied. Returns whether there is something left to do at once. */
  bool flush();
  Front& front() { return front_; }

 private:
  Server(machine::Machine& machine, const FrontSettings& ofFront, const ServerSettings& settings);

  bool listenTcp(std::string& error);
  bool listenPath(std::string& error);
  bool watchListener(int listener, std::string& error);
  void acceptAll(int listener);
  void add(int socket);
  void refuse(int socket);
  void receiveFrom(Client& client);
  void sendTo(Client& client);
  void watch(Client& client);
  void hangUp(Client& client);
  void end(Client& client);
  void closeIdle();

  ServerSettings settings_;
  Credentials credentials_;
  memcached::Settings protocol_;
  memcached::Pool pool_;
  Front front_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<Client*> over_;
  std::vector<Client*> flushing_;
  int epoll_ = -1;
  std::vector<int> listeners_;
  uint16_t port_ = 0;
  uint64_t nowMillis_ = 0;
  uint64_t idleLookMillis_ = 0;
};

}  // namespace front
