/**
 * Answers on their way out: reply datagrams per link, in slots of the slab.
 *
 * A slot is free, held here (open or closed), or lent to the caller from repliesClose until
 * replyFree. When no slot is free, a reply is built in heap memory and moves into a slot when it is
 * its turn. Once a link has a reply in the heap, its later ones go there too: slots held here are
 * always next in their link's order, so they can always leave.
 */
#pragma once

#include <memory>
#include <vector>

#include "machine/assert.h"
#include "machine/counters.h"
#include "machine/wire.h"

namespace machine {

/** Whose answer comes next: of one session, from one of its operations on. */
struct Answered {
  uint32_t link;
  uint64_t session;
  uint64_t operation;
};

/**
 * Takes the answers of a link that ends in this process: they are told where they come about, and are not copied.
 * Called while the machine is in work: it may not be called from there.
 */
class Sink {
 public:
  /** Statuses of `count` operations; versions rise by one where the status is OK. */
  virtual void run(const Answered& to, uint32_t status, uint32_t count, uint64_t version) = 0;
  /** A value: of an item with its head beside it, or with the head as its first bytes if that is null. */
  virtual void value(const Answered& to, uint64_t version, const wire::ItemHead* head, const uint8_t* value,
                     uint32_t valueBytes) = 0;

 protected:
  ~Sink() = default;
};

class Replies {
 public:
  struct Settings {
    uint8_t* slab;
    uint32_t datagramBytes;
    uint32_t offset;  // of the first slot
    uint32_t slots;
    uint32_t linksMax;
    uint32_t* rows;
    uint32_t rowsMax;
  };
  Replies(const Settings& settings, Counters& counters);
  Replies(const Replies&) = delete;
  Replies& operator=(const Replies&) = delete;
  ~Replies();

  /** `age`: 0 for the youngest so far. */
  void linkOpen(uint32_t link, uint64_t age, Sink* sink = nullptr);
  void linkClose(uint32_t link);
  bool noneOpen() const { return open_ == 0; }
  bool isOpen(uint32_t link) const { return link < links_.size() && links_[link].age != 0; }
  /** Larger for a link opened later. */
  uint64_t age(uint32_t link) const { return links_[link].age; }

  uint32_t slotsFree() const { return static_cast<uint32_t>(free_.size()); }
  bool nearlyExhausted() const { return slotsFree() < slotsReserved_; }

  /** Writes with equal status and consecutive versions; or any number with one status and version.
   */
  void run(const Answered& to, uint32_t status, uint32_t count, uint64_t version);
  void status(const Answered& to, uint32_t status, uint64_t version);
  void value(const Answered& to, uint64_t version, const uint8_t* value, uint32_t valueBytes) {
    Link& link = links_[to.link];
    const uint32_t padded = wire::padded(valueBytes);
    const uint32_t bytes = sizeof(wire::Result) + padded;
    if (__builtin_expect(!follows(link, to, bytes), 0)) return valueElse(to, version, value, valueBytes);
    uint8_t* const at = link.open->bytes + link.open->used;
    link.open->used += bytes;
    ++link.answers;
    ++link.operation;
    wire::store(at, wire::Result{wire::tag::VALUE, wire::status::OK, 0, valueBytes, version});
    if (padded != 0) wire::store(at + bytes - 4, uint32_t{0});
    copyValue(at + sizeof(wire::Result), value, valueBytes);
  }
  /** A value that begins with the head. */
  void item(const Answered& to, uint64_t version, const wire::ItemHead& head, const uint8_t* value,
            uint32_t valueBytes);

  /** Rows of {link, offset, length, 0}; at most rowsMax: call again after that many. */
  uint32_t close();
  void free(uint32_t offset);

 private:
  static constexpr uint32_t ROW_WORDS = 4;
  static constexpr uint32_t RECORD_ANSWERS_MAX = UINT16_MAX;
  static constexpr uint32_t COPY_INLINE_BYTES = 128;
  static constexpr uint32_t SPARE_MAX = 64;  // heap buffers kept for later

  struct Datagram {
    Datagram* next;
    uint8_t* bytes;
    uint32_t slotOffset;
    uint32_t used;
    std::unique_ptr<uint8_t[]> heap;  // set when there was no slot
  };
  struct Link {
    uint64_t age = 0;  // 0: closed
    Sink* sink = nullptr;  // who takes its answers instead of a datagram
    Datagram* open = nullptr;
    uint8_t* record = nullptr;  // reply record in work, inside `open`
    uint32_t answers = 0;       // in that record
    uint64_t session = 0;
    uint64_t operation = 0;  // next in that record
    Datagram* first = nullptr;
    Datagram* last = nullptr;
    uint32_t inHeap = 0;
    bool listed = false;  // in active_
  };
  enum class Slot : uint8_t { free, held, lent };

  uint32_t limit() const { return settings_.datagramBytes - wire::TAG_BYTES; }
  uint32_t slotIndex(uint32_t offset) const {
    return (offset - settings_.offset) / settings_.datagramBytes;
  }

  /** Whether such an answer goes behind the last one, in the same record. */
  bool follows(const Link& link, const Answered& to, uint32_t bytes) const {
    return link.record != nullptr && link.operation == to.operation && link.session == to.session &&
           to.session != 0 && link.answers < RECORD_ANSWERS_MAX && link.open->used + bytes <= limit();
  }
  /** Most values are a few words: a call would cost more than the copy. */
  static void copyValue(uint8_t* to, const uint8_t* from, uint32_t bytes) {
    if (bytes > COPY_INLINE_BYTES) {
      std::memcpy(to, from, bytes);
      return;
    }
    for (; bytes >= sizeof(uint64_t); bytes -= sizeof(uint64_t), to += sizeof(uint64_t), from += sizeof(uint64_t)) {
      wire::store(to, wire::load<uint64_t>(from));
    }
    for (; bytes != 0; --bytes) *to++ = *from++;
  }
  void valueElse(const Answered& to, uint64_t version, const uint8_t* value, uint32_t valueBytes);
  uint8_t* valueRoom(Link& link, const Answered& to, uint64_t version, uint32_t valueBytes);
  uint8_t* room(Link& link, const Answered& to, uint32_t bytes, uint32_t answers);
  void parts(Link& link, const Answered& to, uint64_t version, const uint8_t* value,
             uint32_t valueBytes);
  void openDatagram(Link& link, uint32_t index);
  void startRecord(Link& link, const Answered& to);
  void finishRecord(Link& link);
  void finishDatagram(Link& link);
  Datagram* takeDatagram(bool fromHeap);
  void giveDatagram(Datagram* datagram);
  bool moveToSlot(Datagram& datagram);
  void emit(uint32_t index, uint32_t row);

  Settings settings_;
  Counters& counters_;
  uint32_t slotsReserved_;
  uint64_t ageNext_ = 1;
  uint32_t open_ = 0;  // links
  std::vector<Link> links_;
  std::vector<uint32_t> active_;  // links with something to send
  std::vector<uint32_t> free_;
  std::vector<Slot> slots_;
  std::vector<Datagram*> spareNodes_;
  std::vector<std::unique_ptr<Datagram>> nodes_;
  std::vector<std::unique_ptr<uint8_t[]>> spareHeap_;
  std::vector<uint8_t> scratch_;  // an item that leaves in parts
};

}  // namespace machine
