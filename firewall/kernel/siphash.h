/* SipHash-2-4 of a tag's 40 sealed bytes, for the kernel's programs and for the
 * host, where a test holds it equal to apr_siphash24(). */
#ifndef MAILORIGIN_FIREWALL_KERNEL_SIPHASH_H
#define MAILORIGIN_FIREWALL_KERNEL_SIPHASH_H

#include "core/abi/layout.h"

struct mo_key {
  __mo_u64 low, high; /* the secret's 16 bytes, little-endian */
};

enum { mo_sealed_words = 5 };

/* The tag is little-endian on every machine. */
static inline __attribute__((always_inline)) __mo_u64 mo_little_endian(__mo_u64 word) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  return __builtin_bswap64(word);
#else
  return word;
#endif
}

#define MO_TURN(x, bits) ((x) << (bits) | (x) >> (64 - (bits)))

static inline __attribute__((always_inline)) void mo_sip_round(__mo_u64 v[4]) {
  v[0] += v[1];
  v[1] = MO_TURN(v[1], 13) ^ v[0];
  v[0] = MO_TURN(v[0], 32);
  v[2] += v[3];
  v[3] = MO_TURN(v[3], 16) ^ v[2];
  v[0] += v[3];
  v[3] = MO_TURN(v[3], 21) ^ v[0];
  v[2] += v[1];
  v[1] = MO_TURN(v[1], 17) ^ v[2];
  v[2] = MO_TURN(v[2], 32);
}

#undef MO_TURN

/* `words` as they stand in the tag. */
static inline __attribute__((always_inline)) __mo_u64 mo_siphash(const __mo_u64* words,
                                                                 struct mo_key key) {
  __mo_u64 v[4] = {key.low ^ 0x736f6d6570736575ULL, key.high ^ 0x646f72616e646f6dULL,
                   key.low ^ 0x6c7967656e657261ULL, key.high ^ 0x7465646279746573ULL};
#pragma GCC unroll 6
  for (int i = 0; i <= mo_sealed_words; i++) {
    const __mo_u64 word =
        i < mo_sealed_words ? mo_little_endian(words[i]) : (__mo_u64)(mo_sealed_words * 8) << 56;
    v[3] ^= word;
    mo_sip_round(v);
    mo_sip_round(v);
    v[0] ^= word;
  }
  v[2] ^= 0xff;
  mo_sip_round(v);
  mo_sip_round(v);
  mo_sip_round(v);
  mo_sip_round(v);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#endif
