// The N-API face of machine/codec.h. Columns are bound once and used by many calls:
// src/store/open-machine.ts binds them again when any of them changed. What is bound is kept from
// being collected.
#include "machine/codec.h"
#include "verbs-addon/binding_calls.h"
#include "verbs-addon/binding_values.h"
#include "verbs-addon/bindings.h"

namespace {

using binding::u32;
using binding::u64;
using endpoint::Failure;

constexpr uint32_t OUT_WORDS = 6;

struct CodecShell {
  uint32_t functions = 0;
  uint8_t* slab = nullptr;
  uint64_t slabBytes = 0;
  uint32_t rows = 0;
  uint32_t* out = nullptr;
  uint32_t* recordRows = nullptr;
  machine::Decoder decoder;
  machine::OperationColumns operations;
  machine::ResultColumns results;
  Napi::ObjectReference kept;  // slab, out, recordRows
  Napi::ObjectReference keptOperations;
  Napi::ObjectReference keptResults;

  bool isOpen() const { return true; }
  bool inSlab(double offset, double bytes) const {
    return offset + bytes <= static_cast<double>(slabBytes);
  }
};

/** Reads the typed arrays of an object of columns; the first wrong one is remembered. */
class Columns {
 public:
  Columns(Napi::Object object, Failure& failure) : object_(object), failure_(failure) {}

  bool good() const { return good_; }

  template <typename Element>
  const Element* array(const char* name, napi_typedarray_type type, uint64_t& length) {
    const Napi::Value value = object_.Get(name);
    length = 0;
    if (value.IsEmpty() || !value.IsTypedArray() ||
        value.As<Napi::TypedArray>().TypedArrayType() != type) {
      wrong(name);
      return nullptr;
    }
    Napi::Value holder = value;
    napi_typedarray_type found;
    size_t elements = 0;
    void* data = nullptr;
    napi_get_typedarray_info(value.Env(), holder, &found, &elements, &data, nullptr, nullptr);
    length = elements;
    return static_cast<const Element*>(data);
  }

  /** An array with one element for each of `count` operations, or one number for all. */
  template <typename Element>
  const Element* arrayOrNumber(const char* name, napi_typedarray_type type, uint32_t count,
                               uint32_t& all) {
    const Napi::Value value = object_.Get(name);
    if (!value.IsEmpty() && value.IsNumber()) {
      const double number = value.As<Napi::Number>().DoubleValue();
      if (number >= 0 && number <= UINT32_MAX) {
        all = static_cast<uint32_t>(number);
      } else {
        wrong(name);
      }
      return nullptr;
    }
    return arrayFor<Element>(name, type, count);
  }

  template <typename Element>
  const Element* arrayFor(const char* name, napi_typedarray_type type, uint64_t count) {
    uint64_t length = 0;
    const Element* const data = array<Element>(name, type, length);
    if (length < count) wrong(name);
    return data;
  }

  bool isNull(const char* name) { return object_.Get(name).IsNull(); }

  uint32_t count(const char* name) {
    const Napi::Value value = object_.Get(name);
    const double number =
        !value.IsEmpty() && value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
    if (number >= 0 && number <= INT32_MAX) return static_cast<uint32_t>(number);
    wrong(name);
    return 0;
  }

 private:
  void wrong(const char* name) {
    if (good_)
      endpoint::fail(failure_, "BAD_ARGUMENT",
                     std::string("columns: ") + name + " is wrong or too short");
    good_ = false;
  }

  Napi::Object object_;
  Failure& failure_;
  bool good_ = true;
};

/** The object of columns that a bind call was given, and what it was given to; empty on a wrong
 * argument. */
Napi::Object columnsGiven(Napi::Env env, napi_callback_info info, CodecShell*& shell) {
  napi_value value = nullptr;
  size_t count = 1;
  void* data = nullptr;
  napi_get_cb_info(env, info, &count, &value, nullptr, &data);
  shell = static_cast<CodecShell*>(data);
  const Napi::Value given(env, value);
  if (given.IsObject()) return given.As<Napi::Object>();
  napi_throw_type_error(env, "BAD_ARGUMENT", "columns is an object.");
  return Napi::Object();
}

/** Keeps the arrays themselves: the object may be given others. */
Napi::ObjectReference keep(Napi::Env env, Napi::Object from,
                           std::initializer_list<const char*> names) {
  Napi::Object kept = Napi::Object::New(env);
  for (const char* name : names) kept.Set(name, from.Get(name));
  return Napi::Persistent(kept);
}

napi_value bindOperations(napi_env rawEnv, napi_callback_info info) {
  const Napi::Env env(rawEnv);
  CodecShell* shell = nullptr;
  const Napi::Object given = columnsGiven(env, info, shell);
  if (given.IsEmpty()) return nullptr;
  Failure failure;
  Columns columns(given, failure);
  machine::OperationColumns bound;
  uint32_t kind = 0;
  bound.count = columns.count("count");
  bound.kinds = columns.arrayOrNumber<uint8_t>("kinds", napi_uint8_array, bound.count, kind);
  bound.kindOfAll = kind > UINT8_MAX ? 0 : static_cast<uint8_t>(kind);
  bound.keys = columns.array<uint8_t>("keys", napi_uint8_array, bound.keysBytes);
  bound.keyBytes = columns.arrayOrNumber<uint8_t>("keyBytes", napi_uint8_array, bound.count,
                                                  bound.keyBytesOfAll);
  bound.values = columns.array<uint8_t>("values", napi_uint8_array, bound.valuesBytes);
  bound.valueBytes = columns.arrayOrNumber<uint32_t>("valueBytes", napi_uint32_array, bound.count,
                                                     bound.valueBytesOfAll);
  if (!columns.isNull("versions")) {
    bound.versions = columns.arrayFor<double>("versions", napi_float64_array, bound.count);
  }
  if (!columns.good()) {
    binding::throwFailure(env, failure);
    return nullptr;
  }
  shell->operations = bound;
  shell->keptOperations =
      keep(env, given, {"kinds", "keys", "keyBytes", "values", "valueBytes", "versions"});
  return nullptr;
}

napi_value bindResults(napi_env rawEnv, napi_callback_info info) {
  const Napi::Env env(rawEnv);
  CodecShell* shell = nullptr;
  const Napi::Object given = columnsGiven(env, info, shell);
  if (given.IsEmpty()) return nullptr;
  Failure failure;
  Columns columns(given, failure);
  machine::ResultColumns bound;
  bound.statuses =
      const_cast<uint8_t*>(columns.array<uint8_t>("statuses", napi_uint8_array, bound.rows));
  const uint64_t rows = bound.rows;
  bound.versions =
      const_cast<double*>(columns.arrayFor<double>("versions", napi_float64_array, rows));
  bound.valueOffsets =
      const_cast<uint32_t*>(columns.arrayFor<uint32_t>("valueOffsets", napi_uint32_array, rows));
  bound.valueBytes =
      const_cast<uint32_t*>(columns.arrayFor<uint32_t>("valueBytes", napi_uint32_array, rows));
  bound.values =
      const_cast<uint8_t*>(columns.array<uint8_t>("values", napi_uint8_array, bound.valuesBytes));
  bound.valueEnd =
      const_cast<uint32_t*>(columns.arrayFor<uint32_t>("valueEnd", napi_uint32_array, 1));
  if (!columns.good()) {
    binding::throwFailure(env, failure);
    return nullptr;
  }
  shell->results = bound;
  shell->keptResults = keep(
      env, given, {"statuses", "versions", "valueOffsets", "valueBytes", "values", "valueEnd"});
  return nullptr;
}

int32_t encodedOf(CodecShell& shell, machine::Encoded encoded, const machine::Encoding& encoding) {
  if (encoded != machine::Encoded::ok) return -1;
  shell.out[0] = encoding.bytes;
  shell.out[1] = encoding.operations;
  shell.out[2] = encoding.writes;
  shell.out[3] = static_cast<uint32_t>(encoding.keyCursor);
  shell.out[4] = static_cast<uint32_t>(encoding.valueCursor);
  return static_cast<int32_t>(encoding.operations);
}

/** encode(from, keyCursor, valueCursor, offset, bytes) */
int32_t encode(CodecShell& shell, const double* numbers) {
  if (!shell.inSlab(numbers[3], numbers[4])) return -1;
  machine::Encoding encoding{0, 0, 0, u64(numbers[1]), u64(numbers[2])};
  const auto encoded = machine::encode(shell.operations, u32(numbers[0]), encoding,
                                       shell.slab + u64(numbers[3]), u32(numbers[4]));
  return encodedOf(shell, encoded, encoding);
}

/** encodeFragment(index, keyCursor, valueCursor, done, offset, bytes) */
int32_t encodeFragment(CodecShell& shell, const double* numbers) {
  if (!shell.inSlab(numbers[4], numbers[5])) return -1;
  machine::Encoding encoding{0, 0, 0, u64(numbers[1]), u64(numbers[2])};
  uint32_t done = u32(numbers[3]);
  uint32_t total = 0;
  const auto encoded =
      machine::encodeFragment(shell.operations, u32(numbers[0]), done, total, encoding,
                              shell.slab + u64(numbers[4]), u32(numbers[5]));
  shell.out[5] = total;
  return encodedOf(shell, encoded, encoding) < 0 ? -1 : static_cast<int32_t>(done);
}

/** records(offset, bytes) */
int32_t records(CodecShell& shell, const double* numbers) {
  if (!shell.inSlab(numbers[0], numbers[1])) return -1;
  return machine::listRecords(shell.slab, u32(numbers[0]), u32(numbers[1]), shell.recordRows,
                              shell.rows);
}

/** decode(offset, from) */
int32_t decode(CodecShell& shell, const double* numbers) {
  if (!shell.inSlab(numbers[0], 0)) return machine::DECODE_MALFORMED;
  const uint64_t offset = u64(numbers[0]);
  return shell.decoder.decode(shell.slab + offset, shell.slabBytes - offset, shell.results,
                              u64(numbers[1]));
}

/** openCodec(slab, rows): an object of functions, with `out` and `recordRows`. */
Napi::Value openCodec(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const double rows = info[1].IsNumber() ? info[1].As<Napi::Number>().DoubleValue() : 0;
  if (!info[0].IsArrayBuffer() || rows < 1 || rows > 1u << 20) {
    Failure failure;
    endpoint::fail(failure, "BAD_ARGUMENT",
                   "openCodec takes the slab's ArrayBuffer and rows from 1 to 2^20");
    binding::throwFailure(env, failure);
    return env.Undefined();
  }
  auto* const shell = new CodecShell;
  shell->slab = static_cast<uint8_t*>(info[0].As<Napi::ArrayBuffer>().Data());
  shell->slabBytes = info[0].As<Napi::ArrayBuffer>().ByteLength();
  shell->rows = static_cast<uint32_t>(rows);
  Napi::Uint32Array out = Napi::Uint32Array::New(env, OUT_WORDS);
  Napi::Uint32Array recordRows =
      Napi::Uint32Array::New(env, size_t{shell->rows} * machine::RECORD_ROW_WORDS);
  shell->out = out.Data();
  shell->recordRows = recordRows.Data();
  Napi::Object object = Napi::Object::New(env);
  object.Set("slab", info[0]);
  object.Set("out", out);
  object.Set("recordRows", recordRows);
  shell->kept = keep(env, object, {"slab", "out", "recordRows"});
  const struct {
    const char* name;
    napi_callback callback;
  } functions[] = {
      {"bindOperations", bindOperations},
      {"bindResults", bindResults},
      {"encode", binding::call<CodecShell, 5, encode>},
      {"encodeFragment", binding::call<CodecShell, 6, encodeFragment>},
      {"records", binding::call<CodecShell, 2, records>},
      {"decode", binding::call<CodecShell, 2, decode>},
  };
  for (const auto& each : functions)
    binding::addFunction(env, object, each.name, each.callback, shell);
  return object;
}

}  // namespace

void initCodec(Napi::Env env, Napi::Object exports) {
  exports.Set("openCodec", Napi::Function::New<openCodec>(env, "openCodec"));
}
