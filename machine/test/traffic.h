/**
 * Writes of all kinds, at random: sessions that come and go, wide operations in progress, conditions
 * that hold and that do not, records that come too early, a disk that is full now and then.
 */
#pragma once

#include "machine/test/rig.h"

namespace rig {

class Traffic {
 public:
  struct Shape {
    uint64_t keys = 500;
    uint32_t sessions = 12;
    uint32_t writesMax = 24;  // of one record
    uint64_t microsMax = 0;   // that pass in a turn; then epochs change now and then, with a leap
    bool items = false;       // half of the writes are item operations; a TICK now and then
  };
  /** The rig has link 0 open; everything goes over it. */
  Traffic(Rig& rig, Log& log, uint64_t seed, const Shape& shape)
      : rig_(rig), log_(log), random_{seed}, shape_(shape) {}
  Traffic(Rig& rig, Log& log, uint64_t seed) : Traffic(rig, log, seed, Shape{}) {}

  /** A few records, ordered and applied; returns their entries. */
  std::vector<Entry> turn();

 private:
  struct Client {
    uint64_t id;
    uint64_t sequence = 1;  // next
    uint64_t unanswered = 0;
    std::string wide = "";  // being sent, from wideDone on
    uint32_t wideDone = 0;
  };

  void pass();
  void open();
  void record(Client& client);
  uint32_t writes(Request& request, Client& client);
  void writeOne(Request& request);
  void writeItem(Request& request);
  void writeOther(Request& request);
  std::string wideOne(const std::string& key, const std::string& value);
  bool fragment(Request& request, Client& client);

  Rig& rig_;
  Log& log_;
  Random random_;
  Shape shape_;
  std::vector<Client> clients_;
  uint64_t nonce_ = 1;
};

}  // namespace rig
