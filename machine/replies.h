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
#include "machine/copy_value.h"
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
    if (link.sink != nullptr) return link.sink->value(to, version, nullptr, value, valueBytes);
    uint8_t* const at = valueRoom(link, to, version, valueBytes);
    if (at == nullptr) return parts(link, to, version, value, valueBytes);
    copyValue(at, value, valueBytes);
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

  /** Whether answers to these go on with the record in work. */
  static bool continues(const Link& link, const Answered& to, uint32_t answers) {
    return link.record != nullptr && link.operation == to.operation && link.session == to.session &&
           to.session != 0 && link.answers + answers <= RECORD_ANSWERS_MAX;
  }
  /** Where so many bytes go, of so many answers. */
  uint8_t* room(Link& link, const Answered& to, uint32_t bytes, uint32_t answers) {
    const bool fits = continues(link, to, answers) && link.open->used + bytes <= limit();
    if (__builtin_expect(!fits, 0)) makeRoom(link, to, bytes, answers);
    uint8_t* const at = link.open->bytes + link.open->used;
    link.open->used += bytes;
    link.answers += answers;
    link.operation += answers;
    return at;
  }
  void makeRoom(Link& link, const Answered& to, uint32_t bytes, uint32_t answers);
  /** Where a value of so many bytes goes; null when it goes in parts. */
  uint8_t* valueRoom(Link& link, const Answered& to, uint64_t version, uint32_t valueBytes) {
    const uint32_t padded = wire::padded(valueBytes);
    const uint32_t bytes = sizeof(wire::Result) + padded;
    if (bytes > limit() - wire::BODY_OFFSET - sizeof(wire::ReplyRecord)) return nullptr;
    uint8_t* const at = room(link, to, bytes, 1);
    wire::store(at, wire::Result{wire::tag::VALUE, wire::status::OK, 0, valueBytes, version});
    if (padded != 0) wire::store(at + bytes - 4, uint32_t{0});
    return at + sizeof(wire::Result);
  }
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
