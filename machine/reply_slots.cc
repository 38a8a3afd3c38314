// The other half of replies.h: which memory a reply datagram lies in, and when it leaves.

#include <algorithm>

#include "machine/replies.h"

namespace machine {

namespace {

/** A request is refused for the moment when fewer than one slot in this many is free. */
constexpr uint32_t SLOTS_RESERVED_SHARE = 8;

}  // namespace

Replies::Replies(const Settings& settings, Counters& counters)
    : settings_(settings),
      counters_(counters),
      slotsReserved_(std::max(1u, settings.slots / SLOTS_RESERVED_SHARE)),
      links_(settings.linksMax),
      slots_(settings.slots, Slot::free) {
  active_.reserve(settings.linksMax);
  free_.reserve(settings.slots);
  for (uint32_t i = settings.slots; i-- > 0;) {
    free_.push_back(settings.offset + i * settings.datagramBytes);
  }
}

Replies::~Replies() = default;

void Replies::linkOpen(uint32_t link, uint64_t age, Sink* sink) {
  require(link < links_.size() && links_[link].age == 0,
          "replies: a link is closed before it is opened");
  ++open_;
  links_[link].age = age == 0 ? ageNext_ : age;
  links_[link].sink = sink;
  ageNext_ = std::max(ageNext_, links_[link].age + 1);
}

void Replies::linkClose(uint32_t index) {
  require(isOpen(index), "replies: a link is open before it is closed");
  Link& link = links_[index];
  finishDatagram(link);
  for (Datagram* datagram = link.first; datagram != nullptr;) {
    Datagram* const next = datagram->next;
    if (datagram->heap == nullptr) {
      slots_[slotIndex(datagram->slotOffset)] = Slot::free;
      free_.push_back(datagram->slotOffset);
    }
    giveDatagram(datagram);
    datagram = next;
  }
  if (link.listed) active_.erase(std::find(active_.begin(), active_.end(), index));
  link = Link{};
  --open_;
}

Replies::Datagram* Replies::takeDatagram(bool fromHeap) {
  if (spareNodes_.empty()) {
    nodes_.push_back(std::make_unique<Datagram>());
    spareNodes_.push_back(nodes_.back().get());
  }
  Datagram* const datagram = spareNodes_.back();
  spareNodes_.pop_back();
  datagram->next = nullptr;
  datagram->used = wire::BODY_OFFSET;
  if (fromHeap || free_.empty()) {
    counters_.add(counter::REPLIES_OVERFLOWED, 1);
    if (spareHeap_.empty()) {
      datagram->heap = std::make_unique_for_overwrite<uint8_t[]>(settings_.datagramBytes);
    } else {
      datagram->heap = std::move(spareHeap_.back());
      spareHeap_.pop_back();
    }
    datagram->bytes = datagram->heap.get();
    return datagram;
  }
  datagram->slotOffset = free_.back();
  free_.pop_back();
  slots_[slotIndex(datagram->slotOffset)] = Slot::held;
  datagram->bytes = settings_.slab + datagram->slotOffset;
  return datagram;
}

void Replies::giveDatagram(Datagram* datagram) {
  if (datagram->heap != nullptr && spareHeap_.size() < SPARE_MAX) {
    spareHeap_.push_back(std::move(datagram->heap));
  }
  datagram->heap.reset();
  spareNodes_.push_back(datagram);
}

bool Replies::moveToSlot(Datagram& datagram) {
  if (datagram.heap == nullptr) return true;
  if (free_.empty()) return false;
  datagram.slotOffset = free_.back();
  free_.pop_back();
  std::memcpy(settings_.slab + datagram.slotOffset + wire::BODY_OFFSET,
              datagram.bytes + wire::BODY_OFFSET, datagram.used - wire::BODY_OFFSET);
  return true;
}

void Replies::emit(uint32_t index, uint32_t row) {
  Link& link = links_[index];
  Datagram* const datagram = link.first;
  if (datagram->heap != nullptr) --link.inHeap;
  slots_[slotIndex(datagram->slotOffset)] = Slot::lent;
  uint32_t* const out = settings_.rows + size_t{row} * ROW_WORDS;
  out[0] = index;
  out[1] = datagram->slotOffset;
  out[2] = datagram->used;
  out[3] = 0;
  link.first = datagram->next;
  if (link.first == nullptr) link.last = nullptr;
  giveDatagram(datagram);
  counters_.add(counter::REPLIES, 1);
}

uint32_t Replies::close() {
  uint32_t count = 0;
  for (uint32_t i = 0; i < active_.size() && count < settings_.rowsMax;) {
    const uint32_t index = active_[i];
    Link& link = links_[index];
    finishDatagram(link);
    while (link.first != nullptr && count < settings_.rowsMax && moveToSlot(*link.first))
      emit(index, count++);
    if (link.first != nullptr) {
      ++i;
      continue;
    }
    link.listed = false;
    active_[i] = active_.back();
    active_.pop_back();
  }
  return count;
}

void Replies::free(uint32_t offset) {
  require(offset >= settings_.offset, "replies: a slot given back is one of ours");
  require((offset - settings_.offset) % settings_.datagramBytes == 0,
          "replies: a slot is named by its start");
  const uint32_t index = slotIndex(offset);
  require(index < slots_.size() && slots_[index] == Slot::lent,
          "replies: a slot given back was lent");
  slots_[index] = Slot::free;
  free_.push_back(offset);
}

}  // namespace machine
